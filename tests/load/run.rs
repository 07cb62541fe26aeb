//! The load: what is asked for, how it goes, and what comes of it.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use procession_domain::{Clock as _, Key, Timestamp, photo::PhotoState};
use procession_flow::SystemClock;
use serde_json::Value;

use crate::{
    bench::real_photos,
    check::{Checked, check, key},
    clients::{Answers, Uploaded, look, upload},
    deployment::{Deployment, Listed},
    figures::{Fairness, Life, fairness, percentile},
    node::Program,
    photos::{Card, cards},
    report::report,
    watch::{Taken, Watch},
};

/// Nothing is finished for so long: then nothing will be.
const PATIENCE: Duration = Duration::from_secs(300);
/// How often it is looked how far the queue is.
const LOOK: Duration = Duration::from_millis(250);
/// About so many photos have all their variants looked at.
const SAMPLE: usize = 60;
/// Photos of a scaling run for each lane.
const PHOTOS_A_LANE: usize = 24;

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    pub(crate) program: Program,
    /// Folders of deployments are made here.
    pub(crate) below: PathBuf,
    pub(crate) sources: Vec<PathBuf>,
    pub(crate) galleries: usize,
    /// In each gallery.
    pub(crate) photos: usize,
    /// Photos that are processed at the same time, by all workers together.
    pub(crate) lanes: usize,
    /// The numbers of lanes whose rates are compared first.
    pub(crate) scaling: Vec<usize>,
    pub(crate) photos_a_lane: usize,
    /// As many photos as are processed in so many minutes at the rate of the last scaling run.
    pub(crate) minutes: Option<f64>,
    /// Workers start when all photos are queued, and may be stopped after the minutes.
    pub(crate) queued: bool,
    /// Something is damaged before it is checked.
    pub(crate) breaks: bool,
}

impl Form {
    /// For the test suite.
    fn short(below: &Path) -> Self {
        Self {
            program: Program { models: Some(models()), ..Program::default() },
            below: below.to_owned(),
            sources: real_photos(),
            galleries: 3,
            photos: 4,
            lanes: 2,
            scaling: vec![1],
            photos_a_lane: 3,
            minutes: None,
            queued: false,
            breaks: false,
        }
    }

    /// From the environment, as `cargo xtask load-test` sets it; none if it does not.
    fn asked_for() -> Option<Self> {
        let asked = |name: &str| std::env::var(format!("PROCESSION_LOAD_{name}")).ok();
        let number = |name: &str, default: usize| asked(name).map_or(default, |text| text.parse().unwrap());
        let binary = PathBuf::from(asked("BINARY")?);
        let mut sources: Vec<PathBuf> =
            std::fs::read_dir(asked("PHOTOS").unwrap()).unwrap().map(|entry| entry.unwrap().path()).collect();
        sources.retain(|path| path.extension().is_some_and(|extension| extension == "jpg"));
        sources.sort();
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let mut scaling: Vec<usize> = (0..).map(|power| 1 << power).take_while(|lanes| *lanes < cores).collect();
        scaling.push(cores);
        Some(Self {
            program: Program { binary, models: (asked("MODELS").as_deref() != Some("off")).then(models) },
            below: Path::new(env!("CARGO_MANIFEST_DIR")).join("target/load-test"),
            sources,
            galleries: number("GALLERIES", 50),
            photos: number("EACH", 6),
            lanes: cores,
            scaling: if asked("SCALING").as_deref() == Some("off") { Vec::new() } else { scaling },
            photos_a_lane: PHOTOS_A_LANE,
            minutes: asked("MINUTES").map(|text| text.parse().unwrap()),
            queued: asked("QUEUED").is_some(),
            breaks: asked("BREAK").is_some(),
        })
    }
}

/// The folder of the models that the set-up fetched.
fn models() -> PathBuf {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = || set("XDG_CACHE_HOME").unwrap_or_else(|| set("HOME").unwrap().join(".cache"));
    set("PROCESSION_MODELS").unwrap_or_else(|| cache().join("procession/models"))
}

