//! Every route of the service, by area.

use std::sync::Arc;

use axum::{Router, http::StatusCode, middleware::from_fn_with_state};

use crate::{Problem, Service, api, health, metrics, observe};

/// The service as something that answers requests.
pub fn router(service: Arc<Service>) -> Router {
    Router::new()
        .merge(api::routes())
        .merge(health::routes())
        .merge(metrics::routes())
        .fallback(nothing_here)
        .layer(from_fn_with_state(Arc::clone(&service), observe::observe))
        .with_state(service)
}

async fn nothing_here() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "there is nothing at this address")
}
