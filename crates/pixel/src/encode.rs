//! Pixels to files.

pub(crate) mod avif;
