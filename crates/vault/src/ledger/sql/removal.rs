//! The removal of galleries, and the originals that are deleted after it.

use std::collections::BTreeSet;

use procession_domain::{ContentHash, GalleryId, Timestamp};

use super::{Connection, Store, demand, dialect, documents, failed, galleries::unknown, rows};
use crate::{
    Document, Error, Result,
    documents::{Expect, Record, Removal},
};

const ORIGINALS: &str = "SELECT DISTINCT original FROM photo WHERE gallery = $1 ORDER BY original";

/// Whoever stores a photo of it waits for the end of it all.
const LOCK: &str = lock_whole!("SELECT id FROM gallery WHERE id = $1");

/// What points to something goes before it; jobs first, so that nobody finishes one and adds to the rest.
const REMOVE: [&str; 5] = [
    "DELETE FROM job WHERE gallery = $1",
    "DELETE FROM embedding WHERE gallery = $1",
    "DELETE FROM photo WHERE gallery = $1",
    "DELETE FROM refusal WHERE gallery = $1",
    "DELETE FROM gallery WHERE id = $1",
];

const CONDEMN: &str = "INSERT INTO condemned (original, removal, due_at)
     SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT 1 FROM photo WHERE original = $1)
     ON CONFLICT (original) DO UPDATE SET due_at = excluded.due_at
     WHERE condemned.removal = excluded.removal AND condemned.due_at <= excluded.due_at
     RETURNING original";

const CONDEMNED: &str = "SELECT due_at FROM condemned WHERE original = $1";

const PARDON: &str = "DELETE FROM condemned WHERE removal = $1 AND due_at = $2";

#[cfg(test)]
pub(super) const STATEMENTS: [&str; 3] = [CONDEMN, CONDEMNED, PARDON];

pub(super) async fn remove(ledger: &Store, id: GalleryId, removed_at: Timestamp, due_at: Timestamp) -> Result<Removal> {
    let action = "remove a gallery";
    let gallery = id.to_string();
    let mut transaction = ledger.write(action).await?;
    let locked: Option<String> =
        sqlx::query_scalar(LOCK).bind(&gallery).fetch_optional(&mut *transaction).await.map_err(failed(action))?;
    if locked.is_none() {
        return Err(unknown(id));
    }
    let originals: Vec<String> =
        sqlx::query_scalar(ORIGINALS).bind(&gallery).fetch_all(&mut *transaction).await.map_err(failed(action))?;
    let originals = originals.iter().map(|original| rows::id(original, "original")).collect::<Result<_>>()?;
    let removal = Removal { gallery: id, removed_at, due_at, originals };
    documents::delete_owned(&mut transaction, &gallery).await?;
    for statement in REMOVE {
        sqlx::query(statement).bind(&gallery).execute(&mut *transaction).await.map_err(failed(action))?;
    }
    demand::forget(&mut transaction, &gallery, removed_at).await?;
    documents::put_in(&mut transaction, Removal::KIND, &Record::of(&removal)?, Expect::Absent).await?;
    transaction.commit().await.map_err(failed(action))?;
    Ok(removal)
}

pub(super) async fn condemn(ledger: &Store, removal: &Removal, originals: &[ContentHash]) -> Result<Vec<ContentHash>> {
    let action = "condemn originals";
    let (removal, due_at) = (removal.id(), removal.due_at.micros());
    let mut transaction = ledger.write(action).await?;
    let mut condemned = Vec::new();
    // Everybody locks originals in this order.
    let sorted: BTreeSet<&ContentHash> = originals.iter().collect();
    for original in sorted {
        dialect::lock(&mut transaction, &original.to_string()).await?;
        let row: Option<String> = sqlx::query_scalar(CONDEMN)
            .bind(original.to_string())
            .bind(&removal)
            .bind(due_at)
            .fetch_optional(&mut *transaction)
            .await
            .map_err(failed(action))?;
        condemned.extend(row.map(|_| *original));
    }
    transaction.commit().await.map_err(failed(action))?;
    Ok(condemned)
}

pub(super) async fn pardon(ledger: &Store, removal: &Removal) -> Result<()> {
    let done = sqlx::query(PARDON).bind(removal.id()).bind(removal.due_at.micros()).execute(&ledger.writer).await;
    done.map(|_| ()).map_err(failed("pardon originals"))
}

/// Goes on only if nobody is deleting the original. Whoever calls this has locked it.
pub(super) async fn refuse_condemned(connection: &mut Connection, original: ContentHash) -> Result<()> {
    let found: Option<i64> = sqlx::query_scalar(CONDEMNED)
        .bind(original.to_string())
        .fetch_optional(connection)
        .await
        .map_err(failed("look for a condemned original"))?;
    found.map_or(Ok(()), |_| Err(Error::Condemned(original)))
}
