//! The headers of tus, read strictly and written.

use std::time::Duration;

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use procession_domain::Timestamp;

use super::upload::UploadId;
use crate::{Problem, Result};

/// The version of the protocol that is spoken here.
pub(super) const VERSION: &str = "1.0.0";
/// What is implemented beyond the core.
pub(super) const EXTENSIONS: &str =
    "creation,creation-with-upload,creation-defer-length,expiration,checksum,termination,concatenation";
/// A photo has parts enough with these.
const MOST_PARTS: usize = 1_000;

pub(super) const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
pub(super) const TUS_VERSION: HeaderName = HeaderName::from_static("tus-version");
pub(super) const TUS_EXTENSION: HeaderName = HeaderName::from_static("tus-extension");
pub(super) const TUS_MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");
pub(super) const TUS_CHECKSUM_ALGORITHM: HeaderName = HeaderName::from_static("tus-checksum-algorithm");
pub(super) const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
pub(super) const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
pub(super) const UPLOAD_DEFER_LENGTH: HeaderName = HeaderName::from_static("upload-defer-length");
pub(super) const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
pub(super) const UPLOAD_CONCAT: HeaderName = HeaderName::from_static("upload-concat");
pub(super) const UPLOAD_CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");
pub(super) const UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
pub(super) const METHOD_OVERRIDE: HeaderName = HeaderName::from_static("x-http-method-override");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
/// The codings of photos that are understood.
pub(super) const CODINGS: HeaderName = HeaderName::from_static("procession-codings");
/// The photo that an upload became.
pub(super) const PHOTO: HeaderName = HeaderName::from_static("procession-photo");

/// Says what the request took here beside its bytes' way ([Server Timing](https://www.w3.org/TR/server-timing/)): clients choose by the
/// rest how they send.
pub(super) fn timed(mut response: Response, worked: Duration) -> Response {
    let said = format!("work;dur={:.1}", worked.as_secs_f64() * 1e3);
    let value = HeaderValue::try_from(said).ok();
    response.headers_mut().extend(value.map(|value| (SERVER_TIMING, value)));
    response
}

/// The request can not be understood.
pub(super) fn malformed(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "malformed", detail)
}

/// A client of another version is told which one is spoken here.
pub(super) fn check_version(headers: &HeaderMap) -> Result<()> {
    if headers.get(TUS_RESUMABLE).is_some_and(|version| version == VERSION) {
        return Ok(());
    }
    let detail = format!("this is tus {VERSION}: send the header Tus-Resumable: {VERSION}");
    Err(Problem::new(StatusCode::PRECONDITION_FAILED, "tus_version", detail))
}

/// Bytes travel under this type alone.
pub(super) fn check_content_type(headers: &HeaderMap) -> Result<()> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if given.is_some_and(|given| given.trim().eq_ignore_ascii_case("application/offset+octet-stream")) {
        return Ok(());
    }
    let detail = "send the bytes as Content-Type: application/offset+octet-stream";
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "wrong_content_type", detail))
}

/// A header's text.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(malformed(format!("{name} is there twice")));
    }
    value.to_str().map(Some).map_err(|_| malformed(format!("{name}: use ASCII")))
}

/// A header's non-negative integer.
pub(super) fn number(headers: &HeaderMap, name: &HeaderName) -> Result<Option<u64>> {
    let Some(text) = text(headers, name)? else { return Ok(None) };
    // `parse` alone would take a sign.
    let number = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    number.map(Some).ok_or_else(|| malformed(format!("{name} {text:?}: give a non-negative integer")))
}

/// The length of a new upload; `None` if it is to be told later.
pub(super) fn length(headers: &HeaderMap) -> Result<Option<u64>> {
    match (number(headers, &UPLOAD_LENGTH)?, text(headers, &UPLOAD_DEFER_LENGTH)?) {
        (Some(length), None) => Ok(Some(length)),
        (None, Some("1")) => Ok(None),
        (None, Some(other)) => Err(malformed(format!("Upload-Defer-Length {other:?}: the only value is 1"))),
        _ => Err(malformed("give either Upload-Length, or Upload-Defer-Length: 1")),
    }
}

/// What an upload is to others.
#[derive(Debug, PartialEq)]
pub(super) enum Concat {
    /// Nothing.
    Whole,
    Part,
    /// All of these in this order.
    Final(Vec<UploadId>),
}

