//! The vocabulary of Procession: every type that two or more crates speak about.
//!
//! Nothing here reads a file, asks a clock or waits. A type that cannot hold an invalid value is built by a function that
//! says what was wrong.

pub mod album;
pub mod analysis;
pub mod capture;
pub mod correction;
pub mod demand;
pub mod error;
pub mod gallery;
pub mod hash;
pub mod id;
pub mod job;
pub mod key;
pub mod manifest;
pub mod photo;
pub mod recipe;
pub mod region;
pub mod stage;
pub mod time;
pub mod urgency;
pub mod variant;

pub use error::{Classified, Invalid, Kind};
pub use hash::ContentHash;
pub use id::{FaceRef, GalleryId, JobId, PhotoId, StudioId, WorkerId};
pub use key::Key;
pub use region::Region;
pub use stage::{Stage, Stages};
pub use time::{Clock, ManualClock, Timestamp};
