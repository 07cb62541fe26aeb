//! What is unfinished, and who has it: for those who watch. Reads jobs, never finished photos.

use procession_domain::{Timestamp, WorkerId, gallery::Backlog, job::Holder};

use super::{Store, failed, rows};
use crate::Result;

/// The first of a gallery's jobs that wait has the least id.
const BACKLOG: &str = "SELECT gallery.id, urgency, weight, since, deadline, critical_at,
         unfinished.at_0, unfinished.at_1, unfinished.at_2, unfinished.at_3,
         unfinished.working, unfinished.cost, unfinished.held_cost, photo.stored_at,
         cluster, placement
     FROM (SELECT gallery,
             COUNT(*) FILTER (WHERE state <> 'held' AND stage = 0) AS at_0,
             COUNT(*) FILTER (WHERE state <> 'held' AND stage = 1) AS at_1,
             COUNT(*) FILTER (WHERE state <> 'held' AND stage = 2) AS at_2,
             COUNT(*) FILTER (WHERE state <> 'held' AND stage = 3) AS at_3,
             COUNT(*) FILTER (WHERE state = 'held') AS working,
             COALESCE(SUM(cost) FILTER (WHERE state <> 'held'), 0.0) AS cost,
             COALESCE(SUM(cost) FILTER (WHERE state = 'held'), 0.0) AS held_cost,
             MIN(id) FILTER (WHERE state <> 'held') AS oldest
         FROM job GROUP BY gallery) AS unfinished
     JOIN gallery ON gallery.id = unfinished.gallery
     LEFT JOIN job ON job.id = unfinished.oldest
     LEFT JOIN photo ON photo.id = job.photo
     ORDER BY deadline, gallery.id";

/// The index by waking holds no job that waits.
const HOLDERS: &str = "SELECT worker, COUNT(*), MIN(wakes_at) FROM job
     WHERE state <> 'waiting' AND state = 'held' GROUP BY worker ORDER BY worker";

#[cfg(test)]
pub(super) const STATEMENTS: [&str; 2] = [BACKLOG, HOLDERS];

/// Columns: id, urgency, weight, since, deadline, critical_at, how many wait at each stage, how many are held, what those cost that
/// wait and those that are held, when the first of those that wait was stored, cluster, placement.
type Row = (
    String,
    String,
    f64,
    i64,
    i64,
    i64,
    i64,
    i64,
    i64,
    i64,
    i64,
    f64,
    f64,
    Option<i64>,
    Option<String>,
    Option<String>,
);

pub(super) async fn backlog(ledger: &Store) -> Result<Vec<Backlog>> {
    let rows: Vec<Row> =
        sqlx::query_as(BACKLOG).fetch_all(&ledger.readers).await.map_err(failed("count what is unfinished"))?;
    let backlog = |row: Row| {
        let (id, urgency, weight, since, deadline, critical_at, ..) = &row;
        let (_, _, _, _, _, _, first, second, third, fourth, working, cost, held_cost, oldest, ..) = row;
        let waiting_at = [first, second, third, fourth].map(i64::unsigned_abs);
        Ok(Backlog {
            gallery: rows::id(id, "gallery")?,
            rank: rows::rank(id, urgency, *weight, [*since, *deadline, *critical_at])?,
            waiting: waiting_at.iter().sum(),
            waiting_at,
            working: working.unsigned_abs(),
            waiting_megapixels: cost,
            working_megapixels: held_cost,
            waiting_since: oldest.map(Timestamp::from_micros),
            cluster: row.14.map(|cluster| rows::id(&cluster, "cluster")).transpose()?,
            placement: row.15,
        })
    };
    rows.into_iter().map(backlog).collect()
}

pub(super) async fn holders(ledger: &Store) -> Result<Vec<Holder>> {
    let rows: Vec<(String, i64, i64)> =
        sqlx::query_as(HOLDERS).fetch_all(&ledger.readers).await.map_err(failed("list who holds jobs"))?;
    let holder = |(worker, jobs, expires_at): (String, i64, i64)| Holder {
        worker: WorkerId(worker),
        jobs: jobs.unsigned_abs(),
        expires_at: Timestamp::from_micros(expires_at),
    };
    Ok(rows.into_iter().map(holder).collect())
}
