//! What the holder of a lease may do. Everything is fenced by job, epoch and worker.

use std::collections::BTreeMap;

use procession_domain::{
    Stage, Timestamp,
    analysis::Face,
    gallery::Gallery,
    job::{Found, Lease},
    photo::{Failure, Finished},
};

use super::{Connection, Store, claim, dialect, failed, rows};
use crate::{Error, Result};

/// A job of which the lease is good.
struct Held {
    photo: String,
    gallery: String,
    /// The lease expired and the job waits, but nobody else has claimed it.
    waits: bool,
}

async fn held(connection: &mut Connection, lease: &Lease, action: &'static str) -> Result<Option<Held>> {
    let sql =
        for_update!("SELECT photo, gallery, state = 'waiting' FROM job WHERE id = $1 AND epoch = $2 AND worker = $3");
    let row: Option<(String, String, bool)> = sqlx::query_as(sql)
        .bind(lease.job.0)
        .bind(lease.epoch)
        .bind(&lease.worker.0)
        .fetch_optional(connection)
        .await
        .map_err(failed(action))?;
    Ok(row.map(|(photo, gallery, waits)| Held { photo, gallery, waits }))
}

/// As `held`, and the job waits no longer.
async fn held_or_conflict(connection: &mut Connection, lease: &Lease, action: &'static str) -> Result<Held> {
    let held = held(&mut *connection, lease, action).await?.ok_or_else(|| stale(lease))?;
    if held.waits {
        remove_waiting(connection, &held.gallery, 1, action).await?;
    }
    Ok(held)
}

fn stale(lease: &Lease) -> Error {
    Error::Conflict {
        place: "ledger".to_owned(),
        what: format!("job {}", lease.job),
        why: format!("the lease with epoch {} is no longer good", lease.epoch),
    }
}

/// Counts jobs that wait no longer.
pub(super) async fn remove_waiting(
    connection: &mut Connection,
    gallery: &str,
    count: i64,
    action: &'static str,
) -> Result<()> {
    let sql = "UPDATE gallery SET waiting = waiting - $2 WHERE id = $1";
    let done = sqlx::query(sql).bind(gallery).bind(count).execute(connection).await;
    done.map(|_| ()).map_err(failed(action))
}

async fn execute_on_job(
    connection: &mut Connection,
    sql: &'static str,
    lease: &Lease,
    action: &'static str,
) -> Result<()> {
    let done = sqlx::query(sql).bind(lease.job.0).execute(connection).await;
    done.map(|_| ()).map_err(failed(action))
}

/// Everybody locks jobs in this order.
fn in_order(leases: &[Lease]) -> Vec<&Lease> {
    let mut leases: Vec<&Lease> = leases.iter().collect();
    leases.sort_by_key(|lease| lease.job.0);
    leases
}

pub(super) async fn renew(ledger: &Store, leases: &[Lease], expires_at: Timestamp) -> Result<Vec<Lease>> {
    let action = "renew leases";
    let mut transaction = ledger.write(action).await?;
    let mut lost = Vec::new();
    for lease in in_order(leases) {
        let Some(held) = held(&mut transaction, lease, action).await? else {
            lost.push(lease.clone());
            continue;
        };
        if held.waits {
            remove_waiting(&mut transaction, &held.gallery, 1, action).await?;
        }
        sqlx::query("UPDATE job SET state = 'held', wakes_at = $2 WHERE id = $1")
            .bind(lease.job.0)
            .bind(expires_at.micros())
            .execute(&mut *transaction)
            .await
            .map_err(failed(action))?;
    }
    transaction.commit().await.map_err(failed(action))?;
    Ok(lost)
}

