//! The running service, driven over HTTP by real clients.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a failure here is a failed test, and a seed is worth printing"
)]

#[path = "service/answers.rs"]
mod answers;
#[path = "service/archives.rs"]
mod archives;
#[path = "gallery/bench.rs"]
#[allow(dead_code, reason = "it has more than is needed here")]
mod bench;
#[path = "service/delivery.rs"]
mod delivery;
#[path = "service/documented.rs"]
mod documented;
#[path = "service/drain.rs"]
mod drain;
#[path = "service/edge.rs"]
mod edge;
#[path = "service/fleet.rs"]
mod fleet;
#[path = "service/forecast.rs"]
mod forecast;
#[path = "service/full.rs"]
mod full;
#[path = "service/galleries.rs"]
mod galleries;
#[path = "service/hung.rs"]
mod hung;
#[path = "service/isolation.rs"]
mod isolation;
#[path = "service/lagging.rs"]
mod lagging;
#[path = "service/links.rs"]
mod links;
#[path = "service/live.rs"]
mod live;
#[path = "service/logs.rs"]
mod logs;
#[path = "service/metrics.rs"]
mod metrics;
#[path = "service/openapi.rs"]
mod openapi;
#[path = "service/pages.rs"]
mod pages;
#[path = "../crates/vault/tests/support/postgres.rs"]
mod postgres;
#[path = "service/prepared.rs"]
mod prepared;
#[path = "service/processes.rs"]
mod processes;
#[path = "service/regions.rs"]
mod regions;
#[path = "service/resources.rs"]
mod resources;
#[path = "service/running.rs"]
mod running;
#[path = "service/sample.rs"]
mod sample;
#[path = "service/scaler.rs"]
mod scaler;
#[path = "service/schema.rs"]
mod schema;
#[path = "../crates/vault/tests/support/seaweed.rs"]
mod seaweed;
#[path = "service/slow.rs"]
mod slow;
#[path = "service/small_disk.rs"]
mod small_disk;
#[path = "service/stages.rs"]
mod stages;
#[path = "service/tenants.rs"]
mod tenants;
#[path = "service/uploads.rs"]
mod uploads;
#[path = "service/webhooks.rs"]
mod webhooks;
