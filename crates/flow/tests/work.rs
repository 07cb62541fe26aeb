//! Workers: what they hold, give back, and give up.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use procession_domain::{
    GalleryId, Key, Kind, ManualClock, Stages, StudioId, Timestamp, WorkerId,
    gallery::{Consent, Gallery, PipelineChoice},
    photo::{Finished, Owed, Photo, PhotoState},
    recipe::{Fingerprint, OutputFormat},
};
use procession_flow::{Event, Events, Settings, System, Worker, open_gallery, preview, take_photo};
use procession_pixel::{CpuDevice, Limits};
use procession_vault::{Ask, MemoryBlobs, SqliteLedger};
use tokio::sync::{mpsc, watch};

const LEASE: Duration = Duration::from_secs(10);

struct Bench {
    _folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
    system: Arc<System>,
    gallery: Gallery,
}

impl Bench {
    async fn new() -> Self {
        Self::putting_off(&[]).await
    }

    /// Of a system that makes these formats later.
    async fn putting_off(later: &[OutputFormat]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Arc::new(SqliteLedger::open(&folder.path().join("ledger")).await.unwrap());
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_800_000_000_000_000)));
        let settings = Settings {
            region: procession_domain::Region::local(),
            scale: procession_plan::ScalePolicy::default(),
            affinity: procession_plan::AffinityPolicy::default(),
            limits: Limits::default(),
            promises: Default::default(),
            critical_share: 0.7,
            stages: Stages::ALL,
            niceness: 0,
            later_formats: later.to_vec(),
            foresight: procession_flow::forecast::Foresight::default(),
            pipelines: procession_plan::pipelines(),
            memory_bytes: 1 << 30,
            lease: LEASE,
            retry: procession_plan::RetryPolicy::default(),
        };
        let (blobs, device) = (Arc::new(MemoryBlobs::default()), Arc::new(CpuDevice::new(1)));
        let system = Arc::new(System::new(ledger, blobs, device, None, Arc::clone(&clock) as _, settings));
        let wanted = Gallery {
            id: GalleryId::named("test"),
            studio: StudioId::local(),
            title: "test".to_owned(),
            wedding: None,
            consent: Consent::default(),
            pipeline: PipelineChoice::Auto,
            opened_at: system.clock.now(),
        };
        let (gallery, _) = open_gallery(&system, wanted, &Events::nowhere()).await.unwrap();
        Self { _folder: folder, clock, system, gallery }
    }

    /// Takes a real photo in.
    async fn take(&self) {
        self.take_file("hopper.jpg").await;
    }

    async fn take_file(&self, name: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pixel/tests/data").join(name);
        let bytes = Bytes::from(std::fs::read(path).unwrap());
        take_photo(&self.system, &self.gallery, name.to_owned(), (bytes, None), &Events::nowhere()).await.unwrap();
    }

    async fn photo(&self) -> Photo {
        self.system.ledger.photos(self.gallery.id).await.unwrap().remove(0).0
    }

    async fn state(&self) -> PhotoState {
        self.system.ledger.photos(self.gallery.id).await.unwrap().remove(0).1
    }

    /// Works until nothing is left. Returns what happened.
    async fn work(&self) -> Vec<Event> {
        let (_, no_more) = watch::channel(false);
        let (sender, mut told) = mpsc::unbounded_channel();
        let worker = Worker::new(Arc::clone(&self.system), Some(self.gallery.id), Events::to(sender));
        worker.run(no_more).await.unwrap();
        drop(worker);
        std::iter::from_fn(|| told.try_recv().ok()).map(|told| told.event).collect()
    }

    async fn finished(&self) -> Finished {
        let PhotoState::Done(finished) = self.state().await else { panic!("it is not finished") };
        *finished
    }

    /// Lets a worker take the photo and die: its lease expires.
    async fn drop_by_a_dying_worker(&self) {
        let (now, worker) = (self.system.clock.now(), WorkerId("dies".to_owned()));
        assert_eq!(self.system.ledger.claim(&ask(&worker, now)).await.unwrap().len(), 1);
        self.clock.advance(LEASE);
    }
}

/// For one job, whatever it is.
fn ask(worker: &WorkerId, now: Timestamp) -> Ask<'_> {
    let (at, stages) = (Stages::ALL, Stages::ALL);
    Ask { worker, region: None, count: 1, only: None, at, stages, now, expires_at: now.after(LEASE) }
}

