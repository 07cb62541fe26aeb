//! What can go wrong between a photo and what it shows.

use std::path::PathBuf;

use procession_domain::{Classified, Kind};

/// A failure of the models, of their cache, or of one photo's analysis.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A model is not in the cache.
    #[error("the model {name} is not at {}: run `procession models fetch`", path.display())]
    Missing {
        /// The entry's name.
        name: String,
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A file is not what the catalogue says.
    #[error("{}: {why}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// A model could not be fetched or converted.
    #[error("cannot fetch {name}: {why}")]
    Fetch {
        /// The entry's name.
        name: String,
        /// What the client said, and what to do.
        why: String,
    },
    /// The cache folder cannot be read or written.
    #[error("{}", path.display())]
    Disk {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// `models.toml` says something that it may not.
    #[error("{}: {why}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// ONNX Runtime does not load, or refuses a model.
    #[error("ONNX Runtime failed {what}")]
    Runtime {
        /// What was being done: "loading …".
        what: String,
        /// What the runtime said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Procession's own fault.
    #[error("internal: {0}")]
    Bug(String),
}

impl Classified for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Missing { .. } => Kind::NotFound,
            Self::Corrupt { .. } => Kind::Corrupt,
            Self::Fetch { .. } | Self::Disk { .. } | Self::Runtime { .. } => Kind::Unavailable,
            Self::Invalid { .. } => Kind::Invalid,
            Self::Bug(_) => Kind::Bug,
        }
    }
}
