//! The HTTP API for programs, `/api/v1`. A handler and its place in the OpenAPI document are one registration, so neither is
//! without the other.

mod album;
mod archives;
mod conditions;
mod corrections;
mod extract;
mod favourites;
mod galleries;
mod idempotency;
mod keys;
mod links;
mod openapi;
mod paging;
mod photos;
mod receipt;
mod studios;
mod webhooks;

use std::sync::Arc;

use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Result, Service, live};

pub(crate) use extract::{Json, Path, Query};
pub(crate) use galleries::{OfGallery, ProgressView};
pub(crate) use idempotency::Keeping;
pub use idempotency::keep_sweeping_answers;
pub(crate) use paging::{Page, Paging};
pub(crate) use photos::send_original;

/// Carries work through, even if the client goes away in its middle: for what must not end half way.
async fn through<T: Send + 'static>(work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    let bug = |error| procession_flow::Error::Bug(format!("a request's task ended early: {error}"));
    tokio::spawn(work).await.map_err(bug)?
}

/// The API's routes, with the document that describes them.
pub(crate) fn routes(service: &Arc<Service>) -> Router<Arc<Service>> {
    let (router, document) = documented().split_for_parts();
    router
        .merge(openapi::route(document))
        .route_layer(from_fn(conditions::tag_answers))
        .route_layer(from_fn_with_state(Arc::clone(service), idempotency::carry_out_once))
}

fn documented() -> OpenApiRouter<Arc<Service>> {
    openapi::start()
        .routes(routes!(galleries::list, galleries::create))
        .routes(routes!(galleries::get, galleries::change, galleries::remove))
        .routes(routes!(webhooks::list, webhooks::create))
        .routes(routes!(webhooks::get, webhooks::remove))
        .routes(routes!(webhooks::deliveries))
        .routes(routes!(live::status::get))
        .routes(routes!(live::events::watch))
        .routes(routes!(live::operations::get))
        .routes(routes!(live::forecast::get))
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
        .routes(routes!(archives::create))
        .routes(routes!(receipt::get, receipt::create))
        .routes(routes!(favourites::list))
        .routes(routes!(favourites::names))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_operation_is_named_once_and_tells_its_problems() {
        let document = openapi::whole(documented().into_openapi());
        assert_eq!(document["openapi"], "3.1.0");
        let mut names = BTreeSet::new();
        for (path, operations) in document["paths"].as_object().unwrap() {
            for (method, operation) in operations.as_object().unwrap() {
                let name = operation["operationId"].as_str().unwrap();
                assert!(names.insert(name), "{name} is twice, at last for {method} {path}");
                assert!(operation["tags"][0].is_string() && operation["summary"].is_string(), "{method} {path}");
                let problem = &operation["responses"]["4XX"]["content"]["application/problem+json"]["schema"];
                assert_eq!(problem["$ref"], "#/components/schemas/Problem", "{method} {path}");
            }
        }
        assert!(names.len() > 20);
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = openapi::whole(documented().into_openapi());
        let text = document.to_string();
        let references: BTreeSet<&str> =
            text.split("\"$ref\":\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        assert!(references.contains("#/components/schemas/Album.photo"));
        for reference in references {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }
}
