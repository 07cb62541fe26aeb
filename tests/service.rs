//! The running service, driven over HTTP by real clients.
#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

#[path = "service/galleries.rs"]
mod galleries;
#[path = "service/lagging.rs"]
mod lagging;
#[path = "service/live.rs"]
mod live;
#[path = "service/metrics.rs"]
mod metrics;
#[path = "service/running.rs"]
mod running;
