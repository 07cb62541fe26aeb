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
    with_refusals(areas.into_iter().fold(Router::new(), Router::merge), service)
}

/// What a process answers that serves no clients: whether it lives, is ready, and its metrics.
pub fn probes(service: Arc<Service>) -> Router {
    with_refusals(health::routes().merge(metrics::routes()), service)
}

fn with_refusals(router: Router<Arc<Service>>, service: Arc<Service>) -> Router {
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
