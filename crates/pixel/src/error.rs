//! What can go wrong between bytes and pixels.

use procession_domain::{Classified, Kind};

/// A failure with one photo.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes are no photo that Procession knows.
    #[error("not a photo: {0}")]
    Unrecognised(String),
    /// It is a photo of a kind that cannot be read on this machine.
    #[error("{0}")]
    Unsupported(String),
    /// The bytes are damaged or cut off.
    #[error("damaged {format}: {why}")]
    Damaged {
        /// What it claims to be: "JPEG".
        format: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// It is larger than the limits allow.
    #[error("{what} is {value}, more than the limit of {limit}")]
    TooLarge {
        /// What was measured, with its unit: "the number of pixels".
        what: &'static str,
        /// What it is.
        value: u64,
        /// What it may be.
        limit: u64,
    },
    /// A library that is needed is not installed.
    #[error("{library} is not available: {why}")]
    Missing {
        /// Its name.
        library: &'static str,
        /// Why, and how to get it.
        why: String,
    },
    /// Procession's own fault.
    #[error("internal: {0}")]
    Bug(String),
}

impl Classified for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Unrecognised(_) | Self::Unsupported(_) => Kind::Invalid,
            Self::Damaged { .. } => Kind::Corrupt,
            Self::TooLarge { .. } => Kind::Limit,
            Self::Missing { .. } => Kind::Unavailable,
            Self::Bug(_) => Kind::Bug,
        }
    }
}
