//! Ingest under stores that fail between any two of its steps.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use procession_domain::{
    ContentHash, GalleryId, Key, ManualClock, StudioId, Timestamp,
    gallery::{Consent, Gallery, PipelineChoice, Wedding},
    urgency::{Promises, Urgency},
};
use procession_flow::{Event, Events, Settings, System, change_gallery, ingest, take_photo, walk};
use procession_pixel::{CpuDevice, Limits};
use procession_vault::{Blobs, Error, MemoryBlobs, Replicated, Result, SqliteLedger};
use tokio::sync::mpsc;

/// A store that answers so many calls and then is gone, as after a crash: what was written stays.
#[derive(Clone, Debug)]
struct Dying {
    inner: MemoryBlobs,
    calls: Arc<AtomicUsize>,
}

impl Dying {
    fn call(&self) -> Result<()> {
        let left = self.calls.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        left.map(drop).map_err(|_| Error::Io {
            place: "dying".to_owned(),
            action: "reach",
            what: "the store".to_owned(),
            source: std::io::Error::other("gone"),
        })
    }
}

#[async_trait]
impl Blobs for Dying {
    fn name(&self) -> String {
        "dying".to_owned()
    }

    async fn put(&self, key: &Key, bytes: Bytes) -> Result<()> {
        self.call()?;
        self.inner.put(key, bytes).await
    }

    async fn get(&self, key: &Key) -> Result<Bytes> {
        self.call()?;
        self.inner.get(key).await
    }

    async fn get_exactly(&self, key: &Key, hash: ContentHash) -> Result<Bytes> {
        self.call()?;
        self.inner.get_exactly(key, hash).await
    }

    async fn read_back(&self, key: &Key) -> Result<Bytes> {
        self.call()?;
        self.inner.read_back(key).await
    }

    async fn size(&self, key: &Key) -> Result<Option<u64>> {
        self.call()?;
        self.inner.size(key).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        self.inner.list(prefix).await
    }

    async fn repair(&self, key: &Key, bytes: Bytes) -> Result<()> {
        self.inner.repair(key, bytes).await
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        self.inner.delete(key).await
    }

    async fn delete_below(&self, prefix: &str) -> Result<()> {
        self.inner.delete_below(prefix).await
    }

    fn identity(&self) -> String {
        self.inner.identity()
    }

    fn replicas(&self) -> Vec<Arc<dyn Blobs>> {
        vec![Arc::new(self.clone())]
    }
}

/// A gallery over two stores, of which one dies after so many calls.
struct Bench {
    folder: tempfile::TempDir,
    stores: [MemoryBlobs; 2],
    calls: Arc<AtomicUsize>,
    clock: Arc<ManualClock>,
    system: Arc<System>,
    gallery: Gallery,
}

impl Bench {
    async fn new(calls: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let stores = [MemoryBlobs::default(), MemoryBlobs::default()];
        let calls = Arc::new(AtomicUsize::new(calls));
        let dying = Dying { inner: stores[0].clone(), calls: Arc::clone(&calls) };
        let blobs = Replicated::new(vec![Arc::new(dying), Arc::new(stores[1].clone())], 2).unwrap();
        let ledger = SqliteLedger::open(&folder.path().join("ledger")).await.unwrap();
        let start = Timestamp::from_micros(1_800_000_000_000_000);
        let clock = Arc::new(ManualClock::new(start));
        let settings = Settings {
            region: procession_domain::Region::local(),
            scale: procession_plan::ScalePolicy::default(),
            affinity: procession_plan::AffinityPolicy::default(),
            limits: Limits::default(),
            promises: Promises::default(),
            pipelines: procession_plan::pipelines(),
            memory_bytes: 1 << 30,
            lease: Duration::from_secs(10),
            retry: procession_plan::RetryPolicy::default(),
            critical_share: 0.7,
            stages: procession_domain::Stages::ALL,
            niceness: 0,
            later_formats: Vec::new(),
            foresight: procession_flow::forecast::Foresight::default(),
        };
        let (ledger, device) = (Arc::new(ledger), Arc::new(CpuDevice::new(1)));
        let system = System::new(ledger, Arc::new(blobs), device, None, Arc::clone(&clock) as _, settings);
        let gallery = Gallery {
            id: GalleryId::named("test"),
            studio: StudioId::local(),
            title: "test".to_owned(),
            wedding: None,
            consent: Consent::default(),
            pipeline: PipelineChoice::Auto,
            opened_at: start,
        };
        let promises = &system.settings.promises;
        let rank = procession_plan::rank(start, Urgency::StandardDelivery, promises, Duration::ZERO);
        system.ledger.open_gallery(&gallery, &rank).await.unwrap();
        std::fs::create_dir(folder.path().join("card")).unwrap();
        Self { folder, stores, calls, clock, system: Arc::new(system), gallery }
    }

    fn card(&self) -> PathBuf {
        self.folder.path().join("card")
    }

    /// Takes the card in; returns what was acknowledged, and whether it went through.
    async fn ingest(&self) -> (Vec<ContentHash>, bool) {
        let (sender, mut told) = mpsc::unbounded_channel();
        let outcome = ingest(&self.system, &self.gallery, walk(&[self.card()], &[]), &Events::to(sender)).await;
        let mut acknowledged = Vec::new();
        while let Ok(told) = told.try_recv() {
            if let Event::PhotoStored { original, .. } = told.event {
                acknowledged.push(original);
            }
        }
        (acknowledged, outcome.is_ok())
    }

