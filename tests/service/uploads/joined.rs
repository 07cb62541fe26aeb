//! One photo in parallel parts.

use super::{Answer, assert_stored, head, metadata, patch, photo, spooled, tus};
use crate::running::Running;

async fn part(service: &Running, bytes: &[u8]) -> String {
    let length = bytes.len().to_string();
    let headers = [("Upload-Length", &*length), ("Upload-Concat", "partial")];
    let path = tus(service, "POST", "/files", &headers, "").await.is(201).location();
    let last = patch(service, &path, 0, bytes).await.is(204);
    assert!(last.header("procession-photo").is_none(), "a part is no photo");
    path
}

async fn join(service: &Running, gallery: &str, parts: &[&str]) -> Answer {
    let concat = format!("final;{}", parts.join(" "));
    let metadata = metadata(&[("gallery", gallery), ("filename", "joined.jpg")]);
    tus(service, "POST", "/files", &[("Upload-Concat", &*concat), ("Upload-Metadata", &metadata)], "").await
}

#[tokio::test]
async fn parts_become_a_photo_in_their_order() {
    let service = Running::start();
    let gallery = service.open_gallery("parts").await;
    let bytes = photo(100);
    let third = bytes.len() / 3;
    let parts = futures::future::join_all(bytes.chunks(third + 1).map(|bytes| part(&service, bytes))).await;
    let paths: Vec<&str> = parts.iter().map(String::as_str).collect();
    let url = format!("{}{}", service.url, paths[1]);
    let mixed = [paths[0], &url, paths[2]];
    let joined = join(&service, &gallery, &mixed).await.is(201);
    assert_stored(&service, &gallery, &joined, &bytes);
    assert_eq!(joined.number("upload-offset"), bytes.len() as u64);
    assert!(spooled(&service).is_empty());

    let whole = head(&service, &joined.location()).await.is(200);
    assert_eq!(
        (whole.number("upload-offset"), whole.number("upload-length")),
        (bytes.len() as u64, bytes.len() as u64)
    );
    assert_eq!(whole.header("upload-concat"), Some(&*format!("final;{}", mixed.join(" "))));
    let first = head(&service, paths[0]).await.is(200);
    assert_eq!((first.number("upload-offset"), first.header("upload-concat")), (third as u64 + 1, Some("partial")));
    patch(&service, &joined.location(), bytes.len(), b"").await.refuses(403, "final_upload");

    // A client that lost the answer asks again and gets the same; other uploads of these parts are too late.
    let again = join(&service, &gallery, &mixed).await.is(201);
    assert_eq!(again.location(), joined.location());
    assert_stored(&service, &gallery, &again, &bytes);
    join(&service, &gallery, &[paths[1], paths[0]]).await.refuses(410, "expired");
}

#[tokio::test]
async fn only_complete_parts_of_one_s_own_are_joined() {
    let service = Running::start();
    let gallery = service.open_gallery("parts").await;
    let bytes = photo(101);
    let complete = part(&service, &bytes[..1_000]).await;
    let headers = [("Upload-Length", "1000"), ("Upload-Concat", "partial")];
    let open = tus(&service, "POST", "/files", &headers, "").await.is(201).location();
    join(&service, &gallery, &[&complete, &open]).await.refuses(409, "conflict");
    join(&service, &gallery, &[&complete, "/files/0123456789abcdef0123456789abcdef"]).await.refuses(404, "not_found");
    join(&service, &gallery, &[]).await.refuses(400, "malformed");
    let whole = super::begin(&service, &gallery, "whole.jpg", 10).await.location();
    join(&service, &gallery, &[&complete, &whole]).await.refuses(400, "malformed");
    let concat = format!("final;{complete}");
    let metadata = metadata(&[("gallery", &gallery), ("filename", "x.jpg")]);
    let headers = [("Upload-Concat", &*concat), ("Upload-Metadata", &metadata), ("Upload-Length", "1000")];
    tus(&service, "POST", "/files", &headers, "").await.refuses(400, "malformed");
    // What was refused can be done right.
    patch(&service, &open, 0, &bytes[1_000..2_000]).await.is(204);
    let rest = part(&service, &bytes[2_000..]).await;
    let joined = join(&service, &gallery, &[&complete, &open, &rest]).await.is(201);
    assert_stored(&service, &gallery, &joined, &bytes);
}

#[tokio::test]
async fn parts_that_are_no_photo_are_refused_together() {
    let service = Running::start();
    let gallery = service.open_gallery("parts").await;
    let (one, two) = (part(&service, b"%PDF-1.7").await, part(&service, b"\nendobj\n").await);
    join(&service, &gallery, &[&one, &two]).await.refuses(422, "not_a_photo");
    join(&service, &gallery, &[&one, &two]).await.refuses(422, "not_a_photo");
    // The same part twice is twice in the photo.
    let bytes = photo(102);
    let (start, twice) = (part(&service, &bytes).await, part(&service, &[0; 500]).await);
    let joined = join(&service, &gallery, &[&start, &twice, &twice]).await.is(201);
    assert_stored(&service, &gallery, &joined, &[&bytes[..], &[0; 1_000]].concat());
}