/// One number of lanes, with everything queued before the worker starts.
#[derive(Clone, Debug)]
pub(crate) struct Scaled {
    pub(crate) lanes: usize,
    pub(crate) per_minute: f64,
    /// Between a gallery of each urgency.
    pub(crate) shared: Fairness,
}

/// Everything that was seen.
pub(crate) struct Measured {
    pub(crate) cards: Vec<Card>,
    pub(crate) listed: Vec<Listed>,
    pub(crate) uploaded: Vec<Uploaded>,
    pub(crate) lives: Vec<Life>,
    pub(crate) scaled: Vec<Scaled>,
    pub(crate) answers: Answers,
    pub(crate) taken: Taken,
    pub(crate) checked: Checked,
    /// When the clients were started. Lives count from then, or from the start of the workers if all was queued before.
    pub(crate) began: Timestamp,
    pub(crate) ledger_memory: f64,
    /// Seconds until all photos were acknowledged.
    pub(crate) upload_seconds: f64,
    /// Seconds until all photos had all their formats; none if it was not waited for.
    pub(crate) made_seconds: Option<f64>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_loaded_deployment_loses_nothing() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let asked = Form::asked_for();
    let form = asked.clone().unwrap_or_else(|| Form::short(folder.path()));
    let scaled = scaling(&form).await;
    let mut deployment = Deployment::start(&form.program, &form.below);
    let measured = load(&form, &mut deployment, scaled).await;
    let report = report(&form, &measured);
    let path = form.below.join("report.json");
    std::fs::write(&path, report.to_string()).unwrap();
    let failures: Vec<&String> = measured.uploaded.iter().flat_map(|uploaded| &uploaded.failures).collect();
    assert!(failures.is_empty(), "{failures:?}\n{}", deployment.logs());
    assert_eq!(measured.checked.complaints, Vec::<String>::new(), "{}", deployment.logs());
    if asked.is_none() {
        the_short_form_is_right(&form, &deployment, &measured, &report);
    }
}

/// What can be said without regard to time, and that damage is found.
fn the_short_form_is_right(form: &Form, deployment: &Deployment, measured: &Measured, report: &Value) {
    let photos = form.galleries * form.photos;
    assert_eq!((measured.lives.len(), measured.checked.lost, measured.checked.originals), (photos, 0, 3 * photos));
    let images: usize = measured.checked.decoded;
    assert!(images >= photos && measured.checked.variants == 3 * images, "{:?}", measured.checked);
    assert!(measured.lives.iter().all(|life| life.timings.vision_seconds > 0.0), "the set-up fetched no models");
    assert!(measured.lives.iter().any(|life| life.faces > 0), "people are on the photos");
    assert!(measured.uploaded.iter().all(|uploaded| uploaded.stored == form.photos && uploaded.receipt_at.is_some()));
    assert!(measured.lives.iter().all(|life| 0.0 < life.stored && life.stored < life.finished));
    let answers = &measured.answers;
    assert_eq!(answers.failed, 0, "{answers:?}");
    assert!(!answers.api.is_empty() && !answers.pages.is_empty() && answers.most_in_flight() > 0, "{answers:?}");
    assert!(["api", "worker", "client"].iter().all(|role| measured.taken.peaks[role][0] > 1 << 20));
    assert_eq!((&report["photos"], &report["lost"]), (&photos.into(), &0.into()), "{report:#}");
    assert!(
        ["images_per_minute", "steady_per_minute", "photo_p99_seconds", "api_p99_ms", "lanes_1_per_minute"]
            .iter()
            .all(|figure| report[figure].as_f64().is_some_and(|figure| figure > 0.0)),
        "{report:#}"
    );
    damage(deployment, measured);
    let checked = check(deployment, &measured.cards, &measured.listed, 1, false);
    let found = &checked.complaints;
    assert_eq!((found.len(), checked.lost), (2, 1), "{found:?}");
    assert!(found[0].contains("its original is damaged in us-west-2"), "{found:?}");
    assert!(found[1].contains("its image") && found[1].contains("is damaged in eu-west-1"), "{found:?}");
}

