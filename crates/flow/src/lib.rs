//! The way of a photo. Bytes flow one way: [`ingest`] → [`Worker`] → the finished gallery; `life.rs` is the heart of it.
//!
//! This is the only crate that waits, and the only one that asks the machine for the time. What to do next is decided in
//! `plan`; what is true is in the vault.

pub mod affinity;
mod album;
mod background;
mod budget;
pub mod capacity;
mod clock;
mod completions;
mod controller;
mod correction;
mod debts;
mod error;
mod event;
mod export;
mod fleet;
pub mod forecast;
mod gallery;
mod ingest;
mod life;
mod preview;
mod process;
pub mod receipt;
pub mod registry;
mod removal;
pub mod status;
mod system;
mod work;

pub use album::{file_stems, read_album};
pub use background::in_background;
pub use budget::{Budget, Grant};
pub use clock::SystemClock;
pub use completions::Completions;
pub use controller::{Controller, Decision};
pub use correction::{GalleryCorrection, MOST_CORRECTIONS, correction_turn};
pub use debts::keep_paying_debts;
pub use error::{Error, Result};
pub use event::{Event, Events, Told};
pub use fleet::LocalFleet;
pub use gallery::{change_gallery, open_gallery, redo_outdated, remake};
pub use ingest::{File, claims_to_be_a_photo, ingest, settle_staged, take_photo, walk};
pub use preview::{PREVIEW_EDGE, prepare_preview, preview};
pub use process::{Outcome, Request, process};
pub use procession_plan::{Delivery, Outlook, Place, Rate, Retry, RetryPolicy, affinity::Preference, retry};
pub use removal::{REMOVAL_GRACE, delete_removed, keep_deleting_removed, remove_gallery};
pub use system::{Settings, System};
pub use work::Worker;
