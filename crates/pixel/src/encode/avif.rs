//! AVIF.

use procession_domain::recipe::OutputColour;

use crate::{
    Error,
    frame::Frame,
    heif::{Heif, Picture},
};

/// libaom's speed. On a photo of 2000 × 1072 at quality 55, one thread of an EPYC (libaom 3.6): 9 takes 0.3 s for 180 kB at
/// 36.8 dB of luma, 8 1.2 s for 190 kB at 37.0 dB, 6 3.6 s for 183 kB at 37.3 dB. A slower encoder saves about a tenth.
const SPEED: u8 = 9;

/// Encodes a frame (4:2:0 or 4:4:4). `colour` is the space that its pixels are in, `exif` what
/// [`crate::exif::metadata_block`] made (empty: none).
///
/// # Errors
/// `Missing` if the encoder is not installed, `Bug` if it fails.
pub(crate) fn avif(frame: &Frame, quality: u8, colour: OutputColour, exif: &[u8]) -> Result<Vec<u8>, Error> {
    let [y, cb, cr] = &frame.planes;
    let size = frame.dimensions();
    let primaries = match colour {
        OutputColour::Srgb => 1,
        OutputColour::DisplayP3 => 12,
    };
    let full_chroma = cb.width >= size.0 && cb.height >= size.1;
    let picture = Picture { size, full_chroma, planes: [y, cb, cr], primaries, exif };
    Heif::get()?.encode_av1(&picture, quality, SPEED)
}

#[cfg(test)]
mod tests;
