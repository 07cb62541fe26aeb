//! The address of an image: `/i/{signature}/{recipe}/{photo}@{hash}.{ext}`.
//!
//! The signature covers all that follows it. The hash names the content, so what an address shows never changes, and a cache
//! may keep it as long as the signature is valid.

use std::{fmt, str::FromStr, time::Duration};

use procession_domain::{ContentHash, PhotoId, Timestamp};

use crate::access::{Keyring, Purpose, Signature};

/// So many hex digits of a hash stand in an address. The signature vouches for them.
const HASH_DIGITS: usize = 16;

/// Which image: of which photo, made by what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ImageName {
    /// The variant's name ("2048"), "preview", or "auto" for what suits the client.
    pub(crate) recipe: String,
    /// The photo.
    pub(crate) photo: PhotoId,
    /// The first 16 hex digits of the hash of the content (for "preview" and "auto": of the original).
    pub(crate) hash: String,
    /// `jpg`, `webp`, `avif`; empty for "auto".
    pub(crate) extension: &'static str,
}

impl ImageName {
    /// The name of an image with this content.
    pub(crate) fn new(recipe: &str, photo: PhotoId, hash: &ContentHash, extension: &'static str) -> Self {
        Self { recipe: recipe.to_owned(), photo, hash: short(hash), extension }
    }

    /// Reads the two parts of the path after the signature.
    pub(crate) fn parse(recipe: &str, file: &str) -> Option<Self> {
        let (photo, rest) = file.split_once('@')?;
        let (hash, extension) = rest.split_once('.').unwrap_or((rest, ""));
        let extension = ["", "jpg", "webp", "avif"].into_iter().find(|known| *known == extension)?;
        let photo = PhotoId::from_str(photo).ok()?;
        Some(Self { recipe: recipe.to_owned(), photo, hash: hash.to_owned(), extension })
    }

    /// The path of this image's URL. It stays the same for `life` and is valid for as long again.
    pub(crate) fn sign(&self, keyring: &Keyring, now: Timestamp, life: Duration) -> String {
        let name = self.to_string();
        format!("/i/{}/{name}", Signature::sign(keyring, Purpose::Image, &name, now, life))
    }

    /// True if it names this content.
    pub(crate) fn is_of(&self, hash: &ContentHash) -> bool {
        self.hash == short(hash)
    }
}

fn short(hash: &ContentHash) -> String {
    hash.to_string()[..HASH_DIGITS].to_owned()
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}@{}", self.recipe, self.photo, self.hash)?;
        if self.extension.is_empty() { Ok(()) } else { write!(f, ".{}", self.extension) }
    }
}
