//! The running service, driven over HTTP by real clients.
#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

#[path = "service/galleries.rs"]
mod galleries;
#[path = "service/resources.rs"]
mod resources;
#[path = "service/running.rs"]
mod running;
#[path = "service/sample.rs"]
mod sample;
#[path = "service/tenants.rs"]
mod tenants;