pub(super) async fn complete_all(ledger: &Store, done: &[(Lease, Finished)]) -> Result<Vec<Result<()>>> {
    let action = "complete jobs";
    let mut results: Vec<_> = done.iter().map(|(lease, _)| Err(stale(lease))).collect();
    let mut transaction = ledger.write(action).await?;
    let mut waited = BTreeMap::new();
    for (at, photo, gallery, waits) in dialect::end(&mut transaction, done).await? {
        let faces = done[at].1.analysis.faces.as_deref().unwrap_or_default();
        if faces.iter().any(|face| face.embedding.is_some()) {
            keep_embeddings(&mut transaction, &photo, &gallery, faces, action).await?;
        }
        if waits {
            *waited.entry(gallery).or_insert(0) += 1;
        }
        results[at] = Ok(());
    }
    for (gallery, count) in waited {
        remove_waiting(&mut transaction, &gallery, count, action).await?;
    }
    transaction.commit().await.map_err(failed(action))?;
    Ok(results)
}

pub(super) async fn pass_on(ledger: &Store, passed: &[(Lease, Stage, Found)]) -> Result<Vec<Result<()>>> {
    let action = "pass jobs on";
    let mut results: Vec<_> = passed.iter().map(|(lease, ..)| Err(stale(lease))).collect();
    let mut transaction = ledger.write(action).await?;
    let mut waiting = BTreeMap::new();
    // Everybody locks jobs in this order.
    let mut order: Vec<usize> = (0..passed.len()).collect();
    order.sort_by_key(|at| passed[*at].0.job.0);
    for at in order {
        let (lease, stage, found) = &passed[at];
        let Some(held) = held(&mut transaction, lease, action).await? else { continue };
        let faces = found.analysis.faces.as_deref().unwrap_or_default();
        let mut kept = true;
        if faces.iter().any(|face| face.embedding.is_some()) {
            kept = keep_embeddings(&mut transaction, &held.photo, &held.gallery, faces, action).await?;
        }
        let found = if kept { found.clone() } else { unrecognised(found.clone()) };
        wait_at(&mut transaction, lease, *stage, &found, action).await?;
        if !held.waits {
            *waiting.entry(held.gallery).or_insert(0) += 1;
        }
        results[at] = Ok(());
    }
    for (gallery, count) in waiting {
        claim::add_waiting(&mut transaction, &gallery, count, action).await?;
    }
    // Those who go on with it may have nothing to do, whatever else waits in the gallery.
    dialect::tell(&mut transaction).await?;
    transaction.commit().await.map_err(failed(action))?;
    Ok(results)
}

/// What was found, without whose faces they are: that would have to be done again.
fn unrecognised(found: Found) -> Found {
    let done = found.done.iter().filter(|stage| *stage != Stage::FaceRecognition).collect();
    Found { done, ..found }
}

/// Those that were recognised on the way of a gallery's photos are so no more. Nobody passes on embeddings of such a job, so
/// whoever has locked the embeddings of the gallery may wait for these jobs.
pub(super) async fn forget_recognised(connection: &mut Connection, gallery: &str, action: &'static str) -> Result<()> {
    let rows: Vec<(i64, String)> =
        sqlx::query_as(RECOGNISED).bind(gallery).fetch_all(&mut *connection).await.map_err(failed(action))?;
    for (job, found) in rows {
        let found = unrecognised(rows::read(&found, "findings of job", &job.to_string())?);
        let sql = "UPDATE job SET found = $2 WHERE id = $1";
        let done = sqlx::query(sql).bind(job).bind(rows::write(&found)?).execute(&mut *connection).await;
        done.map_err(failed(action))?;
    }
    Ok(())
}

const RECOGNISED: &str =
    for_update!("SELECT id, found FROM job WHERE gallery = $1 AND found LIKE '%\"face_recognition\"%' ORDER BY id");

/// The job waits at this stage. Nobody has the right to complete it under this epoch any more.
async fn wait_at(
    connection: &mut Connection,
    lease: &Lease,
    stage: Stage,
    found: &Found,
    action: &'static str,
) -> Result<()> {
    let sql =
        "UPDATE job SET state = 'waiting', wakes_at = NULL, worker = NULL, failures = 0, failure = NULL, stage = $2,
         found = $3 WHERE id = $1";
    let done = sqlx::query(sql)
        .bind(lease.job.0)
        .bind(stage.index() as i64)
        .bind(rows::write(found)?)
        .execute(connection)
        .await;
    done.map(|_| ()).map_err(failed(action))
}

