//! Failures as HTTP answers: RFC 9457 problem documents with a code that programs can rely on.

use std::collections::BTreeMap;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use procession_domain::{Classified, Invalid, Kind, error::chain};
use serde::Serialize;
use utoipa::{
    ToSchema,
    openapi::{Content, Ref, RefOr, ResponseBuilder},
};

/// The result of a handler.
pub type Result<T, E = Problem> = std::result::Result<T, E>;

/// What went wrong, for people and for programs.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Identifies the kind of problem: `urn:procession:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The HTTP status.
    pub status: u16,
    /// Stable: a program may compare it. The list is in docs/api.md.
    pub code: &'static str,
    /// Names the thing, what is wrong with it, and what to do next.
    pub detail: String,
    /// Where the thing stands, for codes that say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<&'static str>,
    /// Seconds after which the same request may succeed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u64>,
}

impl Problem {
    /// A problem of this status and code.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:procession:problem:{code}"),
            status: status.as_u16(),
            code,
            detail: detail.into(),
            state: None,
            retry_after_seconds: None,
        }
    }

    /// The thing does not exist, or is somebody else's: the two look the same.
    pub fn not_found(what: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("{what} is not there"))
    }

    /// The request can never be accepted as it is.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail)
    }

    /// Nobody said who is asking, or not truthfully.
    pub fn unauthenticated() -> Self {
        let detail = "give a valid API key as `Authorization: Bearer …`, or log in";
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
    }

    /// Whoever asks may not do this.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// Somebody else changed the thing, or its state does not allow this.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", detail)
    }

    /// A fault of ours.
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "internal error; the log has the details")
    }

    /// Asked too often.
    pub fn too_many_requests(retry_after_seconds: u64) -> Self {
        let detail = format!("asked too often; try again in {retry_after_seconds} s");
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail);
        Self { retry_after_seconds: Some(retry_after_seconds), ..problem }
    }
}

/// In the API's document: what any operation can answer instead.
impl utoipa::IntoResponses for Problem {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        let content = Content::new(Some(Ref::from_schema_name("Problem")));
        let problem =
            ResponseBuilder::new().description("A problem").content("application/problem+json", content).build();
        ["4XX", "5XX"].map(|status| (status.to_owned(), RefOr::T(problem.clone()))).into()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = self.retry_after_seconds;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// What a failure below means to a client. Faults of ours are told in the log, once, and not to the client.
fn from_failure(kind: Kind, error: &dyn std::error::Error) -> Problem {
    let (status, code) = match kind {
        Kind::NotFound => (StatusCode::NOT_FOUND, "not_found"),
        Kind::Conflict => (StatusCode::CONFLICT, "conflict"),
        Kind::Invalid => (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
        Kind::Limit => (StatusCode::INSUFFICIENT_STORAGE, "no_room"),
        Kind::Corrupt | Kind::Unavailable | Kind::Cancelled => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        Kind::Bug => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
    };
    let text = chain(error);
    if status.is_server_error() {
        tracing::error!(error = text, error.kind = ?kind, "request failed");
    }
    let detail = match kind {
        Kind::Bug => "internal error; the log has the details".to_owned(),
        _ => text,
    };
    let retry_after_seconds = matches!(kind, Kind::Unavailable | Kind::Limit).then_some(10);
    Problem { retry_after_seconds, ..Problem::new(status, code, detail) }
}

impl From<procession_flow::Error> for Problem {
    fn from(error: procession_flow::Error) -> Self {
        match error {
            // A photo's own fault is not the machine's: it is too large, or no photo.
            procession_flow::Error::Pixel(error) => match error.kind() {
                Kind::Limit => Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", chain(&error)),
                _ => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "not_a_photo", chain(&error)),
            },
            error => from_failure(error.kind(), &error),
        }
    }
}

impl From<procession_vault::Error> for Problem {
    fn from(error: procession_vault::Error) -> Self {
        from_failure(error.kind(), &error)
    }
}

impl From<Invalid> for Problem {
    fn from(error: Invalid) -> Self {
        Self::invalid(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    const PAGE: &str = include_str!("../../../docs/api.md");

    /// Every code of the sources: the word that follows a status, or the first in a new problem.
    fn codes_below(folder: &Path, codes: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                codes_below(&path, codes);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let names = text.split("StatusCode::").skip(1);
                let arguments =
                    names.filter_map(|rest| rest.split_once(',').map(|(name, rest)| (name, rest.trim_start())));
                let followed = arguments.filter(|(name, rest)| !name.contains([')', ' ']) && rest.starts_with('"'));
                let problems = text.split("Problem::new(").skip(1);
                let words = followed.map(|(_, rest)| rest).chain(problems).filter_map(|rest| rest.split('"').nth(1));
                let is_code = |word: &&str| word.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase());
                codes.extend(words.filter(is_code).map(str::to_owned));
            }
        }
    }

    #[test]
    fn every_code_is_documented_and_no_other() {
        let mut codes = BTreeSet::new();
        codes_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut codes);
        let table = PAGE.split("| `code` |").nth(1).unwrap().split("\n\n").next().unwrap();
        let cells = table.lines().skip(2).filter_map(|line| line.split('|').nth(1));
        let documented: BTreeSet<String> =
            cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect();
        assert_eq!(codes, documented);
    }
}
