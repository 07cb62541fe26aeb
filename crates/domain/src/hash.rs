//! The identity of bytes.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::Invalid;

/// The BLAKE3 hash of some bytes (32 bytes, written as 64 lower-case hex digits). Two photos with the same hash are the
/// same photo.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// Hashes `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// Hashes what can be read, to its end, without holding it.
    ///
    /// # Errors
    /// What the reader says.
    pub fn of_all(mut reader: impl std::io::BufRead) -> std::io::Result<Self> {
        let mut hasher = blake3::Hasher::new();
        loop {
            let length = match reader.fill_buf() {
                Ok([]) => return Ok(Self(*hasher.finalize().as_bytes())),
                Ok(bytes) => {
                    hasher.update(bytes);
                    bytes.len()
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            reader.consume(length);
        }
    }

    /// The 32 raw bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first twelve hex digits: enough for a person to tell photos apart, never enough to key them.
    pub fn short(&self) -> String {
        self.to_string()[..12].to_owned()
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

/// Bytes as lower-case hex digits, at most 32 of them, in one go: names and hashes are written by the thousand.
pub(crate) fn write_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 64];
    for (byte, digits) in bytes.iter().zip(text.chunks_exact_mut(2)) {
        digits.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
    f.write_str(std::str::from_utf8(&text[..2 * bytes.len()]).unwrap_or_default())
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentHash({})", self.short())
    }
}

impl FromStr for ContentHash {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        blake3::Hash::from_hex(text)
            .map(|hash| Self(*hash.as_bytes()))
            .map_err(|_| Invalid::new("content hash", text, "expected 64 lower-case hex digits"))
    }
}

impl TryFrom<String> for ContentHash {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<ContentHash> for String {
    fn from(hash: ContentHash) -> Self {
        hash.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_survives_its_text() {
        let hash = ContentHash::of(b"a photo");
        assert_eq!(hash.to_string().parse::<ContentHash>(), Ok(hash));
        assert!("abc".parse::<ContentHash>().is_err());
    }
}
