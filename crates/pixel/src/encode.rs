//! Pixels to files.

pub(crate) mod avif;
#[cfg(target_arch = "x86_64")]
mod baseline;
pub(crate) mod icc;
pub(crate) mod jpeg;
pub(crate) mod webp;

use procession_domain::recipe::{Encoding, OutputColour, OutputFormat};

use crate::{
    Error,
    frame::{Chroma, Frame},
};

/// What a file says beside its pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Notes<'a> {
    /// The space that the pixels are in.
    pub(crate) colour: OutputColour,
    /// The EXIF block; empty for none.
    pub(crate) exif: &'a [u8],
}

/// How an encoding keeps chroma.
pub(crate) fn chroma(encoding: Encoding) -> Chroma {
    if encoding.full_chroma && encoding.format == OutputFormat::Jpeg { Chroma::Full } else { Chroma::Half }
}

/// Encodes a frame whose chroma is as [`chroma`] says.
///
/// # Errors
/// `Missing` if the encoder is not installed, `Unsupported` for a size that the format does not have.
pub(crate) fn encode(frame: &Frame, encoding: Encoding, notes: Notes<'_>) -> Result<Vec<u8>, Error> {
    match encoding.format {
        OutputFormat::Jpeg => jpeg::jpeg(frame, chroma(encoding), encoding.quality, notes),
        OutputFormat::WebP => webp::webp(frame, encoding.quality, notes),
        OutputFormat::Avif => avif::avif(frame, encoding.quality, notes.colour, notes.exif),
    }
}
