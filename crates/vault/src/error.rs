//! What can go wrong in the vault.

use std::{io, sync::Arc};

use procession_domain::{Classified, ContentHash, Kind};
use sqlx::postgres::PgDatabaseError;

/// The result of every operation on the vault.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of a store or of the ledger. The message names the store, and the object or the row.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not there.
    #[error("{place}: {what} is not there")]
    NotFound {
        /// The store, or "ledger".
        place: String,
        /// The object's path or the row.
        what: String,
    },
    /// Somebody else was first.
    #[error("{place}: {what}: {why}")]
    Conflict {
        /// The store, or "ledger".
        place: String,
        /// The object's path or the row.
        what: String,
        /// In what way.
        why: String,
    },
    /// Bytes are not what they were.
    #[error("{place}: {what} is damaged: {why}")]
    Corrupt {
        /// The store, or "ledger".
        place: String,
        /// The object's path or the row.
        what: String,
        /// In what way.
        why: String,
    },
    /// An original whose last gallery was removed is being deleted at this moment.
    #[error("ledger: original {0} is being deleted with its last gallery; try again in a minute")]
    Condemned(ContentHash),
    /// Others were always first.
    #[error("ledger: {what}: too many change it at once; try again")]
    Crowded {
        /// What they change.
        what: String,
    },
    /// The store cannot be used as it is configured.
    #[error("{place}: {why}")]
    Refused {
        /// The store.
        place: String,
        /// Why, and what to do.
        why: String,
    },
    /// No room is left.
    #[error("the store at {place} is full; make room or add a store, then run the same command again")]
    Full {
        /// The store.
        place: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A disk did not do what it was asked.
    #[error("{place}: cannot {action} {what}")]
    Io {
        /// The store.
        place: String,
        /// What was tried: "write".
        action: &'static str,
        /// The object's path.
        what: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The database did not do what it was asked.
    #[error("ledger: cannot {action}")]
    Database {
        /// What was tried: "claim jobs".
        action: &'static str,
        /// What the database said.
        #[source]
        source: sqlx::Error,
    },
    /// Too few stores hold an object.
    #[error("{what} is safe in {held} of {wanted} stores")]
    TooFewReplicas {
        /// The object's path.
        what: String,
        /// Stores that have it.
        held: usize,
        /// Stores that must have it.
        wanted: usize,
        /// Why the first of the others does not.
        #[source]
        source: Box<Error>,
    },
    /// What befell several who had a part in one transaction.
    #[error(transparent)]
    Shared(Arc<Error>),
    /// Procession's own fault.
    #[error("internal: {0}")]
    Bug(String),
}

impl Error {
    pub(crate) fn io(place: &str, action: &'static str, what: &(impl ToString + ?Sized), source: io::Error) -> Self {
        let place = place.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { place, source },
            io::ErrorKind::NotFound => Self::NotFound { place, what: what.to_string() },
            _ => Self::Io { place, action, what: what.to_string(), source },
        }
    }
}

impl Classified for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::NotFound { .. } => Kind::NotFound,
            Self::Conflict { .. } => Kind::Conflict,
            Self::Corrupt { .. } => Kind::Corrupt,
            Self::Refused { .. } => Kind::Invalid,
            Self::Full { .. } => Kind::Limit,
            Self::Io { .. } | Self::Condemned(_) | Self::Crowded { .. } => Kind::Unavailable,
            Self::Database { source, .. } => database_kind(source),
            Self::TooFewReplicas { source, .. } => source.kind(),
            Self::Shared(error) => error.kind(),
            Self::Bug(_) => Kind::Bug,
        }
    }
}

/// SQLite's code 13 is "database or disk is full"; what else a database refuses is Procession's fault unless it is the
/// connection's.
fn database_kind(error: &sqlx::Error) -> Kind {
    if let Some(refusal) = error.as_database_error().and_then(|e| e.try_downcast_ref::<PgDatabaseError>()) {
        return postgres_kind(refusal.code());
    }
    match error {
        sqlx::Error::Configuration(_) => Kind::Invalid,
        sqlx::Error::Database(refusal) if refusal.code().as_deref() == Some("13") => Kind::Limit,
        sqlx::Error::Database(refusal) if refusal.code().is_some_and(|code| is_busy_or_io(&code)) => Kind::Unavailable,
        sqlx::Error::Database(refusal) if refusal.code().is_some_and(|code| is_damage(&code)) => Kind::Corrupt,
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => Kind::Unavailable,
        sqlx::Error::RowNotFound => Kind::NotFound,
        _ => Kind::Bug,
    }
}

/// Codes of PostgreSQL, by class (<https://www.postgresql.org/docs/current/errcodes-appendix.html>). 08 the connection, 25
/// it is a standby or the transaction slept, 40 transactions in each other's way, 53 something is exhausted (100: the disk),
/// 55P03 a lock is not to be had, 57 it was told to stop, 58 its system failed; 28 and 3D: who asks is not known there, or
/// what is asked for; XX001 and XX002: rows or an index are damaged.
fn postgres_kind(code: &str) -> Kind {
    match (&code[..code.len().min(2)], code) {
        (_, "53100") => Kind::Limit,
        (_, "XX001" | "XX002") => Kind::Corrupt,
        ("08" | "25" | "40" | "53" | "57" | "58", _) | (_, "55P03") => Kind::Unavailable,
        ("28" | "3D", _) => Kind::Invalid,
        _ => Kind::Bug,
    }
}

/// Codes (with their extended forms in the upper bytes) of SQLite: 5 busy, 6 locked, 8 read-only, 10 I/O, 14 cannot open.
fn is_busy_or_io(code: &str) -> bool {
    code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 8 | 10 | 14))
}

/// Codes of SQLite: 11 the file is malformed, 26 it is no database.
fn is_damage(code: &str) -> bool {
    code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 11 | 26))
}
