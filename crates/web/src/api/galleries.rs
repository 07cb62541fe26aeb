//! Galleries: opened before their first photo, changed, looked at, removed.

mod view;

use std::sync::Arc;

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::ETAG},
};
use procession_domain::{
    Classified, GalleryId, Kind,
    gallery::{Consent, Gallery, PipelineChoice, Rank},
};
use procession_flow::{change_gallery, open_gallery, remove_gallery};
use serde::Deserialize;
use utoipa::IntoParams;

pub(crate) use self::view::ProgressView;
use self::view::{GalleryChange, GalleryView, NewGallery, WeddingView, checked_title, of, view};
use super::{
    Json, Keeping, Page, Paging, Path, Query,
    conditions::{part_tag, require_match},
    through,
};
use crate::{
    Problem, Result, Service,
    access::{Caller, Scope, hex, random},
};

/// A change is tried again so often where somebody else changes the gallery at the same moment.
const ATTEMPTS: u32 = 5;

/// Which gallery.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OfGallery {
    /// The gallery's id.
    #[param(value_type = String, pattern = "^[0-9a-f]{24}$")]
    pub(crate) gallery: GalleryId,
}

/// The galleries of the studio, the latest first.
#[utoipa::path(get, path = "/api/v1/galleries", operation_id = "list_galleries", tag = "galleries", params(Paging),
    responses((status = 200, body = Page<GalleryView>), Problem))]
pub(crate) async fn list(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<GalleryView>>> {
    caller.require(Scope::Read)?;
    let limit = paging.limit()?;
    let found = service.system.ledger.galleries_of(caller.studio, paging.after()?, limit).await?;
    let items = found.into_iter().map(|(gallery, rank, progress)| of(gallery, rank, progress)).collect();
    Ok(Json(Page::of(items, limit, GalleryView::position)))
}

/// Opens a gallery. One with this name that is open already is answered as it is, and does not change.
#[utoipa::path(post, path = "/api/v1/galleries", operation_id = "open_gallery", tag = "galleries", request_body = NewGallery,
    responses((status = 201, description = "It is open now.", body = GalleryView),
        (status = 200, description = "It was open already.", body = GalleryView), Problem))]
pub(crate) async fn create(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Json(wanted): Json<NewGallery>,
) -> Result<(StatusCode, Extension<Keeping>, Json<GalleryView>)> {
    caller.require(Scope::Upload)?;
    let name = match wanted.name {
        Some(name) => checked_name(name)?,
        None => hex(&random::<16>()?),
    };
    let gallery = Gallery {
        id: GalleryId::in_studio(caller.studio, &name),
        studio: caller.studio,
        title: checked_title(&wanted.title)?,
        wedding: wanted.wedding.as_ref().map(WeddingView::parse).transpose()?,
        consent: Consent { faces: wanted.consent.faces },
        pipeline: wanted.pipeline.map_or(PipelineChoice::Auto, PipelineChoice::from),
        opened_at: service.system.clock.now(),
    };
    let keeping = Extension(Keeping::With(gallery.id));
    match service.system.ledger.gallery(gallery.id).await {
        Err(error) if error.kind() == Kind::NotFound => {}
        known => {
            let (gallery, rank) = known?;
            return Ok((StatusCode::OK, keeping, Json(view(&service, gallery, rank).await?)));
        }
    }
    let (gallery, rank) = open_gallery(&service.system, gallery, &service.events).await?;
    Ok((StatusCode::CREATED, keeping, Json(view(&service, gallery, rank).await?)))
}

fn checked_name(name: String) -> Result<String> {
    match name.chars().count() {
        1..=200 => Ok(name),
        _ => Err(Problem::invalid("name: give 1 to 200 characters")),
    }
}

/// A gallery with the tag of its settings, on which changes depend: its progress stops none.
type Tagged = ([(HeaderName, HeaderValue); 1], Json<GalleryView>);

async fn tagged(service: &Service, gallery: Gallery, rank: Rank) -> Result<Tagged> {
    let tag = part_tag(&gallery)?;
    Ok(([(ETAG, tag)], Json(view(service, gallery, rank).await?)))
}

/// One gallery. The `ETag` is what a change of it can depend on.
#[utoipa::path(get, path = "/api/v1/galleries/{gallery}", operation_id = "get_gallery", tag = "galleries",
    params(OfGallery), responses((status = 200, body = GalleryView), Problem))]
pub(crate) async fn get(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(OfGallery { gallery }): Path<OfGallery>,
) -> Result<Tagged> {
    caller.require(Scope::Read)?;
    let (gallery, rank) = caller.gallery(&service, gallery).await?;
    tagged(&service, gallery, rank).await
}

/// Changes a gallery. To withdraw the consent for faces erases the faces' embeddings and everything that was said of guests,
/// their names too, for ever. With `If-Match`, nothing changes unless the settings are those of the tag's answer; progress is
/// no setting.
#[utoipa::path(patch, path = "/api/v1/galleries/{gallery}", operation_id = "change_gallery", tag = "galleries",
    params(OfGallery, ("If-Match" = Option<String>, Header, description = "Tags of answers that it may still be as in")),
    request_body = GalleryChange, responses((status = 200, body = GalleryView), Problem))]
pub(crate) async fn change(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(OfGallery { gallery }): Path<OfGallery>,
    headers: HeaderMap,
    Json(change): Json<GalleryChange>,
) -> Result<Tagged> {
    caller.require(Scope::Edit)?;
    // That a consent is withdrawn and that faces are erased are one thing.
    through(async move {
        let mut attempt = 1;
        loop {
            let (known, _) = caller.gallery(&service, gallery).await?;
            // What can never be accepted is refused whatever the condition (RFC 9110, section 13.2.1).
            let wanted = change.apply(known.clone())?;
            require_match(&headers, &part_tag(&known)?)?;
            match change_gallery(&service.system, &known, &wanted, &service.events).await {
                Err(error) if error.kind() == Kind::Conflict && attempt < ATTEMPTS => attempt += 1,
                changed => return tagged(&service, wanted, changed?).await,
            }
        }
    })
    .await
}

/// Removes a gallery with all its photos, for ever. Nobody finds anything of it from now on, and its faces and guests are
/// erased. The bytes of its originals, previews and variants are deleted one hour later, while the service runs; those of
/// originals that another gallery has, too, stay.
#[utoipa::path(delete, path = "/api/v1/galleries/{gallery}", operation_id = "remove_gallery", tag = "galleries",
    params(OfGallery), responses((status = 204), Problem))]
pub(crate) async fn remove(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(OfGallery { gallery }): Path<OfGallery>,
) -> Result<StatusCode> {
    caller.require(Scope::Edit)?;
    caller.gallery(&service, gallery).await?;
    through(async move { Ok(remove_gallery(&service.system, gallery).await?) }).await?;
    Ok(StatusCode::NO_CONTENT)
}
