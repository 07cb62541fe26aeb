//! TIFF.
