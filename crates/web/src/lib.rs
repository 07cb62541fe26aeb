//! What people and programs see of Procession: the HTTP service with its API, uploads, delivery and pages, and the static
//! page of a finished gallery.
//!
//! A request finds its handler in [`router`]; what handlers share is the [`Service`]; what goes wrong becomes a [`Problem`].

pub mod access;
mod album;
mod albums;
mod api;
mod client;
mod deliver;
mod download;
mod health;
mod hub;
mod live;
mod metrics;
mod observe;
mod pages;
mod problem;
pub mod range;
mod receipts;
mod representation;
mod router;
mod server;
mod service;
mod uploads;
mod webhook;
pub mod zip;

pub use album::album_page;
pub use api::keep_sweeping_answers;
pub use deliver::{ImageView, Sources};
pub use hub::{Dated, Hub};
pub use live::{Live, keep_deciding, watch};
pub use problem::{Problem, Result};
pub use router::{probes, router};
pub use server::{Connections, serve};
pub use service::{Service, ServiceSettings};
pub use uploads::tend_uploads;
