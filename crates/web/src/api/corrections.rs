//! Corrections of guests and moments: a log, each entry of which can be taken back and made again.

use std::sync::Arc;

use axum::{Extension, extract::State, http::StatusCode};
use procession_domain::{
    FaceRef, GalleryId, Kind, PhotoId, Timestamp,
    correction::{Change, Correction, Name, check},
};
use procession_flow::{GalleryCorrection, MOST_CORRECTIONS, correction_turn};
use procession_vault::{Decision, Expect, Versioned};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Json, Keeping, OfGallery, Page, Paging, Path, Query, through};
use crate::{
    Problem, Result, Service,
    access::{Caller, Scope},
};

/// A correction.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CorrectionView {
    /// Its number in the gallery's log. Corrections take their turns in this order.
    id: u64,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    made_at: Timestamp,
    /// What it changes.
    #[schema(value_type = ChangeView)]
    change: Change,
    /// It was taken back, and changes nothing.
    undone: bool,
    /// Why it changes nothing at present: what it speaks of is gone, or is otherwise grouped by now. Null if it does.
    ignored: Option<String>,
}

/// What a correction changes. A guest is meant by one of their faces, a moment by one of its photos.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(dead_code, reason = "it tells the shape of `Change`")]
pub(crate) enum ChangeView {
    /// The guest of this face has a name.
    NameGuest {
        /// A face of the guest.
        #[schema(value_type = String, pattern = "^[0-9a-f]{24}-[0-9]+$")]
        face: FaceRef,
        /// Their name, up to 120 characters; null or empty goes back to "Guest 3".
        #[schema(value_type = Option<String>, max_length = 120)]
        name: Option<Name>,
    },
    /// The guests of both faces are one person.
    MergeGuests {
        /// A face of the guest who becomes part of the other.
        #[schema(value_type = String, pattern = "^[0-9a-f]{24}-[0-9]+$")]
        face: FaceRef,
        /// A face of the other, whose name stays if somebody gave it.
        #[schema(value_type = String, pattern = "^[0-9a-f]{24}-[0-9]+$")]
        with: FaceRef,
    },
    /// These faces are one person, and another than everyone else in their groups.
    SplitGuest {
        /// The faces.
        #[schema(value_type = Vec<String>)]
        faces: Vec<FaceRef>,
    },
    /// The guest of this face is not shown to clients.
    HideGuest {
        /// A face of the guest.
        #[schema(value_type = String, pattern = "^[0-9a-f]{24}-[0-9]+$")]
        face: FaceRef,
    },
    /// The moment of this photo has a title.
    RenameMoment {
        /// A photo of the moment.
        #[schema(value_type = String, pattern = "^[0-9a-f]{24}$")]
        photo: PhotoId,
        /// The title, 1 to 120 characters.
        #[schema(value_type = String, min_length = 1, max_length = 120)]
        title: Name,
    },
    /// These photos belong to another moment.
    MovePhotos {
        /// The photos.
        #[schema(value_type = Vec<String>)]
        photos: Vec<PhotoId>,
        /// A photo of the moment that they go to.
        #[schema(value_type = String, pattern = "^[0-9a-f]{24}$")]
        to: PhotoId,
    },
    /// A new moment begins with this photo, and takes the photos after it in its moment.
    SplitMoment {
        /// The photo.
        #[schema(value_type = String, pattern = "^[0-9a-f]{24}$")]
        at: PhotoId,
    },
    /// The moments of both photos are one.
    MergeMoments {
        /// A photo of the moment that becomes part of the other.
        #[schema(value_type = String, pattern = "^[0-9a-f]{24}$")]
        photo: PhotoId,
        /// A photo of the other, whose title and cover stay.
        #[schema(value_type = String, pattern = "^[0-9a-f]{24}$")]
        with: PhotoId,
    },
}

/// A correction to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCorrection {
    /// What it changes.
    #[schema(value_type = ChangeView)]
    change: Change,
}

/// Which correction.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OfCorrection {
    /// The gallery's id.
    #[param(value_type = String, pattern = "^[0-9a-f]{24}$")]
    gallery: GalleryId,
    /// The correction's number.
    correction: u64,
}

impl CorrectionView {
    fn new(correction: Correction, ignored: Option<String>) -> Self {
        let Correction { id, made_at, change, undone } = correction;
        Self { id, made_at, change, undone, ignored }
    }
}

/// The log of a gallery's corrections, in order.
#[utoipa::path(get, path = "/api/v1/galleries/{gallery}/corrections", operation_id = "list_corrections",
    tag = "corrections", params(OfGallery, Paging), responses((status = 200, body = Page<CorrectionView>), Problem))]
