//! A gallery goes, and everything that was kept for it alone.
//!
//! The ledger forgets it at once. Its objects are deleted a while later, when nobody who began before is still writing some.
//! An original that another gallery has stays; one that arrives anew is safe, because its bytes are condemned in the ledger
//! before they are deleted, and nobody can stage a photo of condemned bytes.

use std::{sync::Arc, time::Duration};

use procession_domain::{Classified, ContentHash, GalleryId, Key, Kind, PhotoId, error::chain};
use procession_vault::{Document as _, Documents, Removal};
use tokio::sync::watch;

use crate::{Error, Result, System};

/// So long after a gallery was removed its objects are deleted: longer than any upload or job takes from its first step to
/// its last.
pub const REMOVAL_GRACE: Duration = Duration::from_secs(60 * 60);
/// Whoever deletes has so long for one batch until another may take over.
const CLAIM: Duration = Duration::from_secs(10 * 60);
/// Originals that are condemned at a time: few, because nobody can bring them meanwhile.
const BATCH: usize = 256;
/// How often it is looked for what is due.
const PERIOD: Duration = Duration::from_secs(60);

/// Removes a gallery for ever: from now on nothing in the ledger knows it, and nothing in the stores would bring it back.
/// Its objects follow after [`REMOVAL_GRACE`].
///
/// # Errors
/// `NotFound`. If a store does not answer, the gallery is still there; the same call can be made again.
pub async fn remove_gallery(system: &System, gallery: GalleryId) -> Result<()> {
    system.ledger.gallery(gallery).await?;
    // First: whoever rebuilds a ledger from the stores must not find a gallery that was removed.
    system.blobs.delete_below(&manifests(gallery)).await?;
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
/// A store or the ledger does not answer; what is left is due again later.
pub async fn delete_removed(system: &System) -> Result<u64> {
    let documents = system.documents();
    let mut deleted = 0;
    for due in documents.due::<Removal>(system.clock.now(), BATCH).await? {
        deleted += finish(system, &documents, due.document, due.version).await?;
    }
    Ok(deleted)
}

/// Carries one removal out, batch by batch, each under a claim that is written first. Whoever finds that another has claimed
/// it leaves it alone.
async fn finish(system: &System, documents: &Documents, mut removal: Removal, mut version: i64) -> Result<u64> {
    let mut deleted = 0;
    loop {
        removal.due_at = system.clock.now().after(CLAIM);
        version = match documents.replace(&removal, version).await {
            Err(error) if matches!(error.kind(), Kind::Conflict | Kind::NotFound) => return Ok(deleted),
            other => other?,
        };
        if removal.originals.is_empty() {
            break;
        }
        let rest = removal.originals.split_off(removal.originals.len().min(BATCH));
        deleted += delete_batch(system, &removal).await?;
        removal.originals = rest;
    }
    documents.delete::<Removal>(&removal.id()).await?;
    Ok(deleted)
}

/// Deletes those of the removal's originals that no gallery has, with everything that was made of them, and all manifests.
async fn delete_batch(system: &System, removal: &Removal) -> Result<u64> {
    let condemned = system.ledger.condemn_originals(removal, &removal.originals).await?;
    let outcome = delete_condemned(system, removal, &condemned).await;
    // Whatever is deleted or not: whoever brings it again from here on finds out what is there.
    system.ledger.pardon_originals(removal).await?;
    outcome?;
    // Manifests that an upload wrote while the gallery was removed, of originals that others have. If there is a gallery with
    // this id again, they may be its own.
    match system.ledger.gallery(removal.gallery).await {
        Err(error) if error.kind() == Kind::NotFound => {
            for original in &removal.originals {
                system.blobs.delete(&manifest(removal.gallery, original)).await?;
            }
            system.ledger.delete_documents(&removal.gallery.to_string()).await?;
        }
        other => drop(other?),
    }
    Ok(condemned.len() as u64)
}

async fn delete_condemned(system: &System, removal: &Removal, condemned: &[ContentHash]) -> Result<()> {
    for original in condemned {
        // Long before another takes over: it may pardon what this one would still delete.
        if removal.due_at.since(system.clock.now()) < CLAIM / 2 {
            return Err(Error::Slow { gallery: removal.gallery });
        }
        system.blobs.delete(&manifest(removal.gallery, original)).await?;
        system.blobs.delete(&Key::Preview(*original)).await?;
        system.blobs.delete_below(&Key::variants_of(original)).await?;
        // Last: as long as it is there, it is known what the rest was made of.
        system.blobs.delete(&Key::Original(*original)).await?;
    }
    Ok(())
}

fn manifest(gallery: GalleryId, original: &ContentHash) -> Key {
    Key::Manifest(gallery, PhotoId::of(gallery, original))
}

fn manifests(gallery: GalleryId) -> String {
    format!("{}{gallery}/", Key::MANIFESTS)
}
