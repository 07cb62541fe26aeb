//! A load on a whole deployment of real processes: many clients upload at the same time, workers process, people look. What it
//! takes is measured, and all of it is held against what was sent. `cargo xtask load-test` runs it with the release binary and photos
//! of real size, and says how that compares with the targets; without, it is short and asserts no time.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failure here is a failed test")]
#![allow(clippy::disallowed_methods, reason = "times are measured, and other processes waited for")]

#[path = "gallery/bench.rs"]
#[allow(dead_code, reason = "it has more than is needed here")]
mod bench;
#[path = "load/check.rs"]
mod check;
#[path = "load/clients.rs"]
mod clients;
#[path = "load/deployment.rs"]
mod deployment;
#[path = "load/figures.rs"]
mod figures;
#[path = "deployment/node.rs"]
#[allow(dead_code, reason = "it has more than is needed here")]
mod node;
#[path = "load/photos.rs"]
mod photos;
#[path = "../crates/vault/tests/support/postgres.rs"]
mod postgres;
#[path = "load/report.rs"]
mod report;
#[path = "load/run.rs"]
mod run;
#[path = "load/watch.rs"]
mod watch;
