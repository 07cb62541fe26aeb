//! The document that describes the API: OpenAPI 3.1, made from the handlers themselves.

use std::{borrow::Cow, sync::Arc};

use axum::{Router, http::header, routing::get};
use bytes::Bytes;
use serde_json::{Value, json};
use utoipa::{
    OpenApi, PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, OpenApi as Document, RefOr, Schema,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::router::OpenApiRouter;

use super::idempotency::LONGEST_KEY;
use crate::{Problem, Service, access::SESSION_COOKIE};

/// The schema of gallery.json, which is described once, for the command line and for this.
const ALBUM: &str = include_str!("../../../../docs/gallery.schema.json");

#[derive(OpenApi)]
#[openapi(
    info(title = "Procession", description = "Whole wedding galleries in, finished and safe galleries out."),
    components(schemas(Problem)),
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

/// gallery.json, in place of whose schema stands that of the file.
pub(crate) struct AlbumDocument;

impl PartialSchema for AlbumDocument {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().into()
    }
}

impl ToSchema for AlbumDocument {
    fn name() -> Cow<'static, str> {
        "Album".into()
    }
}

/// The empty document to which handlers are added.
pub(super) fn start() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::with_openapi(Start::openapi())
}

/// Serves the document.
pub(super) fn route(document: Document) -> Router<Arc<Service>> {
    let text = Bytes::from(whole(document).to_string());
    let answer = async move || ([(header::CONTENT_TYPE, "application/json")], text.clone());
    Router::new().route("/api/v1/openapi.json", get(answer))
}

/// What every operation of a method can be asked and can answer, because it is done for all of them in one place.
fn tell_headers(document: &mut Value) {
    let parameters = json!({
        "IdempotencyKey": {
            "name": "Idempotency-Key", "in": "header",
            "description": "The same key again is answered the same, and the request is carried out once",
            "schema": { "type": "string", "pattern": format!("^[!-~]{{1,{LONGEST_KEY}}}$") },
        },
        "IfNoneMatch": {
            "name": "If-None-Match", "in": "header", "description": "Tags of answers that the client has",
            "schema": { "type": "string" },
        },
    });
    document["components"]["parameters"] = parameters;
    let items = document["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut());
    for (method, operation) in items.filter_map(Value::as_object_mut).flatten() {
        let is_json = operation["responses"]["200"]["content"]["application/json"].is_object();
        let parameter = match method.as_str() {
            "post" => "IdempotencyKey",
            "get" if is_json => {
                operation["responses"]["304"] = json!({ "description": "The client has this answer." });
                "IfNoneMatch"
            }
            _ => continue,
        };
        let parameter = json!({ "$ref": format!("#/components/parameters/{parameter}") });
        match operation["parameters"].as_array_mut() {
            Some(parameters) => parameters.push(parameter),
            None => operation["parameters"] = json!([parameter]),
        }
    }
}

/// The document with what stands in no handler: the schemas of files of their own, and the headers of all operations.
pub(super) fn whole(document: Document) -> Value {
    let mut document = serde_json::to_value(document).unwrap_or_default();
    tell_headers(&mut document);
    let album = ALBUM.replace("#/$defs/", "#/components/schemas/Album.");
    let mut album: Value = serde_json::from_str(&album).unwrap_or_default();
    let schemas = &mut document["components"]["schemas"];
    if let Some(Value::Object(parts)) = album.as_object_mut().and_then(|album| album.remove("$defs")) {
        parts.into_iter().for_each(|(name, part)| schemas[format!("Album.{name}")] = part);
    }
    schemas["Album"] = album;
    document
}