    async fn assert_safe(&self, hash: ContentHash) {
        for store in &self.stores {
            assert_eq!(ContentHash::of(&store.get(&Key::Original(hash)).await.unwrap()), hash);
        }
    }

    async fn stored(&self) -> Vec<ContentHash> {
        let photos = self.system.ledger.photos(self.gallery.id).await.unwrap();
        photos.into_iter().map(|(photo, _)| photo.original).collect()
    }
}

/// The first bytes of a JPEG: enough to be recognised and kept.
fn photo() -> (Vec<u8>, ContentHash) {
    let bytes = [&[0xff, 0xd8, 0xff, 0xe0], [7; 400].as_slice()].concat();
    let hash = ContentHash::of(&bytes);
    (bytes, hash)
}

#[tokio::test]
async fn nothing_is_acknowledged_before_every_replica_was_read_back() {
    let (bytes, hash) = photo();
    let mut failures = 0;
    for calls in 0.. {
        let bench = Bench::new(calls).await;
        std::fs::write(bench.card().join("a.jpg"), &bytes).unwrap();
        let (acknowledged, went_through) = bench.ingest().await;
        assert_eq!(acknowledged, if went_through { vec![hash] } else { vec![] });
        assert_eq!(bench.stored().await, acknowledged, "what is in the ledger was acknowledged, and no more");
        if went_through {
            bench.assert_safe(hash).await;
            break;
        }
        failures += 1;
        // The store is back, and the same command is given again.
        bench.calls.store(usize::MAX, Ordering::SeqCst);
        assert_eq!(bench.ingest().await, (vec![hash], true));
        bench.assert_safe(hash).await;
        assert_eq!(bench.stored().await, [hash]);
        assert_eq!(bench.system.ledger.progress(bench.gallery.id).await.unwrap().waiting, 1);
    }
    assert!(failures >= 3, "original, manifest and the reading back each failed once: {failures}");
}

#[tokio::test]
async fn what_a_crash_left_whole_becomes_a_photo_though_its_file_is_gone() {
    let (bytes, hash) = photo();
    let (mut adopted, mut forgotten) = (0, 0);
    for calls in 0..3 {
        let bench = Bench::new(calls).await;
        std::fs::write(bench.card().join("a.jpg"), &bytes).unwrap();
        assert_eq!(bench.ingest().await, (vec![], false));
        std::fs::remove_file(bench.card().join("a.jpg")).unwrap();
        bench.calls.store(usize::MAX, Ordering::SeqCst);
        let staged_since = bench.system.clock.now().after(Duration::from_secs(1));
        let before = bench.system.ledger.abandoned(staged_since).await.unwrap().len();
        assert_eq!(before, 1);
        bench.clock.advance(Duration::from_secs(1));
        let (acknowledged, went_through) = bench.ingest().await;
        assert!(went_through);
        assert_eq!(bench.stored().await, acknowledged);
        if acknowledged.is_empty() {
            forgotten += 1;
        } else {
            bench.assert_safe(hash).await;
            adopted += 1;
        }
        assert!(bench.system.ledger.abandoned(staged_since).await.unwrap().is_empty());
    }
    assert!(adopted > 0 && forgotten > 0, "{adopted} adopted, {forgotten} forgotten");
}

#[tokio::test]
async fn a_gallery_that_is_announced_ahead_is_promised_from_its_latest_photo() {
    let (sender, mut told) = mpsc::unbounded_channel();
    let events = Events::to(sender);
    let mut classes = move || {
        let mut classes = Vec::new();
        while let Ok(told) = told.try_recv() {
            if let Event::GalleryRanked { urgency, deadline, reason } = told.event {
                assert!(reason.contains("2027-01-17"), "{reason}");
                classes.push((urgency, deadline));
            }
        }
        classes
    };
    let bench = Bench::new(usize::MAX).await;
    // It is two days before the wedding, at eight in the morning.
    let (date, time_zone) = ("2027-01-17".parse().unwrap(), "UTC".parse().unwrap());
    let announced = Gallery { wedding: Some(Wedding { date, time_zone }), ..bench.gallery.clone() };
    change_gallery(&bench.system, &bench.gallery, &announced, &events).await.unwrap();
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let now = || bench.system.clock.now();
    let rank = async || bench.system.ledger.gallery(announced.id).await.unwrap().1;
    let photo = |number: u8| Bytes::from([&[0xff, 0xd8, 0xff, 0xe0], [number; 400].as_slice()].concat());
    let take =
        async |number| take_photo(&bench.system, &announced, "a.jpg".to_owned(), (photo(number), None), &events).await;
    assert_eq!((rank().await.urgency, classes().len()), (Urgency::StandardDelivery, 0));
    bench.clock.advance(minutes(2 * 24 * 60 + 15 * 60 + 50));
    take(0).await.unwrap();
    assert_eq!(classes(), [(Urgency::SameDayWedding, now().after(minutes(30)))]);
    // The upload lasts past midnight: it still is today's wedding, and counts from its latest photo.
    bench.clock.advance(minutes(20));
    take(1).await.unwrap();
    assert_eq!((rank().await.urgency, rank().await.deadline), (Urgency::SameDayWedding, now().after(minutes(30))));
    // The same photo again promises nothing anew.
    bench.clock.advance(minutes(20));
    take(1).await.unwrap();
    assert_eq!(rank().await.deadline, now().after(minutes(10)));
    assert_eq!(classes(), []);
}
