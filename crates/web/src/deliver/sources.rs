//! The images of a photo for pages and programs: signed addresses, by format and width, ready for `<picture>`.

use procession_domain::{
    ContentHash, PhotoId,
    album::{AlbumFile, AlbumPhoto},
    photo::{Photo, PhotoState},
    recipe::OutputFormat,
    variant::Variant,
};

use serde::Serialize;
use utoipa::ToSchema;

use super::{choose::for_screens, url::ImageName};
use crate::Service;

/// The addresses of a photo's images. Each stays the same for hours, so that caches meet it often, and is valid for a day at
/// least, unless the operator says otherwise.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The first look: a small JPEG, there before all others.
    pub preview: String,
    /// The image that suits the client that asks; takes `?w=` for a width in pixels. The first look until there are others.
    pub auto: String,
    /// All images, crops too, in the recipe's order.
    pub images: Vec<ImageView>,
}

/// One image of a photo, and where it is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ImageView {
    /// The variant's name in the recipe: `2048`, `square-256`, `crop-4x5`.
    pub variant: String,
    /// How it is written: `jpeg`, `webp` or `avif`.
    #[schema(value_type = String)]
    pub format: OutputFormat,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Length in bytes.
    pub bytes: u64,
    /// BLAKE3 of its bytes, 64 hex digits.
    #[schema(value_type = String)]
    pub hash: ContentHash,
    /// Where it is. Needs no key; what it shows never changes.
    pub url: String,
    /// It shows the whole photo, no crop of it, and is no larger than screens are.
    #[serde(skip)]
    pub is_for_screens: bool,
}

impl Sources {
    /// The images of a photo of the ledger.
    pub fn of(service: &Service, photo: &Photo, state: &PhotoState) -> Self {
        let variants = if let PhotoState::Done(finished) = state { finished.variants.as_slice() } else { &[] };
        Self::new(service, photo.id, &photo.original, (photo.width, photo.height), variants)
    }

    /// The images of a photo of an album.
    pub fn of_album(service: &Service, photo: &AlbumPhoto) -> Self {
        let variants: Vec<Variant> = photo.files.iter().map(variant).collect();
        Self::new(service, photo.id, &photo.original, (photo.width, photo.height), &variants)
    }

    fn new(service: &Service, photo: PhotoId, original: &ContentHash, size: (u32, u32), variants: &[Variant]) -> Self {
        let screens = for_screens(size, variants);
        let image = |variant: &Variant| ImageView {
            variant: variant.name.clone(),
            format: variant.format,
            width: variant.width,
            height: variant.height,
            bytes: variant.bytes,
            hash: variant.hash,
            url: signed_url(service, &ImageName::new(&variant.name, photo, &variant.hash, variant.format.extension())),
            is_for_screens: screens.contains(&variant),
        };
        Self {
            preview: signed_url(service, &ImageName::new("preview", photo, original, "jpg")),
            auto: signed_url(service, &ImageName::new("auto", photo, original, "")),
            images: variants.iter().map(image).collect(),
        }
    }

    /// The images for screens in one format, as `srcset` lists them, by width: `/i/… 512w, /i/… 1024w`. Empty if there is none.
    pub fn srcset(&self, format: OutputFormat) -> String {
        let mut images: Vec<&ImageView> =
            self.images.iter().filter(|image| image.is_for_screens && image.format == format).collect();
        images.sort_by_key(|image| image.width);
        // A small photo has the same size under several names.
        images.dedup_by_key(|image| image.width);
        images.iter().map(|image| format!("{} {}w", image.url, image.width)).collect::<Vec<_>>().join(", ")
    }

    /// The formats that not every browser reads, the most compact first, each with its `srcset`: a `<source>` each.
    pub fn modern(&self) -> Vec<(OutputFormat, String)> {
        let formats = [OutputFormat::Avif, OutputFormat::WebP].map(|format| (format, self.srcset(format)));
        formats.into_iter().filter(|(_, srcset)| !srcset.is_empty()).collect()
    }

    /// The `src` of an `<img>`: the smallest JPEG for screens whose longer edge has at least so many pixels, or the
    /// largest there is, or the first look.
    pub fn src(&self, long_edge: u32) -> &str {
        let jpegs = self.images.iter().filter(|image| image.is_for_screens && image.format == OutputFormat::Jpeg);
        let edge = |image: &&ImageView| image.width.max(image.height);
        let enough = jpegs.clone().filter(|image| edge(image) >= long_edge).min_by_key(edge);
        enough.or_else(|| jpegs.max_by_key(edge)).map_or(&self.preview, |image| &image.url)
    }
}

/// The URL of an image, as the outside reaches it.
fn signed_url(service: &Service, name: &ImageName) -> String {
    let path = name.sign(&service.keyring, service.system.clock.now(), service.settings.url_life);
    format!("{}{path}", service.settings.public_url.as_deref().unwrap_or_default())
}

/// What the ledger knows of an album's file.
fn variant(file: &AlbumFile) -> Variant {
    let AlbumFile { variant, format, width, height, bytes, hash, .. } = file;
    let (format, width, height, bytes, hash) = (*format, *width, *height, *bytes, *hash);
    Variant { name: variant.clone(), format, width, height, bytes, hash, crc32: None }
}
