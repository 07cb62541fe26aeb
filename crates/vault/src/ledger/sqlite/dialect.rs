//! What SQLite says in its own way.

use std::collections::BTreeSet;

use procession_domain::{PhotoId, job::Lease, photo::Finished};

use super::{Connection, failed, rows};
use crate::{Error, Result};

/// The row of its hour that counts a photo. One transaction writes at a time, so that nobody waits for it.
pub(super) fn slot(_: PhotoId) -> i64 {
    0
}

/// A write transaction is alone: nothing else needs to be locked.
pub(super) async fn lock(_: &mut Connection, _: &str) -> Result<()> {
    Ok(())
}

/// As `lock`, for those who may be together.
pub(super) async fn lock_shared(_: &mut Connection, _: &str) -> Result<()> {
    Ok(())
}

/// A job that was finished: its place in the batch, its photo and gallery, and whether it waited.
pub(super) type Ended = (usize, String, String, bool);

/// Those of the leases that are good, by their places.
const GOOD: &str = "SELECT CAST(done.key AS INTEGER), job.id, job.photo, job.gallery, job.state = 'waiting'
     FROM json_each($1) AS done CROSS JOIN job ON job.id = done.value ->> 0
     WHERE job.epoch = done.value ->> 1 AND job.worker = done.value ->> 2 ORDER BY 1";

const END: &str = "DELETE FROM job WHERE id IN (SELECT value FROM json_each($1))";

const FINISH: &str = "UPDATE photo SET state = 'done', finished = done.value ->> 1, failure = NULL,
         owed_at = done.value ->> 2, owed_tries = 0
     FROM json_each($1) AS done WHERE photo.id = done.value ->> 0";

#[cfg(test)]
pub(super) const STATEMENTS: [&str; 3] = [GOOD, END, FINISH];

/// Ends the jobs whose leases are good, each by itself. A lease that is there twice counts once.
pub(super) async fn end(connection: &mut Connection, done: &[(Lease, Finished)]) -> Result<Vec<Ended>> {
    let action = "complete jobs";
    let leases: Vec<_> = done.iter().map(|(lease, _)| (lease.job.0, lease.epoch, &lease.worker.0)).collect();
    let mut good: Vec<(i64, i64, String, String, bool)> =
        sqlx::query_as(GOOD).bind(rows::write(&leases)?).fetch_all(&mut *connection).await.map_err(failed(action))?;
    let mut jobs = BTreeSet::new();
    good.retain(|(_, job, ..)| jobs.insert(*job));
    sqlx::query(END).bind(rows::write(&jobs)?).execute(&mut *connection).await.map_err(failed(action))?;
    let mut finished = Vec::with_capacity(good.len());
    let mut ended = Vec::with_capacity(good.len());
    for (place, _, photo, gallery, waited) in good {
        let at = usize::try_from(place).map_err(|error| Error::Bug(error.to_string()))?;
        let (_, result) = &done[at];
        finished.push((photo.clone(), rows::write(result)?, rows::owed_at(result)));
        ended.push((at, photo, gallery, waited));
    }
    sqlx::query(FINISH).bind(rows::write(&finished)?).execute(connection).await.map_err(failed(action))?;
    Ok(ended)
}

/// Nobody listens.
pub(super) async fn tell(_: &mut Connection) -> Result<()> {
    Ok(())
}
