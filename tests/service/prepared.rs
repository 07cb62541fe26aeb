//! A service in this process over a ledger and stores of its own, with a clock that the test moves: for what cannot be waited
//! for, or caused from outside. Nobody works on its photos.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use procession_domain::{
    ContentHash, GalleryId, Key, ManualClock, PhotoId, Stages, StudioId, Timestamp, WorkerId,
    analysis::Analysis,
    capture::Capture,
    gallery::{Consent, Gallery, PipelineChoice, Rank},
    photo::{Finished, Format, Photo, PhotoState, Timings},
    recipe::{Fingerprint, OutputFormat, Pipeline, Priority},
    urgency::{Promises, Urgency},
    variant::Variant,
};
use procession_flow::{Settings, System};
use procession_pixel::{CpuDevice, Limits};
use procession_plan::RetryPolicy;
use procession_vault::{Arrival, Ask, Blobs, MemoryBlobs, Replicated, SqliteLedger};
use procession_web::{Connections, Service, ServiceSettings, Sources};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::watch};

pub(crate) const HOUR: Duration = Duration::from_secs(3_600);

pub(crate) struct Prepared {
    folder: TempDir,
    stop: watch::Sender<bool>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) service: Arc<Service>,
    pub(crate) url: String,
    pub(crate) http: reqwest::Client,
    pub(crate) gallery: Gallery,
}

/// A variant to be: name, format, size, content.
pub(crate) type Made<'a> = (&'a str, OutputFormat, (u32, u32), &'a [u8]);

impl Prepared {
    /// Over two stores in memory.
    pub(crate) async fn start() -> (Self, [MemoryBlobs; 2]) {
        Self::start_in(tempfile::tempdir().unwrap()).await
    }

    /// With its ledger in this folder.
    pub(crate) async fn start_in(folder: TempDir) -> (Self, [MemoryBlobs; 2]) {
        let stores = [MemoryBlobs::default(), MemoryBlobs::default()];
        let handles = stores.iter().map(|store| Arc::new(store.clone()) as Arc<dyn Blobs>).collect();
        (Self::start_over(folder, Arc::new(Replicated::new(handles, 2).unwrap())).await, stores)
    }

