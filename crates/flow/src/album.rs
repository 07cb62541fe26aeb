//! A gallery's finished photos as one document.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use procession_domain::{
    GalleryId, PhotoId, Timestamp,
    album::{Album, AlbumFailure, AlbumFile, AlbumPhoto},
    capture::Capture,
    gallery::{Gallery, Rank, TimeZoneName},
    photo::{Finished, Photo, PhotoState, Refusal},
};
use procession_vision::{GuestCandidate, MomentEvidence, find_moments, group_guests};

use crate::{Result, System, ingest::blocking};

/// Everything of a gallery that is needed for its album.
pub(crate) struct Contents {
    pub gallery: Gallery,
    pub rank: Rank,
    pub photos: Vec<(Photo, PhotoState)>,
    pub refusals: Vec<Refusal>,
    pub embeddings: Vec<(PhotoId, usize, Vec<f32>)>,
}

impl Contents {
    /// Reads a gallery from the ledger. Embeddings are read only where the studio recorded consent.
    pub(crate) async fn read(system: &System, gallery: Gallery, rank: Rank) -> Result<Self> {
        let photos = system.ledger.photos(gallery.id).await?;
        let refusals = system.ledger.refusals(gallery.id).await?;
        let embeddings = if gallery.consent.faces { system.ledger.embeddings(gallery.id).await? } else { Vec::new() };
        Ok(Self { gallery, rank, photos, refusals, embeddings })
    }
}

/// The album of a gallery as it is now. Reads every photo's row and groups guests and moments: seconds for thousands of
/// photos, so callers keep it until something changes.
///
/// # Errors
/// `NotFound`; the ledger does not answer.
pub async fn read_album(system: &Arc<System>, gallery: GalleryId) -> Result<Album> {
    let (gallery, rank) = system.ledger.gallery(gallery).await?;
    let contents = Contents::read(system, gallery, rank).await?;
    let system = Arc::clone(system);
    blocking(move || album(&system, &contents)).await
}

/// Makes the album. Photos come in the order in which the moments hold them: there is one order of the day.
pub(crate) fn album(system: &System, contents: &Contents) -> Album {
    let Contents { gallery, rank, .. } = contents;
    let venue = gallery.wedding.as_ref().map_or_else(TimeZoneName::utc, |wedding| wedding.time_zone.clone());
    let (_, urgency_reason) = procession_plan::urgency(gallery.wedding.as_ref(), rank.since);
    let mut done: Vec<(&Photo, &Finished, Option<Timestamp>)> = contents
        .photos
        .iter()
        .filter_map(|(photo, state)| match state {
            PhotoState::Done(finished) => {
                Some((photo, finished.as_ref(), photo.capture.taken.map(|taken| taken.instant(&venue))))
            }
            PhotoState::Stored | PhotoState::Quarantined(_) => None,
        })
        .collect();
    let moments = moments(&done, &venue);
    let places: HashMap<PhotoId, usize> = moments.iter().flat_map(|moment| &moment.photos).copied().zip(0..).collect();
    done.sort_by_key(|(photo, ..)| places.get(&photo.id));
    let stems = file_stems(done.iter().map(|(photo, ..)| *photo));
    Album {
        schema: 1,
        gallery: gallery.id,
        title: gallery.title.clone(),
        wedding: gallery.wedding.clone(),
        consent: gallery.consent,
        urgency: rank.urgency,
        urgency_reason: urgency_reason.to_string(),
        opened_at: gallery.opened_at,
        deadline: rank.deadline,
        finished_at: done.iter().map(|(_, finished, _)| finished.finished_at).max(),
        receipt: None,
        moments,
        guests: guests(contents, &done),
        photos: done.iter().map(|(photo, finished, taken)| album_photo(photo, finished, *taken, &stems)).collect(),
        failures: failures(contents),
        notices: notices(system, gallery),
        engine: system.engine().to_owned(),
    }
}

