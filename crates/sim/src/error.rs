//! What can go wrong.

use procession_domain::Kind;

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a scenario cannot be simulated.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text is no scenario.
    #[error("the scenario cannot be read")]
    Unreadable(#[source] Box<toml::de::Error>),
    /// What it asks for makes no sense.
    #[error("{0}")]
    Nonsense(String),
    /// A thread ended before its work was done: a fault of this program.
    #[error("a part of the simulation broke off")]
    Broken,
}

impl Error {
    /// What kind of failure it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Unreadable(_) | Self::Nonsense(_) => Kind::Invalid,
            Self::Broken => Kind::Bug,
        }
    }
}
