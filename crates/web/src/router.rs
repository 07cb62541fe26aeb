//! Every route of the service, by area.

use std::sync::Arc;

use axum::{Router, http::StatusCode};

use crate::{Problem, Service, api, pages, uploads};

/// The service as something that answers requests.
pub fn router(service: Arc<Service>) -> Router {
    let areas = [api::routes(), uploads::routes(), pages::routes()];
    areas.into_iter().fold(Router::new(), Router::merge).fallback(nothing_here).with_state(service)
}

async fn nothing_here() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "there is nothing at this address")
}
