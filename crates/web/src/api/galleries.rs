//! Galleries: opened before their first photo, changed, looked at, removed.

use std::sync::Arc;

use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
};
use procession_domain::{
    GalleryId, Timestamp,
    gallery::{Consent, Gallery, PipelineChoice, Progress, Rank, TimeZoneName, Wedding},
    urgency::Urgency,
};
use procession_flow::{open_gallery, redo_outdated};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Json, Page, Paging};
use crate::{
    Problem, Result, Service,
    access::{Caller, Scope, hex, random},
};

/// A gallery.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GalleryView {
    /// 24 hex digits.
    #[schema(value_type = String)]
    id: GalleryId,
    /// What people call it.
    title: String,
    /// Date and place of the wedding.
    #[schema(value_type = Option<WeddingView>)]
    wedding: Option<Wedding>,
    /// What the studio has recorded consent for.
    #[schema(value_type = ConsentView)]
    consent: Consent,
    /// `auto`, or the name of the pipeline of every photo.
    pipeline: String,
    /// When it was opened (RFC 3339). The promise counts from here.
    #[schema(value_type = String, format = DateTime)]
    opened_at: Timestamp,
    /// How soon it is due: `same_day_wedding`, `next_day_delivery` or `standard_delivery`.
    #[schema(value_type = String)]
    urgency: Urgency,
    /// When it is promised (RFC 3339).
    #[schema(value_type = String, format = DateTime)]
    deadline: Timestamp,
    /// How far it is.
    #[schema(value_type = ProgressView)]
    progress: Progress,
}

/// Date and place of a wedding.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WeddingView {
    /// The day, as the couple would write it: `2026-06-20`.
    #[schema(format = Date)]
    date: String,
    /// The venue's IANA time zone.
    #[schema(example = "Europe/Rome")]
    time_zone: String,
}

/// What the studio has recorded consent for.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConsentView {
    /// Guests may be recognised and grouped, in this gallery alone. Taking it back erases what was known.
    faces: bool,
}

/// How far a gallery is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProgressView {
    /// Safe photos that wait for a worker.
    waiting: u64,
    /// Photos that a worker holds.
    working: u64,
    /// Finished photos.
    done: u64,
    /// Photos that cannot be processed; their originals are safe.
    quarantined: u64,
    /// Files that were not accepted as photos.
    refused: u64,
}

/// A gallery to be opened.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewGallery {
    /// What people call it, 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    title: String,
    /// A name of the caller's own, unique in the studio: opening it twice opens one gallery.
    #[schema(max_length = 200)]
    name: Option<String>,
    /// Date and place; without them the delivery is standard.
    wedding: Option<WeddingView>,
    /// Nothing unless it is given.
    #[serde(default)]
    consent: ConsentView,
    /// `auto` unless it is given.
    pipeline: Option<String>,
}

/// What is to change of a gallery; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GalleryChange {
    /// What people call it, 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    title: Option<String>,
    /// Date and place.
    wedding: Option<WeddingView>,
    /// What the studio has consent for. Photos are looked at again where it is new.
    consent: Option<ConsentView>,
    /// The pipeline of its photos; those that took another are processed again.
    pipeline: Option<String>,
}

impl WeddingView {
    fn parse(&self) -> Result<Wedding> {
        let date = self
            .date
            .parse()
            .map_err(|_| Problem::invalid(format!("wedding.date {:?}: write it like 2026-06-20", self.date)))?;
        let time_zone: TimeZoneName = self.time_zone.parse()?;
        Ok(Wedding { date, time_zone })
    }
}

async fn view(service: &Service, gallery: Gallery, rank: Rank) -> Result<GalleryView> {
    let progress = service.system.ledger.progress(gallery.id).await?;
    let Gallery { id, title, wedding, consent, pipeline, opened_at, .. } = gallery;
    let Rank { urgency, deadline, .. } = rank;
    Ok(GalleryView { id, title, wedding, consent, pipeline: pipeline.into(), opened_at, urgency, deadline, progress })
}

