//! The chaos: photos of galleries of each urgency are uploaded and processed while parts of the deployment are killed, stopped and cut
//! off at random. `cargo xtask chaos` runs it for as long as it is told; without, it is short.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures::{StreamExt as _, stream};
use procession_domain::{ContentHash, Key};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    bench::{real_photos, told_apart},
    checker::{Facts, GalleryFacts, PhotoFacts, complaints, medians},
    client::Client,
    faults::{Counts, Kind, storm},
    machine::{BUCKET, Deployment},
};

/// So many upload at the same time.
const CLIENTS: usize = 8;
/// What was begun has so long to end when nothing breaks any more.
const PATIENCE: Duration = Duration::from_secs(900);
/// A worker that is stopped holds photos for a lease. That is much where the whole work takes half a minute, and nothing where it takes
/// minutes: there the order has to be right to the second.
const HELD_BACK: Duration = Duration::from_secs(10);
const LONG: Duration = Duration::from_secs(180);
/// Days since the wedding, by urgency.
const DAYS: [i64; 3] = [0, 1, 10];

/// What is asked for.
#[derive(Clone, Copy, Debug)]
struct Run {
    seed: u64,
    /// So long something breaks.
    time: Duration,
    galleries: usize,
    photos: usize,
    /// A store loses all originals in the end.
    breaks: bool,
}

impl Run {
    /// From the environment, as `cargo xtask chaos` sets it.
    fn asked_for() -> Self {
        let asked = |name: &str| std::env::var(format!("PROCESSION_CHAOS_{name}")).ok();
        let number = |name: &str, default: u64| asked(name).map_or(default, |text| text.parse().unwrap());
        Self {
            seed: number("SEED", 20_261_126),
            time: Duration::from_secs(number("SECONDS", 30)),
            galleries: number("GALLERIES", 9) as usize,
            photos: number("PHOTOS", 108) as usize,
            breaks: asked("BREAK").is_some(),
        }
    }
}

/// A photo to be uploaded, and its gallery.
struct Photo {
    gallery: usize,
    name: String,
    bytes: Vec<u8>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_in_chaos() {
    let run = Run::asked_for();
    eprintln!("{run:?}");
    let (mut deployment, begun, counts) = (Deployment::start(2, false).await, Instant::now(), Counts::default());
    let galleries = galleries(&deployment, run.galleries).await;
    let client = Client::new(deployment.apis.iter().map(|api| api.url.clone()).collect(), deployment.key());
    let photos = Arc::new(photos(run));
    let first = photos.len() / 5;
    // A fifth is uploaded while workers come and go. The rest waits for them together, so that an order can be seen.
    let mut again = 0;
    let phases: [(&[Kind], _); 2] = [(&Kind::ALL, 0..first), (&Kind::ALL[1..], first..photos.len())];
    for (number, (kinds, range)) in phases.into_iter().enumerate() {
        if number == 1 {
            deployment.workers.iter().for_each(|worker| worker.signal("STOP"));
        }
        let uploading = tokio::spawn(upload(client.clone(), galleries.clone(), Arc::clone(&photos), range));
        again += beside(&mut deployment, (run.seed, number as u64), kinds, &counts, uploading).await;
    }
    let uploaded_after = begun.elapsed();
    deployment.workers.iter().for_each(|worker| worker.signal("CONT"));
    let end = begun + run.time.max(uploaded_after + Duration::from_secs(10));
    let completed = tokio::spawn(completions(client.clone(), galleries.clone()));
    let waiting = tokio::spawn(async move { tokio::time::sleep_until(end.into()).await });
    beside(&mut deployment, (run.seed, 2), &Kind::ALL, &counts, waiting).await;
    let broke_for = begun.elapsed();
    let completed = tokio::time::timeout(PATIENCE, completed).await;
    let completed = completed.unwrap_or_else(|_| panic!("a gallery is never complete\n{}", deployment.logs())).unwrap();
    let completed_after = begun.elapsed();
    deployment.until_paid(galleries.iter()).await;
    let held_back = if run.time < LONG { HELD_BACK } else { Duration::ZERO };
    if run.breaks {
        lose_a_store(&deployment, &photos).await;
    }
    let facts = collect(&deployment, &galleries, &photos, &completed, (held_back, !run.breaks)).await;
    let found = complaints(&facts);
    report(run, &facts, &counts, (uploaded_after, broke_for, completed_after), again, found.len());
    assert_eq!(found, Vec::<String>::new(), "{run:?}\n{}", deployment.logs());
    // Somebody who breaks it is found out.
    lose_a_store(&deployment, &photos).await;
    let facts = collect(&deployment, &galleries, &photos, &completed, (held_back, false)).await;
    assert_eq!(complaints(&facts).len(), photos.len(), "a store that lost everything is noticed, for each photo");
}

/// Breaks things until something has ended.
async fn beside<T: Send + 'static>(
    deployment: &mut Deployment,
    seed: (u64, u64),
    kinds: &[Kind],
    counts: &Counts,
    work: tokio::task::JoinHandle<T>,
) -> T {
    let has_ended = Arc::new(AtomicBool::new(false));
    let ended = Arc::clone(&has_ended);
    let work = tokio::spawn(async move {
        let done = work.await;
        ended.store(true, Ordering::Relaxed);
        done
    });
    tokio::task::block_in_place(|| storm(deployment, seed, kinds, &has_ended, counts));
    work.await.unwrap().unwrap()
}

