//! Drills: a whole deployment of real processes, real stores and a real ledger, in which something is killed, stopped or cut
//! off in the middle of the work. What is asserted is that nothing is lost and nothing is there twice; how long it took is
//! measured and written to `target/drills`, from where `cargo xtask drill` makes its table.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failure here is a failed test")]
#![allow(clippy::disallowed_methods, reason = "times are measured, and other processes waited for")]

#[path = "gallery/bench.rs"]
#[allow(dead_code, reason = "it has more than is needed here")]
mod bench;
#[path = "deployment/chaos.rs"]
mod chaos;
#[path = "deployment/checker.rs"]
mod checker;
#[path = "deployment/client.rs"]
mod client;
#[path = "deployment/drills.rs"]
mod drills;
#[path = "deployment/faults.rs"]
mod faults;
#[path = "deployment/line.rs"]
mod line;
#[path = "deployment/machine.rs"]
mod machine;
#[path = "deployment/node.rs"]
mod node;
#[path = "../crates/vault/tests/support/postgres.rs"]
mod postgres;
#[path = "../crates/vault/tests/support/seaweed.rs"]
mod seaweed;
