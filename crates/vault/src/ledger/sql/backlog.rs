//! What is unfinished, and who has it: for those who watch. Reads jobs, never finished photos.

use procession_domain::{Timestamp, WorkerId, gallery::Backlog, job::Holder};
use sqlx::Row as _;

use super::{Store, failed, rows};
use crate::Result;

/// The first of a gallery's jobs that wait at a stage has the least id.
const BACKLOG: &str = "SELECT gallery.id AS id, urgency, weight, since, deadline, critical_at,
         unfinished.at_0 AS at_0, unfinished.at_1 AS at_1, unfinished.at_2 AS at_2, unfinished.at_3 AS at_3,
         unfinished.working AS working, unfinished.cost AS cost, unfinished.held_cost AS held_cost,
         (SELECT stored_at FROM job JOIN photo ON photo.id = job.photo WHERE job.id = unfinished.first_0) AS since_0,
         (SELECT stored_at FROM job JOIN photo ON photo.id = job.photo WHERE job.id = unfinished.first_1) AS since_1,
         (SELECT stored_at FROM job JOIN photo ON photo.id = job.photo WHERE job.id = unfinished.first_2) AS since_2,
         (SELECT stored_at FROM job JOIN photo ON photo.id = job.photo WHERE job.id = unfinished.first_3) AS since_3,
         cluster, placement
     FROM (SELECT gallery,
             COUNT(*) FILTER (WHERE state <> 'held' AND stage = 0) AS at_0,
             COUNT(*) FILTER (WHERE state <> 'held' AND stage = 1) AS at_1,
             COUNT(*) FILTER (WHERE state <> 'held' AND stage = 2) AS at_2,
             COUNT(*) FILTER (WHERE state <> 'held' AND stage = 3) AS at_3,
             COUNT(*) FILTER (WHERE state = 'held') AS working,
             COALESCE(SUM(cost) FILTER (WHERE state <> 'held'), 0.0) AS cost,
             COALESCE(SUM(cost) FILTER (WHERE state = 'held'), 0.0) AS held_cost,
             MIN(id) FILTER (WHERE state <> 'held' AND stage = 0) AS first_0,
             MIN(id) FILTER (WHERE state <> 'held' AND stage = 1) AS first_1,
             MIN(id) FILTER (WHERE state <> 'held' AND stage = 2) AS first_2,
             MIN(id) FILTER (WHERE state <> 'held' AND stage = 3) AS first_3
         FROM job GROUP BY gallery) AS unfinished
     JOIN gallery ON gallery.id = unfinished.gallery
     ORDER BY deadline, gallery.id";

/// The index by waking holds no job that waits.
const HOLDERS: &str = "SELECT worker, COUNT(*), MIN(wakes_at) FROM job
     WHERE state <> 'waiting' AND state = 'held' GROUP BY worker ORDER BY worker";

#[cfg(test)]
pub(super) const STATEMENTS: [&str; 2] = [BACKLOG, HOLDERS];

pub(super) async fn backlog(ledger: &Store) -> Result<Vec<Backlog>> {
    let rows = sqlx::query(BACKLOG).fetch_all(&ledger.readers).await.map_err(failed("count what is unfinished"))?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let text = |column| row.try_get::<String, _>(column).map_err(failed("read what is unfinished"));
        let perhaps = |column| row.try_get::<Option<String>, _>(column).map_err(failed("read what is unfinished"));
        let real = |column| row.try_get::<f64, _>(column).map_err(failed("read what is unfinished"));
        let whole = |column| row.try_get::<i64, _>(column).map_err(failed("read what is unfinished"));
        let count = |column| whole(column).map(i64::unsigned_abs);
        let since = |column| {
            let since = row.try_get::<Option<i64>, _>(column).map_err(failed("read what is unfinished"))?;
            Ok::<_, crate::Error>(since.map(Timestamp::from_micros))
        };
        let id = text("id")?;
        let moments = [whole("since")?, whole("deadline")?, whole("critical_at")?];
        let waiting_at = [count("at_0")?, count("at_1")?, count("at_2")?, count("at_3")?];
        found.push(Backlog {
            gallery: rows::id(&id, "gallery")?,
            rank: rows::rank(&id, &text("urgency")?, real("weight")?, moments)?,
            waiting: waiting_at.iter().sum(),
            waiting_at,
            working: count("working")?,
            waiting_megapixels: real("cost")?,
            working_megapixels: real("held_cost")?,
            waiting_since_at: [since("since_0")?, since("since_1")?, since("since_2")?, since("since_3")?],
            cluster: perhaps("cluster")?.map(|cluster| rows::id(&cluster, "cluster")).transpose()?,
            placement: perhaps("placement")?,
        });
    }
    Ok(found)
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
