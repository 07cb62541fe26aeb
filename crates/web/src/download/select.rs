//! Which files an archive has.

use std::collections::{HashMap, HashSet};

use axum::http::StatusCode;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::civil::DateTime;
use procession_domain::{
    FaceRef, GalleryId, Key, PhotoId,
    gallery::{Gallery, TimeZoneName},
    photo::{Photo, PhotoState},
    recipe::Fingerprint,
    variant::Variant,
};
use procession_flow::{System, file_stems};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    checksum::{File, checksum},
    list::Item,
};
use crate::{Problem, Result, Service, deliver::to_keep};

/// Rows that are read at a time: a gallery's photos have megabytes of analysis, which is not kept.
const PAGE: usize = 500;
/// Checksums that are computed at the same time, where they are not known.
const CHECKSUMS: usize = 4;

/// An archive to be made.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Which photos.
    pub(crate) of: Of,
    /// Which of their files.
    pub(crate) files: Files,
    /// Each moment of the day in a folder of its own.
    #[serde(default)]
    pub(crate) by_moment: bool,
}

/// Photos of a gallery.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Of {
    /// All of them: `true`.
    Gallery(bool),
    /// Those of the moment with this index.
    Moment(usize),
    /// Those that show the guest who has this face.
    #[schema(value_type = String)]
    Guest(FaceRef),
    /// These.
    #[schema(value_type = Vec<String>)]
    Photos(Vec<PhotoId>),
}

/// Files of a photo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Files {
    /// What came from the camera.
    Originals,
    /// The largest finished image of the whole photo.
    Full,
    /// The largest that is for screens.
    Web,
}

/// An archive that can be fetched.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Made {
    /// Its address. Needs no key; a download that broke off can go on.
    pub(crate) url: String,
    /// Its length.
    pub(crate) bytes: u64,
    /// The photos in it.
    pub(crate) photos: usize,
    /// Photos that are not in it, because they cannot be processed; their originals are safe.
    pub(crate) left_out: usize,
}

/// What was selected.
pub(super) struct Selected {
    pub(super) title: String,
    pub(super) items: Vec<Item>,
    pub(super) left_out: usize,
}

/// A photo's row without what the models saw.
struct Candidate {
    photo: Photo,
    state: State,
}

enum State {
    Waiting,
    Impossible,
    Done(Fingerprint, Vec<Variant>),
}

/// Photos, and what people call them if they are not the whole gallery.
struct Chosen {
    photos: Vec<PhotoId>,
    name: Option<String>,
}

/// The files that are wanted of a gallery, in the order of the album or of their names.
pub(super) async fn select(service: &Service, gallery: &Gallery, wanted: &Wanted) -> Result<Selected> {
    let candidates = candidates(&service.system, gallery.id).await?;
    let stems = file_stems(candidates.values().map(|candidate| &candidate.photo));
    let chosen = choose(service, gallery.id, &wanted.of, &candidates).await?;
    let folders = if wanted.by_moment { folders(service, gallery.id).await? } else { HashMap::new() };
    let venue = gallery.wedding.as_ref().map_or_else(TimeZoneName::utc, |wedding| wedding.time_zone.clone());
    let (mut files, mut waiting, mut left_out) = (Vec::new(), 0, 0);
    for candidate in chosen.photos.iter().filter_map(|id| candidates.get(id)) {
        let Candidate { photo, state } = candidate;
        match candidate.file(wanted.files) {
            Some(file) => {
                let folder = folders.get(&photo.id).map(|folder| format!("{folder}/")).unwrap_or_default();
                let name = format!("{folder}{}.{}", stems[&photo.id], file.extension);
                files.push((photo.id, name, taken(photo, &venue), file));
            }
            None if matches!(state, State::Waiting) => waiting += 1,
            None => left_out += 1,
        }
    }
    if waiting > 0 {
        let detail = format!("{waiting} photos are not finished; ask again later, or for the originals");
        return Err(Problem::new(StatusCode::CONFLICT, "not_finished", detail));
    }
    if files.is_empty() {
        return Err(Problem::invalid("there are no photos for this archive"));
    }
    let items = stream::iter(files).map(async |(photo, name, taken, file)| {
        let crc32 = checksum(service, gallery.id, &file).await?;
        let File { variant, hash, bytes, .. } = file;
        Ok::<_, Problem>(Item { photo, variant, name, hash, bytes, crc32, taken })
    });
    let items = items.buffered(CHECKSUMS).try_collect().await?;
    let title = chosen.name.map_or_else(|| gallery.title.clone(), |name| format!("{} - {name}", gallery.title));
    Ok(Selected { title, items, left_out })
}

