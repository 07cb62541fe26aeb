//! The bytes that came from the camera.

use std::{ops::Range, sync::Arc};

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, Method, StatusCode},
    response::Response,
};
use procession_domain::{
    Key,
    photo::{Format, Photo},
};

use super::{OfPhoto, find};
use crate::{
    Problem, Result, Service,
    access::{Caller, Scope},
    api::Path,
    deliver::slice,
    representation::{Representation, attachment},
};

/// The original of a photo, as it came, to be saved under its name. The bytes are checked against their hash before the first
/// of them is sent. Ranges are served, so a download that broke off can go on.
#[utoipa::path(get, path = "/api/v1/galleries/{gallery}/photos/{photo}/original", operation_id = "get_original",
    tag = "photos", params(OfPhoto), responses(
        (status = 200, description = "The original", content_type = "*/*", body = Vec<u8>),
        (status = 206, description = "A part of it", content_type = "*/*", body = Vec<u8>),
        (status = 304, description = "It is what the client has already"), Problem))]
pub(crate) async fn original(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(of): Path<OfPhoto>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response> {
    caller.require(Scope::Read)?;
    let (_, photo, _) = find(&service, &caller, of).await?;
    send_original(&service, &photo, &method, &headers).await
}

/// The answer to whoever may have a photo's original.
///
/// # Errors
/// 503 if no store has it whole, or none answers.
pub(crate) async fn send_original(
    service: &Service,
    photo: &Photo,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response> {
    let representation = Representation {
        etag: format!("\"{}\"", photo.original),
        length: photo.bytes,
        media_type: media_type(photo.format),
        caching: "private, no-cache".to_owned(),
        disposition: attachment(&file_name(photo)),
        vary: Vec::new(),
    };
    let body = async |range: Range<u64>| {
        let key = Key::Original(photo.original);
        let bytes = service.delivery.read(&service.system, &key, photo.original, photo.bytes).await?;
        let bytes = bytes.ok_or_else(|| damaged(photo))?;
        Ok(Body::from(slice(&bytes, &range)))
    };
    representation.answer(method, headers, body).await
}

fn damaged(photo: &Photo) -> Problem {
    tracing::error!(photo.id = %photo.id, "no store has this original whole");
    let detail = format!("no store has the original of photo {} whole at the moment", photo.id);
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
}

/// The photo's name, with the extension of what it is where it has none.
fn file_name(photo: &Photo) -> String {
    let name = photo.name();
    let last = name.rsplit('/').next().unwrap_or_default();
    if last.contains('.') { last.to_owned() } else { format!("{last}.{}", photo.format.extension()) }
}

fn media_type(format: Format) -> &'static str {
    match format {
        Format::Jpeg => "image/jpeg",
        Format::Png => "image/png",
        Format::Tiff => "image/tiff",
        Format::WebP => "image/webp",
        Format::Heif => "image/heic",
        Format::Avif => "image/avif",
        Format::Raw => "application/octet-stream",
    }
}
