//! Where a photo's images are.

use procession_domain::{
    PhotoId,
    photo::{Photo, PhotoState},
    variant::Variant,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::ImageName;
use crate::Service;

/// The URLs of a photo's images: signed, and valid for at least the time that the operator chose.
#[derive(Debug)]
pub(crate) struct ImageUrls {
    /// The first look. None for a photo that cannot be processed.
    pub(crate) preview: Option<String>,
    /// The variants, in the recipe's order. None before the photo is finished.
    pub(crate) images: Vec<ImageView>,
}

/// One image of a photo, and where it is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImageView {
    /// The variant's name in the recipe: `2048`, `square-256`, `crop-4x5`.
    pub(crate) variant: String,
    /// How it is written: `jpeg`, `webp` or `avif`.
    #[schema(value_type = String)]
    pub(crate) format: procession_domain::recipe::OutputFormat,
    /// Width in pixels.
    pub(crate) width: u32,
    /// Height in pixels.
    pub(crate) height: u32,
    /// Length in bytes.
    pub(crate) bytes: u64,
    /// BLAKE3 of its bytes, 64 hex digits.
    #[schema(value_type = String)]
    pub(crate) hash: procession_domain::ContentHash,
    /// Where it is. Needs no key; what it shows never changes.
    pub(crate) url: String,
}

/// The URLs of a photo's images as they are now.
pub(crate) fn image_urls(service: &Service, photo: &Photo, state: &PhotoState) -> ImageUrls {
    let preview = || signed_url(service, &ImageName::new("preview", photo.id, &photo.original, "jpg"));
    match state {
        PhotoState::Stored => ImageUrls { preview: Some(preview()), images: Vec::new() },
        PhotoState::Done(finished) => {
            let images = finished.variants.iter().map(|variant| image(service, photo.id, variant)).collect();
            ImageUrls { preview: Some(preview()), images }
        }
        PhotoState::Quarantined(_) => ImageUrls { preview: None, images: Vec::new() },
    }
}

/// The URL of an image.
pub(crate) fn signed_url(service: &Service, name: &ImageName) -> String {
    let path = name.sign(&service.keyring, service.system.clock.now(), service.settings.url_life);
    let outside = service.settings.public_url.as_deref().unwrap_or_default();
    format!("{}{path}", outside.trim_end_matches('/'))
}

fn image(service: &Service, photo: PhotoId, variant: &Variant) -> ImageView {
    let Variant { name, format, width, height, bytes, hash, .. } = variant;
    ImageView {
        variant: name.clone(),
        format: *format,
        width: *width,
        height: *height,
        bytes: *bytes,
        hash: *hash,
        url: signed_url(service, &ImageName::new(name, photo, hash, format.extension())),
    }
}
