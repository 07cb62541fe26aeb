//! Images for browsers and CDNs: signed, immutable addresses, and one that suits whoever asks.

mod choose;
mod delivery;
mod hints;
mod keep;
mod known;
mod sources;
mod url;

use std::{ops::Range, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Path, RawQuery, State, rejection::PathRejection},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode},
    response::Response,
    routing::get,
};
use bytes::Bytes;
use procession_domain::variant::Variant;

use crate::{
    Problem, Result, Service,
    access::{Purpose, Signature, not_ours},
    representation::Representation,
};
use choose::choose;
use delivery::Image;
use hints::Hints;
use known::{Images, Known};

pub(crate) use choose::to_keep;
pub(crate) use delivery::{Delivery, being_made};
pub(crate) use keep::send_screen_image;
pub use sources::{ImageView, Sources};
pub(crate) use url::ImageName;

/// What suits a client may change with the recipe.
const LONGEST_AUTO: Duration = Duration::from_secs(60 * 60);
/// The first look stands in for what is there in a moment.
const LONGEST_STAND_IN: Duration = Duration::from_secs(5);
/// Names the image that was chosen. Why is for the log: others for whom a cache keeps it may have had other reasons.
const CHOICE: HeaderName = HeaderName::from_static("procession-choice");

/// The routes of images.
pub(crate) fn routes() -> Router<Arc<Service>> {
    Router::new().route("/i/{signature}/{recipe}/{file}", get(image))
}

/// A request for an image whose address is ours and valid.
struct Asked<'a> {
    service: &'a Arc<Service>,
    method: &'a Method,
    headers: &'a HeaderMap,
    /// Its signature is valid so long.
    left: Duration,
}

async fn image(
    State(service): State<Arc<Service>>,
    method: Method,
    path: Result<Path<(String, String, String)>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response> {
    let Path((signature, recipe, file)) = path.map_err(|_| not_ours())?;
    let name = ImageName::parse(&recipe, &file).ok_or_else(not_ours)?;
    let signature = Signature::parse(&signature).ok_or_else(not_ours)?;
    let now = service.system.clock.now();
    let left = signature.check(&service.keyring, Purpose::Image, &name.to_string(), now).await?;
    let asked = Asked { service: &service, method: &method, headers: &headers, left };
    match recipe.as_str() {
        "preview" => asked.preview(&name).await,
        "auto" => asked.suitable(&name, query.and_then(|query| width_in(&query))).await,
        _ => asked.variant(&name).await,
    }
}

impl Asked<'_> {
    /// The image of this very name.
    async fn variant(&self, name: &ImageName) -> Result<Response> {
        let is_named = |variant: &&Variant| {
            variant.name == name.recipe && variant.format.extension() == name.extension && name.is_of(&variant.hash)
        };
        let find = |known: &Known| known.variants().iter().position(|variant| is_named(&variant));
        let has_it = |known: &Known| find(known).is_some();
        let mut known = self.known(name, has_it).await?;
        if !has_it(&known) && matches!(known.images, Images::Made(..)) {
            // It may have been made since somebody looked.
            self.service.delivery.photos.forget(name.photo);
            known = self.known(name, has_it).await?;
        }
        match (find(&known), &known.images) {
            (Some(index), _) => {
                let caching = format!("public, max-age={}, immutable", self.left.as_secs());
                self.send(&known, &known.variants()[index], caching, Vec::new()).await
            }
            (None, Images::Awaited) => Err(being_made()),
            (None, Images::Made(..) | Images::Impossible) => {
                let detail = "this image was replaced by another; open the page that it came from again";
                Err(Problem::new(StatusCode::GONE, "replaced", detail))
            }
        }
    }

    /// The first look.
    async fn preview(&self, name: &ImageName) -> Result<Response> {
        let known = self.known(name, |_| true).await?;
        let caching = format!("public, max-age={}, immutable", self.left.as_secs());
        self.send_preview(&known, caching).await
    }

    /// What suits the client among the images of the whole photo; the first look until they are there.
    async fn suitable(&self, name: &ImageName, width: Option<u32>) -> Result<Response> {
        let known = self.known(name, |known| !matches!(known.images, Images::Awaited)).await?;
        let Some(choice) = choose(known.size, known.variants(), &Hints::read(self.headers, width)) else {
            let caching = format!("public, max-age={}", self.left.min(LONGEST_STAND_IN).as_secs());
            return self.send_preview(&known, caching).await;
        };
        let caching = format!("public, max-age={}", self.left.min(LONGEST_AUTO).as_secs());
        let Variant { name, format, .. } = choice.variant;
        let said = format!("{name}.{}", format.extension());
        tracing::debug!(photo.id = %known.id, image = said, reason = %choice.reason, "image chosen");
        let mut response = self.send(&known, choice.variant, caching, choice.vary).await?;
        if let Ok(said) = HeaderValue::try_from(said) {
            response.headers_mut().insert(CHOICE, said);
        }
        Ok(response)
    }

    /// The photo that an image is of.
    async fn known(&self, name: &ImageName, answers: impl Fn(&Known) -> bool) -> Result<Arc<Known>> {
        self.service.delivery.photos.get(&self.service.system, name.photo, answers).await
    }

    async fn send(
        &self,
        known: &Known,
        variant: &Variant,
        caching: String,
        vary: Vec<&'static str>,
    ) -> Result<Response> {
        let representation = Representation {
            etag: format!("\"{}\"", variant.hash),
            length: variant.bytes,
            media_type: variant.format.media_type(),
            caching,
            disposition: HeaderValue::from_static("inline"),
            vary,
        };
        let service = self.service;
        let body = async |range: Range<u64>| {
            let image = service.delivery.variant(&service.system, known, variant).await?;
            Ok(part(&image, &range))
        };
        representation.answer(self.method, self.headers, body).await
    }

    async fn send_preview(&self, known: &Known, caching: String) -> Result<Response> {
        let image = self.service.delivery.preview(&self.service.system, known).await?;
        let representation = Representation {
            etag: format!("\"{}\"", image.hash),
            length: image.bytes.len() as u64,
            media_type: "image/jpeg",
            caching,
            disposition: HeaderValue::from_static("inline"),
            vary: Vec::new(),
        };
        representation.answer(self.method, self.headers, async |range| Ok(part(&image, &range))).await
    }
}

/// `w=800`: the width in pixels that an address asks for beside its name.
fn width_in(query: &str) -> Option<u32> {
    query.split('&').find_map(|pair| pair.strip_prefix("w=")?.parse().ok())
}

fn part(image: &Image, range: &Range<u64>) -> Body {
    Body::from(slice(&image.bytes, range))
}

/// A part of bytes that has it.
pub(crate) fn slice(bytes: &Bytes, range: &Range<u64>) -> Bytes {
    bytes.slice(range.start as usize..range.end as usize)
}
