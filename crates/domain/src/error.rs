//! The kinds of failure, shared by the errors of all crates.

use serde::{Deserialize, Serialize};

/// What a failure means for whoever must decide what to do next. `plan::retry` decides from this alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The thing asked for is not there.
    NotFound,
    /// Somebody else got there first: a stale lease, a key that exists with other content.
    Conflict,
    /// The input can never be accepted as it is.
    Invalid,
    /// A configured bound was reached: bytes, pixels, frames, memory.
    Limit,
    /// Bytes are not what they were, or not what they claim to be.
    Corrupt,
    /// A disk, server or library does not answer now, and may later.
    Unavailable,
    /// The caller gave up.
    Cancelled,
    /// Procession is wrong, not its input.
    Bug,
}

impl Kind {
    /// True if the same attempt may succeed later without anybody changing the input.
    pub fn is_transient(self) -> bool {
        matches!(self, Self::Unavailable | Self::Cancelled | Self::Conflict)
    }
}

/// An error that knows its [`Kind`]. Each crate's `Error` implements it.
pub trait Classified: std::error::Error {
    /// What the failure means.
    fn kind(&self) -> Kind;
}

/// A value that a domain type does not accept, with the reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} {value:?}: {why}")]
pub struct Invalid {
    /// What was being read: "photo id", "wedding date".
    pub what: &'static str,
    /// The value as it was given.
    pub value: String,
    /// What is wrong with it.
    pub why: String,
}

impl Invalid {
    /// Says that `value` is not a `what`, and why.
    pub fn new(what: &'static str, value: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what, value: value.into(), why: why.into() }
    }
}

impl Classified for Invalid {
    fn kind(&self) -> Kind {
        Kind::Invalid
    }
}

/// The message of an error and of everything that caused it, on one line: for the edge, where a failure is told once.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
