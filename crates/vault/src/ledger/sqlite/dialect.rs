//! What SQLite says in its own way.

use procession_domain::{job::Lease, photo::Finished};

use super::{Connection, failed, rows};
use crate::Result;

/// A write transaction is alone: nothing else needs to be locked.
pub(super) async fn lock(_: &mut Connection, _: &str) -> Result<()> {
    Ok(())
}

/// As `lock`, for those who may be together.
pub(super) async fn lock_shared(_: &mut Connection, _: &str) -> Result<()> {
    Ok(())
}

/// A job that was finished: its place in the batch, and what it was.
pub(super) type Ended = (usize, String, String, bool);

/// Ends the jobs whose leases are good, each by itself. Returns them, with their photos, galleries, and whether they waited.
pub(super) async fn end(connection: &mut Connection, done: &[(Lease, Finished)]) -> Result<Vec<Ended>> {
    let action = "complete jobs";
    let mut ended = Vec::with_capacity(done.len());
    for (at, (lease, finished)) in done.iter().enumerate() {
        let sql = "DELETE FROM job WHERE id = $1 AND epoch = $2 AND worker = $3
             RETURNING photo, gallery, state = 'waiting'";
        let row: Option<(String, String, bool)> = sqlx::query_as(sql)
            .bind(lease.job.0)
            .bind(lease.epoch)
            .bind(&lease.worker.0)
            .fetch_optional(&mut *connection)
            .await
            .map_err(failed(action))?;
        let Some((photo, gallery, waited)) = row else { continue };
        sqlx::query("UPDATE photo SET state = 'done', finished = $2, failure = NULL WHERE id = $1")
            .bind(&photo)
            .bind(rows::write(finished)?)
            .execute(&mut *connection)
            .await
            .map_err(failed(action))?;
        ended.push((at, photo, gallery, waited));
    }
    Ok(ended)
}

/// Nobody listens.
pub(super) async fn tell(_: &mut Connection) -> Result<()> {
    Ok(())
}
