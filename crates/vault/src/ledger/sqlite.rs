//! The ledger in one SQLite file.
//!
//! One connection writes, in immediate transactions; a few others read. Several processes may have the file open: SQLite's
//! lock makes their transactions one after the other.

/// A statement that locks the rows that it reads: nothing is to be said, where one transaction writes at a time.
macro_rules! for_update {
    ($statement:literal) => {
        $statement
    };
}

/// As `for_update`, also against those who only point to the row.
macro_rules! lock_whole {
    ($statement:literal) => {
        $statement
    };
}

/// The texts of a JSON array as rows (value, key), in the array's order by the key.
macro_rules! given {
    () => {
        "json_each($1) AS given"
    };
}

#[path = "sql/backlog.rs"]
mod backlog;
mod checkpoints;
mod claim;
#[path = "sql/demand.rs"]
mod demand;
mod dialect;
#[path = "sql/documents.rs"]
mod documents;
#[path = "sql/galleries.rs"]
mod galleries;
#[path = "sql/leases.rs"]
mod leases;
mod log;
mod open;
#[path = "sql/owing.rs"]
mod owing;
#[path = "sql/photos.rs"]
mod photos;
#[path = "sql/port.rs"]
mod port;
#[path = "sql/removal.rs"]
mod removal;

use std::path::Path;

use procession_domain::{Region, gallery::CRITICAL_SHARE};
use sqlx::{Sqlite, SqliteConnection, SqlitePool, Transaction};

use super::{Arrival, Stored, absent, failed, rows};
use crate::Result;
use checkpoints::Checkpoints;
use log::Log;

/// What the modules that both ledgers share call the ledger and its connection.
type Store = SqliteLedger;
type Connection = SqliteConnection;

/// What a ledger is told when it is opened.
#[derive(Clone, Debug, PartialEq)]
pub struct LedgerOptions {
    /// The part of the work, 0 to 1, that critical galleries take while others wait.
    pub critical_share: f64,
    /// Where this process is: what it stores arrives here.
    pub region: Region,
}

impl Default for LedgerOptions {
    fn default() -> Self {
        Self { critical_share: CRITICAL_SHARE, region: Region::local() }
    }
}

/// A [`Ledger`] in one SQLite file: for one machine.
#[derive(Debug)]
pub struct SqliteLedger {
    writer: SqlitePool,
    readers: SqlitePool,
    checkpoints: Checkpoints,
    log: Log,
    options: LedgerOptions,
}

impl SqliteLedger {
    /// Opens the ledger in the file at `path`. Makes the file and its folder if they are not there, and brings an older
    /// ledger up to date.
    ///
    /// # Errors
    /// `Invalid` if a newer version wrote the file; `Corrupt` if it is no ledger; `Unavailable` if it cannot be opened.
    pub async fn open(path: &Path) -> Result<Self> {
        Self::open_with(path, LedgerOptions::default()).await
    }

    /// As [`SqliteLedger::open`], with options.
    ///
    /// # Errors
    /// As for `open`.
    pub async fn open_with(path: &Path, options: LedgerOptions) -> Result<Self> {
        let open::Pools { writer, readers, checkpointer } = open::pools(path).await?;
        let checkpoints = Checkpoints::new(checkpointer, writer.clone());
        Ok(Self { writer, readers, checkpoints, log: Log::of(path), options })
    }

    /// Closes the file once all that runs has ended. A ledger that is dropped instead loses nothing.
    pub async fn close(&self) {
        self.readers.close().await;
        self.checkpoints.close().await;
        self.writer.close().await;
    }

    /// A call: nothing interrupts it, and nobody can be in its way for long.
    async fn attempt<T, F: Future<Output = Result<T>>>(&self, _: &'static str, call: impl Fn() -> F) -> Result<T> {
        call().await
    }

    /// As `attempt`, for what lasts: what returned is on the medium.
    async fn lasting<T, F: Future<Output = Result<T>>>(&self, _: &'static str, call: impl Fn() -> F) -> Result<T> {
        let value = call().await?;
        self.log.sync().await?;
        Ok(value)
    }

    /// Nobody tells: who else may have the file open is asked again and again.
    async fn arrival(&self) {
        std::future::pending::<()>().await;
    }

    /// Begins a transaction that alone may write.
    async fn write(&self, action: &'static str) -> Result<Transaction<'static, Sqlite>> {
        self.checkpoints.count();
        self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed(action))
    }

    /// Leaves nothing of what was deleted: its pages were overwritten in the log; now in the file, and the log is emptied.
    /// While another process reads, a part of this is left to the next checkpoint.
    async fn overwrite(&self, action: &'static str) -> Result<()> {
        let _alone = self.checkpoints.alone().await;
        let done = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&self.writer).await;
        done.map(|_| ()).map_err(failed(action))
    }
}

#[cfg(test)]
mod tests;