/// Opens the galleries, each urgency as often as the others.
async fn galleries(deployment: &Deployment, count: usize) -> Vec<String> {
    let today = jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::now()).date();
    let mut galleries = Vec::new();
    for number in 0..count {
        let date = today.checked_sub(jiff::Span::new().days(DAYS[number % DAYS.len()])).unwrap();
        let wedding = json!({ "date": date.to_string(), "time_zone": "Etc/UTC" });
        let wanted = json!({ "title": format!("Chaos {number}"), "wedding": wedding });
        let made = deployment.ask(Method::POST, "/api/v1/galleries", Some(&wanted)).await;
        galleries.push(made["id"].as_str().unwrap().to_owned());
    }
    galleries
}

/// Real photos, told apart by a comment, for the galleries in turns.
fn photos(run: Run) -> Vec<Photo> {
    let sources: Vec<Vec<u8>> = real_photos().iter().map(|path| std::fs::read(path).unwrap()).collect();
    let smallest = sources.iter().min_by_key(|bytes| bytes.len()).unwrap();
    let photo = |number: usize| Photo {
        gallery: number % run.galleries,
        name: format!("IMG_{number:05}.jpg"),
        bytes: told_apart(smallest, number),
    };
    (0..run.photos).map(photo).collect()
}

/// Uploads some of the photos by several clients, each until it is acknowledged. Returns how often one had to begin anew.
async fn upload(
    client: Client,
    galleries: Vec<String>,
    photos: Arc<Vec<Photo>>,
    range: std::ops::Range<usize>,
) -> usize {
    let again = AtomicUsize::new(0);
    let one = async |number: usize| {
        let photo = &photos[number];
        let attempts = client.upload(&galleries[photo.gallery], &photo.name, &photo.bytes, number).await;
        again.fetch_add(attempts, Ordering::Relaxed);
    };
    stream::iter(range).for_each_concurrent(CLIENTS, one).await;
    again.into_inner()
}

