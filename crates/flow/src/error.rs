//! What can go wrong on a photo's way.

use std::path::PathBuf;

use procession_domain::{Classified, ContentHash, GalleryId, Kind, PhotoId};

/// The result of a step of the flow.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure on the way.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The vault refused or does not answer.
    #[error("the vault failed")]
    Vault(#[from] procession_vault::Error),
    /// The photo cannot be decoded or rendered.
    #[error(transparent)]
    Pixel(#[from] procession_pixel::Error),
    /// A model failed.
    #[error("the models failed")]
    Vision(#[from] procession_vision::Error),
    /// A file or folder of the user's could not be read or written.
    #[error("{path}: cannot {action}")]
    File {
        /// Which one.
        path: PathBuf,
        /// What was tried: "read".
        action: &'static str,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
    /// A single photo needs more memory than all photos may have.
    #[error(
        "needs {} MB of memory, more than the whole budget of {} MB; give more with --memory",
        needed.div_ceil(1_000_000),
        budget / 1_000_000
    )]
    OverBudget {
        /// Bytes that it takes.
        needed: u64,
        /// Bytes that there are.
        budget: u64,
    },
    /// A replica does not hold what it was given.
    #[error("original {hash} is not safe")]
    ReadBack {
        /// The original.
        hash: ContentHash,
        /// Which store, and what it holds.
        source: procession_vault::Error,
    },
    /// A store does not answer that must hold what a receipt is to be given for.
    #[error("not yet: a store is away that may still be owed an original")]
    Unproven(#[source] procession_vault::Error),
    /// The gallery asks for a pipeline that is not configured.
    #[error("gallery {gallery}: pipeline {name:?} is not configured; there are: {known}")]
    NoPipeline {
        /// The gallery.
        gallery: GalleryId,
        /// What it asks for.
        name: String,
        /// What there is.
        known: String,
    },
    /// A finished photo cannot get more outputs like those that it has.
    #[error("pipeline {pipeline:?}, or the engine, is not the one any more by which it was finished")]
    OtherRecipe {
        /// The pipeline.
        pipeline: String,
    },
    /// A finished photo's variants keep disappearing.
    #[error("photo {0}: its variants were made again and are still not readable")]
    VariantsLost(PhotoId),
    /// A photo that was claimed again and again, and never heard of.
    #[error(
        "its processing ended {0} times without a word, as when it takes its process down; it is not tried again by itself"
    )]
    WorkersLost(u32),
    /// Deleting took longer than whoever deletes may claim a removal for.
    #[error("gallery {gallery}: its objects are deleted too slowly; the rest follows later")]
    Slow {
        /// The gallery, which was removed.
        gallery: GalleryId,
    },
    /// A receipt that was altered, or is none.
    #[error("receipt {path}: {why}")]
    Receipt {
        /// Its file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Procession's own fault.
    #[error("internal: {0}")]
    Bug(String),
}

impl Error {
    pub(crate) fn file(path: impl Into<PathBuf>, action: &'static str, source: std::io::Error) -> Self {
        Self::File { path: path.into(), action, source }
    }

    /// True if the fault lies with the machine or its stores, so that another photo would meet it too: the work stops and
    /// can go on later. False if it lies with this one photo.
    pub fn stops_everything(&self) -> bool {
        match self {
            // What a store refuses as `Invalid`, such as a key that was withdrawn, it refuses for every photo.
            Self::Vault(error) => {
                matches!(error.kind(), Kind::Limit | Kind::Unavailable | Kind::Invalid | Kind::Bug)
            }
            Self::ReadBack { .. } | Self::Unproven(_) | Self::File { .. } | Self::NoPipeline { .. } => true,
            _ => false,
        }
    }
}

impl Classified for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Vault(error) => error.kind(),
            Self::Pixel(error) => error.kind(),
            Self::Vision(error) => error.kind(),
            Self::File { source, .. } => match source.kind() {
                std::io::ErrorKind::NotFound => Kind::NotFound,
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Kind::Limit,
                _ => Kind::Unavailable,
            },
            Self::OverBudget { .. } => Kind::Limit,
            Self::ReadBack { .. } | Self::VariantsLost(_) => Kind::Corrupt,
            Self::NoPipeline { .. } | Self::OtherRecipe { .. } | Self::Receipt { .. } => Kind::Invalid,
            Self::Slow { .. } | Self::Unproven(_) => Kind::Unavailable,
            Self::WorkersLost(_) | Self::Bug(_) => Kind::Bug,
        }
    }
}
