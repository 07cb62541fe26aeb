//! Whose turn it is, and what it takes: the twin of `plan::schedule` in one transaction.
//!
//! Nothing here counts or orders the backlog: the gallery is found in an index over the galleries with waiting jobs, its
//! jobs in an index in their order, what expired in an index by time.

use std::collections::BTreeMap;

use procession_domain::{
    JobId, Region, Stages, Timestamp,
    job::{Claim, Lease},
};
use sqlx::SqliteConnection;

use super::{SqliteLedger, failed, rows};
use crate::{Result, ledger::Ask};

const ACTION: &str = "claim jobs";

/// Makes what expired or is due wait again. The worker keeps the right to complete it until another claims it. That a lease
/// expired counts as a failure: the job may be what its worker died of.
const WAKE: &str = "UPDATE job SET state = 'waiting', wakes_at = NULL,
     failures = failures + CASE state WHEN 'held' THEN 1 ELSE 0 END
     WHERE state <> 'waiting' AND wakes_at <= $1 RETURNING gallery";

/// The first of the critical galleries, the first of the others, and what decides between them.
const CANDIDATES: &str = "SELECT
     (SELECT id FROM gallery WHERE waiting > 0 AND critical_at <= $1
         AND ($2 IS NULL OR cluster IS NULL OR cluster = $2) ORDER BY deadline, id LIMIT 1),
     (SELECT id FROM gallery WHERE waiting > 0 AND critical_at > $1
         AND ($2 IS NULL OR cluster IS NULL OR cluster = $2) ORDER BY vtime, deadline, id LIMIT 1),
     critical_credit
     FROM schedule WHERE id = 1";

/// As `CANDIDATES`, of the galleries with jobs that wait at one of these stages: each is looked into in its turn, until one has
/// some.
const CANDIDATES_AT: &str = "SELECT
     (SELECT id FROM gallery WHERE waiting > 0 AND critical_at <= $1
         AND ($2 IS NULL OR cluster IS NULL OR cluster = $2)
         AND EXISTS (SELECT 1 FROM job WHERE job.gallery = gallery.id AND state = 'waiting' AND stage IN ($3, $4, $5))
         ORDER BY deadline, id LIMIT 1),
     (SELECT id FROM gallery WHERE waiting > 0 AND critical_at > $1
         AND ($2 IS NULL OR cluster IS NULL OR cluster = $2)
         AND EXISTS (SELECT 1 FROM job WHERE job.gallery = gallery.id AND state = 'waiting' AND stage IN ($3, $4, $5))
         ORDER BY vtime, deadline, id LIMIT 1),
     critical_credit
     FROM schedule WHERE id = 1";

/// The first jobs of a gallery at these stages, with their photos.
const FIRST_JOBS: &str = "SELECT job.id, job.epoch, job.failures, job.cost, job.stage, job.found, photo.facts
     FROM job JOIN photo ON photo.id = job.photo
     WHERE job.gallery = $1 AND job.state = 'waiting' AND job.stage BETWEEN $3 AND $4
     ORDER BY job.stage DESC, job.priority DESC, job.id LIMIT $2";

const TAKE: &str = "UPDATE job SET state = 'held', epoch = epoch + 1, worker = $2, wakes_at = $3
     WHERE id IN (SELECT value FROM json_each($1))";

const CHARGE: &str = "UPDATE gallery SET waiting = waiting - $2, vtime = vtime + $3 / weight WHERE id = $1
     RETURNING settings, opened_at, vtime, waiting";

const RECORD_TURN: &str = "UPDATE schedule SET critical_credit = critical_credit + $1, vtime = $2 WHERE id = 1";

/// The least virtual time of the other galleries that wait, or else of the one that was served last.
const FLOOR: &str = "SELECT COALESCE((SELECT MIN(vtime) FROM gallery WHERE waiting > 0 AND id <> $1), vtime)
     FROM schedule WHERE id = 1";

#[cfg(test)]
pub(super) const STATEMENTS: [&str; 8] =
    [WAKE, CANDIDATES, CANDIDATES_AT, FIRST_JOBS, TAKE, CHARGE, RECORD_TURN, FLOOR];

pub(super) async fn claim(ledger: &SqliteLedger, ask: &Ask<'_>) -> Result<Vec<Claim>> {
    let mut transaction = ledger.write(ACTION).await?;
    wake(&mut transaction, ask.now).await?;
    let turn = match ask.only {
        Some(gallery) => Some(Turn { gallery: gallery.to_string(), credit_per_cost: 0.0 }),
        None => next(&mut transaction, ask, ledger.options.critical_share).await?,
    };
    let claims = match turn {
        Some(turn) if ask.count > 0 => take(&mut transaction, &turn, ask).await?,
        _ => Vec::new(),
    };
    transaction.commit().await.map_err(failed(ACTION))?;
    Ok(claims)
}

struct Turn {
    gallery: String,
    /// What a unit of the work that is taken adds to the critical galleries' credit.
    credit_per_cost: f64,
}

async fn wake(connection: &mut SqliteConnection, now: Timestamp) -> Result<()> {
    let woken: Vec<String> =
        sqlx::query_scalar(WAKE).bind(now.micros()).fetch_all(&mut *connection).await.map_err(failed(ACTION))?;
    let mut counts = BTreeMap::new();
    for gallery in woken {
        *counts.entry(gallery).or_insert(0) += 1;
    }
    for (gallery, count) in counts {
        add_waiting(connection, &gallery, count, ACTION).await?;
    }
    Ok(())
}

