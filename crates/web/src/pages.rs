//! The pages for people: rendered on the server, with light scripts.
//!
//! A page is a [`shell::Page`]; what it loads beside itself is an embedded asset. `base.css` has the tokens of the look,
//! `controls.css` buttons, fields and dialogs.

pub(crate) mod assets;
mod cover;
mod enter;
mod forecast;
mod forms;
mod frame;
mod gallery;
mod home;
mod keys;
mod operations;
pub(crate) mod shell;

use std::sync::Arc;

use axum::Router;
use tower_http::compression::CompressionLayer;

use crate::Service;

/// The pages' routes.
pub(crate) fn routes() -> Router<Arc<Service>> {
    let studio = [home::routes(), gallery::routes(), keys::routes(), operations::routes()];
    let studio = studio.into_iter().fold(Router::new(), Router::merge).layer(CompressionLayer::new());
    Router::new().merge(assets::routes()).merge(enter::routes()).merge(studio)
}
