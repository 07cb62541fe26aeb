//! What is refused before anything is allocated for it.

use serde::{Deserialize, Serialize};

/// Bounds on one photo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Length of the file in bytes.
    pub max_bytes: u64,
    /// Width × height.
    pub max_pixels: u64,
    /// The longer edge in pixels.
    pub max_edge: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_bytes: 512 << 20, max_pixels: 250_000_000, max_edge: 65_000 }
    }
}
