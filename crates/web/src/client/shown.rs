//! A gallery as clients get it: the corrected album, and the first looks of photos whose turn has not come.
//!
//! Scripts get it in parts: an overview that the layout needs, the same for everybody and kept until something changes, and
//! the details of some photos at a time.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use axum::{
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use bytes::Bytes;
use procession_domain::{
    GalleryId, PhotoId, Timestamp,
    album::{AlbumFile, AlbumPhoto},
    capture::Capture,
    gallery::{Progress, TimeZoneName},
    photo::{Photo, PhotoState},
    recipe::OutputFormat,
};
use procession_flow::PREVIEW_EDGE;
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::{answers::tagged_json, visit::Visit};
use crate::{
    Problem, Result, Service,
    album::{
        data::{Numbered, PageGuest, PageMoment, Place},
        details::{Details, Files, Look},
    },
    albums::Corrected,
    deliver::ImageName,
};

/// Overviews that are kept: about 100 bytes a photo.
const KEPT: usize = 32;
/// As for albums: while photos are being finished, an overview is made anew when it is as many times older as it took to make.
const PATIENCE: u32 = 20;
/// Photos whose details come with the overview: more than the first screen shows.
const FIRST: usize = 60;
/// Guests whose portraits are drawn at once.
const FIRST_GUESTS: usize = 24;
/// Photos whose details one request gets at most.
const MOST_DETAILS: usize = 200;
/// The name of the variant that is there before all others.
const PREVIEW: &str = "preview";

/// A gallery as clients get it.
pub(crate) struct Shown {
    pub(crate) corrected: Arc<Corrected>,
    /// Photos that are safe but not finished, in the order of the day: their only file is the preview.
    pub(crate) coming: Vec<AlbumPhoto>,
    numbers: HashMap<PhotoId, usize>,
    look: Look,
    overview: Bytes,
    progress: Progress,
    /// Addresses of images are the same for so long.
    window: i64,
    made_at: Timestamp,
    took: Duration,
}

/// The galleries that were looked at lately.
pub(super) struct Galleries {
    kept: Cache<GalleryId, Arc<Shown>>,
    /// One at a time is made, and whoever waited for the same finds it made.
    making: Mutex<()>,
}

impl Default for Galleries {
    fn default() -> Self {
        Self { kept: Cache::new(KEPT), making: Mutex::default() }
    }
}

/// What a page's scripts get first.
#[derive(Serialize)]
struct Overview<'a> {
    photos: Vec<Place>,
    moments: Vec<PageMoment<'a>>,
    guests: Vec<PageGuest<'a>>,
    details: Details<'a>,
    /// So many photos are shown by their previews.
    coming: usize,
}

impl Shown {
    /// A gallery as it is now, or was moments ago while photos are being finished.
    ///
    /// # Errors
    /// 404; the ledger does not answer.
    pub(crate) async fn of(service: &Arc<Service>, id: GalleryId) -> Result<Arc<Self>> {
        let corrected = service.albums.album(id).await?;
        let progress = service.system.ledger.progress(id).await?;
        let now = service.system.clock.now();
        let window = window(service, now);
        let current = || {
            let kept = service.clients.galleries.kept.get(&id)?;
            let is_fresh = now.since(kept.made_at) < kept.took * PATIENCE;
            let is_same = Arc::ptr_eq(&kept.corrected, &corrected) && kept.window == window;
            (is_same && (kept.progress == progress || is_fresh)).then_some(kept)
        };
        if let Some(gallery) = current() {
            return Ok(gallery);
        }
        let _turn = service.clients.galleries.making.lock().await;
        if let Some(gallery) = current() {
            return Ok(gallery);
        }
        let photos = progress.waiting + progress.working + progress.done;
        let has_all = photos == corrected.album.photos.len() as u64;
        let photos = if has_all { Vec::new() } else { service.system.ledger.photos(id).await? };
        let making = Arc::clone(service);
        let made = tokio::task::spawn_blocking(move || Self::make(&making, corrected, photos, progress, now)).await;
        let gallery = Arc::new(made.map_err(|error| internal(&error))??);
        service.clients.galleries.kept.insert(id, Arc::clone(&gallery));
        Ok(gallery)
    }

    fn make(
        service: &Service,
        corrected: Arc<Corrected>,
        photos: Vec<(Photo, PhotoState)>,
        progress: Progress,
        now: Timestamp,
    ) -> Result<Self> {
        let album = &corrected.album;
        let venue = album.wedding.as_ref().map_or_else(TimeZoneName::utc, |wedding| wedding.time_zone.clone());
        let known: BTreeSet<PhotoId> = album.photos.iter().map(|photo| photo.id).collect();
        let coming = photos.into_iter().filter(|(photo, state)| {
            // One that was finished a moment ago may not be in the album yet.
            !matches!(state, PhotoState::Quarantined(_)) && !known.contains(&photo.id)
        });
        let mut coming: Vec<AlbumPhoto> = coming.map(|(photo, _)| first_look(photo, &venue)).collect();
        coming.sort_by(|a, b| {
            (a.taken_at.is_none(), a.taken_at, &a.name).cmp(&(b.taken_at.is_none(), b.taken_at, &b.name))
        });
        let numbered = Numbered::of(album, &coming);
        let mut moments = numbered.moments();
        // Why a moment was cut where it was is the studio's business.
        moments.iter_mut().for_each(|moment| moment.reason = "");
        let guests = guests(&numbered);
        let covers = guests.iter().take(FIRST_GUESTS).map(|guest| guest.cover.0);
        let first: BTreeSet<usize> = (0..numbered.photos.len().min(FIRST)).chain(covers).collect();
        let address = |photo: &AlbumPhoto, file: &AlbumFile| address(service, now, photo, file);
        let first = first.into_iter().map(|at| numbered.photos[at]);
        let details = Details::of(first, numbered.look(), Files::At(&address));
        let overview = Overview { photos: numbered.places(), moments, guests, details, coming: coming.len() };
        let overview = json(&overview)?;
        let (look, numbers) = (numbered.look().clone(), numbered.into_numbers());
        let took = service.system.clock.now().since(now);
        let window = window(service, now);
        Ok(Self { numbers, look, overview, progress, window, made_at: now, took, coming, corrected })
    }

