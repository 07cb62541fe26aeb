//! Everything that is not JPEG.

use crate::{Error, Extent, Source, frame::Raster};

/// Decodes a photo of any format but JPEG to RGB, at its full size or, where the format can do that, at a smaller one that
/// still has what `extent` asks for.
///
/// # Errors
/// `Unsupported`, `Damaged`, `TooLarge`, `Missing`.
pub(crate) fn decode(source: &Source, extent: Extent) -> Result<Raster, Error> {
    let _ = extent;
    Err(Error::Unsupported(format!("{:?} cannot be decoded yet", source.probe.format)))
}
