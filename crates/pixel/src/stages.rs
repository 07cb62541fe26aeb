//! Parts of the work alone, for benchmarks. They give nothing but the time that they take.

use crate::{Error, Extent, Source, baseline, decode};

/// Decodes a photo to planes, as [`crate::Device::decode`] does first.
///
/// # Errors
/// Those of the decoder.
pub fn planes(source: &Source, extent: Extent) -> Result<(), Error> {
    decode::decode(source, extent).map(|_| ())
}

/// Reads a JPEG's entropy-coded coefficients as the decoder does for this extent, and makes nothing of them: what the whole
/// decoder is held against. `false` if it is not of the kind that the fast decoder reads.
pub fn coefficients(source: &Source, extent: Extent) -> bool {
    let image = source.bytes.get(source.probe.image.clone());
    image.is_some_and(|image| baseline::read_coefficients(image, decode::eighths(&source.probe, extent)))
}
