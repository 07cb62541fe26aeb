//! The way of a photo. Bytes flow one way: [`ingest`] → [`Worker`] → the finished gallery; `life.rs` is the heart of it.
//!
//! This is the only crate that waits, and the only one that asks the machine for the time. What to do next is decided in
//! `plan`; what is true is in the vault.

mod album;
mod budget;
mod clock;
mod error;
mod event;
mod export;
mod ingest;
mod life;
mod process;
pub mod receipt;
mod system;
mod work;

pub use budget::{Budget, Grant};
pub use clock::SystemClock;
pub use error::{Error, Result};
pub use event::{Event, Events};
pub use ingest::{File, ingest, walk};
pub use process::{Outcome, Request, process};
pub use system::{Settings, System};
pub use work::Worker;
