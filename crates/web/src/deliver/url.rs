//! The address of an image: `/i/{signature}/{recipe}/{photo}@{hash}.{ext}`.
//!
//! The signature covers all that follows it, and the time until which it is valid: `{secret}-{expiry}-{mac}`, where `secret`
//! names the secret that signed, `expiry` is in seconds since 1970 (hex) and `mac` is HMAC-SHA256 cut to 128 bits (base64url).
//! The hash names the content, so what an address shows never changes, and a cache may keep it for ever.

use std::{fmt, str::FromStr, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use procession_domain::{ContentHash, Invalid, PhotoId, Timestamp};

use crate::access::{Keyring, Purpose};

/// HMACs may be cut to half their length (RFC 2104, section 5).
const MAC_BYTES: usize = 16;

/// Which image: of which photo, made by what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ImageName {
    /// The variant's name ("2048"), "preview", or "auto" for what suits the client.
    pub(crate) recipe: String,
    /// The photo.
    pub(crate) photo: PhotoId,
    /// The first 16 hex digits of the hash of the content (for "preview" and "auto": of what it is made of).
    pub(crate) hash: String,
    /// `jpg`, `webp`, `avif`; empty for "auto".
    pub(crate) extension: &'static str,
}

impl ImageName {
    /// The name of an image with this content.
    pub(crate) fn new(recipe: &str, photo: PhotoId, hash: &ContentHash, extension: &'static str) -> Self {
        Self { recipe: recipe.to_owned(), photo, hash: hash.to_string()[..16].to_owned(), extension }
    }

    /// The path of this image's URL. It stays the same for `life` and is valid for as long again, so that caches meet it
    /// often.
    pub(crate) fn sign(&self, keyring: &Keyring, now: Timestamp, life: Duration) -> String {
        let life = (life.as_secs().max(1)) as i64;
        let expiry = (now.micros() / 1_000_000 / life + 2) * life;
        let (secret, mac) = keyring.sign(Purpose::Image, format!("{expiry:x}/{self}").as_bytes());
        format!("/i/{secret}-{expiry:x}-{}/{self}", URL_SAFE_NO_PAD.encode(&mac[..MAC_BYTES]))
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}@{}", self.recipe, self.photo, self.hash)?;
        if self.extension.is_empty() { Ok(()) } else { write!(f, ".{}", self.extension) }
    }
}

/// An image's name as a client sent it, with the signature that came before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SignedName {
    pub(crate) name: ImageName,
    secret: String,
    expiry: i64,
    mac: Vec<u8>,
}

impl SignedName {
    /// Reads the three parts of the path after `/i/`.
    pub(crate) fn parse(signature: &str, recipe: &str, file: &str) -> Result<Self, Invalid> {
        let invalid = || Invalid::new("image address", file, "expected /i/SIGNATURE/RECIPE/PHOTO@HASH.EXT");
        let mut parts = signature.splitn(3, '-');
        let (secret, expiry, mac) = (parts.next(), parts.next(), parts.next());
        let (photo, rest) = file.split_once('@').ok_or_else(invalid)?;
        let (hash, extension) = rest.split_once('.').unwrap_or((rest, ""));
        let extension = ["", "jpg", "webp", "avif"].into_iter().find(|known| *known == extension);
        Ok(Self {
            name: ImageName {
                recipe: recipe.to_owned(),
                photo: PhotoId::from_str(photo).map_err(|_| invalid())?,
                hash: hash.to_owned(),
                extension: extension.ok_or_else(invalid)?,
            },
            secret: secret.ok_or_else(invalid)?.to_owned(),
            expiry: expiry.and_then(|text| i64::from_str_radix(text, 16).ok()).ok_or_else(invalid)?,
            mac: mac.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()).ok_or_else(invalid)?,
        })
    }

    /// The name of the secret that is said to have signed.
    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }

    /// When the signature ends.
    pub(crate) fn expires_at(&self) -> Timestamp {
        Timestamp::from_micros(self.expiry.saturating_mul(1_000_000))
    }

    /// True if we signed this, whether it has expired or not.
    pub(crate) fn is_ours(&self, keyring: &Keyring) -> bool {
        let message = format!("{:x}/{}", self.expiry, self.name);
        let (Ok(mac), true) = (<[u8; MAC_BYTES]>::try_from(self.mac.as_slice()), self.expiry > 0) else { return false };
        keyring.verify_start(Purpose::Image, &self.secret, message.as_bytes(), &mac)
    }
}
