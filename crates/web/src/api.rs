//! The HTTP API for programs, `/api/v1`. A handler and its place in the OpenAPI document are one registration, so neither is
//! without the other.

mod album;
mod corrections;
mod extract;
mod favourites;
mod galleries;
mod keys;
mod links;
mod openapi;
mod paging;
mod photos;
mod receipt;
mod studios;

use std::sync::Arc;

use axum::Router;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Service;

pub(crate) use extract::{Json, Path, Query};
pub(crate) use galleries::OfGallery;
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
        .routes(routes!(links::list, links::create))
        .routes(routes!(links::revoke))
        .routes(routes!(studios::list, studios::create))
        .routes(routes!(studios::get_own, studios::rename_own))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::revoke))
        .routes(routes!(photos::list))
        .routes(routes!(photos::get))
        .routes(routes!(photos::original))
        .routes(routes!(photos::refusals))
        .routes(routes!(album::get))
        .routes(routes!(album::guests))
        .routes(routes!(album::moments))
        .routes(routes!(corrections::list, corrections::create))
        .routes(routes!(corrections::undo))
        .routes(routes!(corrections::redo))
        .routes(routes!(receipt::get, receipt::create))
        .routes(routes!(favourites::list))
        .routes(routes!(favourites::names))
}
