//! A gallery is removed: what was its own goes, what others have stays, and what comes again is safe.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use procession_domain::{
    Classified, ContentHash, GalleryId, Key, Kind, ManualClock, PhotoId, StudioId, Timestamp,
    correction::{Change, Correction},
    gallery::{Consent, Gallery, PipelineChoice},
    photo::PhotoState,
};
use procession_flow::{
    Events, GalleryCorrection, REMOVAL_GRACE, Settings, System, Worker, change_gallery, delete_removed, open_gallery,
    preview, remove_gallery, take_photo,
};
use procession_pixel::{CpuDevice, Limits};
use procession_vault::{Blobs, Documents, MemoryBlobs, Removal, Result, SqliteLedger};
use tokio::sync::watch;

/// A store in which something happens while an original is deleted.
#[derive(Clone, Debug, Default)]
struct Watched {
    inner: MemoryBlobs,
    /// Deleting fails.
    is_broken: Arc<AtomicBool>,
    /// Deleting this original fails.
    stubborn: Arc<OnceLock<ContentHash>>,
    /// While an original is deleted, somebody uploads it to this gallery; what they are told.
    upload: Arc<OnceLock<Upload>>,
}

#[derive(Debug)]
struct Upload {
    system: std::sync::Weak<System>,
    gallery: Gallery,
    bytes: Bytes,
    told: Mutex<Vec<Kind>>,
}

#[async_trait]
impl Blobs for Watched {
    fn name(&self) -> String {
        "watched".to_owned()
    }

    async fn put(&self, key: &Key, bytes: Bytes) -> Result<()> {
        self.inner.put(key, bytes).await
    }

    async fn get(&self, key: &Key) -> Result<Bytes> {
        self.inner.get(key).await
    }

    async fn get_exactly(&self, key: &Key, hash: ContentHash) -> Result<Bytes> {
        self.inner.get_exactly(key, hash).await
    }

    async fn read_back(&self, key: &Key) -> Result<Bytes> {
        self.inner.read_back(key).await
    }

    async fn size(&self, key: &Key) -> Result<Option<u64>> {
        self.inner.size(key).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        self.inner.list(prefix).await
    }

    async fn repair(&self, key: &Key, bytes: Bytes) -> Result<()> {
        self.inner.repair(key, bytes).await
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        let is_stubborn = matches!(key, Key::Original(original) if Some(original) == self.stubborn.get());
        if is_stubborn || self.is_broken.load(Ordering::SeqCst) {
            let source = std::io::Error::other("gone");
            let (place, what) = ("watched".to_owned(), key.to_string());
            return Err(procession_vault::Error::Io { place, action: "remove", what, source });
        }
        if let (Key::Original(_), Some(upload)) = (key, self.upload.get()) {
            let (system, name) = (upload.system.upgrade().unwrap(), "again.jpg".to_owned());
            let taken =
                take_photo(&system, &upload.gallery, name, (upload.bytes.clone(), None), &Events::nowhere()).await;
            upload.told.lock().unwrap().push(taken.unwrap_err().kind());
        }
        self.inner.delete(key).await
    }

    async fn delete_below(&self, prefix: &str) -> Result<()> {
        if self.is_broken.load(Ordering::SeqCst) {
            let source = std::io::Error::other("gone");
            let (place, what) = ("watched".to_owned(), prefix.to_owned());
            return Err(procession_vault::Error::Io { place, action: "remove", what, source });
        }
        self.inner.delete_below(prefix).await
    }

    fn identity(&self) -> String {
        self.inner.identity()
    }

    fn replicas(&self) -> Vec<Arc<dyn Blobs>> {
        vec![Arc::new(self.clone())]
    }
}

struct Bench {
    _folder: tempfile::TempDir,
    store: Watched,
    clock: Arc<ManualClock>,
    system: Arc<System>,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Arc::new(SqliteLedger::open(&folder.path().join("ledger")).await.unwrap());
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_800_000_000_000_000)));
        let store = Watched::default();
        let settings = Settings {
            region: procession_domain::Region::local(),
            scale: procession_plan::ScalePolicy::default(),
            affinity: procession_plan::AffinityPolicy::default(),
            limits: Limits::default(),
            promises: Default::default(),
            critical_share: 0.7,
            stages: procession_domain::Stages::ALL,
            niceness: 0,
            later_formats: Vec::new(),
            foresight: procession_flow::forecast::Foresight::default(),
            pipelines: procession_plan::pipelines(),
            memory_bytes: 1 << 30,
            lease: Duration::from_secs(10),
            retry: procession_plan::RetryPolicy::default(),
        };
        let (blobs, device) = (Arc::new(store.clone()), Arc::new(CpuDevice::new(1)));
        let system = Arc::new(System::new(ledger, blobs, device, None, Arc::clone(&clock) as _, settings));
        Self { _folder: folder, store, clock, system }
    }

    async fn open(&self, name: &str) -> Gallery {
        let wanted = Gallery {
            id: GalleryId::named(name),
            studio: StudioId::local(),
            title: name.to_owned(),
            wedding: None,
            consent: Consent::default(),
            pipeline: PipelineChoice::Auto,
            opened_at: self.system.clock.now(),
        };
        open_gallery(&self.system, wanted, &Events::nowhere()).await.unwrap().0
    }

    async fn take(&self, gallery: &Gallery, bytes: &Bytes) -> PhotoId {
        let name = "a.jpg".to_owned();
        take_photo(&self.system, gallery, name, (bytes.clone(), None), &Events::nowhere()).await.unwrap()
    }

    async fn work(&self) {
        let (_, no_more) = watch::channel(false);
        Worker::new(Arc::clone(&self.system), None, Events::nowhere()).run(no_more).await.unwrap();
    }

    async fn objects(&self) -> Vec<String> {
        self.store.list("").await.unwrap()
    }

    async fn assert_whole(&self, photo: PhotoId) {
        let (photo, _) = self.system.ledger.photo(photo).await.unwrap();
        assert!(self.store.get(&Key::Original(photo.original)).await.is_ok());
        assert!(self.store.get(&Key::Manifest(photo.gallery, photo.id)).await.is_ok());
    }
}

