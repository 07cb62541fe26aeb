//! Baseline JPEG.

pub(super) mod tables;

use std::ops::RangeInclusive;

use super::{Notes, icc};
use crate::{
    Error,
    frame::{Chroma, Frame},
    libjpeg::{self, Sheet},
};

const APP1: u8 = 0xe1;
const APP2: u8 = 0xe2;
/// Qualities and pixels for which known Huffman tables are used: encoding takes half the time or less, and the files of eight photos
/// had 1.5 to 2.1% more bytes, 3.3% at 256 × 256. Elsewhere it would be more, or there is little time to save.
const KNOWN_QUALITIES: RangeInclusive<u8> = 78..=92;
const KNOWN_PIXELS: usize = 50_000;

/// Encodes a frame with its EXIF block and ICC profile.
///
/// # Errors
/// `Unsupported` for a photo of more than 65,500 pixels on an edge.
pub(crate) fn jpeg(frame: &Frame, chroma: Chroma, quality: u8, notes: Notes<'_>) -> Result<Vec<u8>, Error> {
    let (width, height) = frame.dimensions();
    if width.max(height) > 65_500 {
        return Err(Error::Unsupported(format!("{width} × {height} pixels are more than a JPEG can have")));
    }
    let mut markers = Vec::new();
    if !notes.exif.is_empty() {
        markers.push((APP1, [b"Exif\0\0".as_slice(), notes.exif].concat()));
    }
    // One part of one.
    markers.push((APP2, [b"ICC_PROFILE\0\x01\x01".as_slice(), icc::profile(notes.colour)].concat()));
    let known = KNOWN_QUALITIES.contains(&quality) && width * height >= KNOWN_PIXELS;
    let tables = known.then_some(&tables::TABLES);
    let sheet = Sheet { frame, chroma, quality, markers: &markers, tables };
    #[cfg(target_arch = "x86_64")]
    if known && let Some(bytes) = super::baseline::write(&sheet) {
        return Ok(bytes);
    }
    libjpeg::write(&sheet)
}
