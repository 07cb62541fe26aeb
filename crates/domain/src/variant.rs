//! An output of a recipe.

use serde::{Deserialize, Serialize};

use crate::{ContentHash, recipe::OutputFormat};

/// One finished image of a photo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// The name of the recipe's variant: "2048", "square-256", "crop-4x5".
    pub name: String,
    /// How it is written.
    pub format: OutputFormat,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Length in bytes.
    pub bytes: u64,
    /// Hash of its bytes.
    pub hash: ContentHash,
    /// The CRC-32 (ISO-HDLC) of its bytes, which an archive states before them; none if it was not computed.
    #[serde(default)]
    pub crc32: Option<u32>,
}
