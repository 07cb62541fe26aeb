//! A gallery goes, and everything that was kept for it alone.
//!
//! The ledger forgets it at once. Its objects are deleted a while later, when nobody who began before is still writing some.
//! An original that another gallery has stays; one that arrives anew is safe, because its bytes are condemned in the ledger
//! before they are deleted, and nobody can stage a photo of condemned bytes.

use std::{collections::HashSet, sync::Arc, time::Duration};

use futures::{StreamExt as _, stream};
use procession_domain::{Classified, ContentHash, GalleryId, Key, Kind, PhotoId, error::chain};
use procession_vault::{Document as _, Removal};
use tokio::sync::watch;

use crate::{Error, Result, System};

/// So long after a gallery was removed its objects are deleted: longer than any upload or job takes from its first step to
/// its last.
pub const REMOVAL_GRACE: Duration = Duration::from_secs(60 * 60);
/// Whoever deletes has so long for one batch until another may take over.
const CLAIM: Duration = Duration::from_secs(10 * 60);
/// Originals that are condemned at a time: few, because nobody can bring them meanwhile.
const BATCH: usize = 256;
/// Of these, so many are deleted side by side.
const AT_A_TIME: usize = 8;
/// How often it is looked for what is due.
const PERIOD: Duration = Duration::from_secs(60);

/// Removes a gallery for ever: from now on nothing in the ledger knows it, and nothing in the stores would bring it back.
/// Its objects follow after [`REMOVAL_GRACE`]; those in a store that is away, when it is back.
///
/// # Errors
/// `NotFound`; the ledger does not answer.
pub async fn remove_gallery(system: &System, gallery: GalleryId) -> Result<()> {
    system.ledger.gallery(gallery).await?;
    // First: whoever rebuilds a ledger from the stores must not find a gallery that was removed.
    if let Err(error) = system.blobs.delete_below(&manifests(gallery)).await {
        tracing::warn!(gallery.id = %gallery, error = chain(&error), "a store keeps manifests of a removed gallery until later");
    }
    let now = system.clock.now();
    system.ledger.remove_gallery(gallery, now, now.after(REMOVAL_GRACE)).await?;
    Ok(())
}

/// Deletes what removed galleries left and is due, again and again, until `stop` says so.
pub async fn keep_deleting_removed(system: Arc<System>, mut stop: watch::Receiver<bool>) {
    let mut tick = tokio::time::interval(PERIOD);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        if let Err(error) = delete_removed(&system).await {
            tracing::warn!(error = chain(&error), "objects of removed galleries could not be deleted; trying again");
        }
    }
}

/// Deletes what removed galleries left and is due. Returns how many originals that were.
///
/// # Errors
/// A store or the ledger does not answer: what could not be deleted, and nothing else, is due again later.
pub async fn delete_removed(system: &System) -> Result<u64> {
    let (mut deleted, mut outcome) = (0, Ok(()));
    for due in system.documents().due::<Removal>(system.clock.now(), BATCH).await? {
        outcome = outcome.and(finish(system, due.document, due.version, &mut deleted).await);
    }
    outcome.map(|()| deleted)
}

/// Carries one removal out, batch by batch, each under a claim that is written first. Whoever finds that another has claimed
/// it leaves it alone. What a store does not delete stays in the removal, behind what was not tried yet.
async fn finish(system: &System, mut removal: Removal, mut version: i64, deleted: &mut u64) -> Result<()> {
    let documents = system.documents();
    let (mut untried, mut outcome) = (removal.originals.len(), Ok(()));
    loop {
        removal.due_at = system.clock.now().after(CLAIM);
        version = match documents.replace(&removal, version).await {
            Err(error) if matches!(error.kind(), Kind::Conflict | Kind::NotFound) => return outcome,
            other => other?,
        };
        if untried == 0 {
            break;
        }
        let batch: Vec<ContentHash> = removal.originals.drain(..untried.min(BATCH)).collect();
        untried -= batch.len();
        for (original, tried) in delete_batch(system, &removal, &batch).await? {
            match tried {
                Ok(was_deleted) => *deleted += u64::from(was_deleted),
                Err(error) => {
                    removal.originals.push(original);
                    outcome = outcome.and(Err(error));
                }
            }
        }
    }
    if removal.originals.is_empty() {
        if is_gone(system, removal.gallery).await? {
            system.ledger.delete_documents(&removal.gallery.to_string()).await?;
        }
        documents.delete::<Removal>(&removal.id()).await?;
    }
    outcome
}

/// Deletes those of the originals that no gallery has, with everything that was made of them, and all their manifests. Returns of
/// each whether it was deleted.
async fn delete_batch(
    system: &System,
    removal: &Removal,
    batch: &[ContentHash],
) -> Result<Vec<(ContentHash, Result<bool>)>> {
    let condemned: HashSet<ContentHash> = system.ledger.condemn_originals(removal, batch).await?.into_iter().collect();
    // If there is a gallery with this id again, the manifest may be its own.
    let is_gone = is_gone(system, removal.gallery).await;
    let delete = async |original: ContentHash| {
        if condemned.contains(&original) {
            return delete_condemned(system, removal, &original).await.map(|()| true);
        }
        // One that an upload wrote while the gallery was removed, of an original that others have.
        if matches!(is_gone, Ok(true)) {
            system.blobs.delete(&manifest(removal.gallery, &original)).await?;
        }
        Ok(false)
    };
    let tried = batch.iter().copied().map(async |original| (original, delete(original).await));
    let tried = stream::iter(tried).buffer_unordered(AT_A_TIME).collect().await;
    // Whatever is deleted or not: whoever brings it again from here on finds out what is there.
    system.ledger.pardon_originals(removal).await?;
    is_gone.map(|_| tried)
}

async fn is_gone(system: &System, gallery: GalleryId) -> Result<bool> {
    match system.ledger.gallery(gallery).await {
        Ok(_) => Ok(false),
        Err(error) if error.kind() == Kind::NotFound => Ok(true),
        Err(error) => Err(error.into()),
    }
}

async fn delete_condemned(system: &System, removal: &Removal, original: &ContentHash) -> Result<()> {
    // Long before another takes over: it may pardon what this one would still delete.
    if removal.due_at.since(system.clock.now()) < CLAIM / 2 {
        return Err(Error::Slow { gallery: removal.gallery });
    }
    system.blobs.delete(&manifest(removal.gallery, original)).await?;
    system.blobs.delete(&Key::Preview(*original)).await?;
    system.blobs.delete_below(&Key::variants_of(original)).await?;
    // Last: as long as it is there, it is known what the rest was made of.
    Ok(system.blobs.delete(&Key::Original(*original)).await?)
}

fn manifest(gallery: GalleryId, original: &ContentHash) -> Key {
    Key::Manifest(gallery, PhotoId::of(gallery, original))
}

fn manifests(gallery: GalleryId) -> String {
    format!("{}{gallery}/", Key::MANIFESTS)
}
