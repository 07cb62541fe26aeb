//! A gallery is opened, changed, and given its place in the schedule.

use std::collections::HashSet;

use procession_domain::{
    Classified, Key, Kind, PhotoId, Region, Timestamp,
    gallery::{Gallery, PipelineChoice, Rank},
    photo::PhotoState,
};

use crate::{Event, Events, Result, System, correction::forget_guests, life::no_pipeline};

/// Opens a gallery, or changes one that is open: its promise keeps counting from the same moment. Where the studio has no
/// consent for faces, what was known of them is erased.
///
/// # Errors
/// `Invalid` if its pipeline is not configured; `Conflict` if it is another studio's.
pub async fn open_gallery(system: &System, mut gallery: Gallery, events: &Events) -> Result<(Gallery, Rank)> {
    let known = match system.ledger.gallery(gallery.id).await {
        Ok((known, rank)) => {
            gallery.opened_at = known.opened_at;
            Some(rank)
        }
        Err(error) if error.kind() == Kind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    let (rank, reason) = rank_of(system, &gallery, known.map_or(gallery.opened_at, |rank| rank.since))?;
    let gallery = system.ledger.open_gallery(&gallery, &rank).await?;
    if known.is_none() && system.settings.region != Region::local() {
        // Its originals will be near.
        let region = &system.settings.region;
        let why = format!("it was opened in {region}");
        system.ledger.place_gallery(gallery.id, Some(region), &why).await?;
    }
    opened(system, &gallery, rank, reason, events).await?;
    Ok((gallery, rank))
}

/// Changes a gallery that still is as it is `known`. Where the studio has no consent for faces any more, what was known of
/// them is erased; where there is new consent, or another pipeline, photos are put back to work.
///
/// # Errors
/// `Conflict` if somebody else changed it; `NotFound`; `Invalid` if its pipeline is not configured.
pub async fn change_gallery(system: &System, known: &Gallery, wanted: &Gallery, events: &Events) -> Result<Rank> {
    let (_, rank) = system.ledger.gallery(known.id).await?;
    let (rank, reason) = rank_of(system, wanted, rank.since)?;
    system.ledger.update_gallery(wanted, &rank, known).await?;
    opened(system, wanted, rank, reason, events).await?;
    if (wanted.consent.faces && !known.consent.faces) || wanted.pipeline != known.pipeline {
        redo_outdated(system, wanted).await?;
    }
    Ok(rank)
}

/// What follows when a gallery has new settings.
async fn opened(system: &System, gallery: &Gallery, rank: Rank, reason: String, events: &Events) -> Result<()> {
    if !gallery.consent.faces {
        // In this order: the ledger overwrites what was deleted when it erases embeddings.
        forget_guests(&system.documents(), gallery.id).await?;
        system.ledger.erase_embeddings(gallery.id).await?;
    }
    let Rank { urgency, deadline, .. } = rank;
    events.tell(gallery.id, Event::GalleryOpened { title: gallery.title.clone(), urgency, reason, deadline });
    Ok(())
}

/// The place in the schedule of a gallery whose promise counts from then, and why.
///
/// # Errors
/// `Invalid` if its pipeline is not configured.
pub(crate) fn rank_of(system: &System, gallery: &Gallery, since: Timestamp) -> Result<(Rank, String)> {
    if matches!(&gallery.pipeline, PipelineChoice::Named(name) if !system.settings.pipelines.contains_key(name)) {
        return Err(no_pipeline(system, gallery));
    }
    let promises = &system.settings.promises;
    let (urgency, reason) = procession_plan::urgency(gallery.wedding.as_ref(), since);
    let margin = procession_plan::default_margin(promises.of(urgency));
    let rank = procession_plan::rank(since, urgency, promises, margin);
    Ok((rank, reason.to_string()))
}

/// Puts photos back to work that were finished by another recipe or engine than today's, or before there was consent.
/// Returns how many.
///
/// # Errors
/// The ledger does not answer.
pub async fn redo_outdated(system: &System, gallery: &Gallery) -> Result<u64> {
    let embedded: HashSet<PhotoId> =
        system.ledger.embeddings(gallery.id).await?.into_iter().map(|(photo, ..)| photo).collect();
    let photos = system.ledger.photos(gallery.id).await?;
    let outdated = photos.iter().filter(|(photo, state)| match state {
        PhotoState::Stored => false,
        // Another engine, other limits or more memory may do it now.
        PhotoState::Quarantined(_) => true,
        PhotoState::Done(finished) => {
            let pipeline = system.settings.pipelines.get(&finished.pipeline);
            let other_recipe = pipeline.is_none_or(|now| system.fingerprint(now) != finished.fingerprint);
            let other_choice = matches!(&gallery.pipeline, PipelineChoice::Named(name) if *name != finished.pipeline);
            let has_faces = finished.analysis.faces.as_ref().is_some_and(|faces| !faces.is_empty());
            let new_consent =
                gallery.consent.faces && system.has_models() && has_faces && !embedded.contains(&photo.id);
            other_recipe || other_choice || new_consent
        }
    });
    let outdated: Vec<PhotoId> = outdated.map(|(photo, _)| photo.id).collect();
    if outdated.is_empty() {
        return Ok(0);
    }
    let count = system.ledger.redo_photos(&outdated).await?;
    system.wake.notify_one();
    // What is done anew is promised anew.
    let (rank, _) = rank_of(system, gallery, system.clock.now())?;
    match system.ledger.update_gallery(gallery, &rank, gallery).await {
        Err(error) if error.kind() != Kind::Conflict => Err(error.into()),
        _ => Ok(count),
    }
}

/// Puts a photo back to work of which the vault has lost an output, or holds a damaged one, which is removed: it could not be
/// replaced.
///
/// # Errors
/// The ledger or the vault does not answer.
pub async fn remake(system: &System, photo: PhotoId, output: &Key) -> Result<()> {
    tracing::warn!(photo.id = %photo, object = %output, "output lost or damaged; its photo is processed again");
    system.blobs.delete(output).await?;
    system.ledger.redo_photos(&[photo]).await?;
    system.wake.notify_one();
    Ok(())
}