    /// All photos that are shown.
    pub(crate) fn len(&self) -> usize {
        self.corrected.album.photos.len() + self.coming.len()
    }

    /// All photos that are shown, in their order.
    pub(crate) fn photos(&self) -> impl Iterator<Item = &AlbumPhoto> {
        self.corrected.album.photos.iter().chain(&self.coming)
    }

    /// A photo that is shown.
    pub(crate) fn find(&self, id: PhotoId) -> Option<&AlbumPhoto> {
        self.photos().nth(*self.numbers.get(&id)?)
    }

    /// A photo that is shown by its preview.
    pub(crate) fn is_coming(&self, id: PhotoId) -> bool {
        self.numbers.get(&id).is_some_and(|number| *number >= self.corrected.album.photos.len())
    }

    fn details(&self, service: &Service, from: PhotoId, count: usize) -> Result<Bytes> {
        let start = *self.numbers.get(&from).ok_or_else(|| Problem::not_found(format!("photo {from}")))?;
        let now = service.system.clock.now();
        let address = |photo: &AlbumPhoto, file: &AlbumFile| address(service, now, photo, file);
        json(&Details::of(self.photos().skip(start).take(count), &self.look, Files::At(&address)))
    }
}

/// The guests by whom clients can look for photos: not hidden, and known by a name or from more than one photo.
pub(super) fn guests<'a>(numbered: &Numbered<'a>) -> Vec<PageGuest<'a>> {
    let mut guests = numbered.guests();
    guests.retain(|guest| guest.named || guest.photos.len() > 1);
    guests
}

/// The signed address of a file of a photo.
pub(super) fn address(service: &Service, now: Timestamp, photo: &AlbumPhoto, file: &AlbumFile) -> String {
    let hash = if file.variant == PREVIEW { &photo.original } else { &file.hash };
    let name = ImageName::new(&file.variant, photo.id, hash, file.format.extension());
    name.sign(&service.keyring, now, service.settings.url_life)
}

fn window(service: &Service, now: Timestamp) -> i64 {
    now.micros() / 1_000_000 / (service.settings.url_life.as_secs().max(1) as i64)
}

/// A photo of which there is the preview alone.
fn first_look(photo: Photo, venue: &TimeZoneName) -> AlbumPhoto {
    let scale = (f64::from(PREVIEW_EDGE) / f64::from(photo.width.max(photo.height).max(1))).min(1.0);
    let scaled = |side: u32| (f64::from(side) * scale).round().max(1.0) as u32;
    let preview = AlbumFile {
        variant: PREVIEW.to_owned(),
        format: OutputFormat::Jpeg,
        width: scaled(photo.width),
        height: scaled(photo.height),
        bytes: 0,
        hash: photo.original,
        path: String::new(),
    };
    AlbumPhoto {
        id: photo.id,
        name: photo.name().to_owned(),
        taken_at: photo.capture.taken.map(|taken| taken.instant(venue)),
        names: photo.names,
        original: photo.original,
        bytes: photo.bytes,
        format: photo.format,
        width: photo.width,
        height: photo.height,
        capture: Capture { gps: None, ..photo.capture },
        pipeline: String::new(),
        pipeline_reason: String::new(),
        files: vec![preview],
        thumbhash: String::new(),
        analysis: Default::default(),
        timings: Default::default(),
    }
}

fn json(value: &impl Serialize) -> Result<Bytes> {
    serde_json::to_vec(value).map(Bytes::from).map_err(|error| internal(&error))
}

fn internal(error: &dyn std::error::Error) -> Problem {
    tracing::error!(%error, "a gallery could not be made for clients");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "internal error; the log has the details")
}

/// What a page's scripts ask for first.
pub(super) async fn overview(
    State(service): State<Arc<Service>>,
    visit: Visit,
    headers: HeaderMap,
) -> Result<Response> {
    let gallery = Shown::of(&service, visit.gallery.id).await?;
    Ok(tagged_json(&headers, gallery.overview.clone()))
}

/// Some photos in the gallery's order.
#[derive(Deserialize)]
pub(super) struct Stretch {
    from: PhotoId,
    count: usize,
}

/// The details of some photos.
pub(super) async fn details(
    State(service): State<Arc<Service>>,
    visit: Visit,
    headers: HeaderMap,
    Query(stretch): Query<Stretch>,
) -> Result<Response> {
    let gallery = Shown::of(&service, visit.gallery.id).await?;
    Ok(tagged_json(&headers, gallery.details(&service, stretch.from, stretch.count.min(MOST_DETAILS))?))
}