#[tokio::test]
async fn a_photo_whose_workers_vanish_is_given_up() {
    let bench = Bench::new().await;
    bench.take().await;
    for _ in 0..bench.system.settings.retry.attempts {
        bench.drop_by_a_dying_worker().await;
    }
    bench.work().await;
    let PhotoState::Quarantined(failure) = bench.state().await else { panic!("it was tried again") };
    assert_eq!(failure.kind, Kind::Bug);
    assert!(failure.message.contains("10 times"), "{}", failure.message);
}

#[tokio::test]
async fn a_photo_that_was_dropped_a_few_times_is_finished() {
    let bench = Bench::new().await;
    bench.take().await;
    for _ in 0..3 {
        bench.drop_by_a_dying_worker().await;
    }
    bench.work().await;
    assert!(matches!(bench.state().await, PhotoState::Done(_)));
}

#[tokio::test]
async fn a_worker_that_drains_takes_nothing_and_ends() {
    let bench = Bench::new().await;
    bench.take().await;
    let (_sender, drained) = watch::channel(true);
    Worker::new(Arc::clone(&bench.system), None, Events::nowhere()).serve(drained).await.unwrap();
    assert!(matches!(bench.state().await, PhotoState::Stored));
}

#[tokio::test]
async fn a_preview_is_there_before_the_work_and_made_once() {
    let bench = Bench::new().await;
    bench.take().await;
    let (photo, state) = bench.system.ledger.photos(bench.gallery.id).await.unwrap().remove(0);
    assert!(matches!(state, PhotoState::Stored));
    let first = preview(&bench.system, &photo).await.unwrap();
    assert!(first.starts_with(&[0xff, 0xd8, 0xff]));
    // With its hash behind it.
    assert!(bench.system.blobs.get(&Key::Preview(photo.original)).await.unwrap().starts_with(&first));
    assert_eq!(preview(&bench.system, &photo).await.unwrap(), first);
}

#[tokio::test]
async fn formats_that_were_put_off_are_made_when_no_photo_waits_and_are_the_same() {
    let (at_once, later) = (Bench::new().await, Bench::putting_off(&[OutputFormat::WebP, OutputFormat::Avif]).await);
    for bench in [&at_once, &later] {
        bench.take_file("hopper.jpg").await;
        bench.take_file("exif_gps.jpg").await;
    }
    at_once.work().await;
    let steps = later.work().await.into_iter().filter_map(|event| match event {
        Event::PhotoDone { variants, .. } => Some(format!("{variants} files")),
        Event::FormatsMade { formats, .. } => Some(format!("{formats:?}")),
        _ => None,
    });
    assert_eq!(steps.collect::<Vec<_>>(), ["6 files", "6 files", "[WebP]", "[WebP]"]);
    let (expected, found) = (at_once.finished().await, later.finished().await);
    assert_eq!(expected.variants.len(), 8);
    assert_eq!((found.variants, found.fingerprint, found.owed), (expected.variants, expected.fingerprint, None));
    let progress = later.system.ledger.progress(later.gallery.id).await.unwrap();
    assert_eq!((progress.done, progress.owing), (2, 0));
}

#[tokio::test]
async fn what_cannot_be_made_like_the_rest_is_owed_no_longer() {
    let bench = Bench::new().await;
    bench.take().await;
    bench.work().await;
    // Finished by another engine, and owed what it has not.
    let done = bench.finished().await;
    let fingerprint = Fingerprint::of(&bench.system.settings.pipelines[&done.pipeline], "another engine");
    let owed = Some(Owed { formats: vec![OutputFormat::WebP], models: "none".to_owned() });
    let variants: Vec<_> = done.variants.iter().filter(|file| file.format == OutputFormat::Jpeg).cloned().collect();
    let kept = Finished { fingerprint, owed, variants, finished_at: bench.system.clock.now(), ..done };
    assert_eq!(bench.system.ledger.redo_photos(&[bench.photo().await.id]).await.unwrap(), 1);
    let (now, worker) = (bench.system.clock.now(), WorkerId("other".to_owned()));
    let claims = bench.system.ledger.claim(&ask(&worker, now)).await.unwrap();
    bench.system.ledger.complete(&claims[0].lease, &kept).await.unwrap();
    let events = bench.work().await;
    assert!(!events.iter().any(|event| matches!(event, Event::FormatsMade { .. })), "{events:?}");
    assert_eq!(bench.finished().await, Finished { owed: None, ..kept });
}
