//! Names of things. Ids of galleries and photos are derived from what they name, so doing a thing twice names it once.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{ContentHash, Invalid};

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name([u8; 12]);

        impl $name {
            /// The id with these bytes, as they were drawn or read.
            pub const fn from_bytes(bytes: [u8; 12]) -> Self {
                Self(bytes)
            }

            fn derive(parts: &[&[u8]]) -> Self {
                let mut hasher = blake3::Hasher::new_derive_key(concat!("procession ", $what));
                for part in parts {
                    hasher.update(&(part.len() as u64).to_le_bytes());
                    hasher.update(part);
                }
                let mut id = [0; 12];
                id.copy_from_slice(&hasher.finalize().as_bytes()[..12]);
                Self(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                crate::hash::write_hex(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                let invalid = || Invalid::new($what, text, "expected 24 lower-case hex digits");
                if text.len() != 24 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
                    return Err(invalid());
                }
                let mut id = [0; 12];
                for (byte, at) in id.iter_mut().zip((0..24).step_by(2)) {
                    *byte = u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| invalid())?;
                }
                Ok(Self(id))
            }
        }

        impl TryFrom<String> for $name {
            type Error = Invalid;

            fn try_from(text: String) -> Result<Self, Invalid> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    };
}

hex_id!(
    /// A studio: whose galleries these are. No studio sees another's. 24 hex digits.
    StudioId,
    "studio id"
);
hex_id!(
    /// A gallery: all photos of one wedding from one photographer. 24 hex digits.
    GalleryId,
    "gallery id"
);
hex_id!(
    /// One photo of one gallery. The same bytes in two galleries are two photos over one stored original.
    PhotoId,
    "photo id"
);

impl StudioId {
    /// The studio of the command line, and of everything from before there were studios.
    pub fn local() -> Self {
        Self::derive(&[b"local"])
    }
}

impl GalleryId {
    /// The id of the gallery that the command line knows by `name`: a folder's path, a chosen name.
    pub fn named(name: &str) -> Self {
        Self::derive(&[name.as_bytes()])
    }

    /// The id of the gallery that `studio` knows by `name`. Never that of another studio, nor [`GalleryId::named`].
    pub fn in_studio(studio: StudioId, name: &str) -> Self {
        Self::derive(&[&studio.0, name.as_bytes()])
    }
}

impl PhotoId {
    /// The id of the photo with these bytes in this gallery.
    pub fn of(gallery: GalleryId, original: &ContentHash) -> Self {
        Self::derive(&[&gallery.0, original.as_bytes()])
    }
}

/// A face: the photo that it is on, and its place in the photo's list of faces, from 0. Written `PHOTO-FACE`, one way only,
/// so that it can stand in a URL. It means the same face for as long as the models that look at the photo find the same faces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FaceRef {
    /// The photo.
    pub photo: PhotoId,
    /// Index into [`crate::analysis::Analysis::faces`] of that photo.
    pub face: usize,
}

impl fmt::Display for FaceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.photo, self.face)
    }
}

impl FromStr for FaceRef {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let parts = text.split_once('-').and_then(|(photo, face)| Some((photo.parse().ok()?, face.parse().ok()?)));
        parts
            .map(|(photo, face)| Self { photo, face })
            .filter(|face| face.to_string() == text)
            .ok_or_else(|| Invalid::new("face", text, "expected a photo's id, a hyphen and the number of a face on it"))
    }
}

impl TryFrom<String> for FaceRef {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<FaceRef> for String {
    fn from(face: FaceRef) -> Self {
        face.to_string()
    }
}

/// A job's number in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub i64);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A worker's name, unique among the living: `host-pid-nonce`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorkerId(pub String);

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ids stand in ledgers, vaults and links: what derived them once derives them for ever.
    #[test]
    fn ids_never_change() {
        assert_eq!(StudioId::local().to_string(), "64bec7c21b145f3c1c7246e2");
        assert_eq!(GalleryId::named("anna").to_string(), "78e139e9feb60dd6e9109464");
        assert_eq!(GalleryId::in_studio(StudioId::local(), "anna").to_string(), "589589ac856ba26494e42619");
        let photo = PhotoId::of(GalleryId::named("anna"), &ContentHash::of(b"photo"));
        assert_eq!(photo.to_string(), "84168abadcfe98f45c8e96cb");
    }

    #[test]
    fn ids_are_derived_from_what_they_name() {
        let gallery = GalleryId::named("/weddings/anna");
        assert_eq!(gallery, GalleryId::named("/weddings/anna"));
        assert_ne!(gallery, GalleryId::named("/weddings/berta"));
        let hash = ContentHash::of(b"photo");
        assert_ne!(PhotoId::of(gallery, &hash), PhotoId::of(GalleryId::named("other"), &hash));
        assert_eq!(gallery.to_string().parse::<GalleryId>(), Ok(gallery));
        let (local, other) = (StudioId::local(), StudioId::from_bytes([7; 12]));
        assert_eq!(other.to_string(), "07".repeat(12));
        let same_name = GalleryId::in_studio(local, "anna");
        assert_eq!(same_name, GalleryId::in_studio(local, "anna"));
        assert_ne!(same_name, GalleryId::in_studio(other, "anna"));
        assert_ne!(same_name, GalleryId::named("anna"));
        assert!("zz".parse::<GalleryId>().is_err());
        assert!("é23456789012345678901234".parse::<GalleryId>().is_err());
    }

    #[test]
    fn a_face_is_written_in_one_way() {
        let photo = PhotoId::of(GalleryId::named("anna"), &ContentHash::of(b"photo"));
        let face = FaceRef { photo, face: 12 };
        assert_eq!(face.to_string(), format!("{photo}-12"));
        assert_eq!(face.to_string().parse(), Ok(face));
        assert_eq!(serde_json::to_string(&face).unwrap(), format!("\"{photo}-12\""));
        for other in
            ["", "12", "-12", &format!("{photo}"), &format!("{photo}-"), &format!("{photo}-+1"), &format!("{photo}-01")]
        {
            assert!(other.parse::<FaceRef>().is_err(), "{other}");
        }
    }
}
