use procession_domain::{
    Clock as _, ContentHash, ManualClock, Stage, Stages, StudioId, WorkerId,
    analysis::Analysis,
    capture::Capture,
    gallery::{Consent, Gallery, PipelineChoice},
    job::{Claim, Found},
    photo::{Failure, Finished, Format, Photo, Timings},
    recipe::{Fingerprint, Priority},
    urgency::{Promises, Urgency},
};
use procession_pixel::{CpuDevice, Limits};
use procession_plan::{RetryPolicy, affinity::Speeds, rank};
use procession_vault::{Arrival, Ask, MemoryBlobs, SqliteLedger};

use super::*;
use crate::Settings;

const START: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
const MEGAPIXELS: f64 = 24.0;
pub(crate) const LEASE: Duration = Duration::from_secs(10);

/// A ledger with galleries whose photos are worked on by hand.
pub(crate) struct Bench {
    _folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
    pub(crate) system: Arc<System>,
    pub(crate) observer: Observer,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = SqliteLedger::open(&folder.path().join("ledger")).await.unwrap();
        let clock = Arc::new(ManualClock::new(START));
        let settings = Settings {
            region: procession_domain::Region::local(),
            scale: procession_plan::ScalePolicy::default(),
            affinity: procession_plan::AffinityPolicy::default(),
            limits: Limits::default(),
            promises: Promises::default(),
            pipelines: procession_plan::pipelines(),
            memory_bytes: 1 << 20,
            lease: LEASE,
            retry: RetryPolicy::default(),
            critical_share: 0.7,
            stages: Stages::ALL,
            niceness: 0,
            later_formats: Vec::new(),
            foresight: crate::forecast::Foresight::default(),
        };
        let (blobs, device) = (Arc::new(MemoryBlobs::default()), Arc::new(CpuDevice::new(1)));
        let system = System::new(Arc::new(ledger), blobs, device, None, Arc::clone(&clock) as _, settings);
        let system = Arc::new(system);
        Self { _folder: folder, clock, system, observer: Observer::default() }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(crate) async fn open(&self, name: &str, urgency: Urgency) -> GalleryId {
        let gallery = Gallery {
            id: GalleryId::named(name),
            studio: StudioId::local(),
            title: name.to_owned(),
            wedding: None,
            consent: Consent::default(),
            pipeline: PipelineChoice::Auto,
            opened_at: self.now(),
        };
        let promises = &self.system.settings.promises;
        let margin = default_margin(promises.of(urgency));
        let rank = rank(self.now(), urgency, promises, margin);
        self.system.ledger.open_gallery(&gallery, &rank).await.unwrap();
        gallery.id
    }

    pub(crate) async fn store(&self, gallery: GalleryId, photos: std::ops::Range<u64>) {
        let (_, rank) = self.system.ledger.gallery(gallery).await.unwrap();
        let arrival = Arrival { priority: Priority::Medium, cost: MEGAPIXELS, rank };
        for number in photos {
            let original = ContentHash::of(&number.to_le_bytes());
            let photo = Photo {
                id: PhotoId::of(gallery, &original),
                gallery,
                original,
                bytes: 8,
                crc32: None,
                format: Format::Jpeg,
                width: 6_000,
                height: 4_000,
                single_scan: true,
                names: vec![format!("{number}.jpg")],
                capture: Capture::default(),
                stored_at: self.now(),
            };
            self.system.ledger.store_photo(&photo, &arrival).await.unwrap();
            let (name, bytes) = (photo.name().to_owned(), photo.bytes);
            self.tell(gallery, Event::PhotoStored { photo: photo.id, name, original, bytes, new: true });
        }
    }

    async fn begin(&self, gallery: GalleryId) -> Claim {
        let worker = WorkerId("worker".to_owned());
        let now = self.now();
        let expires_at = now.after(Duration::from_secs(1_000_000));
        let ask = Ask {
            worker: &worker,
            region: None,
            count: 1,
            only: Some(gallery),
            at: Stages::ALL,
            stages: Stages::ALL,
            now,
            expires_at,
        };
        let claims = self.system.ledger.claim(&ask).await.unwrap();
        let claim = claims.into_iter().next().unwrap();
        self.tell(gallery, Event::PhotoStarted { photo: claim.photo.id, name: String::new() });
        claim
    }

    /// A photo a second.
    pub(crate) async fn work(&self, gallery: GalleryId, photos: u64) {
        for _ in 0..photos {
            let claim = self.begin(gallery).await;
            self.wait(1);
            let finished = Finished {
                pipeline: "none".to_owned(),
                pipeline_reason: String::new(),
                fingerprint: Fingerprint::of(&self.system.settings.pipelines["reception_photos"], "test"),
                variants: Vec::new(),
                owed: None,
                thumbhash: String::new(),
                analysis: Analysis::default(),
                timings: Timings::default(),
                finished_at: self.now(),
            };
            self.system.ledger.complete(&claim.lease, &finished).await.unwrap();
            let done = Event::PhotoDone {
                photo: claim.photo.id,
                name: String::new(),
                pipeline: String::new(),
                reason: String::new(),
                variants: 0,
                faces: None,
                megapixels: MEGAPIXELS,
                timings: Timings::default(),
            };
            self.tell(gallery, done);
        }
    }