fn checked_title(title: &str) -> Result<String> {
    let title = title.trim();
    if title.is_empty() || title.chars().count() > 200 || title.chars().any(char::is_control) {
        return Err(Problem::invalid("title: give 1 to 200 characters"));
    }
    Ok(title.to_owned())
}

/// The galleries of the studio, the latest first.
#[utoipa::path(get, path = "/api/v1/galleries", tag = "galleries", params(Paging),
    responses((status = 200, body = Page<GalleryView>), (status = "4XX", body = Problem)))]
pub(crate) async fn list(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<GalleryView>>> {
    caller.require(Scope::Read)?;
    let limit = paging.limit()?;
    let found = service.system.ledger.galleries_of(caller.studio, paging.after()?, limit).await?;
    let mut items = Vec::with_capacity(found.len());
    for (gallery, rank) in found {
        items.push(view(&service, gallery, rank).await?);
    }
    Ok(Json(Page::of(items, limit, |last: &GalleryView| (last.opened_at, last.id))))
}

/// Opens a gallery.
#[utoipa::path(post, path = "/api/v1/galleries", tag = "galleries", request_body = NewGallery,
    responses((status = 201, body = GalleryView), (status = "4XX", body = Problem)))]
pub(crate) async fn create(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Json(wanted): Json<NewGallery>,
) -> Result<(StatusCode, Json<GalleryView>)> {
    caller.require(Scope::Upload)?;
    let name = match wanted.name {
        Some(name) => name,
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
    let (gallery, rank) = open_gallery(&service.system, gallery, &service.events).await?;
    Ok((StatusCode::CREATED, Json(view(&service, gallery, rank).await?)))
}

/// One gallery.
#[utoipa::path(get, path = "/api/v1/galleries/{gallery}", tag = "galleries", params(("gallery" = String, Path)),
    responses((status = 200, body = GalleryView), (status = "4XX", body = Problem)))]
pub(crate) async fn get(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(id): Path<GalleryId>,
) -> Result<Json<GalleryView>> {
    caller.require(Scope::Read)?;
    let (gallery, rank) = caller.gallery(&service, id).await?;
    Ok(Json(view(&service, gallery, rank).await?))
}

/// Changes a gallery.
#[utoipa::path(patch, path = "/api/v1/galleries/{gallery}", tag = "galleries", params(("gallery" = String, Path)),
    request_body = GalleryChange, responses((status = 200, body = GalleryView), (status = "4XX", body = Problem)))]
pub(crate) async fn change(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(id): Path<GalleryId>,
    Json(change): Json<GalleryChange>,
) -> Result<Json<GalleryView>> {
    caller.require(Scope::Edit)?;
    let (mut gallery, _) = caller.gallery(&service, id).await?;
    if let Some(title) = &change.title {
        gallery.title = checked_title(title)?;
    }
    if let Some(wedding) = &change.wedding {
        gallery.wedding = Some(wedding.parse()?);
    }
    if let Some(consent) = change.consent {
        gallery.consent = Consent { faces: consent.faces };
    }
    if let Some(pipeline) = change.pipeline {
        gallery.pipeline = PipelineChoice::from(pipeline);
    }
    let (gallery, rank) = open_gallery(&service.system, gallery, &service.events).await?;
    redo_outdated(&service.system, &gallery).await?;
    Ok(Json(view(&service, gallery, rank).await?))
}

/// Removes a gallery with all its photos, for ever.
#[utoipa::path(delete, path = "/api/v1/galleries/{gallery}", tag = "galleries", params(("gallery" = String, Path)),
    responses((status = 204), (status = "4XX", body = Problem)))]
pub(crate) async fn remove(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(id): Path<GalleryId>,
) -> Result<StatusCode> {
    caller.require(Scope::Edit)?;
    caller.gallery(&service, id).await?;
    service.system.ledger.remove_gallery(id).await?;
    Ok(StatusCode::NO_CONTENT)
}
