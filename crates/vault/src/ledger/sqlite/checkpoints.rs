//! Bringing what is in the log to the file, beside the connection that writes: it takes as long as many transactions, and all
//! who want to write would wait for it.
//!
//! SQLite begins the log anew only when all of it is in the file, which is never so while others write. So now and then nobody
//! writes, as briefly as can be: for the pages of the last few transactions.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use sqlx::SqlitePool;
use tokio::{
    sync::{Mutex, MutexGuard, Notify},
    task::JoinSet,
};

/// Transactions from one time to the next. A claim or a completion of 32 jobs writes about ten pages.
const EVERY: u64 = 64;

/// Pages of 4 KiB in the log from which it is begun anew: 128 MiB. A fourth of it makes four times as many waits.
const LONG: i64 = 32_768;

/// Does so again and again, as long as it is there.
#[derive(Debug)]
pub(super) struct Checkpoints {
    connection: SqlitePool,
    transactions: AtomicU64,
    due: Arc<Notify>,
    /// Two at once cannot be: SQLite would refuse the second.
    turn: Arc<Mutex<()>>,
    _task: JoinSet<()>,
}

impl Checkpoints {
    /// Of the log that `writer` writes.
    pub(super) fn new(connection: SqlitePool, writer: SqlitePool) -> Self {
        let (due, turn) = (Arc::new(Notify::new()), Arc::new(Mutex::new(())));
        let mut task = JoinSet::new();
        task.spawn(keep(connection.clone(), writer, Arc::clone(&due), Arc::clone(&turn)));
        Self { connection, transactions: AtomicU64::new(0), due, turn, _task: task }
    }

    /// Counts a transaction.
    pub(super) fn count(&self) {
        if self.transactions.fetch_add(1, Ordering::Relaxed) % EVERY == EVERY - 1 {
            self.due.notify_one();
        }
    }

    /// Waits until nothing is brought to the file, and keeps it so while the guard is there.
    pub(super) async fn alone(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    pub(super) async fn close(&self) {
        self.connection.close().await;
    }
}

async fn keep(connection: SqlitePool, writer: SqlitePool, due: Arc<Notify>, turn: Arc<Mutex<()>>) {
    while !connection.is_closed() {
        due.notified().await;
        let _alone = turn.lock().await;
        // What this does not bring, the next time does, or the connection that writes.
        if let Err(error) = bring(&connection, &writer, LONG).await {
            tracing::debug!(%error, "the ledger's log is brought to its file later");
        }
    }
}

/// Brings to the file what is in the log; if that has more than `long` pages, all of it, so that the next transaction begins it
/// anew.
async fn bring(connection: &SqlitePool, writer: &SqlitePool, long: i64) -> sqlx::Result<()> {
    if copy(connection).await? <= long {
        return Ok(());
    }
    // What was written meanwhile is less than what there was; what is written during this is less again.
    copy(connection).await?;
    let _nobody_writes = writer.acquire().await?;
    copy(connection).await.map(|_| ())
}

/// Waits for nobody, and nobody for it. Returns how many pages the log has.
async fn copy(connection: &SqlitePool) -> sqlx::Result<i64> {
    let (_, pages, _): (i64, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(PASSIVE)").fetch_one(connection).await?;
    Ok(pages)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::super::open;
    use super::*;

    #[tokio::test]
    async fn a_long_log_is_begun_anew_though_others_write() {
        let folder = tempfile::tempdir().unwrap();
        let open::Pools { writer, checkpointer, .. } = open::pools(&folder.path().join("ledger.db")).await.unwrap();
        let (written, enough) = (AtomicU64::new(0), AtomicBool::new(false));
        // A page each.
        let write = async || {
            sqlx::query("UPDATE schedule SET vtime = vtime + 1").execute(&writer).await.unwrap();
            written.fetch_add(1, Ordering::SeqCst)
        };
        let writing = async {
            while !enough.load(Ordering::SeqCst) {
                write().await;
            }
        };
        let bringing = async {
            // The tables that were made are more than a page.
            let before = written.load(Ordering::SeqCst);
            bring(&checkpointer, &writer, 1).await.unwrap();
            enough.store(true, Ordering::SeqCst);
            before
        };
        let ((), before) = tokio::join!(writing, bringing);
        write().await;
        let since = written.load(Ordering::SeqCst) - before;
        let pages = u64::try_from(copy(&checkpointer).await.unwrap()).unwrap();
        assert!(pages <= since, "{pages} pages after {since} transactions");
    }
}