    /// So many of a gallery's photos wait at a later stage. Returns how many do.
    pub(crate) async fn pass_on(&self, gallery: GalleryId, photos: u64, stage: Stage) -> usize {
        let found = Found {
            done: Stages::NONE,
            analysis: Analysis::default(),
            models: String::new(),
            pipeline: "reception_photos".to_owned(),
            timings: Timings::default(),
        };
        let mut passed = Vec::new();
        for _ in 0..photos {
            let claim = self.begin(gallery).await;
            passed.push((claim.lease, stage, found.clone()));
        }
        let results = self.system.ledger.pass_on(&passed).await.unwrap();
        results.iter().filter(|result| result.is_ok()).count()
    }

    /// A worker of another process says that it is there.
    pub(crate) async fn register(&self, region: &str, megapixels_per_second: f64, standing: Standing) {
        let rate = Rate { megapixels_per_second, photos_per_second: megapixels_per_second / MEGAPIXELS };
        let registration = Registration {
            worker: WorkerId(format!("{region}-1")),
            region: region.parse().unwrap(),
            device: "cpu".to_owned(),
            lanes: 2,
            since: START,
            heard_at: self.now(),
            silent_at: self.now().after(LEASE),
            standing,
            rate: Some(rate),
            offers: Stages::ALL,
            speeds: Speeds::default(),
        };
        self.system.documents().put(&registration).await.unwrap();
    }

    fn tell(&self, gallery: GalleryId, event: Event) -> bool {
        self.observer.take(self.now(), &Told { gallery, event })
    }

    async fn status(&self, gallery: GalleryId) -> Status {
        let (_, rank) = self.system.ledger.gallery(gallery).await.unwrap();
        let finished_at = Some(START.after(Duration::from_secs(60)));
        let look = self.observer.look(&self.system, gallery).await.unwrap();
        self.observer.status(look, &rank, finished_at, self.now())
    }
}

#[tokio::test]
async fn a_gallery_is_empty_receives_is_processed_and_is_done() {
    let bench = Bench::new().await;
    let gallery = bench.open("a", Urgency::SameDayWedding).await;
    let status = bench.status(gallery).await;
    assert_eq!(
        (status.state, status.delivery, status.reason.as_str()),
        (State::Empty, Delivery::OnTime, "no photo has arrived yet")
    );
    bench.store(gallery, 0..40).await;
    let status = bench.status(gallery).await;
    assert_eq!((status.state, status.finishes_at, status.photos_per_second), (State::Receiving, None, None));
    assert!(status.reason.starts_with("40 photos (960 MP) left; too little"), "{}", status.reason);
    bench.work(gallery, 10).await;
    let status = bench.status(gallery).await;
    assert_eq!((status.state, status.delivery), (State::Processing, Delivery::OnTime));
    assert_eq!(status.finishes_at, Some(bench.now().after(Duration::from_secs(30))));
    assert_eq!((status.slack_seconds, status.photos_per_second), (Some(1_800 - 40), Some(1.0)));
    assert_eq!(status.reason, "30 photos (720 MP) left at 24 MP/s; 29 min to spare");
    bench.work(gallery, 30).await;
    assert!(bench.observer.settled(bench.now()).is_empty());
    // Whatever is done: more may come within moments.
    assert_eq!(bench.status(gallery).await.state, State::Processing);
    bench.wait(5);
    assert_eq!(bench.observer.settled(bench.now()), [(gallery, START.after(Duration::from_secs(40)))]);
    assert!(bench.observer.settled(bench.now()).is_empty());
    let status = bench.status(gallery).await;
    assert_eq!((status.state, status.delivery, status.slack_seconds), (State::Done, Delivery::Delivered, Some(1_740)));
    assert_eq!(status.reason, "40 photos finished; 29 min to spare");
    // Another photo, and it is not done.
    bench.store(gallery, 40..41).await;
    assert_eq!(bench.status(gallery).await.state, State::Receiving);
}

