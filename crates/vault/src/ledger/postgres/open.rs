//! Connections and migrations.

use std::{io, str::FromStr, time::Duration};

use sqlx::{
    AssertSqlSafe, Connection as _, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::timeout;

use super::{super::MIGRATIONS, PostgresOptions, failed};
use crate::{Error, Result};

/// What is PostgreSQL's alone, by the version that it belongs to.
const ROUTINES: [(i64, &str); 1] = [(4, include_str!("../../../migrations/postgres/0004_routines.sql"))];

/// After this time a connection is asked whether it is still good before it is used.
const FRESH: Duration = Duration::from_secs(1);

/// How long a connection has to say that it is still good. Sooner than its call's end, where it is asked before a call.
const PING: Duration = Duration::from_secs(3);

pub(super) struct Pools {
    pub(super) working: PgPool,
    /// For the one connection that listens.
    pub(super) listening: PgPool,
}

pub(super) async fn pools(url: &str, options: &PostgresOptions) -> Result<Pools> {
    let connect = PgConnectOptions::from_str(url).map_err(|error| {
        // The URL may hold a password: it is not repeated.
        let why = format!("its URL cannot be read ({error}); write it like postgres://user:password@host/database");
        Error::Refused { place: "ledger".to_owned(), why }
    })?;
    let milliseconds = |time: Duration| time.as_millis().to_string();
    let connect = connect.application_name("procession").options([
        ("statement_timeout", milliseconds(options.statement_timeout)),
        ("lock_timeout", milliseconds(options.lock_timeout)),
        ("idle_in_transaction_session_timeout", milliseconds(options.idle_in_transaction_timeout)),
        // The server notices within a minute that a client's machine is gone, and lets go of what it held.
        ("tcp_keepalives_idle", "30".to_owned()),
        ("tcp_keepalives_interval", "10".to_owned()),
        ("tcp_keepalives_count", "3".to_owned()),
    ]);
    let working = PgPoolOptions::new()
        .max_connections(options.max_connections)
        .acquire_timeout(options.acquire_timeout)
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move { Ok(meta.idle_for < FRESH || is_good(connection).await.is_ok()) })
        })
        // A call that ended too early leaves an answer under way; a server that hangs never sends it.
        .after_release(|connection, _| Box::pin(async move { is_good(connection).await.map(|()| true) }))
        .connect_with(connect.clone())
        .await
        .map_err(failed("reach PostgreSQL"))?;
    migrate(&working).await?;
    let listening = PgPoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(options.acquire_timeout)
        .connect_lazy_with(connect);
    Ok(Pools { working, listening })
}

async fn is_good(connection: &mut super::Connection) -> Result<(), sqlx::Error> {
    let late = |_| Err(sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "PostgreSQL gave no answer in time")));
    timeout(PING, connection.ping()).await.unwrap_or_else(late)
}

/// Applies what is missing in one transaction, while all others that start wait.
async fn migrate(pool: &PgPool) -> Result<()> {
    let action = "bring its tables up to date";
    let mut transaction = pool.begin().await.map_err(failed(action))?;
    for statement in [
        "SET LOCAL statement_timeout = 0",
        "SET LOCAL lock_timeout = 0",
        "SELECT pg_advisory_xact_lock(hashtextextended('procession migration', 0))",
        "CREATE TABLE IF NOT EXISTS migration (version BIGINT PRIMARY KEY)",
    ] {
        sqlx::raw_sql(statement).execute(&mut *transaction).await.map_err(failed(action))?;
    }
    let newest = "SELECT COALESCE(MAX(version), 0) FROM migration";
    let newest: i64 = sqlx::query_scalar(newest).fetch_one(&mut *transaction).await.map_err(failed(action))?;
    if newest > MIGRATIONS.len() as i64 {
        let why = "a newer version of Procession wrote it; use that version".to_owned();
        return Err(Error::Refused { place: "ledger".to_owned(), why });
    }
    for (version, statements) in (1_i64..).zip(MIGRATIONS).filter(|(version, _)| *version > newest) {
        let routines = ROUTINES.iter().filter(|(of, _)| *of == version).map(|(_, routines)| (*routines).to_owned());
        for statements in std::iter::once(translated(statements)).chain(routines) {
            let done = sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut *transaction).await;
            done.map_err(failed(action))?;
        }
        let record = "INSERT INTO migration (version) VALUES ($1)";
        sqlx::query(record).bind(version).execute(&mut *transaction).await.map_err(failed(action))?;
    }
    transaction.commit().await.map_err(failed(action))
}

/// Types as PostgreSQL names them. Text is ordered by its bytes, whatever the database's language is.
fn translated(statements: &str) -> String {
    statements
        .replace("INTEGER PRIMARY KEY AUTOINCREMENT", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY")
        .replace(" INTEGER", " BIGINT")
        .replace(" BLOB", " BYTEA")
        .replace(" TEXT", " TEXT COLLATE \"C\"")
}
