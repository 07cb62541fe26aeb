//! The path of every object in the vault, in one place.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    ContentHash, GalleryId, PhotoId,
    recipe::{Fingerprint, OutputFormat},
};

/// What an object is. Its `Display` is its path in every store: lower-case ASCII, `/` between parts, at most 200 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Key {
    /// A photo's original bytes. Written once, never overwritten. Shared by all galleries that have it.
    Original(ContentHash),
    /// What is needed to rebuild the ledger's row of a photo: stands beside its original in every store.
    Manifest(GalleryId, PhotoId),
    /// One output of a recipe. The same inputs give the same key.
    Variant {
        /// The original that it was made of.
        original: ContentHash,
        /// Recipe, engine and models.
        fingerprint: Fingerprint,
        /// The variant's name in the recipe.
        name: String,
        /// How it is written.
        format: OutputFormat,
    },
    /// The first look at a photo: a small JPEG that is there before its variants.
    Preview(ContentHash),
    /// A gallery's receipt.
    Receipt(GalleryId),
    /// Written over and over to see whether a store takes anything.
    Probe,
}

impl Key {
    /// The originals' common prefix, for listings.
    pub const ORIGINALS: &'static str = "originals/";
    /// The manifests' common prefix, for listings.
    pub const MANIFESTS: &'static str = "manifests/";
    /// The variants' common prefix, for listings.
    pub const VARIANTS: &'static str = "variants/";

    /// True if the object can be made again from an original: that it is lost costs work and nothing else.
    pub fn is_derived(&self) -> bool {
        matches!(self, Self::Variant { .. } | Self::Preview(_))
    }

    /// The common prefix of all variants of an original.
    pub fn variants_of(original: &ContentHash) -> String {
        let text = original.to_string();
        format!("{}{}/{text}/", Self::VARIANTS, &text[..2])
    }

    /// The hash of the original whose path this is.
    pub fn original_at(path: &str) -> Option<ContentHash> {
        let hash = path.rsplit('/').next()?.parse().ok()?;
        (Self::Original(hash).to_string() == path).then_some(hash)
    }

    /// The hash that the object's bytes must have, where the key says so.
    pub fn content(&self) -> Option<ContentHash> {
        match self {
            Self::Original(hash) => Some(*hash),
            Self::Manifest(..) | Self::Variant { .. } | Self::Preview(_) | Self::Receipt(_) | Self::Probe => None,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Original(hash) => {
                let text = hash.to_string();
                write!(f, "{}{}/{}/{text}", Self::ORIGINALS, &text[..2], &text[2..4])
            }
            Self::Manifest(gallery, photo) => write!(f, "{}{gallery}/{photo}.json", Self::MANIFESTS),
            Self::Variant { original, fingerprint, name, format } => {
                let extension = format.extension();
                write!(f, "{}{fingerprint}/{name}.{extension}", Self::variants_of(original))
            }
            Self::Preview(original) => {
                let text = original.to_string();
                write!(f, "previews/{}/{text}.jpg", &text[..2])
            }
            Self::Receipt(gallery) => write!(f, "receipts/{gallery}.json"),
            Self::Probe => f.write_str("probe"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_fixed() {
        let hash = ContentHash::of(b"a photo");
        let text = hash.to_string();
        let path = format!("originals/{}/{}/{text}", &text[..2], &text[2..4]);
        assert_eq!(Key::Original(hash).to_string(), path);
        assert_eq!(Key::original_at(&path), Some(hash));
        assert_eq!(Key::original_at(&format!("originals/00/00/{text}")), None);
    }
}