fn album_photo(
    photo: &Photo,
    finished: &Finished,
    taken_at: Option<Timestamp>,
    stems: &HashMap<PhotoId, String>,
) -> AlbumPhoto {
    let files = finished.variants.iter().map(|variant| AlbumFile {
        variant: variant.name.clone(),
        format: variant.format,
        width: variant.width,
        height: variant.height,
        bytes: variant.bytes,
        hash: variant.hash,
        path: format!("{}/{}.{}", variant.name, stems[&photo.id], variant.format.extension()),
    });
    AlbumPhoto {
        id: photo.id,
        name: photo.name().to_owned(),
        names: photo.names.clone(),
        original: photo.original,
        bytes: photo.bytes,
        format: photo.format,
        width: photo.width,
        height: photo.height,
        taken_at,
        capture: Capture { gps: None, ..photo.capture.clone() },
        pipeline: finished.pipeline.clone(),
        pipeline_reason: finished.pipeline_reason.clone(),
        files: files.collect(),
        thumbhash: finished.thumbhash.clone(),
        analysis: finished.analysis.without_private_parts(),
        timings: finished.timings,
    }
}

/// A file name for each photo, without its extension: the original's, made safe, and told apart by the start of the photo's
/// id where two photos would get the same (`IMG_0001` of two cameras). It never depends on the order of the photos.
pub fn file_stems<'a>(photos: impl Iterator<Item = &'a Photo> + Clone) -> HashMap<PhotoId, String> {
    let mut owners: BTreeMap<String, u32> = BTreeMap::new();
    for photo in photos.clone() {
        *owners.entry(stem(photo).to_lowercase()).or_default() += 1;
    }
    let named = photos.map(|photo| {
        let stem = stem(photo);
        let alone = owners.get(&stem.to_lowercase()) == Some(&1);
        (photo.id, if alone { stem } else { format!("{stem}-{}", &photo.id.to_string()[..8]) })
    });
    named.collect()
}

fn stem(photo: &Photo) -> String {
    let file = photo.name().rsplit('/').next().unwrap_or_default();
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let is_safe = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ' | '(' | ')' | '.');
    let mut safe: String = stem.chars().map(|c| if is_safe(c) { c } else { '_' }).collect();
    while safe.len() > 120 {
        safe.pop();
    }
    let safe = safe.trim_matches(|c: char| c == '.' || c == ' ');
    if safe.is_empty() { "photo".to_owned() } else { safe.to_owned() }
}

fn moments(
    done: &[(&Photo, &Finished, Option<Timestamp>)],
    venue: &TimeZoneName,
) -> Vec<procession_domain::album::Moment> {
    let evidence: Vec<MomentEvidence<'_>> = done
        .iter()
        .map(|(photo, finished, taken)| MomentEvidence {
            photo: photo.id,
            name: photo.name(),
            taken_at: *taken,
            analysis: &finished.analysis,
        })
        .collect();
    find_moments(&evidence, venue)
}

fn guests(
    contents: &Contents,
    done: &[(&Photo, &Finished, Option<Timestamp>)],
) -> Vec<procession_domain::album::Guest> {
    let finished: HashMap<PhotoId, &Finished> = done.iter().map(|(photo, finished, _)| (photo.id, *finished)).collect();
    let candidates: Vec<GuestCandidate<'_>> = contents
        .embeddings
        .iter()
        .filter_map(|(photo, index, embedding)| {
            let face = finished.get(photo)?.analysis.faces.as_ref()?.get(*index)?;
            Some(GuestCandidate { photo: *photo, index: *index, face, embedding })
        })
        .collect();
    group_guests(&candidates)
}

fn failures(contents: &Contents) -> Vec<AlbumFailure> {
    let quarantined = contents.photos.iter().filter_map(|(photo, state)| match state {
        PhotoState::Quarantined(failure) => {
            Some(AlbumFailure { name: photo.name().to_owned(), stored: true, failure: failure.clone() })
        }
        PhotoState::Stored | PhotoState::Done(_) => None,
    });
    let refused = contents.refusals.iter().map(|refusal| AlbumFailure {
        name: refusal.name.clone(),
        stored: false,
        failure: refusal.failure.clone(),
    });
    let mut failures: Vec<AlbumFailure> = quarantined.chain(refused).collect();
    failures.sort_by(|a, b| a.name.cmp(&b.name));
    failures
}

fn notices(system: &System, gallery: &Gallery) -> Vec<String> {
    let mut notices = Vec::new();
    if !system.has_models() {
        notices.push(
            "No models are installed, so nobody looked for faces and moments: run `procession models fetch`, then the same \
             command again."
                .to_owned(),
        );
    }
    if gallery.wedding.is_none() {
        notices.push("No wedding date was given: the delivery is standard.".to_owned());
    }
    let stores: BTreeSet<String> = system.blobs.replicas().iter().map(|store| store.name()).collect();
    if stores.len() == 1 {
        notices.push("One store holds the originals. Add another disk with --store to have a second copy.".to_owned());
    }
    notices
}
