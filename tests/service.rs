//! The running service, driven over HTTP by real clients.
#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

#[path = "service/delivery.rs"]
mod delivery;
#[path = "service/galleries.rs"]
mod galleries;
#[path = "service/prepared.rs"]
mod prepared;
#[path = "service/running.rs"]
mod running;
