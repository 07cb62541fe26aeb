//! Checksums of what one request brings.

use axum::http::{HeaderMap, StatusCode};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha1::{Digest as _, Sha1};
use sha2::Sha256;

use super::headers::{UPLOAD_CHECKSUM, malformed, text};
use crate::{Problem, Result};

/// What is understood, the best first.
pub(super) const ALGORITHMS: &str = "blake3,sha256,sha1";

/// What a request's bytes must sum to, and what they have so far.
pub(super) struct Checksum {
    expected: Vec<u8>,
    sum: Sum,
}

enum Sum {
    Blake3(Box<blake3::Hasher>),
    Sha256(Sha256),
    Sha1(Sha1),
}

impl Checksum {
    /// What `Upload-Checksum` asks for.
    ///
    /// # Errors
    /// 400 for an algorithm that is not understood.
    pub(super) fn read(headers: &HeaderMap) -> Result<Option<Self>> {
        let Some(text) = text(headers, &UPLOAD_CHECKSUM)? else { return Ok(None) };
        let wrong = || malformed(format!("Upload-Checksum: give one of {ALGORITHMS}, a space, and the sum in Base64"));
        let (algorithm, sum) = text.split_once(' ').ok_or_else(wrong)?;
        let expected = STANDARD.decode(sum).map_err(|_| wrong())?;
        let sum = match algorithm {
            "blake3" => Sum::Blake3(Box::default()),
            "sha256" => Sum::Sha256(Sha256::new()),
            "sha1" => Sum::Sha1(Sha1::new()),
            _ => return Err(wrong()),
        };
        Ok(Some(Self { expected, sum }))
    }

    /// Adds bytes.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        match &mut self.sum {
            Sum::Blake3(sum) => drop(sum.update(bytes)),
            Sum::Sha256(sum) => sum.update(bytes),
            Sum::Sha1(sum) => sum.update(bytes),
        }
    }

    /// Holds what came against what was announced.
    ///
    /// # Errors
    /// 460.
    pub(super) fn check(self) -> Result<()> {
        let found = match self.sum {
            Sum::Blake3(sum) => sum.finalize().as_bytes().to_vec(),
            Sum::Sha256(sum) => sum.finalize().to_vec(),
            Sum::Sha1(sum) => sum.finalize().to_vec(),
        };
        if found == self.expected { Ok(()) } else { Err(mismatch()) }
    }
}

fn mismatch() -> Problem {
    // Of the protocol's own making, and a number like any other to HTTP.
    let status = StatusCode::from_u16(460).unwrap_or(StatusCode::BAD_REQUEST);
    Problem::new(
        status,
        "checksum_mismatch",
        "the bytes are not those of Upload-Checksum; nothing was kept, send them again",
    )
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn sums_are_those_of_their_algorithms() {
        for announced in [
            "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=",
            "sha256 uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=",
            "blake3 10mB76cKDIgLjYwZhdB128v2ebmaX5kU5ar5a4ManiQ=",
        ] {
            let headers = HeaderMap::from_iter([(UPLOAD_CHECKSUM, HeaderValue::from_static(announced))]);
            let mut right = Checksum::read(&headers).unwrap().unwrap();
            right.add(b"hello ");
            right.add(b"world");
            assert!(right.check().is_ok(), "{announced}");
            let mut wrong = Checksum::read(&headers).unwrap().unwrap();
            wrong.add(b"hello worlD");
            assert_eq!(wrong.check().unwrap_err().status, 460);
        }
        for unknown in ["md5 XrY7u+Ae7tCTyyK7j1rNww==", "sha1", "sha1 *", ""] {
            let headers = HeaderMap::from_iter([(UPLOAD_CHECKSUM, HeaderValue::from_static(unknown))]);
            assert_eq!(Checksum::read(&headers).err().unwrap().status, 400, "{unknown}");
        }
    }
}
