//! A representation as an HTTP answer: conditions, ranges, and the headers that each of ours has.

use std::ops::Range;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse as _, Response},
};

use crate::{Problem, Result, range::Selection};

/// Bytes that can be sent, before they are read.
#[derive(Clone, Debug)]
pub(crate) struct Representation {
    /// A strong entity tag in its quotes: the same tag, the same bytes.
    pub(crate) etag: String,
    /// Length in bytes.
    pub(crate) length: u64,
    /// What the bytes are.
    pub(crate) media_type: &'static str,
    /// `Cache-Control`.
    pub(crate) caching: String,
    /// `Content-Disposition`.
    pub(crate) disposition: HeaderValue,
    /// `Vary`: the request's headers that other requests would have to share to get the same.
    pub(crate) vary: Vec<&'static str>,
}

impl Representation {
    /// The answer to a request: all of it (200), a part (206), that the client has it (304), or that there is no such part
    /// (416). `body` makes the bytes of a range, and is asked only where bytes are sent.
    ///
    /// # Errors
    /// What `body` fails with.
    pub(crate) async fn answer(
        &self,
        method: &Method,
        request: &HeaderMap,
        body: impl AsyncFnOnce(Range<u64>) -> Result<Body>,
    ) -> Result<Response> {
        if has_tag(request, &self.etag) {
            return self.response(StatusCode::NOT_MODIFIED, Body::empty());
        }
        let selection = Selection::of(method, request, &self.etag, self.length);
        let range = selection.bytes(self.length);
        if selection == Selection::Unsatisfiable {
            let detail = format!("there are {} bytes, and none of this range", self.length);
            let mut response = Problem::new(selection.status(), "no_such_range", detail).into_response();
            response.headers_mut().insert(header::CONTENT_RANGE, value(format!("bytes */{}", self.length))?);
            return Ok(response);
        }
        let length = HeaderValue::from(range.end - range.start);
        let body = if range.is_empty() || method == Method::HEAD { Body::empty() } else { body(range).await? };
        let mut response = self.response(selection.status(), body)?;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_LENGTH, length);
        if let Some(range) = selection.content_range(self.length) {
            headers.insert(header::CONTENT_RANGE, value(range)?);
        }
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        headers.insert(header::CONTENT_DISPOSITION, self.disposition.clone());
        Ok(response)
    }

    /// What 200 and 304 have in common.
    fn response(&self, status: StatusCode, body: Body) -> Result<Response> {
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::ETAG, value(self.etag.clone())?);
        headers.insert(header::CACHE_CONTROL, value(self.caching.clone())?);
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        // Whoever has the address may show it on a page of their own, and may know how long it took.
        headers.insert(RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
        headers.insert(TIMING, HeaderValue::from_static("*"));
        if !self.vary.is_empty() {
            headers.insert(header::VARY, value(self.vary.join(", "))?);
        }
        Ok(response)
    }
}

/// Whether `If-None-Match` names this tag, compared weakly as
/// [RFC 9110, section 13.1.2](https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2) says. None of our tags has a comma in it.
pub(crate) fn has_tag(request: &HeaderMap, etag: &str) -> bool {
    let lists = request.get_all(header::IF_NONE_MATCH).iter().filter_map(|list| list.to_str().ok());
    lists.flat_map(|list| list.split(',')).map(str::trim).any(|tag| {
        let opaque = tag.strip_prefix("W/").unwrap_or(tag);
        tag == "*" || opaque == etag
    })
}

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const TIMING: HeaderName = HeaderName::from_static("timing-allow-origin");

fn value(text: String) -> Result<HeaderValue> {
    HeaderValue::try_from(text).map_err(|_| Problem::internal())
}

