//! Bytes to pixels.

pub(crate) mod heif;
pub(crate) mod jpeg;
pub(crate) mod png;
pub(crate) mod raster;
pub(crate) mod raw;
pub(crate) mod tiff;
pub(crate) mod webp;
