//! The store in a bucket, against real servers.
#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

#[path = "support/seaweed.rs"]
mod seaweed;

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use procession_domain::{Classified as _, ContentHash, GalleryId, Key, Kind, error::chain};
use procession_vault::{Blobs as _, S3Blobs, S3Options, Secret, blobs::conformance};
use seaweed::{ACCESS_KEY, SECRET_KEY, Seaweed};

fn options(server: &Seaweed, bucket: &str) -> S3Options {
    S3Options::new(&server.endpoint, bucket, Secret::new(ACCESS_KEY), Secret::new(SECRET_KEY))
}

/// Bytes that no two parts of have in common.
fn noise(length: usize) -> Bytes {
    let mut state = 1_u64;
    let words = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 32) as u32
    });
    words.take(length / 4).flat_map(u32::to_le_bytes).collect()
}

#[tokio::test]
async fn it_keeps_every_guarantee() {
    let server = Seaweed::start(&["originals"]).await;
    let store = S3Blobs::open(options(&server, "originals")).await.unwrap();
    conformance::all(Arc::new(store.clone())).await;
    assert!(store.list("probes").await.unwrap().is_empty(), "the probe leaves nothing");

    // A store below a prefix sees nothing of the one that has the whole bucket.
    let below = S3Options { prefix: "studio/a".to_owned(), ..options(&server, "originals") };
    let below = S3Blobs::open(below).await.unwrap();
    assert_ne!(below.identity(), store.identity());
    assert_eq!(below.list("").await.unwrap(), ["procession-store"]);
    conformance::all(Arc::new(below)).await;

    // One store, however it is named.
    let again =
        S3Options { endpoint: server.endpoint.replace("127.0.0.1", "localhost"), ..options(&server, "originals") };
    assert_eq!(S3Blobs::open(again).await.unwrap().identity(), store.identity());
}

#[tokio::test]
async fn a_large_object_goes_in_parts_and_is_never_overwritten() {
    let server = Seaweed::start(&["originals"]).await;
    let store =
        S3Blobs::open(S3Options { storage_class: Some("STANDARD".to_owned()), ..options(&server, "originals") });
    let store = store.await.unwrap();
    let bytes = noise(40_000_000);
    let key = Key::Original(ContentHash::of(&bytes));
    let [one, two] = [store.clone(), store.clone()].map(|store| {
        let (key, bytes) = (key.clone(), bytes.clone());
        tokio::spawn(async move { store.put(&key, bytes).await })
    });
    one.await.unwrap().unwrap();
    two.await.unwrap().unwrap();
    assert_eq!(store.get(&key).await.unwrap(), bytes);
    assert_eq!(store.size(&key).await.unwrap(), Some(40_000_000));
    let other = noise(40_000_004).slice(4..);
    assert_eq!(store.put(&key, other).await.unwrap_err().kind(), Kind::Conflict);
    assert_eq!(store.get(&key).await.unwrap(), bytes);
    store.repair(&key, bytes.clone()).await.unwrap();
    assert_eq!(store.read_back(&key).await.unwrap(), bytes);

    // Writers of different bytes who all found nothing there: one creates the object, the others are told. This server looks and
    // then writes, so that two who end their parts in the same moment may both be told that they created it; what is there is
    // one of theirs, whole. Nothing of Procession's that comes in parts has the same key with other bytes.
    let key = Key::Receipt(GalleryId::named("contended"));
    let writers = (0..4).map(|number| {
        let (store, key, bytes) = (store.clone(), key.clone(), bytes.slice(number..10_000_000 + number));
        tokio::spawn(async move { store.put(&key, bytes.clone()).await.map(|()| bytes) })
    });
    let outcomes: Vec<_> = futures::future::join_all(writers).await.into_iter().map(Result::unwrap).collect();
    let winners: Vec<&Bytes> = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).collect();
    assert!(winners.contains(&&store.get(&key).await.unwrap()), "what is there is nobody's");
    assert!(winners.len() < outcomes.len(), "nobody was told");
    assert!(outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).all(|error| error.kind() == Kind::Conflict));
    assert_eq!(server.open_uploads("originals").await, 0, "nothing is left of uploads that lost");
}

