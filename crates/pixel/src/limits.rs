//! What is refused before anything is allocated for it.

use serde::{Deserialize, Serialize};

use crate::Error;

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

impl Limits {
    pub(crate) fn check_bytes(&self, length: usize) -> Result<(), Error> {
        refuse("the file's length in bytes", length as u64, self.max_bytes)
    }

    pub(crate) fn check_size(&self, format: &'static str, width: u32, height: u32) -> Result<(), Error> {
        if width == 0 || height == 0 {
            return Err(Error::Damaged { format, why: format!("its header says {width} × {height} pixels") });
        }
        refuse("the longer edge in pixels", u64::from(width.max(height)), u64::from(self.max_edge))?;
        refuse("the number of pixels", u64::from(width) * u64::from(height), self.max_pixels)
    }
}

fn refuse(what: &'static str, value: u64, limit: u64) -> Result<(), Error> {
    if value > limit { Err(Error::TooLarge { what, value, limit }) } else { Ok(()) }
}
