//! What pages load: styles, scripts and fonts that are part of the binary.
//!
//! An address carries the hash of the content, so a browser keeps it for ever and yet never shows an old one. Scripts are ES
//! modules that import each other by plain relative names; the import map of each page leads those to the same addresses.

use std::{borrow::Cow, collections::BTreeMap, sync::LazyLock};

use axum::{
    Router,
    extract::{Path, Query},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use tower_http::compression::{
    CompressionLayer,
    predicate::{DefaultPredicate, NotForContentType, Predicate as _},
};

use crate::Problem;

/// A file of the binary.
pub(crate) struct File {
    /// Its name under `/assets/`; the ending says what it is.
    pub(crate) name: &'static str,
    /// Its content.
    pub(crate) bytes: &'static [u8],
}

/// An embedded file under its own name: `file!("dialog.js")` is `pages/dialog.js`.
macro_rules! file {
    ($name:literal) => {
        File { name: $name, bytes: include_bytes!($name) }
    };
    ($name:literal in $folder:literal) => {
        File { name: $name, bytes: include_bytes!(concat!($folder, "/", $name)) }
    };
}

/// All there are. Another area adds its own list.
const FILES: &[&[File]] = &[SHARED, STUDIO, crate::client::ASSETS];

/// What all pages use.
const SHARED: &[File] = &[
    file!("base.css"),
    file!("controls.css"),
    file!("serif.css"),
    file!("frame.css"),
    file!("dom.js"),
    file!("dialog.js"),
    file!("newsreader-latin-400-normal.woff2" in "vendor"),
    file!("newsreader-latin-ext-400-normal.woff2" in "vendor"),
];

/// What the studio's pages use.
const STUDIO: &[File] = &[
    file!("copy.js"),
    file!("corrections.js"),
    file!("delivery.js"),
    file!("enter.css"),
    file!("enter.js"),
    file!("faces.js"),
    file!("files.js"),
    file!("first_look.js"),
    file!("grid.js"),
    file!("guests.js"),
    file!("home.css"),
    file!("home.js"),
    file!("keys.css"),
    file!("keys.js"),
    file!("live.js"),
    file!("memory.js"),
    file!("moments.js"),
    file!("operations.css"),
    file!("operations.js"),
    file!("refresh.js"),
    file!("sending.js"),
    file!("settings.js"),
    file!("standing.js"),
    file!("studio.css"),
    file!("studio.js"),
    file!("tus.min.js" in "vendor"),
    file!("upload.js"),
    file!("viewer.js"),
    file!("zones.js"),
    // The static page's layout, as a module.
    File {
        name: "layout.js",
        bytes: concat!(include_str!("../album/layout.js"), "export { gridAspect, justify, rowAt };\n").as_bytes(),
    },
];

/// A file as it is served.
struct Asset {
    bytes: Cow<'static, [u8]>,
    /// The start of the content's hash.
    version: String,
    address: String,
}

static ASSETS: LazyLock<BTreeMap<&'static str, Asset>> = LazyLock::new(|| {
    let (styles, others): (Vec<&File>, Vec<&File>) =
        FILES.iter().copied().flatten().partition(|file| file.name.ends_with(".css"));
    let mut assets: BTreeMap<_, _> = others.iter().map(|file| (file.name, Asset::new(file.name, file.bytes))).collect();
    for File { name, bytes } in styles {
        let mut text = String::from_utf8_lossy(bytes).into_owned();
        for (other, asset) in &assets {
            text = text.replace(&format!("url({other})"), &format!("url({})", asset.address));
        }
        assets.insert(name, Asset::new(name, text.into_bytes()));
    }
    assets
});

impl Asset {
    fn new(name: &str, bytes: impl Into<Cow<'static, [u8]>>) -> Self {
        let bytes = bytes.into();
        let version = blake3::hash(&bytes).to_hex()[..16].to_owned();
        Self { address: format!("/assets/{name}?v={version}"), version, bytes }
    }
}

/// The import map: where a page's modules find each other.
pub(super) static IMPORTS: LazyLock<String> = LazyLock::new(|| {
    let modules = ASSETS.iter().filter(|(name, _)| name.ends_with(".js"));
    let imports: BTreeMap<String, &String> =
        modules.map(|(name, asset)| (format!("/assets/{name}"), &asset.address)).collect();
    serde_json::json!({ "imports": imports }).to_string()
});

/// The address of an asset. A name that is not embedded gives an address at which nothing is; a test looks at all pages.
pub(crate) fn address(name: &str) -> &'static str {
    ASSETS.get(name).map_or("/assets/", |asset| &asset.address)
}

/// The content of a style as it is served: it leads to other assets by their addresses.
pub(crate) fn style(name: &str) -> Cow<'static, str> {
    ASSETS.get(name).map_or(Cow::Borrowed(""), |asset| String::from_utf8_lossy(&asset.bytes))
}

/// The routes of the assets.
pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    // Fonts are compressed already.
    let texts = DefaultPredicate::new().and(NotForContentType::const_new("font/"));
    Router::new().route("/assets/{name}", get(serve)).layer(CompressionLayer::new().compress_when(texts))
}

#[derive(Deserialize)]
struct Wanted {
    v: Option<String>,
}

async fn serve(
    Path(name): Path<String>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asset = ASSETS.get(name.as_str()).ok_or_else(|| Problem::not_found(format!("asset {name:?}")))?;
    let Asset { bytes, version, .. } = asset;
    // Weak: a compressed answer has the same tag.
    let tag = format!("W/\"{version}\"");
    // Whoever asks for a version that this binary does not have gets the present one, but must not keep it under that name.
    let caching = if wanted.v.as_ref() == Some(version) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let is_known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let head = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type(&name))),
        (header::CACHE_CONTROL, HeaderValue::from_static(caching)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::ETAG, HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static(""))),
    ];
    let answer = if is_known { StatusCode::NOT_MODIFIED.into_response() } else { bytes.as_ref().into_response() };
    Ok((head, answer).into_response())
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        _ => "text/plain; charset=utf-8",
    }
}
