//! HEIC and AVIF.