/// Looks how far the galleries are until all are complete. When each was seen to be.
async fn completions(client: Client, galleries: Vec<String>) -> Vec<Duration> {
    let (start, mut completed) = (Instant::now(), vec![None; galleries.len()]);
    for turn in 0.. {
        for (number, gallery) in
            galleries.iter().enumerate().filter(|(number, _)| completed[*number].is_none()).collect::<Vec<_>>()
        {
            let Some(seen) = client.read(&format!("/api/v1/galleries/{gallery}"), turn).await else { continue };
            if unfinished(&seen) == 0 {
                completed[number] = Some(start.elapsed());
            }
        }
        if completed.iter().all(Option::is_some) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    completed.into_iter().flatten().collect()
}

/// Photos of a gallery that are not done.
fn unfinished(gallery: &Value) -> u64 {
    let progress = gallery["progress"].as_object().unwrap();
    progress
        .iter()
        .filter(|(name, _)| !["done", "owing"].contains(&name.as_str()))
        .filter_map(|(_, count)| count.as_u64())
        .sum()
}

/// Deletes all originals in the last store, behind everybody's back.
async fn lose_a_store(deployment: &Deployment, photos: &[Photo]) {
    let store = deployment.stores.last().unwrap();
    for photo in photos {
        store.delete(BUCKET, &Key::Original(ContentHash::of(&photo.bytes)).to_string()).await;
    }
}

/// What is there. What stores are owed may still be on its way, if there is `patience`.
async fn collect(
    deployment: &Deployment,
    galleries: &[String],
    photos: &[Photo],
    completed: &[Duration],
    (held_back, patience): (Duration, bool),
) -> Facts {
    let mut facts = Facts { held_back, ..Facts::default() };
    let mut listed: Vec<Vec<Value>> = Vec::new();
    for (number, gallery) in galleries.iter().enumerate() {
        let seen = deployment.ask(Method::GET, &format!("/api/v1/galleries/{gallery}"), None).await;
        let photos = deployment.ask(Method::GET, &format!("/api/v1/galleries/{gallery}/photos?limit=1000"), None).await;
        let photos = photos["items"].as_array().unwrap().clone();
        facts.galleries.push(GalleryFacts {
            title: seen["title"].as_str().unwrap().to_owned(),
            urgency: number % DAYS.len(),
            unfinished: unfinished(&seen),
            completed_after: Some(completed[number]),
            listed: photos.iter().map(|photo| photo["original"].as_str().unwrap().parse().unwrap()).collect(),
        });
        listed.push(photos);
    }
    let one = async |photo: &Photo| {
        let original = ContentHash::of(&photo.bytes);
        let text = original.to_string();
        let mut found = PhotoFacts { gallery: photo.gallery, original, replicas: Vec::new(), variants: Vec::new() };
        found.replicas = replicas(deployment, original, patience).await;
        for listed in listed[photo.gallery].iter().filter(|listed| listed["original"] == text.as_str()) {
            found.variants.extend(deployment.variants(listed).await);
        }
        found
    };
    facts.photos = stream::iter(photos).map(one).buffered(8).collect().await;
    facts
}

/// What each store has of an original.
async fn replicas(deployment: &Deployment, original: ContentHash, patience: bool) -> Vec<Option<ContentHash>> {
    let (key, start) = (Key::Original(original).to_string(), Instant::now());
    let mut replicas = Vec::new();
    for store in &deployment.stores {
        let mut bytes = store.object(BUCKET, &key).await;
        while patience && bytes.is_none() && start.elapsed() < PATIENCE / 5 {
            tokio::time::sleep(Duration::from_millis(500)).await;
            bytes = store.object(BUCKET, &key).await;
        }
        replicas.push(bytes.map(|bytes| ContentHash::of(&bytes)));
    }
    replicas
}

/// Prints what was measured, and writes it where `cargo xtask chaos` finds it.
fn report(
    run: Run,
    facts: &Facts,
    counts: &Counts,
    (uploaded, broke, completed): (Duration, Duration, Duration),
    again: usize,
    complaints: usize,
) {
    let counts = counts.each_ref().map(|count| count.load(Ordering::Relaxed));
    let medians: Vec<f64> = medians(facts).values().map(Duration::as_secs_f64).collect();
    let variants: usize = facts.photos.iter().map(|photo| photo.variants.len()).sum();
    let report = json!({
        "seed": run.seed, "photos": facts.photos.len(), "galleries": facts.galleries.len(), "variants": variants,
        "uploaded_seconds": uploaded.as_secs_f64(), "broke_seconds": broke.as_secs_f64(),
        "completed_seconds": completed.as_secs_f64(), "uploads_again": again, "complaints": complaints,
        "worker": counts[0], "api": counts[1], "store": counts[2], "ledger": counts[3], "lines": counts[4],
        "same_day_seconds": medians.first(), "next_day_seconds": medians.get(1), "standard_seconds": medians.get(2),
    });
    eprintln!("{report:#}");
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/chaos");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("report.json"), report.to_string()).unwrap();
}
