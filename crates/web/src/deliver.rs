//! Images for browsers and CDNs: signed, immutable URLs.

mod file;
mod images;
mod url;

pub(crate) use file::{attachment, paced};
pub(crate) use images::{ImageView, image_urls, signed_url};
pub(crate) use url::{ImageName, SignedName};