#[tokio::test]
async fn only_what_is_new_makes_a_gallery_active() {
    let bench = Bench::new().await;
    let gallery = bench.open("a", Urgency::SameDayWedding).await;
    let (photo, original) = (PhotoId::of(gallery, &ContentHash::of(b"1")), ContentHash::of(b"1"));
    let stored = |new| Event::PhotoStored { photo, name: String::new(), original, bytes: 1, new };
    let failure = || Failure { kind: Kind::Invalid, message: String::new() };
    assert!(bench.tell(gallery, stored(true)));
    assert!(!bench.tell(gallery, stored(false)));
    assert!(bench.tell(gallery, Event::FileRefused { name: String::new(), failure: failure() }));
    assert!(!bench.tell(gallery, Event::PhotoQuarantined { photo, name: String::new(), failure: failure() }));
    assert!(!bench.tell(gallery, Event::ReadingBack { done: 1, total: 2 }));
    bench.wait(4);
    bench.tell(gallery, Event::ReadingBack { done: 2, total: 2 });
    bench.wait(1);
    assert_eq!(bench.observer.settled(bench.now()), [(gallery, START)], "reading back is no work on the gallery");
}

#[tokio::test]
async fn galleries_share() {
    let bench = Bench::new().await;
    let (urgent, other) =
        (bench.open("a", Urgency::SameDayWedding).await, bench.open("b", Urgency::StandardDelivery).await);
    bench.store(urgent, 0..610).await;
    bench.store(other, 0..1_000).await;
    bench.work(urgent, 10).await;
    // 5/6 of a photo a second.
    let status = bench.status(urgent).await;
    assert_eq!(status.finishes_at, Some(bench.now().after(Duration::from_secs(720))));
    assert!(status.reason.contains("shared with 1 gallery"), "{}", status.reason);
}

#[tokio::test]
async fn workers_of_other_processes_count() {
    let bench = Bench::new().await;
    let gallery = bench.open("a", Urgency::SameDayWedding).await;
    bench.store(gallery, 0..40).await;
    assert_eq!(bench.status(gallery).await.finishes_at, None);
    bench.register("eu-west-1", 48.0, Standing::Working).await;
    bench.register("us-east-1", 48.0, Standing::Working).await;
    bench.wait(1);
    let status = bench.status(gallery).await;
    assert_eq!(
        (status.finishes_at, status.photos_per_second),
        (Some(bench.now().after(Duration::from_secs(10))), Some(4.0))
    );
    // One that pauses does not count; when all do, it is said why.
    let paused = || Standing::Paused { at: START, kind: Kind::Limit, why: "/secret/place is full".to_owned() };
    bench.register("eu-west-1", 48.0, paused()).await;
    bench.wait(1);
    assert_eq!(bench.status(gallery).await.photos_per_second, Some(2.0));
    bench.register("us-east-1", 48.0, paused()).await;
    bench.wait(1);
    let status = bench.status(gallery).await;
    assert_eq!((status.finishes_at, status.photos_per_second), (None, None));
    assert!(status.reason.contains("the storage is full") && !status.reason.contains("secret"), "{}", status.reason);
    // What was said is believed for the time of a lease.
    bench.register("us-east-1", 48.0, Standing::Working).await;
    bench.wait(LEASE.as_secs());
    assert_eq!(bench.status(gallery).await.photos_per_second, None);
}

#[tokio::test]
async fn workers_that_pause_make_no_promise() {
    let bench = Bench::new().await;
    let gallery = bench.open("a", Urgency::SameDayWedding).await;
    bench.store(gallery, 0..20).await;
    bench.work(gallery, 10).await;
    bench.begin(gallery).await;
    let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
    bench.observer.pause(bench.now(), &crate::Error::file("/secret/place", "write", full));
    bench.wait(1);
    let status = bench.status(gallery).await;
    assert_eq!((status.finishes_at, status.photos_per_second), (None, None));
    assert!(status.reason.contains("the storage is full") && !status.reason.contains("secret"), "{}", status.reason);
    assert!(bench.observer.paused(bench.now()).unwrap().why.contains("/secret/place"));
    // A photo that is finished ends the pause.
    bench.work(gallery, 1).await;
    assert_eq!(bench.observer.paused(bench.now()), None);
    assert!(bench.status(gallery).await.finishes_at.is_some());
}

#[tokio::test]
async fn a_photo_that_a_worker_lost_does_not_slow_the_pace_for_ever() {
    let bench = Bench::new().await;
    let gallery = bench.open("a", Urgency::StandardDelivery).await;
    bench.store(gallery, 0..40).await;
    bench.work(gallery, 20).await;
    bench.begin(gallery).await;
    bench.wait(30);
    bench.store(gallery, 40..41).await;
    assert!(bench.status(gallery).await.photos_per_second.unwrap() < 0.5);
    bench.wait(1_000);
    assert_eq!(bench.status(gallery).await.photos_per_second, None);
    bench.work(gallery, 5).await;
    let again = bench.status(gallery).await.photos_per_second.unwrap();
    assert!(again < 1.0, "{again}");
    bench.work(gallery, 14).await;
    assert!(bench.status(gallery).await.photos_per_second.unwrap() > again);
}
