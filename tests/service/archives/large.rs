//! Archives of many and of large photos: exact, resumable over a crash, and within their memory.

use std::{fs, path::Path, sync::Arc};

use futures::{StreamExt as _, stream};
use procession_domain::{
    Clock as _, ContentHash, GalleryId, Key, PhotoId, Stages, StudioId, Timestamp, WorkerId,
    capture::Capture,
    gallery::{Consent, Gallery, PipelineChoice, Rank},
    photo::{Format, Photo},
    recipe::Priority,
    urgency::Urgency,
};
use procession_flow::SystemClock;
use procession_vault::{Arrival, Ask, DiskBlobs, Ledger as _, SqliteLedger};
use serde_json::json;
use tempfile::TempDir;

use super::{break_off, fetch_first, fetch_rest, fetched_in_two, run};
use crate::{prepared::Prepared, running::Running};

/// A data folder with a gallery of photos that are held by a worker who is away for a year. Returns the gallery's id.
async fn filled(folder: &TempDir, contents: impl Iterator<Item = Vec<u8>>) -> GalleryId {
    let data = folder.path().join("data");
    fs::create_dir_all(&data).unwrap();
    let ledger = Arc::new(SqliteLedger::open(&data.join("ledger.db")).await.unwrap());
    DiskBlobs::open(data.join("store")).unwrap();
    let now = SystemClock::default().now();
    let gallery = gallery(now);
    let rank = Rank { urgency: Urgency::StandardDelivery, weight: 1.0, since: now, deadline: now, critical_at: now };
    ledger.open_gallery(&gallery, &rank).await.unwrap();
    // As the store lays them out, without the syncs that would make ten thousand files take minutes.
    let photos = contents.zip(0..).map(|(content, number)| {
        let photo = photo(gallery.id, number, &content, now);
        let path = data.join("store").join(Key::Original(photo.original).to_string());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        photo
    });
    let store = |photo: Photo| {
        let ledger = Arc::clone(&ledger);
        let arrival = Arrival { priority: Priority::Medium, cost: 1.0, rank };
        async move { ledger.store_photo(&photo, &arrival).await.unwrap() }
    };
    let count = stream::iter(photos).map(store).buffer_unordered(16).count().await;
    let year = std::time::Duration::from_secs(365 * 24 * 3_600);
    let away = WorkerId("away".to_owned());
    let only = Some(gallery.id);
    let ask = Ask {
        worker: &away,
        region: None,
        count,
        only,
        at: Stages::ALL,
        stages: Stages::ALL,
        now,
        expires_at: now.after(year),
    };
    let held = ledger.claim(&ask).await.unwrap();
    assert_eq!(held.len(), count);
    ledger.close().await;
    gallery.id
}

fn gallery(now: Timestamp) -> Gallery {
    Gallery {
        id: GalleryId::in_studio(StudioId::local(), "large"),
        studio: StudioId::local(),
        title: "A large wedding".to_owned(),
        wedding: None,
        consent: Consent::default(),
        pipeline: PipelineChoice::Auto,
        opened_at: now,
    }
}

fn photo(gallery: GalleryId, number: u32, content: &[u8], now: Timestamp) -> Photo {
    let original = ContentHash::of(content);
    Photo {
        id: PhotoId::of(gallery, &original),
        gallery,
        original,
        bytes: content.len() as u64,
        crc32: Some(crc32fast::hash(content)),
        format: Format::Jpeg,
        width: 100,
        height: 100,
        single_scan: true,
        names: vec![format!("card {}/IMG_{number:05}.JPG", number / 5_000)],
        capture: Capture::default(),
        stored_at: now,
    }
}

/// Bytes that no two numbers share.
fn content(number: u32, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    let mut state = u64::from(number) + 1;
    for piece in bytes.chunks_mut(8) {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        piece.copy_from_slice(&state.to_le_bytes()[..piece.len()]);
    }
    bytes
}

