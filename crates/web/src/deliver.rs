//! Images for browsers and CDNs: signed, immutable URLs.

mod url;

pub(crate) use url::{ImageName, SignedName};
