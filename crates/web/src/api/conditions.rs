//! Conditional requests ([RFC 9110, section 13](https://www.rfc-editor.org/rfc/rfc9110#section-13)): every JSON answer has an
//! entity tag, and who has it already is told so instead of being sent it again.
//!
//! A tag is the hash of the bytes. A handler can put before it a tag of its own, of that part of the state on which changes
//! depend: `"PART-BYTES"`. `If-Match` looks at the part alone, so that what only passes by, like progress, stops no change.

use axum::{
    body::{Body, HttpBody as _, to_bytes},
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use crate::{Problem, Result, representation::has_tag};

/// Hex digits of a hash in a tag: 128 bits.
const DIGITS: usize = 32;

/// The part of a tag, in its quotes, that changes depend on: what a handler sets as `ETag`.
pub(super) fn part_tag(state: &impl serde::Serialize) -> Result<HeaderValue> {
    let bytes = serde_json::to_vec(state).map_err(|_| Problem::internal())?;
    HeaderValue::try_from(format!("\"{}\"", digits(&bytes))).map_err(|_| Problem::internal())
}

/// Goes on only if `If-Match` is absent or names this part tag.
///
/// # Errors
/// 412.
pub(super) fn require_match(request: &HeaderMap, part: &HeaderValue) -> Result<()> {
    let lists: Vec<&HeaderValue> = request.get_all(header::IF_MATCH).iter().collect();
    let part = part.to_str().unwrap_or_default().trim_matches('"');
    let is_match = |tag: &str| {
        let opaque = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
        tag == "*" || opaque.and_then(|opaque| opaque.split('-').next()) == Some(part)
    };
    let mut tags = lists.iter().filter_map(|list| list.to_str().ok()).flat_map(|list| list.split(',')).map(str::trim);
    if lists.is_empty() || tags.any(is_match) {
        return Ok(());
    }
    let detail = "it is not what it was when this ETag was given; get it again and look whether the change still fits";
    Err(Problem::new(StatusCode::PRECONDITION_FAILED, "changed_meanwhile", detail))
}

/// Gives JSON answers their tags and answers `If-None-Match`. Streams and answers of other types pass as they are.
pub(super) async fn tag_answers(request: Request, next: Next) -> Response {
    let is_get = request.method() == Method::GET;
    let known: HeaderMap = request
        .headers()
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .map(|tags| (header::IF_NONE_MATCH, tags.clone()))
        .collect();
    let response = next.run(request).await;
    let is_tagged = is_get || response.headers().contains_key(header::ETAG);
    let is_json = response.headers().get(header::CONTENT_TYPE).is_some_and(|value| value == "application/json");
    if response.status() != StatusCode::OK || !is_tagged || !is_json || response.body().size_hint().exact().is_none() {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    // It has a length, so it is in memory already.
    let Ok(bytes) = to_bytes(body, usize::MAX).await else { return Problem::internal().into_response() };
    let part = parts.headers.get(header::ETAG).and_then(|part| part.to_str().ok());
    let part = part.map(|part| format!("{}-", part.trim_matches('"'))).unwrap_or_default();
    let tag = format!("\"{part}{}\"", digits(&bytes));
    let is_known = is_get && has_tag(&known, &tag);
    let Ok(value) = HeaderValue::try_from(tag) else { return Problem::internal().into_response() };
    parts.headers.insert(header::ETAG, value);
    parts.headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-cache"));
    if !is_known {
        return Response::from_parts(parts, Body::from(bytes));
    }
    parts.status = StatusCode::NOT_MODIFIED;
    const OF_THE_BODY: [HeaderName; 2] = [header::CONTENT_TYPE, header::CONTENT_LENGTH];
    OF_THE_BODY.iter().for_each(|name| drop(parts.headers.remove(name)));
    Response::from_parts(parts, Body::empty())
}

fn digits(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().chars().take(DIGITS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(tags: &[&'static str]) -> HeaderMap {
        tags.iter().map(|tag| (header::IF_MATCH, HeaderValue::from_static(tag))).collect()
    }

    #[test]
    fn a_change_depends_on_the_part_alone() {
        let part = HeaderValue::from_static("\"abc\"");
        for tags in [&[][..], &["*"], &["\"abc\""], &["\"abc-1\""], &["\"x\", \"abc-2\""], &["\"x\"", "\"abc-3\""]] {
            assert!(require_match(&headers(tags), &part).is_ok(), "{tags:?}");
        }
        for tags in [&[""][..], &["\"x\""], &["abc"], &["W/\"abc\""], &["\"1-abc\""], &["\"abcd\""]] {
            assert_eq!(require_match(&headers(tags), &part).unwrap_err().code, "changed_meanwhile", "{tags:?}");
        }
        assert_ne!(part_tag(&1).unwrap(), part_tag(&2).unwrap());
    }
}
