//! What is made of a photo. A recipe is configuration: nothing here is fixed in code but the defaults.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{ContentHash, Invalid};

/// A named way through the system: which recipe, on what, how soon among its peers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    /// The device that it is tuned for: "a100_80gb". A preference, never a wall.
    pub preferred_device: String,
    /// Its priority among photos of one gallery.
    pub priority: Priority,
    /// What the models are asked.
    pub analysis: AnalysisLevel,
    /// What is written.
    pub recipe: Recipe,
}

/// The order of photos within one gallery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Last.
    Low,
    /// Between.
    Medium,
    /// First.
    High,
}

/// How much the models are asked. Each level includes the one before it. Guests are grouped where the studio recorded
/// consent, at any level, and nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnalysisLevel {
    /// Faces for the crops, and sharpness.
    Basic,
    /// And the signals from which moments are found.
    Moments,
    /// And blinks, smiles, labels.
    Comprehensive,
}

/// The variants of a photo and what they have in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The colour space of all variants.
    #[serde(default)]
    pub colour: OutputColour,
    /// What metadata the variants carry.
    #[serde(default)]
    pub metadata: MetadataPolicy,
    /// The outputs. At least one; names are unique.
    pub variants: Vec<VariantSpec>,
}

/// One output size with the formats that it is written in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariantSpec {
    /// Unique in the recipe; a folder's name in the result.
    pub name: String,
    /// How large, and what of the photo.
    pub fit: Fit,
    /// How it is written; each format is an output of its own.
    pub formats: Vec<Encoding>,
    /// Sharpening after the resize, 0.0 (none) to 2.0: the amount of an unsharp mask of radius 0.6 pixels on luma.
    #[serde(default)]
    pub sharpen: f32,
}

/// How a photo becomes a size. No fit ever enlarges: a photo that is smaller keeps its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fit {
    /// The photo's own size.
    Full,
    /// The longer edge has this many pixels.
    LongEdge(u32),
    /// A crop of this shape, as large as fits, that keeps the faces in frame; then the longer edge has this many pixels.
    Crop {
        /// Relative width.
        width: u32,
        /// Relative height.
        height: u32,
        /// Pixels of the longer edge of the result.
        long_edge: u32,
    },
}

/// A format and how much of the photo it keeps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Encoding {
    /// How it is written.
    pub format: OutputFormat,
    /// 1 to 100 on the encoder's own scale.
    pub quality: u8,
    /// Chroma at full resolution (4:4:4) instead of half (4:2:0). JPEG only.
    #[serde(default)]
    pub full_chroma: bool,
}

/// What browsers read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputFormat {
    /// Baseline JPEG.
    Jpeg,
    /// Lossy WebP.
    WebP,
    /// AVIF.
    Avif,
}

impl OutputFormat {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Jpeg, Self::WebP, Self::Avif];

    /// Its name: `jpeg`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::WebP => "webp",
            Self::Avif => "avif",
        }
    }

    /// The file extension.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::WebP => "webp",
            Self::Avif => "avif",
        }
    }

    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::WebP => "image/webp",
            Self::Avif => "image/avif",
        }
    }
}

/// The colour space of an output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputColour {
    /// IEC 61966-2-1.
    #[default]
    Srgb,
    /// Display P3 for photos whose own profile is wider than sRGB; sRGB for the others.
    DisplayP3,
}

/// What metadata an output carries. GPS is in none, copyright in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetadataPolicy {
    /// Artist and copyright alone.
    #[default]
    Strip,
    /// And capture time, camera, lens and exposure.
    Keep,
}

/// The identity of everything that decides an output's bytes besides the original: recipe, engine version, models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(ContentHash);

impl Fingerprint {
    /// The fingerprint of a pipeline run by an engine (`engine` names its version and its models).
    pub fn of(pipeline: &Pipeline, engine: &str) -> Self {
        let text = serde_json::to_string(pipeline).unwrap_or_default();
        Self(ContentHash::of(format!("{engine}\n{text}").as_bytes()))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_string()[..16])
    }
}

impl Recipe {
    /// Checks what the types cannot: names, sizes, qualities.
    ///
    /// # Errors
    /// Names the variant and what is wrong with it.
    pub fn check(&self) -> Result<(), Invalid> {
        if self.variants.is_empty() {
            return Err(Invalid::new("recipe", "", "has no variants"));
        }
        let mut names = std::collections::BTreeSet::new();
        for spec in &self.variants {
            spec.check()?;
            if !names.insert(spec.name.as_str()) {
                return Err(Invalid::new("variant", &spec.name, "is named twice"));
            }
        }
        Ok(())
    }
}

impl VariantSpec {
    /// In addresses these stand where a variant's name would.
    const RESERVED: [&str; 2] = ["auto", "preview"];

    fn check(&self) -> Result<(), Invalid> {
        let invalid = |why: &str| Err(Invalid::new("variant", &self.name, why));
        let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if self.name.is_empty() || self.name.len() > 64 || !self.name.chars().all(safe) {
            return invalid("a name has 1 to 64 letters, digits, '-' or '_'");
        }
        if Self::RESERVED.contains(&self.name.as_str()) {
            return invalid("is what the service calls something else; take another name");
        }
        if self.formats.is_empty() {
            return invalid("has no formats");
        }
        if self.formats.iter().any(|encoding| !(1..=100).contains(&encoding.quality)) {
            return invalid("quality is 1 to 100");
        }
        if !(0.0..=2.0).contains(&self.sharpen) {
            return invalid("sharpen is 0.0 to 2.0");
        }
        match self.fit {
            Fit::Full => Ok(()),
            Fit::LongEdge(edge) if (16..=16_384).contains(&edge) => Ok(()),
            Fit::Crop { width: 1..=100, height: 1..=100, long_edge } if (16..=16_384).contains(&long_edge) => Ok(()),
            Fit::LongEdge(_) | Fit::Crop { .. } => invalid("edges are 16 to 16384 pixels, ratios 1 to 100"),
        }
    }
}