/// The value of `Content-Disposition` for a file that is to be saved under the last part of this path
/// ([RFC 6266](https://www.rfc-editor.org/rfc/rfc6266)).
pub(crate) fn attachment(path: &str) -> HeaderValue {
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ' | '(' | ')');
    let plain: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    if plain == name {
        return HeaderValue::try_from(format!("attachment; filename=\"{plain}\"")).unwrap_or(ANONYMOUS);
    }
    let is_kept = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let mut encoded = String::new();
    for byte in name.bytes() {
        if is_kept(byte) { encoded.push(byte.into()) } else { encoded.push_str(&format!("%{byte:02X}")) }
    }
    let value = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}");
    HeaderValue::try_from(value).unwrap_or(ANONYMOUS)
}

const ANONYMOUS: HeaderValue = HeaderValue::from_static("attachment");

#[cfg(test)]
mod tests {
    use super::*;

    fn photo() -> Representation {
        Representation {
            etag: "\"abc\"".to_owned(),
            length: 10,
            media_type: "image/jpeg",
            caching: "public, max-age=60".to_owned(),
            disposition: HeaderValue::from_static("inline"),
            vary: vec!["Accept"],
        }
    }

    fn headers(given: &[(&'static str, &'static str)]) -> HeaderMap {
        given.iter().map(|(name, text)| (HeaderName::from_static(name), HeaderValue::from_static(text))).collect()
    }

    async fn asked(method: Method, given: &[(&'static str, &'static str)]) -> (u16, HeaderMap, Vec<u8>) {
        let body =
            async |range: Range<u64>| Ok(Body::from(b"0123456789"[range.start as usize..range.end as usize].to_vec()));
        let response = photo().answer(&method, &headers(given), body).await.unwrap();
        let (parts, body) = response.into_parts();
        (parts.status.as_u16(), parts.headers, axum::body::to_bytes(body, 1_000).await.unwrap().to_vec())
    }

    #[tokio::test]
    async fn conditions_come_before_ranges() {
        for known in ["\"abc\"", "W/\"abc\"", "*", "\"x\", \"abc\""] {
            let (status, headers, body) = asked(Method::GET, &[("if-none-match", known), ("range", "bytes=0-1")]).await;
            assert_eq!((status, body.len()), (304, 0), "{known}");
            assert_eq!(headers["vary"], "Accept");
            assert_eq!(headers["etag"], "\"abc\"");
            assert_eq!(headers["cache-control"], "public, max-age=60");
            assert!(!headers.contains_key("content-type"));
        }
        for unknown in ["\"x\"", "abc", ""] {
            assert_eq!(asked(Method::GET, &[("if-none-match", unknown)]).await.0, 200, "{unknown}");
        }
    }

    #[tokio::test]
    async fn a_part_a_head_and_what_is_not_there() {
        let (status, headers, body) = asked(Method::GET, &[("range", "bytes=2-4")]).await;
        assert_eq!((status, body.as_slice()), (206, b"234".as_slice()));
        assert_eq!(headers["content-range"], "bytes 2-4/10");
        assert_eq!(headers["content-length"], "3");
        let (status, headers, body) = asked(Method::HEAD, &[]).await;
        assert_eq!((status, body.len(), &headers["content-length"]), (200, 0, &HeaderValue::from(10)));
        let (status, headers, body) = asked(Method::GET, &[("range", "bytes=10-")]).await;
        assert_eq!((status, &headers["content-type"]), (416, &HeaderValue::from_static("application/problem+json")));
        assert!(!body.is_empty());
        assert_eq!(headers["content-range"], "bytes */10");
        assert_eq!(headers["cache-control"], "no-store");
    }

    #[test]
    fn a_name_is_given_as_every_client_reads_it() {
        assert_eq!(attachment("day/IMG 1 (2).jpg"), "attachment; filename=\"IMG 1 (2).jpg\"");
        let german = "attachment; filename=\"K_sse.jpg\"; filename*=UTF-8''K%C3%BCsse.jpg";
        assert_eq!(attachment("a/Küsse.jpg"), german);
        let hostile = attachment("a\\\"\r\nX: y;.jpg");
        assert_eq!(hostile, "attachment; filename=\"___X_ y_.jpg\"; filename*=UTF-8''%22%0D%0AX%3A%20y%3B.jpg");
        assert_eq!(attachment(""), "attachment; filename=\"\"");
    }
}