async fn archive_url(service: &Running, gallery: GalleryId) -> (String, u64) {
    let wanted = json!({ "of": { "gallery": true }, "files": "originals" });
    let made = service.post(&format!("/api/v1/galleries/{gallery}/archives"), &wanted).await;
    (format!("{}{}", service.url, made["url"].as_str().unwrap()), made["bytes"].as_u64().unwrap())
}

fn is_sound(archive: &Path) {
    let (is_sound, said) = run("unzip", &["-tqq", archive.to_str().unwrap()]);
    assert!(is_sound, "{said}");
}

/// Over stores in memory: ten thousand files with their folders take a disk a minute to remove.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_photos_by_two_nodes() {
    let (prepared, _) = Prepared::start_in(quick_folder()).await;
    let photos = stream::iter(0..10_000).map(|number| {
        let (prepared, content) = (&prepared, content(number, 900 + number as usize % 300));
        async move { prepared.store(&format!("card/IMG_{number:05}.JPG"), &content).await }
    });
    photos.buffer_unordered(16).count().await;
    let wanted = json!({ "of": { "gallery": true }, "files": "originals" });
    let path = prepared.archive(&wanted).await;
    let file = quick_folder();
    let file = file.path().join("archive.zip");
    let url = format!("{}{path}", prepared.url);
    let whole = tokio::task::block_in_place(|| fetched_in_two(&url, &file, 5_000_000));
    is_sound(&file);
    let (_, listed) = run("unzip", &["-l", file.to_str().unwrap()]);
    assert!(listed.trim_end().ends_with("10000 files"), "{}", &listed[listed.len() - 100..]);
    let url = format!("{}{path}", prepared.another_server().await);
    assert!(tokio::task::block_in_place(|| fetched_in_two(&url, &file, 7)) == whole);
}

/// In memory where the system has such a place: for a ledger that is written ten thousand times.
fn quick_folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_takes_the_memory_of_one_photo_at_a_time_and_goes_on_after_a_crash() {
    const PHOTOS: u64 = 24;
    const LENGTH: u64 = 8 << 20;
    let folder = tempfile::tempdir().unwrap();
    let gallery = filled(&folder, (0..PHOTOS as u32).map(|number| content(number, LENGTH as usize))).await;
    const MEMORY: &str = "PROCESSION__SERVICE__DELIVERY_MEMORY";
    let mut service = Running::start_in(folder, |command| command.env(MEMORY, "64MiB"));
    let (url, bytes) = archive_url(&service, gallery).await;
    assert!(bytes > PHOTOS * LENGTH);
    let before = service.peak_memory_bytes();
    let downloads: Vec<_> = (0..4)
        .map(|number| {
            let (url, path) = (url.clone(), service.path(&format!("{number}.zip")));
            tokio::task::spawn_blocking(move || (fetched_in_two(&url, &path, bytes / 4 * number + 1), path))
        })
        .collect();
    let mut all = Vec::new();
    for download in downloads {
        let (content, path) = download.await.unwrap();
        is_sound(&path);
        fs::remove_file(path).unwrap();
        all.push(ContentHash::of(&content));
    }
    all.dedup();
    assert_eq!(all.len(), 1, "four clients got the same bytes");
    let grown = service.peak_memory_bytes() - before;
    println!("four downloads of {} MB at a time took {} MB of memory", bytes >> 20, grown >> 20);
    assert!(grown < 160 << 20, "{grown} bytes");

    // The server dies in the middle of a download, which goes on when it is back.
    let path = service.path("crash.zip");
    let curl = tokio::task::block_in_place(|| fetch_first(&url, &path, bytes / 2));
    service.kill();
    break_off(curl);
    service.restart();
    let whole = tokio::task::block_in_place(|| fetch_rest(&url, &path));
    assert_eq!(ContentHash::of(&whole), all[0]);
}
