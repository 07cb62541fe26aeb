//! The HTTP API for programs, `/api/v1`. A handler and its place in the OpenAPI document are one registration, so neither is
//! without the other.

mod extract;
mod galleries;
mod openapi;
mod paging;

use std::sync::Arc;

use axum::Router;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Service, live};

pub(crate) use extract::Json;
pub(crate) use galleries::ProgressView;
pub(crate) use paging::{Page, Paging};

/// The API's routes, with the document that describes them.
pub(crate) fn routes() -> Router<Arc<Service>> {
    let (router, document) = documented().split_for_parts();
    router.merge(openapi::route(document))
}

fn documented() -> OpenApiRouter<Arc<Service>> {
    openapi::start()
        .routes(routes!(galleries::list, galleries::create))
        .routes(routes!(galleries::get, galleries::change, galleries::remove))
        .routes(routes!(live::status::get))
        .routes(routes!(live::events::watch))
        .routes(routes!(live::operations::get))
}
