//! Bytes to pixels.

pub(crate) mod heif;
pub(crate) mod jpeg;
pub(crate) mod png;
pub(crate) mod raster;
pub(crate) mod tiff;
pub(crate) mod webp;

use crate::{ColourProfile, Error, Extent, Source, colour::ink, frame::Frame, ycc};
use jpeg::Pixels;

/// Decodes a photo to planes that have what `extent` asks for where the photo has it, as stored, and says in which colours
/// they are.
///
/// # Errors
/// `Damaged`, `Unsupported`, `TooLarge`, `Missing`.
pub(crate) fn decode(source: &Source, extent: Extent) -> Result<(Frame, ColourProfile), Error> {
    let probe = &source.probe;
    let image =
        source.bytes.get(probe.image.clone()).ok_or_else(|| Error::Bug("no image in these bytes".to_owned()))?;
    if !image.starts_with(&[0xff, 0xd8]) {
        let raster = raster::decode(source, extent)?;
        return Ok((ycc::from_raster(&raster), probe.colour.clone()));
    }
    let eighths = if extent.full { 8 } else { jpeg::eighths(probe.width.max(probe.height), extent.long_edge) };
    match jpeg::decode(image, (probe.width, probe.height), eighths)? {
        Pixels::Planes(frame) => Ok((frame, probe.colour.clone())),
        Pixels::Rgb(raster) => Ok((ycc::from_raster(&raster), probe.colour.clone())),
        Pixels::Cmyk(picture) => Ok((ycc::from_raster(&ink::to_srgb(&picture, &probe.colour)), ColourProfile::Srgb)),
    }
}
