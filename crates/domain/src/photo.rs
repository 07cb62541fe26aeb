//! A photo and its state.

use serde::{Deserialize, Serialize};

use crate::{
    Classified, ContentHash, GalleryId, Kind, PhotoId, Timestamp,
    analysis::Analysis,
    capture::Capture,
    recipe::{Fingerprint, OutputFormat},
    variant::Variant,
};

/// How a photo's bytes are written, found by looking at them, never at the file's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// JPEG, with whatever a camera appended to it (MPO, Ultra HDR).
    Jpeg,
    /// PNG.
    Png,
    /// TIFF that holds an image, not a camera's RAW.
    Tiff,
    /// WebP.
    #[serde(rename = "webp")]
    WebP,
    /// HEIC and other HEIF with HEVC.
    Heif,
    /// AVIF.
    Avif,
    /// A camera's RAW (CR2, CR3, NEF, ARW, RAF, ORF, RW2, PEF, DNG …), read through its embedded preview.
    Raw,
}

impl Format {
    /// The usual file extension.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Tiff => "tif",
            Self::WebP => "webp",
            Self::Heif => "heic",
            Self::Avif => "avif",
            Self::Raw => "raw",
        }
    }
}

/// A photo, from the moment that its original is durable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Photo {
    /// Its id, derived from the gallery and the content.
    pub id: PhotoId,
    /// The gallery that it belongs to.
    pub gallery: GalleryId,
    /// The hash of the original's bytes.
    pub original: ContentHash,
    /// The original's length in bytes.
    pub bytes: u64,
    /// The CRC-32 (ISO-HDLC) of the original's bytes, which an archive states before them; none if it was not computed.
    #[serde(default)]
    pub crc32: Option<u32>,
    /// How the bytes are written.
    pub format: Format,
    /// Width in pixels, upright.
    pub width: u32,
    /// Height in pixels, upright.
    pub height: u32,
    /// It is a JPEG, or a camera's RAW with one, that is not progressive: it takes less memory. `false` also where it was not
    /// looked at, as by earlier versions.
    #[serde(default)]
    pub single_scan: bool,
    /// Every path, relative to what was given, under which these bytes came. Sorted, at least one.
    pub names: Vec<String>,
    /// What the camera wrote.
    pub capture: Capture,
    /// When the original was durable.
    pub stored_at: Timestamp,
}

impl Photo {
    /// The first name: what people are shown.
    pub fn name(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }
}

/// How far a photo is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum PhotoState {
    /// Durable; its job waits for a worker, or a worker holds it.
    Stored,
    /// Finished.
    Done(Box<Finished>),
    /// It cannot be processed. The original is safe, and every neighbour goes on.
    Quarantined(Failure),
}

/// What a finished job left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finished {
    /// The pipeline that was taken.
    pub pipeline: String,
    /// Why that pipeline.
    pub pipeline_reason: String,
    /// Identity of recipe and engine: an output's key is made from it.
    pub fingerprint: Fingerprint,
    /// The outputs, in the recipe's order.
    pub variants: Vec<Variant>,
    /// What is still to be made of it; none if all is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owed: Option<Owed>,
    /// [ThumbHash](https://evanw.github.io/thumbhash/) of the upright photo, base64.
    pub thumbhash: String,
    /// What the models saw.
    pub analysis: Analysis,
    /// How long the steps took.
    pub timings: Timings,
    /// When it was finished.
    pub finished_at: Timestamp,
}

/// Outputs that a finished photo is owed: whoever has nothing more urgent to do makes them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owed {
    /// Their formats. Of each variant there is another format already.
    pub formats: Vec<OutputFormat>,
    /// Which models looked: a part of the fingerprint.
    pub models: String,
}

/// A finished photo that is owed something, and the right to make it for a while.
#[derive(Clone, Debug, PartialEq)]
pub struct Owing {
    /// The photo.
    pub photo: Photo,
    /// What there is of it, and what is owed.
    pub finished: Finished,
    /// How often somebody set about it, this time with it.
    pub tries: u32,
}

/// Seconds that each stage of one photo's job took, on the worker's thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timings {
    /// Reading the original from the vault and checking its hash.
    pub fetch_seconds: f64,
    /// Bytes to upright pixels.
    pub decode_seconds: f64,
    /// All models.
    pub vision_seconds: f64,
    /// Resizing and encoding all variants.
    pub render_seconds: f64,
    /// Writing the variants to the vault.
    pub store_seconds: f64,
}

impl Timings {
    /// Each multiplied.
    pub fn times(&self, factor: f64) -> Self {
        Self {
            fetch_seconds: self.fetch_seconds * factor,
            decode_seconds: self.decode_seconds * factor,
            vision_seconds: self.vision_seconds * factor,
            render_seconds: self.render_seconds * factor,
            store_seconds: self.store_seconds * factor,
        }
    }

    /// Each added to the other's.
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            fetch_seconds: self.fetch_seconds + other.fetch_seconds,
            decode_seconds: self.decode_seconds + other.decode_seconds,
            vision_seconds: self.vision_seconds + other.vision_seconds,
            render_seconds: self.render_seconds + other.render_seconds,
            store_seconds: self.store_seconds + other.store_seconds,
        }
    }
}

/// Why something could not be done, for people and for programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What it means.
    pub kind: Kind,
    /// Names the thing, what is wrong with it, and what to do next.
    pub message: String,
}

impl Classified for Failure {
    fn kind(&self) -> Kind {
        self.kind
    }
}

/// A file that was not accepted as a photo. It stays where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Its path, relative to what was given.
    pub name: String,
    /// Why.
    pub failure: Failure,
}
