//! The photos of a gallery, and the files that it did not take.

mod original;

use std::sync::Arc;

use axum::extract::State;
use procession_domain::{
    ContentHash, GalleryId, PhotoId, Timestamp,
    gallery::{Gallery, TimeZoneName},
    photo::{Failure, Finished, Format, Photo, PhotoState, Refusal},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Json, OfGallery, Page, Paging, Path, Query};
use crate::{
    Problem, Result, Service,
    access::{Caller, Scope},
    deliver::{ImageView, Sources},
};

pub(crate) use original::{__path_original, original, send_original};

/// A photo.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PhotoView {
    /// 24 hex digits.
    #[schema(value_type = String)]
    id: PhotoId,
    /// What people are shown: the first of `names`.
    name: String,
    /// Every path under which these bytes came.
    names: Vec<String>,
    /// How far it is.
    state: PhotoStage,
    /// Why it is quarantined.
    failure: Option<FailureView>,
    /// Length of the original in bytes.
    bytes: u64,
    /// How the original is written: `jpeg`, `png`, `tiff`, `webp`, `heif`, `avif` or `raw`.
    #[schema(value_type = String)]
    format: Format,
    /// Width in pixels, upright.
    width: u32,
    /// Height in pixels, upright.
    height: u32,
    /// BLAKE3 of the original's bytes, 64 hex digits.
    #[schema(value_type = String)]
    original: ContentHash,
    /// The moment of the exposure, where the camera wrote it.
    #[schema(value_type = Option<String>, format = DateTime)]
    taken_at: Option<Timestamp>,
    /// When the original was durable.
    #[schema(value_type = String, format = DateTime)]
    stored_at: Timestamp,
    /// The pipeline that was taken.
    pipeline: Option<String>,
    /// Why that one.
    pipeline_reason: Option<String>,
    /// How many faces were seen; null if nobody looked.
    faces: Option<usize>,
    /// URL of the first look: a small JPEG that is there before the images. Null if the photo cannot be processed.
    preview: Option<String>,
    /// URL of the image that suits the client that asks, by format and size; takes `?w=` for a width in pixels. Null if the
    /// photo cannot be processed.
    auto: Option<String>,
    /// What was made of it. Empty until it is done.
    images: Vec<ImageView>,
}

/// How far a photo is.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum PhotoStage {
    /// Durable; its images are still to be made.
    Stored,
    /// Its images are there.
    Done,
    /// It cannot be processed. The original is safe.
    Quarantined,
}

/// Why something could not be done.
#[derive(Debug, Serialize, ToSchema)]
struct FailureView {
    /// For programs: `not_found`, `conflict`, `invalid`, `limit`, `corrupt`, `unavailable`, `cancelled` or `bug`.
    #[schema(value_type = String)]
    kind: procession_domain::Kind,
    /// For people.
    message: String,
}

/// A file that was not accepted as a photo.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RefusalView {
    /// Its path, as it was given.
    name: String,
    /// Why.
    failure: FailureView,
}

/// Which photo.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OfPhoto {
    /// The gallery's id.
    #[param(value_type = String, pattern = "^[0-9a-f]{24}$")]
    gallery: GalleryId,
    /// The photo's id.
    #[param(value_type = String, pattern = "^[0-9a-f]{24}$")]
    photo: PhotoId,
}

impl From<Failure> for FailureView {
    fn from(Failure { kind, message }: Failure) -> Self {
        Self { kind, message }
    }
}

impl From<Refusal> for RefusalView {
    fn from(Refusal { name, failure }: Refusal) -> Self {
        Self { name, failure: failure.into() }
    }
}