async fn candidates(system: &System, gallery: GalleryId) -> Result<HashMap<PhotoId, Candidate>> {
    let (mut candidates, mut after) = (HashMap::new(), None);
    loop {
        let page = system.ledger.photos_page(gallery, after, PAGE).await?;
        let is_last = page.len() < PAGE;
        after = page.last().map(|(photo, _)| photo.id);
        candidates.extend(page.into_iter().map(|(photo, state)| (photo.id, Candidate::of(photo, state))));
        if is_last {
            return Ok(candidates);
        }
    }
}

async fn choose(
    service: &Service,
    gallery: GalleryId,
    of: &Of,
    candidates: &HashMap<PhotoId, Candidate>,
) -> Result<Chosen> {
    let (photos, name) = match of {
        Of::Gallery(false) => return Err(Problem::invalid("of.gallery: give true, or another selection")),
        Of::Gallery(true) => {
            let mut all: Vec<&Photo> = candidates.values().map(|candidate| &candidate.photo).collect();
            all.sort_by_key(|photo| (photo.name(), photo.id));
            (all.into_iter().map(|photo| photo.id).collect(), None)
        }
        Of::Moment(index) => {
            let corrected = service.albums.album(gallery).await?;
            let moment = corrected.album.moments.get(*index);
            let moment = moment.ok_or_else(|| Problem::not_found(format!("moment {index}")))?;
            (moment.photos.clone(), Some(moment.title.clone()))
        }
        Of::Guest(face) => {
            let corrected = service.albums.album(gallery).await?;
            let guest = corrected.album.guest_with(*face);
            let guest = guest.ok_or_else(|| Problem::not_found(format!("guest {face}")))?;
            (guest.faces.iter().map(|face| face.photo).collect(), Some(guest.name.clone()))
        }
        Of::Photos(photos) => {
            if let Some(unknown) = photos.iter().find(|id| !candidates.contains_key(id)) {
                return Err(Problem::not_found(format!("photo {unknown}")));
            }
            let mut seen = HashSet::new();
            let photos: Vec<PhotoId> = photos.iter().copied().filter(|id| seen.insert(*id)).collect();
            let name = format!("{} photos", photos.len());
            (photos, Some(name))
        }
    };
    Ok(Chosen { photos, name })
}

/// A folder for each moment, in their order.
async fn folders(service: &Service, gallery: GalleryId) -> Result<HashMap<PhotoId, String>> {
    let corrected = service.albums.album(gallery).await?;
    let moments = corrected.album.moments.iter().zip(1..);
    let folders = moments.flat_map(|(moment, number)| {
        let folder = format!("{number:02} {}", moment.title.replace('/', "-"));
        moment.photos.iter().map(move |photo| (*photo, folder.clone()))
    });
    Ok(folders.collect())
}

impl Candidate {
    fn of(photo: Photo, state: PhotoState) -> Self {
        let state = match state {
            PhotoState::Stored => State::Waiting,
            PhotoState::Quarantined(_) => State::Impossible,
            PhotoState::Done(finished) => State::Done(finished.fingerprint, finished.variants),
        };
        Self { photo, state }
    }

    /// The file that is wanted of this photo, if there is one.
    fn file(&self, wanted: Files) -> Option<File> {
        let Photo { original, bytes, crc32, width, height, .. } = self.photo;
        let (fingerprint, variants) = match (&self.state, wanted) {
            (_, Files::Originals) => {
                let extension = extension(&self.photo);
                return Some(File {
                    key: Key::Original(original),
                    variant: None,
                    hash: original,
                    bytes,
                    crc32,
                    extension,
                });
            }
            (State::Done(fingerprint, variants), Files::Full | Files::Web) => (*fingerprint, variants),
            (State::Waiting | State::Impossible, _) => return None,
        };
        let variant = to_keep((width, height), variants, wanted == Files::Web)?;
        let Variant { name, format, bytes, hash, crc32, .. } = variant.clone();
        Some(File {
            key: Key::Variant { original, fingerprint, name: name.clone(), format },
            extension: format.extension().to_owned(),
            variant: Some((name, format)),
            hash,
            bytes,
            crc32,
        })
    }
}

/// The extension under which it came: only that tells one RAW from another.
fn extension(photo: &Photo) -> String {
    let file = photo.name().rsplit('/').next().unwrap_or_default();
    let given = file.rsplit_once('.').map(|(_, extension)| extension).filter(|extension| !extension.is_empty());
    given.unwrap_or(photo.format.extension()).to_owned()
}

/// What the clock at the place showed when it was taken; when it came, where nobody knows that.
fn taken(photo: &Photo, venue: &TimeZoneName) -> DateTime {
    let came = || venue.rules().to_datetime(photo.stored_at.calendar());
    photo.capture.taken.map_or_else(came, |taken| taken.local)
}