fn real(name: &str) -> Bytes {
    std::fs::read(format!("{}/../pixel/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap().into()
}

#[tokio::test]
async fn what_was_its_own_goes_and_what_others_have_stays() {
    let bench = Bench::new().await;
    let (own, shared) = (real("hopper.jpg"), real("hopper.png"));
    let (gone, kept) = (bench.open("gone").await, bench.open("kept").await);
    bench.take(&kept, &shared).await;
    bench.work().await;
    let (photo, _) = bench.system.ledger.photos(kept.id).await.unwrap().remove(0);
    preview(&bench.system, &photo).await.unwrap();
    let of_the_other = bench.objects().await;
    for bytes in [&own, &shared] {
        bench.take(&gone, bytes).await;
    }
    bench.work().await;
    for (photo, state) in bench.system.ledger.photos(gone.id).await.unwrap() {
        assert!(matches!(state, PhotoState::Done(_)));
        preview(&bench.system, &photo).await.unwrap();
    }

    remove_gallery(&bench.system, gone.id).await.unwrap();
    assert_eq!(remove_gallery(&bench.system, gone.id).await.unwrap_err().kind(), Kind::NotFound);
    let manifests = format!("{}{}/", Key::MANIFESTS, gone.id);
    assert!(bench.store.list(&manifests).await.unwrap().is_empty(), "nothing would bring it back");
    bench.clock.advance(REMOVAL_GRACE - Duration::from_secs(1));
    assert_eq!(delete_removed(&bench.system).await.unwrap(), 0);
    assert!(bench.objects().await.len() > of_the_other.len());
    // An upload that began before the gallery was removed wrote this.
    let late = Key::Manifest(gone.id, PhotoId::of(gone.id, &photo.original));
    bench.store.put(&late, Bytes::from_static(b"{}")).await.unwrap();
    bench.clock.advance(Duration::from_secs(1));
    assert_eq!(delete_removed(&bench.system).await.unwrap(), 1);
    assert_eq!(bench.objects().await, of_the_other);
    assert_eq!(delete_removed(&bench.system).await.unwrap(), 0);
    assert!(
        bench.system.ledger.due_documents("removal", Timestamp::from_micros(i64::MAX), 9).await.unwrap().is_empty()
    );
}

#[tokio::test]
async fn what_came_again_in_time_stays() {
    let bench = Bench::new().await;
    let bytes = real("hopper.jpg");
    let gallery = bench.open("gallery").await;
    bench.take(&gallery, &bytes).await;
    remove_gallery(&bench.system, gallery.id).await.unwrap();
    // The same gallery, opened anew.
    let again = bench.open("gallery").await;
    let photo = bench.take(&again, &bytes).await;
    bench.clock.advance(REMOVAL_GRACE);
    assert_eq!(delete_removed(&bench.system).await.unwrap(), 0);
    bench.assert_whole(photo).await;
}

#[tokio::test]
async fn what_comes_again_while_it_is_deleted_is_refused_and_then_safe() {
    let bench = Bench::new().await;
    let bytes = real("hopper.jpg");
    let (gone, other) = (bench.open("gone").await, bench.open("other").await);
    bench.take(&gone, &bytes).await;
    remove_gallery(&bench.system, gone.id).await.unwrap();
    bench.clock.advance(REMOVAL_GRACE);
    let system = Arc::downgrade(&bench.system);
    let upload = Upload { system, gallery: other.clone(), bytes: bytes.clone(), told: Mutex::default() };
    bench.store.upload.set(upload).unwrap();
    assert_eq!(delete_removed(&bench.system).await.unwrap(), 1);
    assert_eq!(*bench.store.upload.get().unwrap().told.lock().unwrap(), [Kind::Unavailable]);
    let photo = bench.take(&other, &bytes).await;
    bench.assert_whole(photo).await;
}

#[tokio::test]
async fn what_could_not_be_deleted_is_deleted_later() {
    let bench = Bench::new().await;
    let gone = bench.open("gone").await;
    for name in ["hopper.jpg", "hopper.png", "hopper.webp"] {
        bench.take(&gone, &real(name)).await;
    }
    // The store is away already: the gallery goes all the same.
    bench.store.is_broken.store(true, Ordering::SeqCst);
    remove_gallery(&bench.system, gone.id).await.unwrap();
    bench.clock.advance(REMOVAL_GRACE);
    assert_eq!(delete_removed(&bench.system).await.unwrap_err().kind(), Kind::Unavailable);
    bench.store.is_broken.store(false, Ordering::SeqCst);
    // Nothing is refused meanwhile, and what was brought again is safe.
    let other = bench.open("other").await;
    let photo = bench.take(&other, &real("hopper.jpg")).await;
    assert_eq!(delete_removed(&bench.system).await.unwrap(), 0, "the one who failed may still be at it");
    bench.clock.advance(REMOVAL_GRACE);
    assert_eq!(delete_removed(&bench.system).await.unwrap(), 2);
    bench.assert_whole(photo).await;
    assert_eq!(bench.objects().await.len(), 2);
}

#[tokio::test]
async fn an_original_that_cannot_be_deleted_holds_no_other_back() {
    let bench = Bench::new().await;
    let (gone, also_gone) = (bench.open("gone").await, bench.open("also gone").await);
    for name in ["hopper.jpg", "hopper.png", "hopper.webp"] {
        bench.take(&gone, &real(name)).await;
    }
    bench.take(&also_gone, &real("hopper_orientation_6.jpg")).await;
    let stubborn = ContentHash::of(&real("hopper.png"));
    bench.store.stubborn.set(stubborn).unwrap();
    for gallery in [&gone, &also_gone] {
        remove_gallery(&bench.system, gallery.id).await.unwrap();
    }
    bench.clock.advance(REMOVAL_GRACE);
    assert_eq!(delete_removed(&bench.system).await.unwrap_err().kind(), Kind::Unavailable);
    assert_eq!(bench.objects().await, [Key::Original(stubborn).to_string()]);
    let documents = Documents::new(Arc::clone(&bench.system.ledger));
    let due = documents.due::<Removal>(Timestamp::from_micros(i64::MAX), 9).await.unwrap();
    assert_eq!(due.iter().map(|due| due.document.originals.clone()).collect::<Vec<_>>(), [[stubborn]]);
}

#[tokio::test]
async fn the_names_of_guests_go_with_the_consent() {
    let bench = Bench::new().await;
    let opened = bench.open("gallery").await;
    let gallery = Gallery { consent: Consent { faces: true }, ..opened.clone() };
    change_gallery(&bench.system, &opened, &gallery, &Events::nowhere()).await.unwrap();
    let photo = PhotoId::of(gallery.id, &ContentHash::of(b"photo"));
    let face = format!("{photo}-0");
    let changes = [
        serde_json::json!({ "kind": "name_guest", "face": face, "name": "Aunt Leopoldine" }),
        serde_json::json!({ "kind": "rename_moment", "photo": photo, "title": "Cake" }),
    ];
    let documents = Documents::new(Arc::clone(&bench.system.ledger));
    for (id, change) in (1..).zip(changes) {
        let change: Change = serde_json::from_value(change).unwrap();
        let correction = Correction { id, made_at: bench.system.clock.now(), change, undone: false };
        documents.create(&GalleryCorrection { gallery: gallery.id, correction }).await.unwrap();
    }
    let kept = async || {
        let log = documents.list::<GalleryCorrection>(&gallery.id.to_string(), None, 9).await.unwrap();
        log.into_iter().map(|entry| entry.document.correction.id).collect::<Vec<_>>()
    };
    let is_stored = || {
        let files = ["ledger", "ledger-wal"].map(|name| std::fs::read(bench._folder.path().join(name)).unwrap());
        files.iter().any(|bytes| bytes.windows(15).any(|window| window == b"Aunt Leopoldine"))
    };
    let renamed = Gallery { title: "renamed".to_owned(), ..gallery.clone() };
    change_gallery(&bench.system, &gallery, &renamed, &Events::nowhere()).await.unwrap();
    assert_eq!(kept().await, [1, 2]);
    assert!(is_stored());
    let withdrawn = Gallery { consent: Consent { faces: false }, ..renamed.clone() };
    change_gallery(&bench.system, &renamed, &withdrawn, &Events::nowhere()).await.unwrap();
    assert_eq!(kept().await, [2]);
    assert!(!is_stored());
    let stale = change_gallery(&bench.system, &gallery, &renamed, &Events::nowhere()).await;
    assert_eq!(stale.unwrap_err().kind(), Kind::Conflict);
}
