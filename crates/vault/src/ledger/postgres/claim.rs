//! Whose turn it is, and what it takes: one call of `claim_jobs_2`, which is one transaction.
//!
//! Claims go side by side: each takes the first gallery that no other claims from at this moment, so that among workers who
//! ask at the same time the order is nearly that of `plan::schedule`, and exactly where one asks after another. What critical
//! galleries may take before the others is counted in each process, because a row for it would make all claims wait for
//! each other.

use std::sync::PoisonError;

use procession_domain::{
    JobId, Region, Stage, Stages, Timestamp,
    gallery::Gallery,
    job::{Claim, Lease},
};

use super::{Connection, PostgresLedger, failed, rows};
use crate::{Result, ledger::Ask};

/// Columns of a claimed job: id, epoch, failures, cost, stage, what was found, facts, its gallery's settings and opening, whether
/// critical galleries and others contended.
type Row = (i64, i64, i64, f64, i64, Option<String>, String, String, i64, bool);

const CLAIM: &str = "SELECT * FROM claim_jobs_2($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

pub(super) async fn claim(ledger: &PostgresLedger, ask: &Ask<'_>) -> Result<Vec<Claim>> {
    let critical = *ledger.critical_credit.lock().unwrap_or_else(PoisonError::into_inner) >= 0.0;
    let place = |stage: Stage| stage.index() as i64;
    let some: Option<Vec<i64>> = (ask.at != Stages::ALL).then(|| ask.at.iter().map(place).collect());
    let (mut firsts, mut lasts, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    for (first, last) in ask.at.runs() {
        firsts.push(place(first));
        lasts.push(place(last));
        ends.push(place(ask.stages.last_from(first).unwrap_or(last)));
    }
    let jobs: Vec<Row> = sqlx::query_as(CLAIM)
        .bind(&ask.worker.0)
        .bind(ask.region.map(Region::as_str))
        .bind(ask.only.map(|gallery| gallery.to_string()))
        .bind(rows::limit(ask.count))
        .bind(ask.now.micros())
        .bind(ask.expires_at.micros())
        .bind(critical)
        .bind(some)
        .bind(firsts)
        .bind(lasts)
        .bind(ends)
        .fetch_all(&ledger.writer)
        .await
        .map_err(failed("claim jobs"))?;
    let Some((.., settings, opened_at, contended)) = jobs.first() else { return Ok(Vec::new()) };
    let mut gallery: Gallery = rows::read(settings, "gallery of job", &jobs[0].0.to_string())?;
    gallery.opened_at = Timestamp::from_micros(*opened_at);
    let (contended, mut charged) = (*contended, 0.0);
    let mut claims = Vec::with_capacity(jobs.len());
    for (job, epoch, failures, cost, stage, found, facts, ..) in jobs {
        let (stage, id) = (rows::stage(stage, job)?, job.to_string());
        charged += cost * ask.stages.part_from(stage);
        claims.push(Claim {
            lease: Lease { job: JobId(job), epoch, worker: ask.worker.clone(), expires_at: ask.expires_at },
            photo: rows::read(&facts, "photo of job", &id)?,
            gallery: gallery.clone(),
            stage,
            found: found.map(|found| rows::read(&found, "findings of job", &id)).transpose()?,
            failures: u32::try_from(failures).unwrap_or(u32::MAX),
        });
    }
    if contended {
        let share = ledger.options.critical_share;
        *ledger.critical_credit.lock().unwrap_or_else(PoisonError::into_inner) +=
            charged * if critical { share - 1.0 } else { share };
    }
    Ok(claims)
}

/// Counts jobs that wait from now on. A gallery that had none joins those that have some at the least of their virtual
/// times, so that nobody saves up time by being away. What others join with at this moment is not seen: they join with the
/// same.
pub(super) async fn add_waiting(
    connection: &mut Connection,
    gallery: &str,
    count: i64,
    action: &'static str,
) -> Result<()> {
    let done = sqlx::query("SELECT add_waiting_1($1, $2)").bind(gallery).bind(count).execute(connection).await;
    done.map(|_| ()).map_err(failed(action))
}