/// The same photos by one lane, then by more: what a lane adds when nothing else is asked of the machine.
async fn scaling(form: &Form) -> Vec<Scaled> {
    let mut scaled = Vec::new();
    for lanes in form.scaling.iter().copied() {
        let mut deployment = Deployment::start(&form.program, &form.below);
        let cards = cards(deployment.folder.path(), &form.sources, 3, (form.photos_a_lane * lanes).div_ceil(3));
        let watch = Watch::start();
        let uploaded = upload(&deployment, &cards, &watch, &AtomicUsize::new(0)).await;
        watch.end();
        let start = SystemClock::default().now();
        deployment.add_worker(lanes);
        until_done(&deployment, None).await;
        let listed: Vec<Listed> = uploaded.iter().map(|uploaded| deployment.listed(&uploaded.gallery)).collect();
        let lives = lives(&listed, start);
        let weights: Vec<(usize, f64)> =
            cards.iter().zip(&listed).map(|(card, listed)| (card.urgency as usize, listed.rank.weight)).collect();
        let finished: Vec<f64> = lives.iter().map(|life| life.finished).collect();
        // From the first one on, which waits for the models to be loaded.
        let (first, last) = (percentile(&finished, 0.0), percentile(&finished, 1.0));
        let per_minute = 60.0 * finished.len().saturating_sub(lanes) as f64 / (last - first).max(1e-3);
        eprintln!(
            "{lanes} at the same time, all queued before: {per_minute:.0} images/min ({} photos)",
            finished.len()
        );
        scaled.push(Scaled { lanes, per_minute, shared: fairness(&lives, &weights) });
    }
    scaled
}

/// Clients, workers and those who look, all at once; and then the check.
async fn load(form: &Form, deployment: &mut Deployment, scaled: Vec<Scaled>) -> Measured {
    let rate = scaled.last().map_or(0.0, |scaled| scaled.per_minute);
    let photos = match form.minutes.filter(|_| !form.queued) {
        Some(minutes) => ((rate * minutes / form.galleries as f64).round() as usize).max(1),
        None => form.photos,
    };
    eprintln!("Making {photos} photos for each of {} galleries", form.galleries);
    let cards = cards(deployment.folder.path(), &form.sources, form.galleries, photos);
    let (watch, sent, stop) = (Watch::start(), AtomicUsize::new(0), Arc::<AtomicBool>::default());
    watch.add("api", deployment.api.process_id());
    if !form.queued {
        start_workers(form, deployment, &watch);
    }
    let looking = tokio::spawn(look(deployment.api.url.clone(), deployment.key().to_owned(), Arc::clone(&stop)));
    let began = SystemClock::default().now();
    let mut start = began;
    eprintln!("{} clients upload at the same time", cards.len());
    let uploaded = upload(deployment, &cards, &watch, &sent).await;
    let upload_seconds = SystemClock::default().now().since(start).as_secs_f64();
    let mut limit = None;
    if form.queued {
        eprintln!(
            "{} photos are queued after {upload_seconds:.0} s; now the workers start",
            sent.load(Ordering::Relaxed)
        );
        start = SystemClock::default().now();
        start_workers(form, deployment, &watch);
        limit = form.minutes.map(|minutes| Duration::from_secs_f64(60.0 * minutes));
    }
    let ledger_memory = until_done(deployment, limit).await;
    stop.store(true, Ordering::Relaxed);
    let (answers, taken) = (looking.await.unwrap(), watch.end());
    let made_seconds = match limit {
        None => Some(until_paid(deployment, &uploaded, start).await),
        Some(_) => None,
    };
    let listed: Vec<Listed> = uploaded.iter().map(|uploaded| deployment.listed(&uploaded.gallery)).collect();
    let (lives, sample) = (lives(&listed, start), (form.galleries * photos).div_ceil(SAMPLE));
    let checked = Checked::default();
    let mut measured = Measured {
        cards,
        listed,
        uploaded,
        lives,
        scaled,
        answers,
        taken,
        checked,
        began,
        ledger_memory,
        upload_seconds,
        made_seconds,
    };
    if form.breaks {
        damage(deployment, &measured);
    }
    eprintln!("Reading every original in every store, and all images of every {sample}th photo");
    measured.checked = check(deployment, &measured.cards, &measured.listed, sample, limit.is_some());
    measured
}