pub(crate) async fn list(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(OfGallery { gallery }): Path<OfGallery>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<CorrectionView>>> {
    caller.require(Scope::Read)?;
    caller.gallery(&service, gallery).await?;
    let limit = paging.limit()?;
    let after = paging.after()?.map(|number| GalleryCorrection::document_id(gallery, number));
    let found = service.documents.list::<GalleryCorrection>(&gallery.to_string(), after.as_deref(), limit).await?;
    let corrected = service.albums.album(gallery).await?;
    let view = |found: Versioned<GalleryCorrection>| {
        let correction = found.document.correction;
        let ignored = corrected.ignored.iter().find(|ignored| ignored.id == correction.id && !correction.undone);
        CorrectionView::new(correction, ignored.map(|ignored| ignored.failure.message.clone()))
    };
    let items = found.into_iter().map(view).collect();
    Ok(Json(Page::of(items, limit, |last: &CorrectionView| last.id)))
}

/// Makes a correction, if it can be made in the album as it is now.
#[utoipa::path(post, path = "/api/v1/galleries/{gallery}/corrections", operation_id = "make_correction",
    tag = "corrections", params(OfGallery), request_body = NewCorrection,
    responses((status = 201, body = CorrectionView), Problem))]
pub(crate) async fn create(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(OfGallery { gallery }): Path<OfGallery>,
    Json(NewCorrection { change }): Json<NewCorrection>,
) -> Result<(StatusCode, Extension<Keeping>, Json<CorrectionView>)> {
    caller.require(Scope::Edit)?;
    caller.gallery(&service, gallery).await?;
    let made = through(async move { make(&service, &caller, gallery, change).await }).await?;
    Ok((StatusCode::CREATED, fact(made.id), Json(CorrectionView::new(made, None))))
}

async fn make(service: &Service, caller: &Caller, gallery: GalleryId, change: Change) -> Result<Correction> {
    let change = &change;
    // Whoever withdraws the consent takes the turn too, and deletes what was said of guests before.
    let decide = || async move {
        let corrected = service.albums.album(gallery).await?;
        check(&corrected.album, change).map_err(|failure| match failure.kind {
            Kind::Conflict => Problem::conflict(failure.message),
            _ => Problem::invalid(failure.message),
        })?;
        let (settings, _) = caller.gallery(service, gallery).await?;
        if change.is_about_guests() && !settings.consent.faces {
            return Err(Problem::conflict(format!("gallery {gallery} changed meanwhile; look at it again")));
        }
        let log = service.albums.corrections(gallery).await?;
        if log.len() + 1 >= MOST_CORRECTIONS {
            return Err(Problem::conflict(format!("gallery {gallery} has as many corrections as it can have")));
        }
        let id = log.last().map_or(1, |(last, _)| last.id + 1);
        let correction = Correction { id, made_at: service.system.clock.now(), change: change.clone(), undone: false };
        Ok(Some(Decision { document: GalleryCorrection { gallery, correction }, expect: Expect::Absent }))
    };
    let made = service.documents.in_turn(&correction_turn(gallery), decide).await?;
    let made = made.ok_or_else(Problem::internal)?;
    // Whoever removed the gallery meanwhile did not see this one.
    if let Err(gone) = caller.gallery(service, gallery).await {
        let id = GalleryCorrection::document_id(gallery, made.correction.id);
        service.documents.delete::<GalleryCorrection>(&id).await?;
        return Err(gone);
    }
    Ok(made.correction)
}

/// Takes a correction back. It stays in the log.
#[utoipa::path(delete, path = "/api/v1/galleries/{gallery}/corrections/{correction}", operation_id = "undo_correction",
    tag = "corrections", params(OfCorrection), responses((status = 200, body = CorrectionView), Problem))]
pub(crate) async fn undo(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(of): Path<OfCorrection>,
) -> Result<Json<CorrectionView>> {
    set_undone(&service, &caller, of, true).await
}

/// Makes a correction again that was taken back, at its old place in the log.
#[utoipa::path(post, path = "/api/v1/galleries/{gallery}/corrections/{correction}/redo",
    operation_id = "redo_correction", tag = "corrections", params(OfCorrection),
    responses((status = 200, body = CorrectionView), Problem))]
pub(crate) async fn redo(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(of): Path<OfCorrection>,
) -> Result<(Extension<Keeping>, Json<CorrectionView>)> {
    Ok((fact(of.correction), set_undone(&service, &caller, of, false).await?))
}

/// The answer can name a guest.
fn fact(correction: u64) -> Extension<Keeping> {
    Extension(Keeping::Fact(format!("correction {correction}")))
}

async fn set_undone(
    service: &Service,
    caller: &Caller,
    of: OfCorrection,
    undone: bool,
) -> Result<Json<CorrectionView>> {
    caller.require(Scope::Edit)?;
    caller.gallery(service, of.gallery).await?;
    let id = GalleryCorrection::document_id(of.gallery, of.correction);
    let found = service.documents.get::<GalleryCorrection>(&id).await?;
    let Versioned { version, document: mut made } =
        found.ok_or_else(|| Problem::not_found(format!("correction {}", of.correction)))?;
    if made.correction.undone != undone {
        made.correction.undone = undone;
        service.documents.replace(&made, version).await?;
    }
    let corrected = service.albums.album(of.gallery).await?;
    let ignored = corrected.ignored.iter().find(|ignored| ignored.id == of.correction);
    Ok(Json(CorrectionView::new(made.correction, ignored.map(|ignored| ignored.failure.message.clone()))))
}