async fn next(connection: &mut SqliteConnection, ask: &Ask<'_>, critical_share: f64) -> Result<Option<Turn>> {
    let statement = if ask.at == Stages::ALL { CANDIDATES } else { CANDIDATES_AT };
    let mut query = sqlx::query_as(statement).bind(ask.now.micros()).bind(ask.region.map(Region::as_str));
    if ask.at != Stages::ALL {
        // Of the four stages, three at most: no job is at the one that fills up.
        let stages = ask.at.iter().map(|stage| stage.index() as i64).chain(std::iter::repeat(-1));
        query = stages.take(3).fold(query, |query, stage| query.bind(stage));
    }
    let candidates: (Option<String>, Option<String>, f64) =
        query.fetch_one(connection).await.map_err(failed(ACTION))?;
    Ok(match candidates {
        (Some(critical), Some(_), credit) if credit >= 0.0 => {
            Some(Turn { gallery: critical, credit_per_cost: critical_share - 1.0 })
        }
        (Some(_), Some(fair), _) => Some(Turn { gallery: fair, credit_per_cost: critical_share }),
        (Some(gallery), None, _) | (None, Some(gallery), _) => Some(Turn { gallery, credit_per_cost: 0.0 }),
        (None, None, _) => None,
    })
}

/// Columns of a waiting job: id, epoch, failures, cost, stage, what was found, its photo's facts.
type Row = (i64, i64, i64, f64, i64, Option<String>, String);

/// The first jobs of the gallery, and what they cost.
async fn first_jobs(connection: &mut SqliteConnection, gallery: &str, ask: &Ask<'_>) -> Result<(Vec<Row>, f64)> {
    let (mut jobs, mut cost) = (Vec::new(), 0.0);
    for (first, last) in ask.at.runs() {
        let of_run: Vec<Row> = sqlx::query_as(FIRST_JOBS)
            .bind(gallery)
            .bind(rows::limit(ask.count - jobs.len()))
            .bind(first.index() as i64)
            .bind(last.index() as i64)
            .fetch_all(&mut *connection)
            .await
            .map_err(failed(ACTION))?;
        for job in &of_run {
            cost += job.3 * ask.stages.part_from(rows::stage(job.4, job.0)?);
        }
        jobs.extend(of_run);
        if jobs.len() >= ask.count {
            break;
        }
    }
    Ok((jobs, cost))
}

async fn take(connection: &mut SqliteConnection, turn: &Turn, ask: &Ask<'_>) -> Result<Vec<Claim>> {
    let (jobs, cost) = first_jobs(connection, &turn.gallery, ask).await?;
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let (settings, opened_at, vtime, waiting): (String, i64, f64, i64) = sqlx::query_as(CHARGE)
        .bind(&turn.gallery)
        .bind(jobs.len() as i64)
        .bind(cost)
        .fetch_one(&mut *connection)
        .await
        .map_err(failed(ACTION))?;
    // Nobody asks where the last gallery was while it waits.
    if waiting == 0 || turn.credit_per_cost != 0.0 {
        sqlx::query(RECORD_TURN)
            .bind(turn.credit_per_cost * cost)
            .bind(vtime)
            .execute(&mut *connection)
            .await
            .map_err(failed(ACTION))?;
    }
    let mut gallery: procession_domain::gallery::Gallery = rows::read(&settings, "gallery", &turn.gallery)?;
    gallery.opened_at = Timestamp::from_micros(opened_at);
    let ids: Vec<i64> = jobs.iter().map(|(id, ..)| *id).collect();
    sqlx::query(TAKE)
        .bind(rows::write(&ids)?)
        .bind(&ask.worker.0)
        .bind(ask.expires_at.micros())
        .execute(&mut *connection)
        .await
        .map_err(failed(ACTION))?;
    let claim = |(job, epoch, failures, _, stage, found, facts): Row| {
        Ok(Claim {
            lease: Lease { job: JobId(job), epoch: epoch + 1, worker: ask.worker.clone(), expires_at: ask.expires_at },
            photo: rows::read(&facts, "photo of job", &job.to_string())?,
            gallery: gallery.clone(),
            stage: rows::stage(stage, job)?,
            found: found.map(|found| rows::read(&found, "findings of job", &job.to_string())).transpose()?,
            failures: u32::try_from(failures).unwrap_or(u32::MAX),
        })
    };
    jobs.into_iter().map(claim).collect()
}

/// Counts jobs that wait from now on. A gallery that had none joins those that have some at the least of their virtual
/// times, so that nobody saves up time by being away.
pub(super) async fn add_waiting(
    connection: &mut SqliteConnection,
    gallery: &str,
    count: i64,
    action: &'static str,
) -> Result<()> {
    let sql = "UPDATE gallery SET waiting = waiting + $2 WHERE id = $1 RETURNING waiting";
    let waiting: i64 =
        sqlx::query_scalar(sql).bind(gallery).bind(count).fetch_one(&mut *connection).await.map_err(failed(action))?;
    if waiting == count {
        let floor: f64 =
            sqlx::query_scalar(FLOOR).bind(gallery).fetch_one(&mut *connection).await.map_err(failed(action))?;
        let sql = "UPDATE gallery SET vtime = $2 WHERE id = $1 AND vtime < $2";
        sqlx::query(sql).bind(gallery).bind(floor).execute(connection).await.map_err(failed(action))?;
    }
    Ok(())
}
