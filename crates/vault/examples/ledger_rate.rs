//! How fast the SQLite ledger hands out and finishes jobs on this machine, with a backlog of 100,000.
//!
//! `cargo run --release -p procession-vault --example ledger_rate [FOLDER [JOBS]]`; the ledger is made in FOLDER (its disk
//! is what is measured), 50 galleries share the jobs.
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a bench prints, and reads the machine's clock")]

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use procession_domain::{
    ContentHash, GalleryId, PhotoId, StudioId, Timestamp, WorkerId,
    analysis::Analysis,
    capture::Capture,
    gallery::{Consent, Gallery, PipelineChoice, Rank},
    photo::{Finished, Format, Photo, Timings},
    recipe::{AnalysisLevel, Fingerprint, MetadataPolicy, OutputColour, Pipeline, Priority, Recipe},
    urgency::Urgency,
};
use procession_vault::{Ask, Ledger, Result, SqliteLedger};
use tokio::task::JoinSet;

const GALLERIES: usize = 50;
/// How many tasks store, or claim and complete, at once.
const TASKS: usize = 16;
const MEASURED: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let parent = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let jobs = arguments.next().map_or(Ok(100_000), |jobs| jobs.parse())?;
    let folder = parent.join(format!("procession-ledger-rate-{}", std::process::id()));
    println!("{}; the ledger in {}", machine(), parent.display());
    let ledger = Arc::new(SqliteLedger::open(&folder.join("ledger.db")).await?);
    enqueue(&ledger, jobs).await?;
    for tasks in [1, TASKS] {
        for batch in [1, 16, 32] {
            drain(&ledger, batch, tasks).await?;
        }
    }
    drop(ledger);
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

/// Processor, cores and system, as far as the system says.
fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!("{}, {cores} cores, {}", model.unwrap_or("unknown processor"), std::env::consts::OS)
}

async fn enqueue(ledger: &Arc<SqliteLedger>, jobs: usize) -> Result<()> {
    for gallery in 0..GALLERIES {
        let weight = [5.0, 3.0, 1.0][gallery % 3];
        ledger.open_gallery(&make_gallery(gallery), &rank(weight)).await?;
    }
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let ledger = ledger.clone();
        tasks.spawn(async move {
            for number in (task..jobs).step_by(TASKS) {
                ledger.store_photo(&make_photo(number), Priority::Medium, 24.0).await?;
            }
            Ok(())
        });
    }
    finish(tasks).await?;
    let seconds = start.elapsed().as_secs_f64();
    println!("enqueue, {TASKS} tasks: {:.0} photos/s ({jobs} in {seconds:.1} s)", jobs as f64 / seconds);
    Ok(())
}

/// Claims and completes for a while; the backlog stays large.
async fn drain(ledger: &Arc<SqliteLedger>, batch: usize, tasks: usize) -> Result<()> {
    let start = Instant::now();
    let mut running = JoinSet::new();
    for task in 0..tasks {
        let ledger = ledger.clone();
        running.spawn(async move {
            let worker = WorkerId(format!("worker-{task}"));
            let (now, finished) = (Timestamp::from_micros(1), make_finished());
            let (mut waits, mut done) = (Vec::new(), 0_usize);
            while start.elapsed() < MEASURED {
                let asked = Instant::now();
                let claims = ledger
                    .claim(&Ask {
                        worker: &worker,
                        region: None,
                        count: batch,
                        only: None,
                        now,
                        expires_at: Timestamp::from_micros(1_000_000),
                    })
                    .await?;
                waits.push(asked.elapsed());
                if claims.is_empty() {
                    break;
                }
                for claim in claims {
                    ledger.complete(&claim.lease, &finished).await?;
                    done += 1;
                }
            }
            Ok((waits, done))
        });
    }
    let (mut waits, mut done) = (Vec::new(), 0);
    for (some, count) in finish(running).await? {
        waits.extend(some);
        done += count;
    }
    let seconds = start.elapsed().as_secs_f64();
    waits.sort_unstable();
    let at = |part: f64| waits[(waits.len() as f64 * part) as usize].as_secs_f64() * 1e3;
    println!(
        "{tasks} tasks, batch {batch}: {:.0} jobs/s claimed and completed; a claim takes p50 {:.2} ms, p99 {:.2} ms",
        done as f64 / seconds,
        at(0.5),
        at(0.99),
    );
    Ok(())
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
    Rank { urgency: Urgency::StandardDelivery, weight, deadline: never, critical_at: never }
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
        thumbhash: String::new(),
        analysis: Analysis::default(),
        timings: Timings::default(),
        finished_at: Timestamp::from_micros(0),
    }
}
