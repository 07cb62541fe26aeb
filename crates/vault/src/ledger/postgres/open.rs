//! Connections and migrations.

use std::{sync::Arc, time::Duration};

use sqlx::{AssertSqlSafe, PgPool, postgres::PgConnectOptions};

use super::{super::MIGRATIONS, PostgresOptions, address, failed, primary::Primary};
use crate::{Error, Result};

/// What is PostgreSQL's alone, by the version that it belongs to.
const ROUTINES: [(i64, &str); 2] = [
    (4, include_str!("../../../migrations/postgres/0004_routines.sql")),
    (6, include_str!("../../../migrations/postgres/0006_routines.sql")),
];

/// Finds the primary, connects to it, and brings its tables up to date.
pub(super) async fn open(url: &str, options: &PostgresOptions) -> Result<(Arc<Primary>, PgPool)> {
    let servers = address::servers(url)?.into_iter().map(|server| with_deadlines(server, options)).collect();
    let primary = Primary::find(servers, options.probe_timeout, options.acquire_timeout).await?;
    let pool = primary.pool().max_connections(options.max_connections).acquire_timeout(options.acquire_timeout);
    let pool = pool.connect_with(primary.options()).await.map_err(failed("reach PostgreSQL"))?;
    migrate(&pool).await?;
    Ok((primary, pool))
}

fn with_deadlines(server: PgConnectOptions, options: &PostgresOptions) -> PgConnectOptions {
    let milliseconds = |time: Duration| time.as_millis().to_string();
    server.application_name("procession").options([
        ("statement_timeout", milliseconds(options.statement_timeout)),
        ("lock_timeout", milliseconds(options.lock_timeout)),
        ("idle_in_transaction_session_timeout", milliseconds(options.idle_in_transaction_timeout)),
        // The server notices within a minute that a client's machine is gone, and lets go of what it held.
        ("tcp_keepalives_idle", "30".to_owned()),
        ("tcp_keepalives_interval", "10".to_owned()),
        ("tcp_keepalives_count", "3".to_owned()),
    ])
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

/// Types and paths into JSON as PostgreSQL names them. Text is ordered by its bytes, whatever the database's language is.
fn translated(statements: &str) -> String {
    statements
        .replace("INTEGER PRIMARY KEY AUTOINCREMENT", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY")
        .replace("settings ->> '$.wedding.date'", "CAST(settings AS JSON) #>> '{wedding,date}'")
        .replace(" INTEGER", " BIGINT")
        .replace(" BLOB", " BYTEA")
        .replace(" TEXT", " TEXT COLLATE \"C\"")
}
