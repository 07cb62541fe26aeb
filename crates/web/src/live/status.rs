//! How far a gallery is, when it will be finished, and why then.

use std::sync::Arc;

use axum::extract::State;
use futures::join;
use procession_domain::{GalleryId, Timestamp, gallery::Progress};
use procession_flow::{Delivery, status::State as GalleryState};
use serde::Serialize;
use utoipa::ToSchema;

use super::finish::finished_at;
use crate::{
    Problem, Result, Service,
    access::{Caller, Scope},
    api::{Json, OfGallery, Path, ProgressView},
};

/// How far a gallery is, and what is expected of it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Status {
    /// The counts.
    #[schema(value_type = ProgressView)]
    progress: Progress,
    /// What it is doing: `empty`, `receiving`, `processing` or `done`.
    #[schema(value_type = String)]
    state: GalleryState,
    /// Whether the promise is kept: `on_time`, `at_risk` or `late`; `delivered` when all is finished.
    #[schema(value_type = String)]
    delivery: Delivery,
    /// When it is promised (RFC 3339).
    #[schema(value_type = String, format = DateTime)]
    deadline: Timestamp,
    /// When it was finished or will be, as far as that is known (RFC 3339).
    #[schema(value_type = Option<String>, format = DateTime)]
    finishes_at: Option<Timestamp>,
    /// Seconds between that and the deadline; negative if it is missed.
    slack_seconds: Option<i64>,
    /// Photos of all galleries that the service finishes in a second; null while too little is known.
    photos_per_second: Option<f64>,
    /// The figures behind it, for people.
    reason: String,
}

/// How far a gallery is, and when it will be finished.
#[utoipa::path(get, path = "/api/v1/galleries/{gallery}/status", operation_id = "get_status", tag = "galleries",
    params(OfGallery), responses((status = 200, body = Status), Problem))]
pub(crate) async fn get(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(OfGallery { gallery }): Path<OfGallery>,
) -> Result<Json<Status>> {
    caller.require(Scope::Read)?;
    Ok(Json(of(&service, &caller, gallery).await?))
}

/// The status of a gallery, if the caller may see it. All is asked for together, so that it takes one turn of the ledger.
pub(super) async fn of(service: &Service, caller: &Caller, gallery: GalleryId) -> Result<Status> {
    let (system, observer) = (&service.system, &service.live.observer);
    let found = caller.gallery(service, gallery);
    let (found, look, finished_at) = join!(found, observer.look(system, gallery), finished_at(service, gallery));
    let (_, rank) = found?;
    let status = observer.status(look?, &rank, finished_at?, system.clock.now());
    Ok(Status {
        progress: status.progress,
        state: status.state,
        delivery: status.delivery,
        deadline: status.deadline,
        finishes_at: status.finishes_at,
        slack_seconds: status.slack_seconds,
        photos_per_second: status.photos_per_second,
        reason: status.reason,
    })
}
