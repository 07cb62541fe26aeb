//! What PostgreSQL says in its own way.

use procession_domain::{PhotoId, job::Lease, photo::Finished};

use super::{Connection, failed, rows};
use crate::{Error, Result};

/// The row of its hour that counts a photo: one of sixteen, by the last digit of its id, which is a hash. A row is locked until
/// the commit is durable, and others wait for it.
pub(super) fn slot(photo: PhotoId) -> i64 {
    photo.to_string().chars().last().and_then(|digit| digit.to_digit(16)).map_or(0, i64::from)
}

/// Locks a name until the end of the transaction. Statements that follow see what the one before has written.
pub(super) async fn lock(connection: &mut Connection, name: &str) -> Result<()> {
    let sql = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
    let done = sqlx::query(sql).bind(name).execute(connection).await;
    done.map(|_| ()).map_err(failed("lock a name"))
}

/// As `lock`, for those who may be together.
pub(super) async fn lock_shared(connection: &mut Connection, name: &str) -> Result<()> {
    let sql = "SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 0))";
    let done = sqlx::query(sql).bind(name).execute(connection).await;
    done.map(|_| ()).map_err(failed("lock a name"))
}

/// Tells those who wait for work, when the transaction has ended.
pub(super) async fn tell(connection: &mut Connection) -> Result<()> {
    let done = sqlx::query("SELECT pg_notify('procession_work', '')").execute(connection).await;
    done.map(|_| ()).map_err(failed("tell of work"))
}

/// A job that was finished: its place in the batch, its photo and gallery, and whether it waited.
pub(super) type Ended = (usize, String, String, bool);

/// A lease that is there twice counts once.
const END: &str = "WITH done AS (
         SELECT DISTINCT ON (job, epoch, worker) *
         FROM UNNEST($1::BIGINT[], $2::BIGINT[], $3::TEXT[], $4::TEXT[], $5::BIGINT[]) WITH ORDINALITY
             AS done (job, epoch, worker, finished, owed_at, place)
         ORDER BY job, epoch, worker, place),
     ended AS (
         DELETE FROM job USING done
         WHERE job.id = done.job AND job.epoch = done.epoch AND job.worker = done.worker
         RETURNING done.place, job.photo, job.gallery, job.state, done.finished, done.owed_at),
     photos AS (
         UPDATE photo SET state = 'done', finished = ended.finished, failure = NULL, owed_at = ended.owed_at, owed_tries = 0
         FROM ended WHERE photo.id = ended.photo)
     SELECT place, photo, gallery, state = 'waiting' FROM ended ORDER BY place";

/// Ends the jobs whose leases are good, each by itself.
pub(super) async fn end(connection: &mut Connection, done: &[(Lease, Finished)]) -> Result<Vec<Ended>> {
    let finished = done.iter().map(|(_, finished)| rows::write(finished)).collect::<Result<Vec<_>>>()?;
    let ended: Vec<(i64, String, String, bool)> = sqlx::query_as(END)
        .bind(done.iter().map(|(lease, _)| lease.job.0).collect::<Vec<_>>())
        .bind(done.iter().map(|(lease, _)| lease.epoch).collect::<Vec<_>>())
        .bind(done.iter().map(|(lease, _)| lease.worker.0.as_str()).collect::<Vec<_>>())
        .bind(finished)
        .bind(done.iter().map(|(_, finished)| rows::owed_at(finished)).collect::<Vec<_>>())
        .fetch_all(connection)
        .await
        .map_err(failed("complete jobs"))?;
    let place = |(place, photo, gallery, waited): (i64, String, String, bool)| {
        let at = usize::try_from(place - 1).map_err(|error| Error::Bug(error.to_string()))?;
        Ok((at, photo, gallery, waited))
    };
    ended.into_iter().map(place).collect()
}
