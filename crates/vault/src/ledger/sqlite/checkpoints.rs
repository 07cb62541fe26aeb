//! Bringing what is in the log to the file, beside the connection that writes: it takes as long as many transactions, and all
//! who want to write would wait for it.

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
    pub(super) fn new(connection: SqlitePool) -> Self {
        let (due, turn) = (Arc::new(Notify::new()), Arc::new(Mutex::new(())));
        let mut task = JoinSet::new();
        task.spawn(keep(connection.clone(), Arc::clone(&due), Arc::clone(&turn)));
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

async fn keep(connection: SqlitePool, due: Arc<Notify>, turn: Arc<Mutex<()>>) {
    while !connection.is_closed() {
        due.notified().await;
        let _alone = turn.lock().await;
        // Waits for nobody, and nobody for it. What it does not bring, the next time does, or the connection that writes.
        if let Err(error) = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(&connection).await {
            tracing::debug!(%error, "the ledger's log is brought to its file later");
        }
    }
}