/// Two processes, if there are lanes for two.
fn start_workers(form: &Form, deployment: &mut Deployment, watch: &Watch) {
    let processes = form.lanes.min(2);
    for number in 0..processes {
        deployment.add_worker((form.lanes + number) / processes);
        watch.add("worker", deployment.workers[number].process_id());
    }
}

/// Waits until nothing is left to do, or for so long. Returns the most memory that the ledger's server had, in bytes.
async fn until_done(deployment: &Deployment, limit: Option<Duration>) -> f64 {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let (url, start) = (format!("{}/api/v1/operations", deployment.api.url), Instant::now());
    let (mut memory, mut before, mut changed) = (0_f64, u64::MAX, Instant::now());
    for turn in 0.. {
        if turn % 20 == 0 {
            memory = memory.max(tokio::task::block_in_place(|| deployment.ledger.memory()));
        }
        let answer = http.get(&url).bearer_auth(deployment.key()).send().await;
        if let Some(text) = async { answer.ok()?.text().await.ok() }.await {
            let seen: Value = serde_json::from_str(&text).unwrap_or_default();
            let counts =
                seen["queue"].as_array().into_iter().flatten().flat_map(|class| [&class["waiting"], &class["working"]]);
            let left = seen["queue"].is_array().then(|| counts.filter_map(Value::as_u64).sum::<u64>());
            if left == Some(0) || limit.is_some_and(|limit| start.elapsed() > limit) {
                return memory;
            }
            if left.is_some_and(|left| left != before) {
                (before, changed) = (left.unwrap_or(before), Instant::now());
            }
        }
        assert!(changed.elapsed() < PATIENCE, "nothing is finished any more, {before} are left\n{}", deployment.logs());
        tokio::time::sleep(LOOK).await;
    }
    unreachable!("looking does not end")
}

/// Waits until no photo is owed a format. Returns how long after the start that was, in seconds.
async fn until_paid(deployment: &Deployment, uploaded: &[Uploaded], start: Timestamp) -> f64 {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let began = Instant::now();
    for uploaded in uploaded {
        let url = format!("{}/api/v1/galleries/{}", deployment.api.url, uploaded.gallery);
        loop {
            let answer = http.get(&url).bearer_auth(deployment.key()).send().await.unwrap();
            let seen: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
            if seen["progress"]["owing"] == 0 {
                break;
            }
            assert!(began.elapsed() < 4 * PATIENCE, "formats are never made\n{}", deployment.logs());
            tokio::time::sleep(LOOK).await;
        }
    }
    SystemClock::default().now().since(start).as_secs_f64()
}

/// The photos that are finished, in seconds from the start.
fn lives(listed: &[Listed], start: Timestamp) -> Vec<Life> {
    let seconds = |at: Timestamp| (at.micros() - start.micros()) as f64 / 1e6;
    let mut lives = Vec::new();
    for (gallery, listed) in listed.iter().enumerate() {
        for (photo, state) in &listed.photos {
            let PhotoState::Done(finished) = state else { continue };
            lives.push(Life {
                gallery,
                stored: seconds(photo.stored_at),
                finished: seconds(finished.finished_at),
                megapixels: f64::from(photo.width) * f64::from(photo.height) / 1e6,
                timings: finished.timings,
                faces: finished.analysis.faces.as_ref().map_or(0, Vec::len),
            });
        }
    }
    lives
}

/// Changes one bit of an original in the second store, and of one of its images in the third.
fn damage(deployment: &Deployment, measured: &Measured) {
    let sent = &measured.cards[0].photos[0];
    rot(&deployment.stores[1].join(Key::Original(sent.original).to_string()));
    let (photo, state) = measured.listed[0].photos.iter().find(|(photo, _)| photo.original == sent.original).unwrap();
    let PhotoState::Done(finished) = state else { panic!("{} is not finished", sent.name) };
    rot(&deployment.stores[2].join(key(photo, finished, &finished.variants[0]).to_string()));
}

fn rot(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[100] ^= 1;
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, bytes).unwrap();
}
