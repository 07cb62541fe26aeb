//! Workers: what they hold, give back, and give up.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use procession_domain::{
    GalleryId, Key, Kind, ManualClock, Stages, StudioId, Timestamp, WorkerId,
    gallery::{Consent, Gallery, PipelineChoice},
    photo::PhotoState,
};
use procession_flow::{Events, Settings, System, Worker, open_gallery, preview, take_photo};
use procession_pixel::{CpuDevice, Limits};
use procession_vault::{Ask, MemoryBlobs, SqliteLedger};
use tokio::sync::watch;

const LEASE: Duration = Duration::from_secs(10);

struct Bench {
    _folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
    system: Arc<System>,
    gallery: Gallery,
}

impl Bench {
    async fn new() -> Self {
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
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../pixel/tests/data/hopper.jpg");
        let bytes = Bytes::from(std::fs::read(path).unwrap());
        take_photo(&self.system, &self.gallery, "hopper.jpg".to_owned(), bytes, &Events::nowhere()).await.unwrap();
    }

    async fn state(&self) -> PhotoState {
        self.system.ledger.photos(self.gallery.id).await.unwrap().remove(0).1
    }

    async fn work(&self) {
        let (_, no_more) = watch::channel(false);
        let worker = Worker::new(Arc::clone(&self.system), Some(self.gallery.id), Events::nowhere());
        worker.run(no_more).await.unwrap();
    }

    /// Lets a worker take the photo and die: its lease expires.
    async fn drop_by_a_dying_worker(&self) {
        let (now, worker) = (self.system.clock.now(), WorkerId("dies".to_owned()));
        let ask = Ask {
            worker: &worker,
            region: None,
            count: 1,
            only: None,
            at: Stages::ALL,
            stages: Stages::ALL,
            now,
            expires_at: now.after(LEASE),
        };
        assert_eq!(self.system.ledger.claim(&ask).await.unwrap().len(), 1);
        self.clock.advance(LEASE);
    }
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
