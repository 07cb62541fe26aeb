//! Which bytes of a representation a request asks for, by
//! [RFC 9110, section 14](https://www.rfc-editor.org/rfc/rfc9110#section-14).

use std::ops::Range;

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};

/// The part to be sent of a representation whose length is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All of it: nothing else was asked for, or not in a way that we serve.
    Whole,
    /// These bytes: at least one, and all of them exist.
    Part(Range<u64>),
    /// The bytes that were asked for do not exist.
    Unsatisfiable,
}

impl Selection {
    /// What the request selects of a representation with this strong entity tag (in its quotes) and this length.
    ///
    /// `Range` counts with `GET` alone. With `If-Range`, it counts only if that is the very same tag; a date is never
    /// believed, because it does not tell two versions of one second apart. Several ranges, other units and what is
    /// malformed get the whole, as the standard allows.
    pub fn of(method: &Method, headers: &HeaderMap, etag: &str, length: u64) -> Self {
        let mut ranges = headers.get_all(header::RANGE).iter();
        let (Some(range), None) = (ranges.next(), ranges.next()) else { return Self::Whole };
        let is_same = |tag: &HeaderValue| tag.as_bytes() == etag.as_bytes() && !etag.starts_with("W/");
        if method != Method::GET || !headers.get(header::IF_RANGE).is_none_or(is_same) {
            return Self::Whole;
        }
        range.to_str().ok().and_then(|range| parse(range, length)).unwrap_or(Self::Whole)
    }

    /// 200, 206 or 416.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Whole => StatusCode::OK,
            Self::Part(_) => StatusCode::PARTIAL_CONTENT,
            Self::Unsatisfiable => StatusCode::RANGE_NOT_SATISFIABLE,
        }
    }

    /// The bytes to be sent of a representation of this length.
    pub fn bytes(&self, length: u64) -> Range<u64> {
        match self {
            Self::Whole => 0..length,
            Self::Part(range) => range.clone(),
            Self::Unsatisfiable => 0..0,
        }
    }

    /// The value of `Content-Range`, where the answer has one.
    pub fn content_range(&self, length: u64) -> Option<String> {
        match self {
            Self::Whole => None,
            Self::Part(range) => Some(format!("bytes {}-{}/{length}", range.start, range.end - 1)),
            Self::Unsatisfiable => Some(format!("bytes */{length}")),
        }
    }
}

/// The only range of the header; none if it is not one range of bytes.
fn parse(header: &str, length: u64) -> Option<Selection> {
    let set = header.split_once('=').filter(|(unit, _)| unit.eq_ignore_ascii_case("bytes"))?.1;
    // A list may have empty elements.
    let mut elements = set.split(',').map(|element| element.trim_matches([' ', '\t'])).filter(|one| !one.is_empty());
    let (range, None) = (elements.next()?, elements.next()) else { return None };
    let range = match range.split_once('-')? {
        ("", suffix) => {
            let suffix = number(suffix)?;
            // The end of nothing is nothing, which only a whole answer can be.
            if length == 0 && suffix > 0 {
                return None;
            }
            length.saturating_sub(suffix)..length
        }
        (first, "") => number(first)?..length,
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if first > last {
                return None;
            }
            first..last.saturating_add(1).min(length)
        }
    };
    Some(if range.is_empty() { Selection::Unsatisfiable } else { Selection::Part(range) })
}

/// Digits and nothing else. A number beyond all lengths is held at the greatest.
fn number(digits: &str) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