/// Keeps the embeddings if there is consent now: it may have been withdrawn while the worker had the photo. Returns whether there
/// is.
async fn keep_embeddings(
    connection: &mut Connection,
    photo: &str,
    gallery: &str,
    faces: &[Face],
    action: &'static str,
) -> Result<bool> {
    // Whoever erases them waits until these are there, or reads that the consent is gone.
    dialect::lock_shared(connection, &embeddings_of(gallery)).await?;
    let settings: String = sqlx::query_scalar("SELECT settings FROM gallery WHERE id = $1")
        .bind(gallery)
        .fetch_one(&mut *connection)
        .await
        .map_err(failed(action))?;
    if !rows::read::<Gallery>(&settings, "gallery", gallery)?.consent.faces {
        return Ok(false);
    }
    for (face, embedding) in (0_i64..).zip(faces.iter().map(|face| &face.embedding)) {
        let Some(vector) = embedding else { continue };
        sqlx::query(KEEP)
            .bind(photo)
            .bind(face)
            .bind(gallery)
            .bind(rows::vector_to_bytes(vector))
            .execute(&mut *connection)
            .await
            .map_err(failed(action))?;
    }
    Ok(true)
}

/// They may be there from before the photo's analysis was done again.
const KEEP: &str = "INSERT INTO embedding (photo, face, gallery, vector) VALUES ($1, $2, $3, $4)
     ON CONFLICT (photo, face) DO UPDATE SET vector = excluded.vector";

/// What whoever keeps or erases a gallery's embeddings locks.
pub(super) fn embeddings_of(gallery: &str) -> String {
    format!("embeddings of {gallery}")
}

pub(super) async fn quarantine(ledger: &Store, lease: &Lease, failure: &Failure, _now: Timestamp) -> Result<()> {
    let action = "quarantine a photo";
    let mut transaction = ledger.write(action).await?;
    let held = held_or_conflict(&mut transaction, lease, action).await?;
    execute_on_job(&mut transaction, "DELETE FROM job WHERE id = $1", lease, action).await?;
    // Of a photo that was passed on.
    let sql = "DELETE FROM embedding WHERE photo = $1";
    sqlx::query(sql).bind(&held.photo).execute(&mut *transaction).await.map_err(failed(action))?;
    sqlx::query("UPDATE photo SET state = 'quarantined', failure = $2 WHERE id = $1")
        .bind(&held.photo)
        .bind(rows::write(failure)?)
        .execute(&mut *transaction)
        .await
        .map_err(failed(action))?;
    transaction.commit().await.map_err(failed(action))
}

pub(super) async fn retry(ledger: &Store, lease: &Lease, failure: &Failure, retry_at: Timestamp) -> Result<()> {
    let action = "give a job back";
    let sql = "UPDATE job SET state = 'delayed', wakes_at = $2, worker = NULL, failures = failures + 1, failure = $3
         WHERE id = $1";
    let mut transaction = ledger.write(action).await?;
    held_or_conflict(&mut transaction, lease, action).await?;
    sqlx::query(sql)
        .bind(lease.job.0)
        .bind(retry_at.micros())
        .bind(rows::write(failure)?)
        .execute(&mut *transaction)
        .await
        .map_err(failed(action))?;
    transaction.commit().await.map_err(failed(action))
}

pub(super) async fn release(ledger: &Store, leases: &[Lease]) -> Result<()> {
    let action = "give jobs back";
    let sql = "UPDATE job SET state = 'waiting', wakes_at = NULL, worker = NULL WHERE id = $1";
    let mut transaction = ledger.write(action).await?;
    for lease in in_order(leases) {
        let Some(held) = held(&mut transaction, lease, action).await? else { continue };
        execute_on_job(&mut transaction, sql, lease, action).await?;
        if !held.waits {
            claim::add_waiting(&mut transaction, &held.gallery, 1, action).await?;
        }
    }
    transaction.commit().await.map_err(failed(action))
}
