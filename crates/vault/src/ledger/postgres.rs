//! The ledger in a PostgreSQL database, for many machines.
//!
//! Transactions are READ COMMITTED and run side by side. What SQLite gets from having one writer is got here by locking the
//! rows that are read in order to be written, or a name where there is no row yet. Everybody locks in one order: originals,
//! jobs, photos, embeddings, galleries, arrivals. Where that does not suffice, PostgreSQL ends one of those that wait for each other, and
//! its call begins anew.

/// A statement that locks the rows that it reads.
macro_rules! for_update {
    ($statement:literal) => {
        concat!($statement, " FOR NO KEY UPDATE")
    };
}

/// As `for_update`, also against those who only point to the row.
macro_rules! lock_whole {
    ($statement:literal) => {
        concat!($statement, " FOR UPDATE")
    };
}

/// The texts of a JSON array as rows (value, key), in the array's order by the key.
macro_rules! given {
    () => {
        "json_array_elements_text($1::JSON) WITH ORDINALITY AS given (value, key)"
    };
}

mod address;
mod arrivals;
#[path = "sql/backlog.rs"]
mod backlog;
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
mod open;
#[path = "sql/owing.rs"]
mod owing;
#[path = "sql/photos.rs"]
mod photos;
#[path = "sql/port.rs"]
mod port;
mod position;
mod primary;
#[path = "sql/removal.rs"]
mod removal;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use procession_domain::{Region, gallery::CRITICAL_SHARE};
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use tokio::{task::AbortHandle, time::timeout};

use super::{Arrival, Stored, absent, failed, rows};
use crate::{Error, Result};
use arrivals::Arrivals;
use position::late;
use primary::Primary;

/// What the modules that both ledgers share call the ledger and its connection.
type Store = PostgresLedger;
type Connection = PgConnection;

/// What a ledger in PostgreSQL is told when it is opened.
#[derive(Clone, Debug, PartialEq)]
pub struct PostgresOptions {
    /// The part of the work, 0 to 1, that critical galleries take while others wait. Each process keeps to it.
    pub critical_share: f64,
    /// Where this process is: what it stores arrives here.
    pub region: Region,
    /// So many connections at most, and one more that listens.
    pub max_connections: u32,
    /// How long a call waits for a connection.
    pub acquire_timeout: Duration,
    /// How long the server works on one statement.
    pub statement_timeout: Duration,
    /// How long a statement waits for what another transaction holds.
    pub lock_timeout: Duration,
    /// When the server ends a transaction whose client says nothing.
    pub idle_in_transaction_timeout: Duration,
    /// How long each of several servers has to say whether it is the primary: connecting takes seven round trips.
    pub probe_timeout: Duration,
    /// How long a call may take in all before it fails: a server that hangs says nothing at all.
    pub call_timeout: Duration,
    /// As `call_timeout`, for what follows the removal of a gallery or the erasure of embeddings: VACUUM.
    pub vacuum_timeout: Duration,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            critical_share: CRITICAL_SHARE,
            region: Region::local(),
            max_connections: 16,
            acquire_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(10),
            lock_timeout: Duration::from_secs(5),
            idle_in_transaction_timeout: Duration::from_secs(10),
            probe_timeout: Duration::from_secs(3),
            call_timeout: Duration::from_secs(15),
            vacuum_timeout: Duration::from_secs(600),
        }
    }
}

/// How often a call begins anew that was ended because it and others waited for each other.
const ATTEMPTS: usize = 8;

/// A [`Ledger`](super::Ledger) in a PostgreSQL database (15 or later): for many machines.
#[derive(Debug)]
pub struct PostgresLedger {
    /// One pool by two names: whoever reads and whoever writes is the same to PostgreSQL.
    writer: PgPool,
    readers: PgPool,
    options: PostgresOptions,
    /// Work, in megapixels, that critical galleries may still take before it is the others' turn.
    critical_credit: Mutex<f64>,
    arrivals: Arrivals,
    primary: Arc<Primary>,
    /// What keeps the pool on the primary.
    following: Option<AbortHandle>,
}

