//! What is recorded of an upload: all but its bytes.

use std::{fmt, str::FromStr, time::Duration};

use axum::http::StatusCode;
use procession_domain::{ContentHash, GalleryId, Invalid, PhotoId, StudioId, Timestamp};
use serde::{Deserialize, Serialize};

use super::coding::Coding;
use crate::{
    Problem, Result,
    access::{hex, random},
};

/// How an upload ended is remembered for so long: a client that lost the answer asks again.
const OUTCOME_LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// What an upload takes at least: its files.
const LEAST_BYTES: u64 = 4 << 10;

/// An upload's name in its URL: 32 hex digits. Whoever does not know it cannot guess it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct UploadId(String);

impl UploadId {
    /// A name that nobody had before.
    pub(super) fn random() -> Result<Self> {
        Ok(Self(hex(&random::<16>()?)))
    }

    /// The name of what joins these parts under this metadata. Asking for it twice asks for one upload.
    pub(super) fn joined(studio: StudioId, parts: &[Self], metadata: &str) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("procession joined upload 1");
        hasher.update(studio.to_string().as_bytes());
        for part in parts {
            hasher.update(part.0.as_bytes());
        }
        hasher.update(metadata.as_bytes());
        Self(hex(&hasher.finalize().as_bytes()[..16]))
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for UploadId {
    type Err = Invalid;

    /// So it is never a path out of the folder of uploads.
    fn from_str(text: &str) -> std::result::Result<Self, Invalid> {
        if text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Ok(Self(text.to_owned()));
        }
        Err(Invalid::new("upload id", text, "expected 32 lower-case hex digits"))
    }
}

/// An upload as its file has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Upload {
    pub(super) id: UploadId,
    /// Others are told that there is no such upload.
    pub(super) studio: StudioId,
    /// `Upload-Metadata` as it was given.
    pub(super) metadata: Option<String>,
    /// `Upload-Concat` as it was given.
    pub(super) concat: Option<String>,
    pub(super) kind: UploadKind,
    /// Bytes in all; `None` until the client says so.
    pub(super) length: Option<u64>,
    /// Bytes from here on were not held against their checksum yet, so they do not count.
    pub(super) unverified_from: Option<u64>,
    pub(super) expires_at: Timestamp,
    /// How it ended.
    pub(super) outcome: Option<Outcome>,
}

/// What becomes of the bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum UploadKind {
    /// They are a photo.
    Photo(Target),
    /// They are a part of a photo, and wait to be joined.
    Part,
    /// It has no bytes of its own but those of these parts, in this order, and they are a photo.
    Joined(Target, Vec<UploadId>),
}

/// Where a photo belongs, and what is known of it before it is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Target {
    pub(super) gallery: GalleryId,
    pub(super) name: String,
    pub(super) coding: Option<Coding>,
    /// What the photo's bytes must hash to.
    pub(super) hash: Option<ContentHash>,
}

/// How an upload ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    /// The photo is durable.
    Stored(PhotoId),
    /// The part's bytes went into what was joined of it.
    Joined,
    /// It will never be a photo.
    Refused(Refused),
}

/// A [`Problem`] that stays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Refused {
    because: Because,
    detail: String,
}

/// Why an upload will never be a photo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Because {
    NotAPhoto,
    TooLarge,
    WrongCoding,
    HashMismatch,
    NoGallery,
    PartsGone,
}

impl Refused {
    pub(super) fn new(because: Because, detail: impl Into<String>) -> Self {
        Self { because, detail: detail.into() }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let (status, code) = match refused.because {
            Because::NotAPhoto => (StatusCode::UNPROCESSABLE_ENTITY, "not_a_photo"),
            Because::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
            Because::WrongCoding => (StatusCode::UNPROCESSABLE_ENTITY, "wrong_coding"),
            Because::HashMismatch => (StatusCode::UNPROCESSABLE_ENTITY, "hash_mismatch"),
            Because::NoGallery => (StatusCode::NOT_FOUND, "not_found"),
            Because::PartsGone => (StatusCode::GONE, "expired"),
        };
        Self::new(status, code, refused.detail)
    }
}

impl Upload {
    /// Of so many bytes that there are on the disk, those that count.
    pub(super) fn offset(&self, on_disk: u64) -> u64 {
        match (&self.outcome, self.length) {
            (Some(_), Some(length)) => length,
            _ => self.unverified_from.map_or(on_disk, |verified| verified.min(on_disk)),
        }
    }

    /// True if there is nothing to come.
    pub(super) fn is_complete(&self, offset: u64) -> bool {
        matches!(self.kind, UploadKind::Joined(..)) || self.length == Some(offset)
    }

    /// True if its bytes are all there and it has not become a photo yet.
    pub(super) fn is_to_finish(&self, on_disk: u64) -> bool {
        self.outcome.is_none() && self.is_complete(self.offset(on_disk)) && !matches!(self.kind, UploadKind::Part)
    }

    /// The room that is kept for it; `most_bytes` is what one upload can have.
    pub(super) fn room_bytes(&self, most_bytes: u64) -> u64 {
        match self.kind {
            UploadKind::Joined(..) => LEAST_BYTES,
            _ => self.length.unwrap_or(most_bytes).max(LEAST_BYTES),
        }
    }

    /// It ends: how, and how long that is remembered.
    pub(super) fn end(&mut self, outcome: Outcome, length: u64, now: Timestamp) {
        self.outcome = Some(outcome);
        self.length = Some(length);
        self.unverified_from = None;
        self.expires_at = now.after(OUTCOME_LIFE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_never_a_path() {
        for text in
            ["", "..", "../../../etc/passwd", "ABCDEF00000000000000000000000000", "0123/5678901234567890123456789012"]
        {
            assert!(text.parse::<UploadId>().is_err(), "{text}");
        }
        let id = UploadId::random().unwrap();
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn the_same_parts_in_the_same_order_are_one_upload() {
        let (one, two) = (UploadId::random().unwrap(), UploadId::random().unwrap());
        let joined = |parts: &[&UploadId], metadata: &str| {
            UploadId::joined(StudioId::local(), &parts.iter().copied().cloned().collect::<Vec<_>>(), metadata)
        };
        assert_eq!(joined(&[&one, &two], "a"), joined(&[&one, &two], "a"));
        assert_ne!(joined(&[&one, &two], "a"), joined(&[&two, &one], "a"));
        assert_ne!(joined(&[&one, &two], "a"), joined(&[&one, &two], "b"));
    }
}
