//! Uploads that are a coding of the photo: fewer bytes on the way, the same bytes in the vault.

mod lepton;

use std::io::Read;

use serde::{Deserialize, Serialize};

/// What is understood.
pub(super) const CODINGS: &str = "zstd, lepton";

/// A frame may look back 8 MiB: what every level up to 19 keeps to.
const ZSTD_WINDOW_LOG: u32 = 23;

/// How the bytes of an upload are to be read, and what they are to become. Nothing is believed: a photo that turns out other
/// than announced is refused before it takes more memory than was announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Coding {
    /// Zstandard (RFC 8878).
    Zstd {
        /// Bytes of the photo.
        length: u64,
    },
    /// Lepton, of a JPEG.
    Lepton {
        /// Bytes of the photo.
        length: u64,
        /// Its size in pixels, as its header has it.
        width: u32,
        height: u32,
    },
}

impl Coding {
    /// Bytes of the photo.
    pub(super) fn length(self) -> u64 {
        match self {
            Self::Zstd { length } | Self::Lepton { length, .. } => length,
        }
    }

    /// Memory that decoding takes at most, with its result.
    pub(super) fn memory_bytes(self) -> u64 {
        match self {
            Self::Zstd { length } => length.saturating_add(2 << ZSTD_WINDOW_LOG),
            Self::Lepton { length, width, height } => {
                lepton::memory_bytes(width, height).saturating_add(length.saturating_mul(2))
            }
        }
    }

    /// The photo.
    ///
    /// # Errors
    /// Why the bytes are not what was announced.
    pub(super) fn decode(self, coded: impl Read) -> Result<Vec<u8>, String> {
        let photo = match self {
            Self::Zstd { length } => unzstd(coded, length).map_err(|error| error.to_string())?,
            Self::Lepton { length, width, height } => lepton::decode(coded, length, width, height)?,
        };
        match (photo.len() as u64, self.length()) {
            (found, length) if found == length => Ok(photo),
            (found, length) if found > length => Err(format!("more than the {length} bytes that were announced")),
            (found, length) => Err(format!("{found} bytes, and {length} were announced")),
        }
    }
}

fn unzstd(coded: impl Read, length: u64) -> std::io::Result<Vec<u8>> {
    let mut decoder = zstd::Decoder::new(coded)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG)?;
    let mut photo = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    // One more than announced is enough to know.
    decoder.take(length.saturating_add(1)).read_to_end(&mut photo)?;
    Ok(photo)
}

#[cfg(test)]
mod tests;
