//! Connections and migrations.

use std::{path::Path, time::Duration};

use sqlx::{
    Connection as _, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::super::{MIGRATIONS, failed};
use crate::{Error, Result};

/// How long a transaction waits for another process's.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

const READERS: u32 = 4;

/// Pages of 4 KiB in the log from which the connection that writes brings them to the file itself, while all wait for it. Long
/// before that, `checkpoints.rs` does so beside it, unless somebody reads without an end.
const LOG_PAGES: &str = "131072";

/// The ledger's connections.
pub(super) struct Pools {
    /// The one that writes.
    pub(super) writer: SqlitePool,
    /// Those that read.
    pub(super) readers: SqlitePool,
    /// The one that brings what is in the log to the file.
    pub(super) checkpointer: SqlitePool,
}

pub(super) async fn pools(path: &Path) -> Result<Pools> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let made = tokio::fs::create_dir_all(folder).await;
        made.map_err(|source| Error::io("ledger", "make", &folder.display(), source))?;
    }
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .busy_timeout(BUSY_TIMEOUT)
        .journal_mode(SqliteJournalMode::Wal)
        // What lasts is synced by `log.rs`.
        .synchronous(SqliteSynchronous::Normal)
        .foreign_keys(true)
        // What is erased is overwritten.
        .pragma("secure_delete", "ON");
    let writing = options.clone().pragma("wal_autocheckpoint", LOG_PAGES);
    let writer = pool(1).connect_with(writing).await.map_err(failed("open its file"))?;
    migrate(&writer).await?;
    let checkpointer = pool(1).connect_lazy_with(options.clone());
    let readers = pool(READERS).connect_lazy_with(options.pragma("query_only", "ON"));
    Ok(Pools { writer, readers, checkpointer })
}

fn pool(connections: u32) -> SqlitePoolOptions {
    // A connection to a file does not go stale.
    SqlitePoolOptions::new()
        .max_connections(connections)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        // But when the disk is full, SQLite itself takes back the transaction that was under way, and then has none that the
        // driver could take back: the connection would believe in it for ever, and begin no other.
        .after_release(|connection, _| {
            Box::pin(async move {
                connection.ping().await?;
                Ok(!connection.is_in_transaction())
            })
        })
}

async fn migrate(writer: &SqlitePool) -> Result<()> {
    let action = "bring its tables up to date";
    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed(action))?;
    let make = "CREATE TABLE IF NOT EXISTS migration (version BIGINT PRIMARY KEY)";
    sqlx::query(make).execute(&mut *transaction).await.map_err(failed(action))?;
    transaction.commit().await.map_err(failed(action))?;
    for (version, statements) in (1_i64..).zip(MIGRATIONS) {
        let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed(action))?;
        let record = "INSERT INTO migration (version) VALUES ($1) ON CONFLICT DO NOTHING";
        let recorded = sqlx::query(record).bind(version).execute(&mut *transaction).await.map_err(failed(action))?;
        if recorded.rows_affected() == 1 {
            sqlx::raw_sql(statements).execute(&mut *transaction).await.map_err(failed(action))?;
            transaction.commit().await.map_err(failed(action))?;
        }
    }
    let newest = "SELECT COALESCE(MAX(version), 0) FROM migration";
    let newest: i64 = sqlx::query_scalar(newest).fetch_one(writer).await.map_err(failed(action))?;
    if newest > MIGRATIONS.len() as i64 {
        let why = "a newer version of Procession wrote it; use that version".to_owned();
        return Err(Error::Refused { place: "ledger".to_owned(), why });
    }
    Ok(())
}
