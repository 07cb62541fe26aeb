//! What clients are told of an upload.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};

use super::{
    headers::{
        PHOTO, UPLOAD_CONCAT, UPLOAD_DEFER_LENGTH, UPLOAD_EXPIRES, UPLOAD_LENGTH, UPLOAD_METADATA, UPLOAD_OFFSET, date,
    },
    upload::{Outcome, Upload},
};
use crate::{Problem, Result, Service};

/// Where an upload is: a path, right behind any proxy that keeps paths.
pub(super) fn location(service: &Service, upload: &Upload) -> String {
    let public = service.settings.public_url.as_deref().unwrap_or_default();
    let path = public.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..])).unwrap_or_default();
    format!("{path}/files/{}", upload.id)
}

/// Goes on only if the upload was not refused.
///
/// # Errors
/// Why it was.
pub(super) fn refusal(upload: &Upload) -> Result<()> {
    match &upload.outcome {
        Some(Outcome::Refused(refused)) => Err(Problem::from(refused.clone())),
        _ => Ok(()),
    }
}

/// How far an upload is.
pub(super) fn answer(status: StatusCode, upload: &Upload, offset: u64) -> Response {
    let mut response = status.into_response();
    let headers = response.headers_mut();
    headers.insert(UPLOAD_OFFSET, offset.into());
    if upload.outcome.is_none() {
        headers.extend(date(upload.expires_at).map(|expires| (UPLOAD_EXPIRES, expires)));
    }
    if let Some(Outcome::Stored(photo)) = &upload.outcome {
        headers.extend(HeaderValue::try_from(photo.to_string()).ok().map(|photo| (PHOTO, photo)));
    }
    response
}

/// The answer to the request that began an upload.
pub(super) fn created(service: &Service, upload: &Upload, offset: u64) -> Response {
    let mut response = answer(StatusCode::CREATED, upload, offset);
    let location = HeaderValue::try_from(location(service, upload)).ok();
    response.headers_mut().extend(location.map(|location| (header::LOCATION, location)));
    response
}

/// All that is known of an upload.
pub(super) fn described(upload: &Upload, offset: u64) -> Response {
    let mut response = answer(StatusCode::OK, upload, offset);
    let headers = response.headers_mut();
    match upload.length {
        Some(length) => headers.insert(UPLOAD_LENGTH, length.into()),
        None => headers.insert(UPLOAD_DEFER_LENGTH, HeaderValue::from_static("1")),
    };
    for (name, value) in [(UPLOAD_METADATA, &upload.metadata), (UPLOAD_CONCAT, &upload.concat)] {
        headers.extend(value.as_ref().and_then(|value| HeaderValue::try_from(value).ok()).map(|value| (name, value)));
    }
    response
}
