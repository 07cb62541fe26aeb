//! Baseline JPEG.

use super::{Notes, icc};
use crate::{
    Error,
    frame::{Chroma, Frame},
    libjpeg::{self, Sheet},
};

const APP1: u8 = 0xe1;
const APP2: u8 = 0xe2;

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
    libjpeg::write(&Sheet { frame, chroma, quality, markers: &markers, tables: None })
}
