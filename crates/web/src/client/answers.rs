//! Answers for the scripts of a page.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;

use super::closed::UNLISTED;

/// JSON that a browser keeps and asks about each time: what it has already is not sent again.
pub(super) fn tagged_json(headers: &HeaderMap, body: Bytes) -> Response {
    // Weak: a compressed answer has the same tag.
    let tag = format!("W/\"{}\"", &blake3::hash(&body).to_hex()[..24]);
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let is_known = known.flat_map(|value| value.split(',')).any(|value| value.trim() == tag);
    let head = [
        UNLISTED,
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
        (header::ETAG, HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static(""))),
    ];
    if is_known {
        return (StatusCode::NOT_MODIFIED, head).into_response();
    }
    (head, [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
}
