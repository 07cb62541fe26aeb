//! A watcher that does not keep up, against the service in this process: nothing else can be told as fast as is needed here.

use std::{sync::Arc, time::Duration};

use procession_domain::{
    Clock, ContentHash, GalleryId, PhotoId, StudioId,
    gallery::{Consent, Gallery, PipelineChoice},
    urgency::Promises,
};
use procession_flow::{Event, RetryPolicy, Settings, System, SystemClock, open_gallery};
use procession_pixel::{CpuDevice, Limits};
use procession_vault::{MemoryBlobs, SqliteLedger};
use procession_web::{
    Connections, Service, ServiceSettings,
    access::{Scope, create_key},
};
use tokio::{net::TcpListener, sync::watch};

/// More than the service keeps for anybody, and with their names more than fits into all buffers on the way.
const EVENTS: u64 = 40_000;
const NAME_BYTES: usize = 2_000;

async fn service(folder: &std::path::Path, stopping: watch::Receiver<bool>) -> Arc<Service> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let ledger = Arc::new(SqliteLedger::open(&folder.join("ledger")).await.unwrap());
    let settings = Settings {
        limits: Limits::default(),
        promises: Promises::default(),
        pipelines: procession_plan::pipelines(),
        memory_bytes: 1 << 20,
        lease: Duration::from_secs(10),
        retry: RetryPolicy::default(),
        critical_share: 0.7,
    };
    let (blobs, device) = (Arc::new(MemoryBlobs::default()), Arc::new(CpuDevice::new(1)));
    let system = Arc::new(System::new(ledger, blobs, device, None, clock, settings));
    let settings = ServiceSettings {
        public_url: None,
        uploads: folder.join("uploads"),
        upload_life: Duration::from_secs(60),
        upload_room_bytes: 1 << 20,
        idle: Duration::from_secs(60),
        url_life: Duration::from_secs(60),
        signing_key: folder.join("key"),
        delivery_memory_bytes: 64 << 20,
        private_webhooks: false,
    };
    Service::open(system, settings, stopping).await.unwrap()
}

#[tokio::test]
async fn who_lags_behind_misses_events_and_is_right_again() {
    let folder = tempfile::tempdir().unwrap();
    let (stop, stopping) = watch::channel(false);
    let service = service(folder.path(), stopping.clone()).await;
    let now = service.system.clock.now();
    let gallery = Gallery {
        id: GalleryId::named("crowded"),
        studio: StudioId::local(),
        title: String::new(),
        wedding: None,
        consent: Consent::default(),
        pipeline: PipelineChoice::Auto,
        opened_at: now,
    };
    let (gallery, _) = open_gallery(&service.system, gallery, &service.events).await.unwrap();
    let (_, key) = create_key(&service.documents, StudioId::local(), "watcher", [Scope::Read], now).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/api/v1/galleries/{}/events", listener.local_addr().unwrap(), gallery.id);
    let connections = Connections {
        most: 8,
        head: Duration::from_secs(30),
        idle: Duration::from_secs(30),
        drain: Duration::from_secs(30),
    };
    let server = tokio::spawn(procession_web::serve(listener, Arc::clone(&service), connections, stopping));

    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut answer = http.get(url).bearer_auth(key).send().await.unwrap();
    let first = answer.chunk().await.unwrap().unwrap();
    assert!(first.starts_with(b"event: status\n"), "{first:?}");
    for number in 0..EVENTS {
        let original = ContentHash::of(&number.to_le_bytes());
        let (photo, name) = (PhotoId::of(gallery.id, &original), "n".repeat(NAME_BYTES));
        service.events.tell(gallery.id, Event::PhotoStored { photo, name, original, bytes: 1, new: true });
    }
    // What is told last comes after everything that was missed.
    service.events.tell(gallery.id, Event::ReceiptRefused { why: "the end".to_owned() });
    let (mut text, mut stored, mut statuses, mut is_over) = (String::new(), 0, 0, false);
    while !is_over || statuses == 0 {
        text.push_str(std::str::from_utf8(&answer.chunk().await.unwrap().unwrap()).unwrap());
        while let Some((event, rest)) = text.split_once("\n\n") {
            stored += u64::from(event.starts_with("event: photo_stored"));
            statuses += u64::from(event.starts_with("event: status"));
            is_over |= event.starts_with("event: receipt_refused");
            text = rest.to_owned();
        }
    }
    assert!(stored < EVENTS, "all {stored} events fitted somewhere: nothing was shown");
    stop.send_replace(true);
    while answer.chunk().await.unwrap().is_some() {}
    server.await.unwrap();
}