impl PostgresLedger {
    /// Opens the ledger in the database of a URL such as `postgres://user:password@host/database`. The database must be there;
    /// makes its tables, or brings them up to date, one process at a time.
    ///
    /// The URL may name several servers, as for libpq: `postgres://user:password@one,two:5433,[::1]/database`. One of them is the
    /// primary, the others follow it. Then:
    /// - Every connection goes to the server that accepts writes in the latest timeline that any server was seen in. A primary
    ///   that came back as a standby, or that does not know that another was promoted, is not used.
    /// - When a call fails or takes a second, and otherwise every five seconds, all servers are asked, each with
    ///   [`PostgresOptions::probe_timeout`] to answer. When another is found to be the primary, the calls that are under way end
    ///   as `Unavailable`, whatever the old primary does with them, even if it hangs; the next go to the new one, and so does who
    ///   waits for work. Whether an ended call has happened is not known: it may be asked again, as after any lost connection.
    /// - What was acknowledged is kept if every commit waits for one standby and the one that has most is promoted. An old
    ///   primary without standbys can then acknowledge nothing more: such a call waits and ends as one that failed. Until it is
    ///   found out, which takes five seconds, reads may still come from there.
    ///
    /// # Errors
    /// `Invalid` if the URL is none, or a newer version wrote the tables; `Unavailable` if no server that accepts writes is found.
    pub async fn open(url: &str, options: PostgresOptions) -> Result<Self> {
        let (primary, pool) = open::open(url, &options).await?;
        let arrivals = Arrivals::new(Arc::clone(&primary), options.acquire_timeout);
        let following = primary.can_move().then(|| {
            let (primary, pool) = (Arc::clone(&primary), pool.clone());
            tokio::spawn(async move { primary.follow(&pool).await }).abort_handle()
        });
        let critical_credit = Mutex::new(0.0);
        Ok(Self { writer: pool.clone(), readers: pool, options, critical_credit, arrivals, primary, following })
    }

    /// Closes the connections once all that runs has ended. A ledger that is dropped instead loses nothing.
    pub async fn close(&self) {
        self.stop();
        self.arrivals.stop();
        self.writer.close().await;
    }

    fn stop(&self) {
        if let Some(task) = &self.following {
            task.abort();
        }
    }

    /// A call, within its time. What PostgreSQL ended because others were in its way begins anew: a transaction is done as a
    /// whole or not at all.
    async fn attempt<T, F: Future<Output = Result<T>>>(&self, action: &'static str, call: impl Fn() -> F) -> Result<T> {
        let attempts = async {
            for _ in 1..ATTEMPTS {
                match call().await {
                    Err(Error::Database { source, .. }) if is_contention(&source) => {}
                    other => return other,
                }
            }
            call().await
        };
        self.within(self.options.call_timeout, action, attempts).await
    }

    /// As `attempt`, for what lasts: a commit returns when its log is on the medium, and on a standby's where there is one.
    async fn lasting<T, F: Future<Output = Result<T>>>(&self, action: &'static str, call: impl Fn() -> F) -> Result<T> {
        self.attempt(action, call).await
    }

    /// Whoever adds work tells.
    async fn arrival(&self) {
        self.arrivals.next().await;
    }

    /// Begins a transaction.
    async fn write(&self, action: &'static str) -> Result<Transaction<'static, Postgres>> {
        self.writer.begin().await.map_err(failed(action))
    }

    /// Gives back the room of what was deleted, so that it is written over. Until then, and in the write-ahead log, its
    /// archive, replicas and backups, it can still be found: see docs/decisions/0012-one-sql-two-ledgers.md.
    async fn overwrite(&self, action: &'static str) -> Result<()> {
        let vacuum = async {
            let mut connection = self.writer.acquire().await.map_err(failed(action))?;
            sqlx::raw_sql("SET statement_timeout = 0").execute(&mut *connection).await.map_err(failed(action))?;
            let done = sqlx::raw_sql("VACUUM embedding, document, photo").execute(&mut *connection).await;
            let reset = sqlx::raw_sql("RESET statement_timeout").execute(&mut *connection).await;
            done.and(reset).map(|_| ()).map_err(failed(action))
        };
        self.within(self.options.vacuum_timeout, action, vacuum).await
    }

    /// What takes no longer than this, and goes to the server that is the primary all the while.
    async fn within<T>(
        &self,
        time: Duration,
        action: &'static str,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let call = self.primary.over(action, call);
        timeout(time, call).await.unwrap_or_else(|_| Err(failed(action)(late())))
    }
}

impl Drop for PostgresLedger {
    fn drop(&mut self) {
        self.stop();
    }
}

/// 40P01 and 40001: transactions waited for each other, or one read what another wrote. 23505: two made the same row at the
/// same moment, and the second finds it the next time.
fn is_contention(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| matches!(code.as_ref(), "40P01" | "40001" | "23505"))
}

#[cfg(test)]
mod tests;
