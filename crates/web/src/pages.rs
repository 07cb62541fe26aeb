//! The pages for people: rendered on the server, with light scripts.
//!
//! A page is a [`shell::Page`]; what it loads beside itself is an embedded asset. `base.css` has the tokens of the look,
//! `controls.css` buttons, fields and dialogs.

pub(crate) mod assets;
mod cover;
mod enter;
mod forms;
mod frame;
mod gallery;
mod home;
mod keys;
mod operations;
pub(crate) mod shell;

use std::sync::Arc;

use axum::Router;

use crate::Service;

/// The pages' routes.
pub(crate) fn routes() -> Router<Arc<Service>> {
    Router::new()
        .merge(assets::routes())
        .merge(enter::routes())
        .merge(home::routes())
        .merge(gallery::routes())
        .merge(keys::routes())
        .merge(operations::routes())
}