/// What `Upload-Concat` says.
pub(super) fn concat(headers: &HeaderMap) -> Result<Concat> {
    let Some(text) = text(headers, &UPLOAD_CONCAT)? else { return Ok(Concat::Whole) };
    if text == "partial" {
        return Ok(Concat::Part);
    }
    let Some(urls) = text.strip_prefix("final;") else {
        return Err(malformed("Upload-Concat: give `partial`, or `final;` and the URLs of the parts"));
    };
    // Absolute or relative: the last part of the path is the name.
    let name = |url: &str| url.trim_end_matches('/').rsplit('/').next().unwrap_or_default().parse();
    let parts: Vec<UploadId> = urls
        .split_ascii_whitespace()
        .map(|url| name(url).map_err(|_| Problem::not_found("one of the parts of Upload-Concat")))
        .collect::<Result<_>>()?;
    match parts.len() {
        0 => Err(malformed("Upload-Concat: `final;` without parts")),
        1..=MOST_PARTS => Ok(Concat::Final(parts)),
        more => Err(malformed(format!("Upload-Concat: {more} parts are more than {MOST_PARTS}"))),
    }
}

/// What `Upload-Metadata` says: keys that differ, each with its value.
pub(super) fn metadata(headers: &HeaderMap) -> Result<Vec<(&str, Vec<u8>)>> {
    let Some(text) = text(headers, &UPLOAD_METADATA)? else { return Ok(Vec::new()) };
    let mut pairs: Vec<(&str, Vec<u8>)> = Vec::new();
    for pair in text.split(',') {
        let pair = pair.trim_matches(' ');
        let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
        if key.is_empty() || pairs.iter().any(|(known, _)| *known == key) {
            return Err(malformed(format!("Upload-Metadata: the key {key:?} is empty or there twice")));
        }
        let value = STANDARD.decode(value).map_err(|_| malformed(format!("Upload-Metadata: {key} is not Base64")))?;
        pairs.push((key, value));
    }
    Ok(pairs)
}

/// A moment as HTTP writes it (RFC 9110, section 5.6.7).
pub(super) fn date(moment: Timestamp) -> Option<HeaderValue> {
    let text = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&moment.calendar()).ok()?;
    HeaderValue::try_from(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn numbers_are_digits_alone() {
        let parse = |value| number(&headers(&[(UPLOAD_OFFSET, value)]), &UPLOAD_OFFSET).ok().flatten();
        assert_eq!(parse("0"), Some(0));
        assert_eq!(parse("18446744073709551615"), Some(u64::MAX));
        for wrong in ["", "+1", "-1", " 1", "1.0", "0x1", "18446744073709551616"] {
            assert_eq!(parse(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_length_is_given_or_deferred() {
        assert_eq!(length(&headers(&[(UPLOAD_LENGTH, "7")])).unwrap(), Some(7));
        assert_eq!(length(&headers(&[(UPLOAD_DEFER_LENGTH, "1")])).unwrap(), None);
        for wrong in [
            &[][..],
            &[(UPLOAD_DEFER_LENGTH, "0")],
            &[(UPLOAD_LENGTH, "7"), (UPLOAD_DEFER_LENGTH, "1")],
            &[(UPLOAD_LENGTH, "many")],
        ] {
            assert_eq!(length(&headers(wrong)).unwrap_err().status, 400, "{wrong:?}");
        }
    }

    #[test]
    fn parts_are_named_by_their_urls() {
        let id = "0123456789abcdef0123456789abcdef";
        let parts = vec![id.parse().unwrap(), id.parse().unwrap()];
        let both =
            "final;http://a.example/files/0123456789abcdef0123456789abcdef /files/0123456789abcdef0123456789abcdef";
        assert_eq!(concat(&headers(&[(UPLOAD_CONCAT, both)])).unwrap(), Concat::Final(parts));
        assert_eq!(concat(&headers(&[(UPLOAD_CONCAT, "partial")])).unwrap(), Concat::Part);
        for (wrong, status) in [("final", 400), ("final;", 400), ("final;/files/../x", 404), ("Partial", 400)] {
            assert_eq!(concat(&headers(&[(UPLOAD_CONCAT, wrong)])).unwrap_err().status, status, "{wrong}");
        }
    }

    #[test]
    fn metadata_is_held_to_the_protocol() {
        let read = |value| metadata(&headers(&[(UPLOAD_METADATA, value)])).map(|pairs| pairs.len());
        assert_eq!(read("filename d29ybGQ=,secret").unwrap(), 2);
        assert_eq!(read("filename d29ybGQ=, secret ").unwrap(), 2);
        for wrong in ["", "a,a", "a b c", "a d29ybGQ", ",", "a *"] {
            assert_eq!(read(wrong).unwrap_err().status, 400, "{wrong:?}");
        }
    }

    #[test]
    fn dates_are_those_of_http() {
        let moment = Timestamp::from_micros(1_403_712_000_000_000);
        assert_eq!(date(moment).unwrap(), "Wed, 25 Jun 2014 16:00:00 GMT");
    }
}
