//! The service's documents.

use procession_domain::Timestamp;

use super::{Connection, Store, absent, failed, rows};
use crate::{
    Error, Result,
    documents::{Expect, Record, Versioned, Write},
};

/// Columns of a document: id, owner, version, expires_at, body.
type Row = (String, String, i64, Option<i64>, String);

const PUT: &str = "INSERT INTO document (kind, id, owner, version, expires_at, body) VALUES ($1, $2, $3, 1, $4, $5)
     ON CONFLICT (kind, id) DO UPDATE SET owner = excluded.owner, version = document.version + 1,
         expires_at = excluded.expires_at, body = excluded.body
     RETURNING version";

const CREATE: &str = "INSERT INTO document (kind, id, owner, version, expires_at, body) VALUES ($1, $2, $3, 1, $4, $5)
     ON CONFLICT (kind, id) DO NOTHING RETURNING version";

const REPLACE: &str = "UPDATE document SET owner = $3, version = version + 1, expires_at = $4, body = $5
     WHERE kind = $1 AND id = $2 AND version = $6 RETURNING version";

const ONE: &str = "SELECT id, owner, version, expires_at, body FROM document WHERE kind = $1 AND id = $2";

const LIST: &str = "SELECT id, owner, version, expires_at, body FROM document
     WHERE owner = $2 AND kind = $1 AND id > $3 ORDER BY id LIMIT $4";

const DUE: &str = "SELECT id, owner, version, expires_at, body FROM document
     WHERE kind = $1 AND expires_at <= $2 ORDER BY expires_at, id LIMIT $3";

const SWEEP: &str = "DELETE FROM document WHERE kind = $1 AND expires_at <= $2 AND id IN
     (SELECT id FROM document WHERE kind = $1 AND expires_at <= $2 ORDER BY expires_at, id LIMIT $3)";

const DELETE: &str = "DELETE FROM document WHERE kind = $1 AND id = $2 AND version = COALESCE($3, version)";

const DELETE_OWNED: &str = "DELETE FROM document WHERE owner = $1";

#[cfg(test)]
pub(super) const STATEMENTS: [&str; 9] = [PUT, CREATE, REPLACE, ONE, LIST, DUE, SWEEP, DELETE, DELETE_OWNED];

pub(super) async fn put(ledger: &Store, writes: &[Write<'_>]) -> Result<Vec<i64>> {
    let mut transaction = ledger.write("write documents").await?;
    let mut versions = Vec::with_capacity(writes.len());
    for Write { kind, record, expect } in writes {
        versions.push(put_in(&mut transaction, kind, record, *expect).await?);
    }
    transaction.commit().await.map_err(failed("write documents"))?;
    Ok(versions)
}

/// Writes a document as a part of something larger, which must end if this fails.
pub(super) async fn put_in(connection: &mut Connection, kind: &str, record: &Record, expect: Expect) -> Result<i64> {
    record.check(kind)?;
    let statement = match expect {
        Expect::Anything => PUT,
        Expect::Absent => CREATE,
        Expect::Version(_) => REPLACE,
    };
    let mut write = sqlx::query_scalar(statement)
        .bind(kind)
        .bind(&record.id)
        .bind(&record.owner)
        .bind(record.expires_at.map(Timestamp::micros))
        .bind(&record.body);
    if let Expect::Version(version) = expect {
        write = write.bind(version);
    }
    match write.fetch_optional(&mut *connection).await.map_err(failed("write a document"))? {
        Some(version) => Ok(version),
        None => Err(unexpected(connection, kind, &record.id).await?),
    }
}

/// Why a document is not as it was expected.
async fn unexpected(connection: &mut Connection, kind: &str, id: &str) -> Result<Error> {
    let found: Option<Row> =
        sqlx::query_as(ONE).bind(kind).bind(id).fetch_optional(connection).await.map_err(failed("read a document"))?;
    let what = format!("{kind} {id}");
    Ok(match found {
        None => absent(&what),
        Some((_, _, version, ..)) => {
            let why = format!("it is there in version {version}; read it again");
            Error::Conflict { place: "ledger".to_owned(), what, why }
        }
    })
}

pub(super) async fn one(ledger: &Store, kind: &str, id: &str) -> Result<Option<Versioned<Record>>> {
    let row = sqlx::query_as(ONE).bind(kind).bind(id).fetch_optional(&ledger.readers).await;
    Ok(row.map_err(failed("read a document"))?.map(record))
}

pub(super) async fn list(
    ledger: &Store,
    kind: &str,
    owner: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<Versioned<Record>>> {
    let rows = sqlx::query_as(LIST)
        .bind(kind)
        .bind(owner)
        .bind(after.unwrap_or_default())
        .bind(rows::limit(limit))
        .fetch_all(&ledger.readers)
        .await
        .map_err(failed("list documents"))?;
    Ok(rows.into_iter().map(record).collect())
}

pub(super) async fn due(ledger: &Store, kind: &str, now: Timestamp, limit: usize) -> Result<Vec<Versioned<Record>>> {
    let rows = sqlx::query_as(DUE)
        .bind(kind)
        .bind(now.micros())
        .bind(rows::limit(limit))
        .fetch_all(&ledger.readers)
        .await
        .map_err(failed("list due documents"))?;
    Ok(rows.into_iter().map(record).collect())
}

pub(super) async fn sweep(ledger: &Store, kind: &str, now: Timestamp, limit: usize) -> Result<u64> {
    let done = sqlx::query(SWEEP)
        .bind(kind)
        .bind(now.micros())
        .bind(rows::limit(limit))
        .execute(&ledger.writer)
        .await
        .map_err(failed("sweep documents"))?;
    Ok(done.rows_affected())
}

pub(super) async fn delete(ledger: &Store, kind: &str, id: &str, version: Option<i64>) -> Result<bool> {
    let done = sqlx::query(DELETE).bind(kind).bind(id).bind(version).execute(&ledger.writer).await;
    Ok(done.map_err(failed("delete a document"))?.rows_affected() > 0)
}

pub(super) async fn delete_all(ledger: &Store, owner: &str) -> Result<u64> {
    let mut connection = ledger.writer.acquire().await.map_err(failed("delete an owner's documents"))?;
    delete_owned(&mut connection, owner).await
}

/// Deletes all documents of an owner. Nobody's documents are not an owner's: that is a mistake.
pub(super) async fn delete_owned(connection: &mut Connection, owner: &str) -> Result<u64> {
    if owner.is_empty() {
        let why = "documents without an owner cannot be deleted together; delete them one by one".to_owned();
        return Err(Error::Refused { place: "ledger".to_owned(), why });
    }
    let done = sqlx::query(DELETE_OWNED).bind(owner).execute(connection).await;
    Ok(done.map_err(failed("delete an owner's documents"))?.rows_affected())
}

fn record((id, owner, version, expires_at, body): Row) -> Versioned<Record> {
    let expires_at = expires_at.map(Timestamp::from_micros);
    Versioned { version, document: Record { id, owner, expires_at, body } }
}
