//! How fast a ledger hands out and finishes jobs on this machine while many wait: 32 workers, batches of 32, 50 galleries,
//! 20,000 jobs in flight.
//!
//! `cargo run --release -p procession-vault --example ledger_rate sqlite|postgres JOBS SECONDS`. The ledger is made in the
//! system's folder for temporary files, whose disk is what is measured; PostgreSQL is started for it, as it is installed.
//! Once as fast as it goes, and once at 5,000 jobs a second, which tells how long a claim takes where workers have something
//! else to do. Prints one line of JSON. `cargo xtask bench ledger` runs it.
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a bench prints, and reads the machine's clock")]
#![allow(clippy::unwrap_used, reason = "the server that tests start ends the bench as it ends a test")]

#[path = "../tests/support/postgres.rs"]
mod server;

use std::{
    collections::VecDeque,
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use procession_domain::{
    ContentHash, GalleryId, PhotoId, Stages, StudioId, Timestamp, WorkerId,
    analysis::Analysis,
    capture::Capture,
    gallery::{Consent, Gallery, PipelineChoice, Rank},
    job::Lease,
    photo::{Finished, Format, Photo, Timings},
    recipe::{AnalysisLevel, Fingerprint, MetadataPolicy, OutputColour, Pipeline, Priority, Recipe},
    urgency::Urgency,
};
use procession_vault::{Arrival, Ask, Ledger, PostgresLedger, PostgresOptions, Result, SqliteLedger};
use sqlx::{AssertSqlSafe, Connection as _};
use tokio::task::JoinSet;

const GALLERIES: usize = 50;
const WORKERS: usize = 32;
const BATCH: usize = 32;
const IN_FLIGHT: usize = 20_000;
/// Jobs a second of the measurement at a pace.
const PACE: f64 = 5_000.0;

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [which, jobs, seconds] = arguments.as_slice() else { return Err("say: sqlite|postgres JOBS SECONDS".into()) };
    let (jobs, seconds): (usize, usize) = (jobs.parse()?, seconds.parse()?);
    let measured = Duration::from_secs(seconds as u64);
    // So many wait throughout, if no more than this is done meanwhile.
    let filled = jobs + 2 * IN_FLIGHT + 20_000 * seconds;
    match which.as_str() {
        "sqlite" => {
            let folder = tempfile::tempdir()?;
            let file = folder.path().join("ledger.db");
            let ledger = Arc::new(SqliteLedger::open(&file).await?);
            let enqueued = enqueue(ledger.clone(), measured).await?;
            let mut connection = sqlx::SqliteConnection::connect(&file.display().to_string()).await?;
            sqlx::raw_sql(AssertSqlSafe(fill(filled))).execute(&mut connection).await?;
            sqlx::raw_sql("ANALYZE").execute(&mut connection).await?;
            let (drained, paced) = both(ledger, measured).await?;
            report(which, jobs, enqueued, &drained, &paced, 0.0);
        }
        "postgres" => {
            let server = server::Server::start(&[]);
            let url = server.database("bench");
            let ledger = Arc::new(PostgresLedger::open(&url, PostgresOptions::default()).await?);
            let enqueued = enqueue(ledger.clone(), measured).await?;
            let mut connection = sqlx::PgConnection::connect(&url).await?;
            sqlx::raw_sql(AssertSqlSafe(fill(filled))).execute(&mut connection).await?;
            sqlx::raw_sql("VACUUM ANALYZE").execute(&mut connection).await?;
            // What the filling left to write is not the ledger's.
            sqlx::raw_sql("CHECKPOINT").execute(&mut connection).await?;
            let (drained, paced) = both(ledger, measured).await?;
            report(which, jobs, enqueued, &drained, &paced, server.memory());
        }
        other => return Err(format!("{other} is neither sqlite nor postgres").into()),
    }
    Ok(())
}

/// Photos that were stored in a second, one call each.
async fn enqueue(ledger: Arc<dyn Ledger>, measured: Duration) -> Result<f64> {
    for gallery in 0..GALLERIES {
        let weight = [5.0, 3.0, 1.0][gallery % 3];
        ledger.open_gallery(&make_gallery(gallery), &rank(weight)).await?;
    }
    let next = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..WORKERS {
        let (ledger, next) = (ledger.clone(), next.clone());
        let arrival = Arrival { priority: Priority::Medium, cost: 24.0, rank: rank(1.0) };
        tasks.spawn(async move {
            let mut stored = 0;
            while start.elapsed() < measured {
                let photo = make_photo(next.fetch_add(1, Ordering::Relaxed));
                ledger.store_photo(&photo, &arrival).await?;
                stored += 1;
            }
            Ok(stored)
        });
    }
    let stored: usize = finish(tasks).await?.into_iter().sum();
    Ok(stored as f64 / start.elapsed().as_secs_f64())
}

