//! WebP.