impl PhotoView {
    fn new(service: &Service, gallery: &Gallery, photo: Photo, state: PhotoState) -> Self {
        let Sources { preview, auto, images, .. } = Sources::of(service, &photo, &state);
        // What cannot be processed cannot be looked at either.
        let shown = (!matches!(state, PhotoState::Quarantined(_))).then_some((preview, auto));
        let (preview, auto) = shown.unzip();
        let venue = gallery.wedding.as_ref().map_or_else(TimeZoneName::utc, |wedding| wedding.time_zone.clone());
        let name = photo.name().to_owned();
        let Photo { id, original, bytes, format, width, height, names, capture, stored_at, .. } = photo;
        let (stage, finished, failure) = match state {
            PhotoState::Stored => (PhotoStage::Stored, None, None),
            PhotoState::Done(finished) => (PhotoStage::Done, Some(*finished), None),
            PhotoState::Quarantined(failure) => (PhotoStage::Quarantined, None, Some(failure.into())),
        };
        let (pipeline, pipeline_reason, faces) = match finished {
            Some(Finished { pipeline, pipeline_reason, analysis, .. }) => {
                (Some(pipeline), Some(pipeline_reason), analysis.faces.map(|faces| faces.len()))
            }
            None => (None, None, None),
        };
        Self {
            id,
            name,
            names,
            state: stage,
            failure,
            bytes,
            format,
            width,
            height,
            original,
            taken_at: capture.taken.map(|taken| taken.instant(&venue)),
            stored_at,
            pipeline,
            pipeline_reason,
            faces,
            preview,
            auto,
            images,
        }
    }
}

/// A photo of the caller's gallery.
async fn find(service: &Service, caller: &Caller, of: OfPhoto) -> Result<(Gallery, Photo, PhotoState)> {
    let (gallery, _) = caller.gallery(service, of.gallery).await?;
    let (photo, state) = service.system.ledger.photo(of.photo).await?;
    if photo.gallery != gallery.id {
        return Err(Problem::not_found(format!("photo {}", of.photo)));
    }
    Ok((gallery, photo, state))
}

/// The photos of a gallery, by id. One that is there throughout is on one page exactly, whatever arrives meanwhile.
#[utoipa::path(get, path = "/api/v1/galleries/{gallery}/photos", operation_id = "list_photos", tag = "photos",
    params(OfGallery, Paging), responses((status = 200, body = Page<PhotoView>), Problem))]
pub(crate) async fn list(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(OfGallery { gallery }): Path<OfGallery>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<PhotoView>>> {
    caller.require(Scope::Read)?;
    let (gallery, _) = caller.gallery(&service, gallery).await?;
    let limit = paging.limit()?;
    let found = service.system.ledger.photos_page(gallery.id, paging.after()?, limit).await?;
    let items = found.into_iter().map(|(photo, state)| PhotoView::new(&service, &gallery, photo, state)).collect();
    Ok(Json(Page::of(items, limit, |last: &PhotoView| last.id)))
}

/// One photo.
#[utoipa::path(get, path = "/api/v1/galleries/{gallery}/photos/{photo}", operation_id = "get_photo", tag = "photos",
    params(OfPhoto), responses((status = 200, body = PhotoView), Problem))]
pub(crate) async fn get(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(of): Path<OfPhoto>,
) -> Result<Json<PhotoView>> {
    caller.require(Scope::Read)?;
    let (gallery, photo, state) = find(&service, &caller, of).await?;
    Ok(Json(PhotoView::new(&service, &gallery, photo, state)))
}

/// The files that a gallery did not take, by name, and why.
#[utoipa::path(get, path = "/api/v1/galleries/{gallery}/refusals", operation_id = "list_refusals", tag = "photos",
    params(OfGallery, Paging), responses((status = 200, body = Page<RefusalView>), Problem))]
pub(crate) async fn refusals(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(OfGallery { gallery }): Path<OfGallery>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<RefusalView>>> {
    caller.require(Scope::Read)?;
    caller.gallery(&service, gallery).await?;
    let limit = paging.limit()?;
    let after: String = paging.after()?.unwrap_or_default();
    let refusals = service.system.ledger.refusals(gallery).await?;
    let page = refusals.into_iter().filter(|refusal| refusal.name > after).take(limit);
    Ok(Json(Page::of(page.map(RefusalView::from).collect(), limit, |last: &RefusalView| last.name.clone())))
}