#[tokio::test]
async fn a_server_that_dies_leaves_an_object_whole_or_absent() {
    let mut server = Seaweed::start(&["originals"]).await;
    let limits = S3Options { request_timeout: Duration::from_secs(10), retries: 0, ..options(&server, "originals") };
    let store = S3Blobs::open(limits).await.unwrap();
    for round in [0_u8, 3] {
        let bytes = noise(24_000_000 + usize::from(round) * 4);
        let key = Key::Original(ContentHash::of(&bytes));
        let put = tokio::spawn({
            let (store, key, bytes) = (store.clone(), key.clone(), bytes.clone());
            async move { store.put(&key, bytes).await }
        });
        // At another moment in each round: what happens must not depend on it.
        let _ = tokio::time::timeout(Duration::from_millis(40 * u64::from(round)), std::future::pending::<()>()).await;
        server.kill();
        let outcome = put.await.unwrap();
        let silent = store.get(&key).await.unwrap_err();
        assert_eq!(silent.kind(), Kind::Unavailable, "{}", chain(&silent));
        assert!(chain(&silent).contains(&server.endpoint), "{}", chain(&silent));
        server.restart().await;
        match store.get(&key).await {
            Ok(found) => assert_eq!(found, bytes),
            Err(error) => {
                assert_eq!(error.kind(), Kind::NotFound, "{}", chain(&error));
                assert_eq!(outcome.unwrap_err().kind(), Kind::Unavailable);
            }
        }
        store.put(&key, bytes.clone()).await.unwrap();
        assert_eq!(store.get(&key).await.unwrap(), bytes);
    }
}

#[tokio::test]
async fn what_is_configured_wrongly_is_named() {
    let server = Seaweed::start(&["originals"]).await;
    let right = options(&server, "originals");
    let wrong = [
        (S3Options { secret_key: Secret::new("guessed wrongly"), ..right.clone() }, "`secret_key`"),
        (S3Options { access_key: Secret::new("somebody"), ..right.clone() }, "`access_key`"),
        (S3Options { bucket: "nowhere".to_owned(), ..right.clone() }, "there is no bucket \"nowhere\""),
    ];
    for (options, expected) in wrong {
        let error = S3Blobs::open(options.clone()).await.unwrap_err();
        let text = chain(&error);
        assert_eq!(error.kind(), Kind::Invalid, "{text}");
        assert!(text.contains(expected) && text.contains(&server.endpoint), "{text}");
        for text in [text, format!("{error:?}"), format!("{options:?}")] {
            assert!(!text.contains(SECRET_KEY) && !text.contains("guessed wrongly"), "{text}");
        }
    }
    let none = S3Blobs::open_existing(right.clone()).await.unwrap_err();
    assert!(chain(&none).contains("holds no store"), "{}", chain(&none));
    S3Blobs::open(right.clone()).await.unwrap();
    S3Blobs::open_existing(right).await.unwrap();
    let nobody =
        S3Options { retries: 0, ..S3Options::new("http://127.0.0.1:9", "b", Secret::new("a"), Secret::new("b")) };
    let error = S3Blobs::open(nobody).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable, "{}", chain(&error));
}

/// A service that takes every write, whatever the write demands: what no real server here can be made to do.
fn careless_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut objects = std::collections::HashMap::<String, Vec<u8>>::new();
        for stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(stream);
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") && reader.read_until(b'\n', &mut head).unwrap_or(0) > 0 {}
            let head = String::from_utf8_lossy(&head).to_lowercase();
            let [method, target, ..] = head.split(' ').collect::<Vec<_>>()[..] else { continue };
            let length = head.split_once("content-length: ").map_or("0", |(_, rest)| rest.lines().next().unwrap());
            let mut body = vec![0; length.parse().unwrap()];
            reader.read_exact(&mut body).unwrap();
            let list = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>".to_owned().into_bytes();
            let (status, body) = match method {
                "put" => (200, objects.insert(target.to_owned(), body).map(|_| Vec::new()).unwrap_or_default()),
                "get" if target.contains("list-type") => (200, list),
                "get" => objects.get(target).map_or((404, Vec::new()), |body| (200, body.clone())),
                _ => (200, Vec::new()),
            };
            let head = format!(
                "HTTP/1.1 {status} Answer\r\ncontent-length: {}\r\netag: \"1\"\r\nconnection: close\r\n\
                 last-modified: Thu, 26 Nov 2026 10:00:00 GMT\r\n\r\n",
                body.len()
            );
            let _ = reader.get_mut().write_all(&[head.into_bytes(), body].concat());
        }
    });
    endpoint
}

#[tokio::test]
async fn a_service_that_ignores_a_condition_is_refused() {
    let options = S3Options::new(&careless_server(), "b", Secret::new("a"), Secret::new("b"));
    let error = S3Blobs::open(options).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Invalid, "{}", chain(&error));
    assert!(chain(&error).contains("If-None-Match"), "{}", chain(&error));
}