/// Statements that make so many jobs more at once: photo by photo, a million would take the better part of an hour.
fn fill(jobs: usize) -> String {
    let facts = serde_json::to_string(&make_photo(0)).unwrap();
    let photos = |gallery: usize| {
        let id = GalleryId::named(&gallery.to_string());
        let (last, hash) = (jobs / GALLERIES, "'0' || number");
        format!(
            "INSERT INTO photo (id, gallery, original, name, stored_at, state, priority, cost, facts)
                 WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < {last})
                 SELECT '{id}' || number, '{id}', {hash}, {hash}, 0, 'stored', 1, 24.0, '{facts}' FROM numbers;"
        )
    };
    let photos: String = (0..GALLERIES).map(photos).collect();
    format!(
        "BEGIN; {photos}
         INSERT INTO job (photo, gallery, priority, cost, state, epoch, failures)
             SELECT id, gallery, priority, cost, 'waiting', 0, 0 FROM photo
             WHERE NOT EXISTS (SELECT 1 FROM job WHERE job.photo = photo.id);
         UPDATE gallery SET waiting = (SELECT COUNT(*) FROM job WHERE job.gallery = gallery.id);
         COMMIT;"
    )
}

struct Drained {
    jobs_per_second: f64,
    /// How long claims took.
    waits: Vec<Duration>,
    completions: Vec<Duration>,
}

/// At a pace, and then without.
async fn both(ledger: Arc<dyn Ledger>, measured: Duration) -> Result<(Drained, Drained)> {
    let pace = Duration::from_secs_f64((WORKERS * BATCH) as f64 / PACE);
    let paced = drain(ledger.clone(), measured, Some(pace)).await?;
    Ok((drain(ledger, measured, None).await?, paced))
}

/// Claims and completes for a while, first until so many jobs are in flight. With a pace, each worker begins a batch once in
/// that time.
async fn drain(ledger: Arc<dyn Ledger>, measured: Duration, pace: Option<Duration>) -> Result<Drained> {
    let mut running = JoinSet::new();
    let full = Arc::new(tokio::sync::Barrier::new(WORKERS));
    for number in 0..WORKERS {
        let (ledger, full) = (ledger.clone(), full.clone());
        running.spawn(async move {
            let (worker, now) = (WorkerId(format!("worker-{number}")), Timestamp::from_micros(1));
            let expires_at = Timestamp::from_micros(1_000_000);
            let ask = Ask {
                worker: &worker,
                region: None,
                count: BATCH,
                only: None,
                at: Stages::ALL,
                stages: Stages::ALL,
                now,
                expires_at,
            };
            let mut held: VecDeque<Vec<(Lease, Finished)>> = VecDeque::new();
            let (mut waits, mut completions, mut done) = (Vec::new(), Vec::new(), 0);
            let batch = async || {
                let claims = ledger.claim(&ask).await?;
                Result::Ok(claims.into_iter().map(|claim| (claim.lease, make_finished())).collect())
            };
            for _ in 0..IN_FLIGHT / WORKERS / BATCH {
                held.push_back(batch().await?);
            }
            full.wait().await;
            // Workers are not in step.
            let mut ticks = pace.map(|pace| {
                let offset = pace.mul_f64(number as f64 / WORKERS as f64);
                tokio::time::interval_at(tokio::time::Instant::now() + offset, pace)
            });
            let start = Instant::now();
            while start.elapsed() < measured {
                if let Some(ticks) = &mut ticks {
                    ticks.tick().await;
                }
                let asked = Instant::now();
                held.push_back(batch().await?);
                waits.push(asked.elapsed());
                let Some(oldest) = held.pop_front().filter(|oldest| !oldest.is_empty()) else { break };
                let asked = Instant::now();
                for result in ledger.complete_all(&oldest).await? {
                    result?;
                    done += 1;
                }
                completions.push(asked.elapsed());
            }
            let took = start.elapsed();
            // What is left is completed as fast as it goes: nobody who still measures is to wait for that.
            full.wait().await;
            for batch in held {
                ledger.complete_all(&batch).await?;
            }
            Ok((done, took, waits, completions))
        });
    }
    let mut drained = Drained { jobs_per_second: 0.0, waits: Vec::new(), completions: Vec::new() };
    for (done, took, waits, completions) in finish(running).await? {
        drained.jobs_per_second += f64::from(done) / took.as_secs_f64();
        drained.waits.extend(waits);
        drained.completions.extend(completions);
    }
    drained.waits.sort_unstable();
    drained.completions.sort_unstable();
    Ok(drained)
}

