//! What the models made of a gallery and the studio corrected: the album, its guests, its moments.

use std::sync::Arc;

use axum::extract::State;
use procession_domain::{
    FaceRef, PhotoId, Timestamp,
    album::{Album, Guest, GuestFace, Moment},
    analysis::Region,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Json, OfGallery, Page, Paging, Path, Query};
use crate::{
    Problem, Result, Service,
    access::{Caller, Scope},
    deliver::Sources,
};

/// A person who is on one or more photos of the gallery, and known in it alone.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GuestView {
    /// The first of their faces, by which they can be asked for and corrected.
    #[schema(value_type = String)]
    key: FaceRef,
    /// What they are called: "Guest 3" until somebody names them.
    name: String,
    /// Somebody named them.
    named: bool,
    /// They are not shown to clients.
    hidden: bool,
    /// On how many photos they are.
    photos: usize,
    /// The face that shows them best.
    cover: FaceView,
    /// Where they are seen, never twice on one photo.
    faces: Vec<FaceView>,
}

/// A guest on a photo.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct FaceView {
    /// The face's name: its photo, and its place among the photo's faces.
    #[schema(value_type = String)]
    face: FaceRef,
    /// The photo.
    #[schema(value_type = String)]
    photo: PhotoId,
    /// Where on it.
    #[schema(value_type = RegionView)]
    region: Region,
}

/// A rectangle as fractions of the upright photo's width and height; 0,0 is the top left.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RegionView {
    /// Left edge.
    x: f32,
    /// Top edge.
    y: f32,
    /// Width.
    width: f32,
    /// Height.
    height: f32,
}

/// A part of the day.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MomentView {
    /// Its place in the day, from 0.
    index: usize,
    /// What it is called.
    title: String,
    /// Why it was cut here and called so.
    reason: String,
    /// The first exposure.
    #[schema(value_type = Option<String>, format = DateTime)]
    starts_at: Option<Timestamp>,
    /// The last exposure.
    #[schema(value_type = Option<String>, format = DateTime)]
    ends_at: Option<Timestamp>,
    /// The photo that shows it best.
    #[schema(value_type = String)]
    cover: PhotoId,
    /// Its photos in order.
    #[schema(value_type = Vec<String>)]
    photos: Vec<PhotoId>,
}

impl From<&GuestFace> for FaceView {
    fn from(face: &GuestFace) -> Self {
        Self { face: face.key(), photo: face.photo, region: face.region }
    }
}

impl GuestView {
    fn new(guest: &Guest) -> Self {
        let faces: Vec<FaceView> = guest.faces.iter().map(FaceView::from).collect();
        Self {
            key: guest.key(),
            name: guest.name.clone(),
            named: guest.named,
            hidden: guest.hidden,
            photos: faces.len(),
            cover: faces[guest.cover].clone(),
            faces,
        }
    }
}

impl MomentView {
    fn new(index: usize, moment: &Moment) -> Self {
        let Moment { title, reason, starts_at, ends_at, photos, cover } = moment.clone();
        Self { index, title, reason, starts_at, ends_at, cover, photos }
    }
}

/// The gallery as one document: gallery.json, with the guests and moments as the studio corrected them. The `path` of each
/// file is its URL.
#[utoipa::path(get, path = "/api/v1/galleries/{gallery}/album", operation_id = "get_album", tag = "album",
    params(OfGallery), responses((status = 200, body = super::openapi::AlbumDocument), Problem))]
pub(crate) async fn get(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(OfGallery { gallery }): Path<OfGallery>,
) -> Result<Json<Album>> {
    caller.require(Scope::Read)?;
    caller.gallery(&service, gallery).await?;
    let corrected = service.albums.album(gallery).await?;
    // A hundred thousand signatures take a moment.
    let album = tokio::task::spawn_blocking(move || with_urls(&service, corrected.album.clone())).await;
    album.map(Json).map_err(|error| procession_flow::Error::Bug(format!("a thread ended early: {error}")).into())
}

fn with_urls(service: &Service, mut album: Album) -> Album {
    for photo in &mut album.photos {
        let sources = Sources::of_album(service, photo);
        photo.files.iter_mut().zip(sources.images).for_each(|(file, source)| file.path = source.url);
    }
    album
}

/// The guests: those on most photos first. Empty without consent.
#[utoipa::path(get, path = "/api/v1/galleries/{gallery}/guests", operation_id = "list_guests", tag = "album",
    params(OfGallery, Paging), responses((status = 200, body = Page<GuestView>), Problem))]
pub(crate) async fn guests(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(OfGallery { gallery }): Path<OfGallery>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<GuestView>>> {
    caller.require(Scope::Read)?;
    caller.gallery(&service, gallery).await?;
    let corrected = service.albums.album(gallery).await?;
    Ok(Json(Page::slice(&corrected.album.guests, &paging, |_, guest| GuestView::new(guest))?))
}

/// The moments of the day, in order.
#[utoipa::path(get, path = "/api/v1/galleries/{gallery}/moments", operation_id = "list_moments", tag = "album",
    params(OfGallery, Paging), responses((status = 200, body = Page<MomentView>), Problem))]
pub(crate) async fn moments(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(OfGallery { gallery }): Path<OfGallery>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<MomentView>>> {
    caller.require(Scope::Read)?;
    caller.gallery(&service, gallery).await?;
    let corrected = service.albums.album(gallery).await?;
    Ok(Json(Page::slice(&corrected.album.moments, &paging, MomentView::new)?))
}
