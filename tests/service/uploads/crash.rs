//! The server dies in the middle of an upload, in every way.

use std::{collections::BTreeSet, fs};

use procession_domain::ContentHash;
use serde_json::Value;

use super::{assert_stored, begin, eventually, head, patch, photo, spooled, stored_originals, tus};
use crate::running::Running;

/// Bytes that came before the kill are there after it, and a photo that was complete is stored by the start itself.
#[tokio::test]
async fn a_killed_server_goes_on_where_it_was() {
    let mut service = Running::start();
    let gallery = service.open_gallery("killed").await;
    let bytes = photo(300);
    let path = begin(&service, &gallery, "1.jpg", bytes.len()).await.location();
    patch(&service, &path, 0, &bytes[..123_456]).await.is(204);
    service.restart();
    assert_eq!(head(&service, &path).await.is(200).number("upload-offset"), 123_456);
    // Killed while a request stands open.
    let connection = super::hostile::stalled_patch(&service, &path, 123_456, bytes.len() - 123_456);
    service.restart();
    drop(connection);
    let offset = head(&service, &path).await.is(200).number("upload-offset") as usize;
    assert!(offset >= 123_456);
    let last = patch(&service, &path, offset, &bytes[offset..]).await.is(204);
    assert_stored(&service, &gallery, &last, &bytes);
    // How it ended is remembered by the next process too.
    service.restart();
    assert_stored(&service, &gallery, &head(&service, &path).await.is(200), &bytes);
}

/// A service that is told to stop does not wait for a slow client: what came is kept, and the client is told to come again.
#[tokio::test]
async fn a_service_that_ends_keeps_what_came() {
    let mut service = Running::start();
    let gallery = service.open_gallery("drained").await;
    let bytes = photo(305);
    let path = begin(&service, &gallery, "1.jpg", bytes.len()).await.location();
    let mut connection = super::hostile::stalled_patch(&service, &path, 0, bytes.len());
    std::io::Write::write_all(&mut connection, &bytes[..1_000]).unwrap();
    assert_eq!(service.terminate(), 0);
    let told = super::hostile::read_answer(&mut connection);
    assert!(told.starts_with("HTTP/1.1 503 ") && told.contains("retry-after: "), "{told}");
    service.restart();
    let offset = head(&service, &path).await.is(200).number("upload-offset") as usize;
    assert!(offset <= 1_000, "{offset}");
    let last = patch(&service, &path, offset, &bytes[offset..]).await.is(204);
    assert_stored(&service, &gallery, &last, &bytes);
}

/// The last byte was written, and nothing else was done: what a kill between the two leaves.
#[tokio::test]
async fn complete_bytes_become_photos_at_the_start() {
    let mut service = Running::start();
    let gallery = service.open_gallery("complete").await;
    let mut expected = BTreeSet::new();
    let mut paths = Vec::new();
    for number in 310..318 {
        let bytes = photo(number);
        let path = begin(&service, &gallery, "x.jpg", bytes.len()).await.location();
        patch(&service, &path, 0, &bytes[..bytes.len() - 1]).await.is(204);
        service.kill();
        let id = path.rsplit('/').next().unwrap();
        fs::write(service.path(&format!("data/uploads/open/{id}.data")), &bytes).unwrap();
        service.restart();
        expected.insert(ContentHash::of(&bytes));
        paths.push(path);
    }
    assert!(eventually(|| stored_originals(&service) == expected).await);
    for path in paths {
        head(&service, &path).await.is(200).header("procession-photo").unwrap();
    }
    assert!(eventually(|| spooled(&service).is_empty()).await);
}

/// Bytes under a checksum that was never held against them do not count.
#[tokio::test]
async fn what_was_not_verified_is_sent_again() {
    let mut service = Running::start();
    let gallery = service.open_gallery("unverified").await;
    let bytes = photo(321);
    let path = begin(&service, &gallery, "1.jpg", bytes.len()).await.location();
    patch(&service, &path, 0, &bytes[..1_000]).await.is(204);
    let sum = "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=";
    let more = format!("Upload-Checksum: {sum}\r\n");
    let mut connection = super::hostile::stalled_patch_with(&service, &path, 1_000, bytes.len() - 1_000, &more);
    // Enough for it to be written, and not all.
    std::io::Write::write_all(&mut connection, &vec![9; 300_000]).unwrap();
    let file = service.path(&format!("data/uploads/open/{}.data", path.rsplit('/').next().unwrap()));
    assert!(eventually(|| fs::metadata(&file).unwrap().len() > 1_000).await);
    service.restart();
    assert_eq!(head(&service, &path).await.is(200).number("upload-offset"), 1_000);
    let last = patch(&service, &path, 1_000, &bytes[1_000..]).await.is(204);
    assert_stored(&service, &gallery, &last, &bytes);
}

#[tokio::test]
async fn an_upload_that_nobody_continues_is_gone() {
    let mut service = Running::start();
    let gallery = service.open_gallery("expired").await;
    let path = begin(&service, &gallery, "1.jpg", 1_000).await.location();
    patch(&service, &path, 0, &[7; 100]).await.is(204);
    service.kill();
    // A week passes.
    let record = service.path(&format!("data/uploads/open/{}.json", path.rsplit('/').next().unwrap()));
    let mut upload: Value = serde_json::from_slice(&fs::read(&record).unwrap()).unwrap();
    upload["expires_at"] = Value::from("2020-01-01T00:00:00Z");
    fs::write(&record, upload.to_string()).unwrap();
    service.restart();
    let told = head(&service, &path).await.status;
    assert!(matches!(told, 404 | 410), "{told}");
    let told = patch(&service, &path, 100, &[7; 10]).await.status;
    assert!(matches!(told, 404 | 410), "{told}");
    assert!(eventually(|| spooled(&service).is_empty()).await, "it is swept");
    head(&service, &path).await.is(404);
}

/// The store is away: the bytes stay, the client is told to come again, and nothing has to be sent twice.
#[tokio::test]
async fn bytes_wait_for_the_vault() {
    let service = Running::start();
    let gallery = service.open_gallery("vault").await;
    let bytes = photo(330);
    let path = begin(&service, &gallery, "1.jpg", bytes.len()).await.location();
    let (store, away) = (service.path("data/store"), service.path("data/store-is-away"));
    fs::rename(&store, &away).unwrap();
    fs::write(&store, "in the way").unwrap();
    let refused = patch(&service, &path, 0, &bytes).await.refuses(503, "unavailable");
    assert!(refused.number("retry-after") > 0);
    head(&service, &path).await.is(423);
    patch(&service, &path, bytes.len(), b"").await.refuses(503, "unavailable");
    fs::remove_file(&store).unwrap();
    fs::rename(&away, &store).unwrap();
    let last = patch(&service, &path, bytes.len(), b"").await.is(204);
    assert_stored(&service, &gallery, &last, &bytes);
    tus(&service, "DELETE", &path, &[], "").await.is(204);
    assert!(stored_originals(&service).contains(&ContentHash::of(&bytes)), "a photo outlives its upload");
}