fn report(ledger: &str, jobs: usize, enqueued: f64, drained: &Drained, paced: &Drained, server_bytes: f64) {
    let at = |times: &[Duration], part: f64| times[(times.len() as f64 * part) as usize].as_secs_f64() * 1e3;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let own = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().split(' ').next()?.parse().ok());
    let megabytes = own.map_or(0.0, |kilobytes: f64| kilobytes * 1024.0 / 1e6);
    println!(
        "{{\"ledger\":\"{ledger}\",\"jobs\":{jobs},\"enqueued_per_second\":{enqueued:.0},\"jobs_per_second\":{:.0},\
         \"claim_p50_ms\":{:.2},\"claim_p99_ms\":{:.2},\"complete_p50_ms\":{:.2},\"complete_p99_ms\":{:.2},\
         \"paced_per_second\":{:.0},\"paced_claim_p50_ms\":{:.2},\"paced_claim_p99_ms\":{:.2},\
         \"megabytes\":{megabytes:.0},\"server_megabytes\":{:.0}}}",
        drained.jobs_per_second,
        at(&drained.waits, 0.5),
        at(&drained.waits, 0.99),
        at(&drained.completions, 0.5),
        at(&drained.completions, 0.99),
        paced.jobs_per_second,
        at(&paced.waits, 0.5),
        at(&paced.waits, 0.99),
        server_bytes / 1e6,
    );
}

async fn finish<T: 'static>(mut tasks: JoinSet<Result<T>>) -> Result<Vec<T>> {
    let mut results = Vec::new();
    while let Some(joined) = tasks.join_next().await {
        results.push(joined.map_err(|error| procession_vault::Error::Bug(error.to_string()))??);
    }
    Ok(results)
}

fn rank(weight: f64) -> Rank {
    let never = Timestamp::from_micros(i64::MAX);
    Rank {
        urgency: Urgency::StandardDelivery,
        weight,
        since: Timestamp::from_micros(0),
        deadline: never,
        critical_at: never,
    }
}

fn make_gallery(number: usize) -> Gallery {
    Gallery {
        id: GalleryId::named(&number.to_string()),
        studio: StudioId::local(),
        title: format!("Gallery {number}"),
        wedding: None,
        consent: Consent::default(),
        pipeline: PipelineChoice::Auto,
        opened_at: Timestamp::from_micros(0),
    }
}

fn make_photo(number: usize) -> Photo {
    let gallery = GalleryId::named(&(number % GALLERIES).to_string());
    let original = ContentHash::of(&number.to_le_bytes());
    Photo {
        id: PhotoId::of(gallery, &original),
        gallery,
        original,
        bytes: 10_000_000,
        crc32: None,
        format: Format::Jpeg,
        width: 6_000,
        height: 4_000,
        single_scan: true,
        names: vec![format!("DSC_{number:06}.jpg")],
        capture: Capture::default(),
        stored_at: Timestamp::from_micros(0),
    }
}

fn make_finished() -> Finished {
    let recipe = Recipe { colour: OutputColour::Srgb, metadata: MetadataPolicy::Strip, variants: Vec::new() };
    let (priority, analysis) = (Priority::Medium, AnalysisLevel::Basic);
    let pipeline = Pipeline { preferred_device: "cpu".to_owned(), priority, analysis, recipe };
    Finished {
        pipeline: "reception_photos".to_owned(),
        pipeline_reason: "the default".to_owned(),
        fingerprint: Fingerprint::of(&pipeline, "bench"),
        variants: Vec::new(),
        owed: None,
        thumbhash: String::new(),
        analysis: Analysis::default(),
        timings: Timings::default(),
        finished_at: Timestamp::from_micros(0),
    }
}
