//! What cameras write beside the pixels: read from originals, written into variants.

pub(crate) mod read;
mod write;

use procession_domain::{capture::Capture, recipe::MetadataPolicy};

/// The EXIF block (a TIFF structure, without the "Exif\0\0" before it) of a variant. Artist and copyright always, capture
/// time, camera, lens and exposure by policy, the place never. Empty if there is nothing to say.
pub fn metadata_block(capture: &Capture, policy: MetadataPolicy) -> Vec<u8> {
    write::metadata_block(capture, policy)
}

#[cfg(test)]
mod tests;
