//! The document that describes the API: OpenAPI 3.1, made from the handlers themselves.

use std::sync::Arc;

use axum::{Json, Router, routing::get};
use utoipa::{
    OpenApi,
    openapi::{
        OpenApi as Document,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::router::OpenApiRouter;

use crate::{Service, access::SESSION_COOKIE};

#[derive(OpenApi)]
#[openapi(
    info(title = "Procession", description = "Whole wedding galleries in, finished and safe galleries out."),
    security(("key" = []), ("session" = [])),
    modifiers(&Security)
)]
struct Start;

struct Security;

impl utoipa::Modify for Security {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_default();
        let key = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("pk_ID_SECRET").build();
        components.add_security_scheme("key", SecurityScheme::Http(key));
        let session = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(SESSION_COOKIE)));
        components.add_security_scheme("session", session);
    }
}

/// The empty document to which handlers are added.
pub(super) fn start() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::with_openapi(Start::openapi())
}

/// Serves the document.
pub(super) fn route(document: Document) -> Router<Arc<Service>> {
    let document = Arc::new(document);
    Router::new().route("/api/v1/openapi.json", get(async move || Json(document.as_ref().clone())))
}
