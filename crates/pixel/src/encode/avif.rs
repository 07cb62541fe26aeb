//! AVIF.

use procession_domain::recipe::OutputColour;

use crate::{Error, frame::Frame};

/// Encodes a frame (4:2:0 or 4:4:4). `colour` is the space that its pixels are in, `exif` what
/// [`crate::exif::metadata_block`] made (empty: none).
///
/// # Errors
/// `Missing` if the encoder is not installed, `Bug` if it fails.
pub(crate) fn avif(frame: &Frame, quality: u8, colour: OutputColour, exif: &[u8]) -> Result<Vec<u8>, Error> {
    let _ = (frame, quality, colour, exif);
    Err(Error::Missing { library: "libheif", why: "AVIF cannot be written yet".to_owned() })
}
