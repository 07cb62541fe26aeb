//! What a service's refusal means.

use std::{error::Error as _, io};

use object_store::client::{HttpError, HttpErrorKind};
use procession_domain::error::chain;

use super::S3Options;

/// What is wrong.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The object is not there.
    Absent,
    /// A write that wanted to be the first was not.
    Taken(io::Error),
    /// As it is configured this never works: which option, and why.
    Refused(String),
    /// No room.
    Full(io::Error),
    /// It may pass.
    Away(io::Error),
}

/// Classifies an error of the library, by the answer's status and the code in its body:
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>.
pub(super) fn trouble(error: &object_store::Error, options: &S3Options) -> Trouble {
    let text = chain(error);
    let status = status(&text);
    let code = element(&text, "Code");
    let said = |status: u16| match (code, element(&text, "Message")) {
        (Some(code), Some(message)) => format!("{status} {code}: {message}"),
        (Some(code), None) => format!("{status} {code}"),
        _ => format!("status {status}"),
    };
    let (bucket, endpoint) = (&options.bucket, &options.endpoint);
    match (status, code) {
        (_, Some("NoSuchBucket")) => {
            Trouble::Refused(format!("there is no bucket {bucket:?}; make it, or correct `bucket`"))
        }
        (Some(404), _) => Trouble::Absent,
        (Some(status @ (304 | 409 | 412)), _) => Trouble::Taken(io::Error::other(said(status))),
        (Some(status @ 507), _)
        | (Some(status), Some("InsufficientStorage" | "QuotaExceeded" | "XMinioStorageFull" | "StorageFull")) => {
            Trouble::Full(io::Error::new(io::ErrorKind::StorageFull, said(status)))
        }
        (Some(status @ (401 | 403)), code) => Trouble::Refused(format!("{}; {}", said(status), advice(code))),
        (Some(status @ (301 | 307 | 308)), _) | (Some(status @ 400), Some("AuthorizationHeaderMalformed")) => {
            Trouble::Refused(format!("{}; correct `region` or `endpoint`", said(status)))
        }
        (Some(status @ 501), _) => Trouble::Refused(format!("{}; the service lacks this", said(status))),
        (Some(status), _) => Trouble::Away(io::Error::other(said(status))),
        (None, _) if text.contains("BareRedirect") || text.contains("redirect without LOCATION") => {
            Trouble::Refused("it redirects; correct `region` or `endpoint`".to_owned())
        }
        (None, _) => Trouble::Away(no_answer(error, endpoint, options)),
    }
}

/// The status of the answer that an error's text tells of: the library keeps it private.
pub(super) fn status(text: &str) -> Option<u16> {
    text.split_once("status code: ").and_then(|(_, rest)| rest.get(..3)).and_then(|code| code.parse().ok())
}

fn advice(code: Option<&str>) -> &'static str {
    match code {
        Some("InvalidAccessKeyId") => "correct `access_key`",
        Some("SignatureDoesNotMatch") => "correct `secret_key`",
        Some("RequestTimeTooSkewed") => "set this machine's clock",
        _ => "give the key of `access_key` the permissions that the operator's guide lists, or correct `secret_key`",
    }
}

fn no_answer(error: &object_store::Error, endpoint: &str, options: &S3Options) -> io::Error {
    let mut cause = error.source();
    while let Some(found) = cause {
        if let Some(http) = found.downcast_ref::<HttpError>() {
            return match http.kind() {
                HttpErrorKind::Timeout => {
                    let seconds = options.request_timeout.as_secs();
                    io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {seconds} s"))
                }
                HttpErrorKind::Connect => {
                    let why = format!("no connection to {endpoint}: {}", deepest(http));
                    io::Error::new(io::ErrorKind::NotConnected, why)
                }
                _ => io::Error::other(deepest(http)),
            };
        }
        cause = found.source();
    }
    io::Error::other(chain(error))
}

/// The first cause of all: the only one that says more than that a request failed.
fn deepest(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(next) = last.source() {
        last = next;
    }
    last.to_string()
}

fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(inner, _)| inner)
}
