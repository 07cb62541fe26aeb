//! One image of a photo, saved by whoever looks at it.

use std::ops::Range;

use axum::{
    http::{HeaderMap, Method},
    response::Response,
};
use procession_domain::{PhotoId, variant::Variant};

use super::{being_made, choose::to_keep, known::Known, part};
use crate::{
    Result, Service,
    representation::{Representation, attachment},
};

/// The largest image of the whole photo that is for screens, under this name without an extension.
///
/// # Errors
/// 503 while it is being made; the vault does not answer.
pub(crate) async fn send_screen_image(
    service: &Service,
    photo: PhotoId,
    stem: &str,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response> {
    let system = &service.system;
    let known = service.delivery.photos.get(system, photo, |known| largest(known).is_some()).await?;
    let variant = largest(&known).ok_or_else(being_made)?;
    let representation = Representation {
        etag: format!("\"{}\"", variant.hash),
        length: variant.bytes,
        media_type: variant.format.media_type(),
        caching: "private, no-cache".to_owned(),
        disposition: attachment(&format!("{stem}.{}", variant.format.extension())),
        vary: Vec::new(),
    };
    let body = async |range: Range<u64>| {
        let image = service.delivery.variant(system, &known, variant).await?;
        Ok(part(&image, &range))
    };
    representation.answer(method, headers, body).await
}

fn largest(known: &Known) -> Option<&Variant> {
    to_keep(known.size, known.variants(), true)
}