    pub(crate) async fn start_over(folder: TempDir, blobs: Arc<dyn Blobs>) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_800_000_000_000_000)));
        let (stop, stopping) = watch::channel(false);
        let service = open(&folder, blobs, Arc::clone(&clock), stopping.clone()).await;
        let gallery = gallery();
        service.system.ledger.open_gallery(&gallery, &rank()).await.unwrap();
        let url = serve(Arc::clone(&service), stopping).await;
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { folder, stop, clock, service, url, http, gallery }
    }

    /// The service again, as another process over the same ledger and stores has it.
    pub(crate) async fn another(&self) -> Arc<Service> {
        let blobs = Arc::clone(&self.service.system.blobs);
        open(&self.folder, blobs, Arc::clone(&self.clock), self.stop.subscribe()).await
    }

    /// The address of such a process.
    pub(crate) async fn another_server(&self) -> String {
        serve(self.another().await, self.stop.subscribe()).await
    }

    /// Stores a photo with this content, of 3,000 × 2,000 pixels as far as anybody looks.
    pub(crate) async fn store(&self, name: &str, content: &[u8]) -> Photo {
        self.store_as(self.photo(name, content), content).await
    }

    pub(crate) async fn store_as(&self, photo: Photo, content: &[u8]) -> Photo {
        let key = Key::Original(photo.original);
        let arrival = Arrival { priority: Priority::Medium, cost: 1.0, rank: rank() };
        self.service.system.blobs.put(&key, Bytes::copy_from_slice(content)).await.unwrap();
        self.service.system.ledger.store_photo(&photo, &arrival).await.unwrap();
        photo
    }

    /// Ends the work on the photo that waits.
    pub(crate) async fn finish(&self, photo: &Photo, made: &[Made<'_>]) {
        self.finish_as(photo, made, Analysis::default()).await;
    }

    pub(crate) async fn finish_as(&self, photo: &Photo, made: &[Made<'_>], analysis: Analysis) {
        let (now, system) = (self.service.system.clock.now(), &self.service.system);
        let worker = WorkerId("test".to_owned());
        let ask = Ask {
            worker: &worker,
            region: None,
            count: 1,
            only: None,
            at: Stages::ALL,
            stages: Stages::ALL,
            now,
            expires_at: now.after(HOUR),
        };
        let claims = system.ledger.claim(&ask).await.unwrap();
        assert_eq!(claims.iter().map(|claim| claim.photo.id).collect::<Vec<_>>(), [photo.id]);
        let mut variants = Vec::new();
        for (name, format, (width, height), content) in made {
            let (name, format) = ((*name).to_owned(), *format);
            let key = Key::Variant { original: photo.original, fingerprint: fingerprint(), name: name.clone(), format };
            system.blobs.repair(&key, Bytes::copy_from_slice(content)).await.unwrap();
            variants.push(Variant {
                name,
                format,
                width: *width,
                height: *height,
                bytes: content.len() as u64,
                hash: ContentHash::of(content),
                crc32: Some(crc32fast::hash(content)),
            });
        }
        system.ledger.complete(&claims[0].lease, &finished(variants, analysis, now)).await.unwrap();
    }

    /// The addresses of a photo's images as they are now.
    pub(crate) async fn sources(&self, photo: &Photo) -> Sources {
        sources(&self.service, photo).await
    }

    pub(crate) async fn state(&self, photo: &Photo) -> PhotoState {
        self.service.system.ledger.photo(photo.id).await.unwrap().1
    }

    /// Where a variant is in the vault.
    pub(crate) fn key(photo: &Photo, name: &str, format: OutputFormat) -> Key {
        Key::Variant { original: photo.original, fingerprint: fingerprint(), name: name.to_owned(), format }
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> reqwest::Response {
        let request = self.http.get(format!("{}{path}", self.url));
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send().await.unwrap()
    }

    /// A photo of the gallery that is not stored yet.
    pub(crate) fn photo(&self, name: &str, content: &[u8]) -> Photo {
        let original = ContentHash::of(content);
        Photo {
            id: PhotoId::of(self.gallery.id, &original),
            gallery: self.gallery.id,
            original,
            bytes: content.len() as u64,
            crc32: Some(crc32fast::hash(content)),
            format: Format::Jpeg,
            width: 3_000,
            height: 2_000,
            single_scan: true,
            names: vec![name.to_owned()],
            capture: Capture::default(),
            stored_at: self.service.system.clock.now(),
        }
    }
}

/// The addresses that a service gives a photo's images.
pub(crate) async fn sources(service: &Service, photo: &Photo) -> Sources {
    let (photo, state) = service.system.ledger.photo(photo.id).await.unwrap();
    Sources::of(service, &photo, &state)
}

async fn serve(service: Arc<Service>, stopping: watch::Receiver<bool>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let connections = Connections { most: 256, head: HOUR, idle: HOUR, drain: Duration::from_secs(1) };
    tokio::spawn(procession_web::serve(
        listener,
        procession_web::router(Arc::clone(&service)),
        service,
        connections,
        stopping,
    ));
    url
}

async fn open(
    folder: &TempDir,
    blobs: Arc<dyn Blobs>,
    clock: Arc<ManualClock>,
    stopping: watch::Receiver<bool>,
) -> Arc<Service> {
    let ledger = SqliteLedger::open(&folder.path().join("ledger.db")).await.unwrap();
    let system = System::new(Arc::new(ledger), blobs, Arc::new(CpuDevice::new(1)), None, clock, settings());
    Service::open(Arc::new(system), settings_in(folder), stopping).await.unwrap()
}

/// What an operator who chose nothing has.
pub(crate) fn settings() -> Settings {
    Settings {
        region: procession_domain::Region::local(),
        scale: procession_plan::ScalePolicy::default(),
        affinity: procession_plan::AffinityPolicy::default(),
        limits: Limits::default(),
        promises: Promises::default(),
        pipelines: procession_plan::pipelines(),
        memory_bytes: 256 << 20,
        lease: Duration::from_secs(10),
        critical_share: 0.7,
        stages: Stages::ALL,
        niceness: 0,
        later_formats: Vec::new(),
        foresight: procession_flow::forecast::Foresight::default(),
        retry: RetryPolicy::default(),
    }
}

fn settings_in(folder: &TempDir) -> ServiceSettings {
    ServiceSettings {
        public_url: None,
        uploads: folder.path().join("uploads"),
        upload_life: HOUR,
        upload_room_bytes: 1 << 30,
        uploads_at_once: 4,
        idle: Duration::from_secs(60),
        url_life: HOUR,
        signing_key: folder.path().join("signing.key"),
        delivery_memory_bytes: 64 << 20,
        private_webhooks: false,
        webhook_retry: RetryPolicy::default(),
    }
}

fn gallery() -> Gallery {
    Gallery {
        id: GalleryId::in_studio(StudioId::local(), "prepared"),
        studio: StudioId::local(),
        title: "Anna & Ben".to_owned(),
        wedding: None,
        consent: Consent { faces: true },
        pipeline: PipelineChoice::Auto,
        opened_at: Timestamp::from_micros(1_800_000_000_000_000),
    }
}

fn rank() -> Rank {
    let end = Timestamp::from_micros(1_900_000_000_000_000);
    Rank { urgency: Urgency::StandardDelivery, weight: 1.0, since: end, deadline: end, critical_at: end }
}

fn fingerprint() -> Fingerprint {
    let pipelines: BTreeMap<String, Pipeline> = procession_plan::pipelines();
    Fingerprint::of(&pipelines["reception_photos"], "test")
}

fn finished(variants: Vec<Variant>, analysis: Analysis, now: Timestamp) -> Finished {
    Finished {
        pipeline: "reception_photos".to_owned(),
        pipeline_reason: "the default".to_owned(),
        fingerprint: fingerprint(),
        variants,
        owed: None,
        thumbhash: String::new(),
        analysis,
        timings: Timings::default(),
        finished_at: now,
    }
}
