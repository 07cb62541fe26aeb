//! Every route of the service, by area.

use std::sync::Arc;

use axum::{Router, http::StatusCode, middleware::from_fn_with_state};

use crate::{Problem, Service, api, client, deliver, download, health, metrics, observe, pages, uploads};

/// The service as something that answers requests.
pub fn router(service: Arc<Service>) -> Router {
    let areas = [
        api::routes(&service),
        uploads::routes(),
        deliver::routes(),
        download::routes(),
        pages::routes(),
        client::routes(),
        health::routes(),
        metrics::routes(),
    ];
    let router = areas.into_iter().fold(Router::new(), Router::merge);
    router
        .fallback(nothing_here)
        .method_not_allowed_fallback(no_such_method)
        .layer(from_fn_with_state(Arc::clone(&service), observe::observe))
        .with_state(service)
}

async fn no_such_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "no_such_method", "this address knows other methods; see `Allow`")
}

async fn nothing_here() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "there is nothing at this address")
}
