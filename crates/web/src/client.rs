//! What a gallery's clients see, through a link and without an account: `/g/{token}`.
//!
//! Every request goes through a [`Visit`](visit::Visit), which exists only where the link is open and its password was given.

mod answers;
mod closed;
mod download;
mod enter;
mod favourites;
mod page;
mod shown;
mod visit;

use std::{net::IpAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
};
use procession_domain::GalleryId;
use tower_http::compression::CompressionLayer;

use crate::{Service, access::Allowance, pages::assets::File};

/// What the page loads: the scripts of the gallery that stands on its own, and what the service adds, in one module.
pub(crate) const ASSETS: &[File] = &[File { name: "gallery.js", bytes: SCRIPT.as_bytes() }];

const SCRIPT: &str = concat!(
    include_str!("album/data.js"),
    include_str!("album/thumbhash.js"),
    include_str!("album/layout.js"),
    include_str!("album/grid.js"),
    include_str!("album/timeline.js"),
    include_str!("album/guests.js"),
    include_str!("album/zoom.js"),
    include_str!("album/lightbox.js"),
    include_str!("client/sheets.js"),
    include_str!("client/favourites.js"),
    include_str!("client/download.js"),
    include_str!("client/news.js"),
    include_str!("album/main.js"),
);

pub(crate) use favourites::{Favourites, MOST_VISITORS};
pub(crate) use shown::Shown;

/// Two thousand favourites are 54 kB.
const LARGEST_BODY: usize = 64 << 10;
const MINUTE: Duration = Duration::from_secs(60);

/// What the service keeps for clients between requests.
pub(crate) struct Clients {
    /// Links that are none, by network.
    strangers: Allowance<IpAddr>,
    /// Wrong passwords of a link, by network.
    guesses: Allowance<(String, IpAddr)>,
    /// Wrong passwords of a link, from anywhere.
    all_guesses: Allowance<String>,
    /// Visitors of a gallery who choose their first favourite, by network.
    newcomers: Allowance<(GalleryId, IpAddr)>,
    /// Changes of one visitor's favourites.
    changes: Allowance<String>,
    /// Archives through one link, by network: to list what is in one costs a look at every photo.
    archives: Allowance<(String, IpAddr)>,
    galleries: shown::Galleries,
}

impl Default for Clients {
    fn default() -> Self {
        Self {
            strangers: Allowance::new(60, MINUTE / 6),
            guesses: Allowance::new(10, MINUTE),
            all_guesses: Allowance::new(200, MINUTE / 4),
            newcomers: Allowance::new(100, MINUTE / 6),
            changes: Allowance::new(120, MINUTE / 60),
            archives: Allowance::new(20, MINUTE / 2),
            galleries: shown::Galleries::default(),
        }
    }
}

/// The routes of the clients' gallery.
pub(crate) fn routes() -> Router<Arc<Service>> {
    let texts = Router::new()
        .route("/g/{token}", get(page::show).post(enter::unlock))
        .route("/g/{token}/album", get(shown::overview))
        .route("/g/{token}/photos", get(shown::details))
        .route("/g/{token}/favourites", get(favourites::get).put(favourites::put))
        .route("/g/{token}/archive", post(download::archive))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(CompressionLayer::new());
    // Photos are compressed already, and their parts are parts of what they are.
    texts.route("/g/{token}/photos/{photo}", get(download::photo))
}
