//! Uploads: the protocol to the letter, real clients, crashes of either side, and clients that mean harm.

#[path = "uploads/clients.rs"]
mod clients;
#[path = "uploads/codings.rs"]
mod codings;
#[path = "uploads/command.rs"]
mod command;
#[path = "uploads/crash.rs"]
mod crash;
#[path = "uploads/hostile.rs"]
mod hostile;
#[path = "uploads/joined.rs"]
mod joined;
#[path = "uploads/protocol.rs"]
mod protocol;

use std::fs;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use procession_domain::{ContentHash, GalleryId, Key, PhotoId};
use reqwest::{Method, header::HeaderMap};
use serde_json::Value;

use crate::{
    bench::{files_below, real_photos, told_apart},
    running::Running,
};

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn number(&self, name: &str) -> u64 {
        self.header(name).unwrap_or_else(|| panic!("no {name}: {self:?}")).parse().unwrap()
    }

    /// The code of a problem.
    fn code(&self) -> String {
        let problem: Value = serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no problem: {self:?}"));
        problem["code"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn refuses(self, status: u16, code: &str) -> Self {
        let answer = self.is(status);
        assert_eq!(answer.code(), code, "{answer:?}");
        answer
    }

    /// The path of the upload that was begun.
    pub(crate) fn location(&self) -> String {
        self.header("location").unwrap_or_else(|| panic!("no location: {self:?}")).to_owned()
    }
}

/// A request of tus.
pub(crate) async fn tus(
    service: &Running,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<reqwest::Body>,
) -> Answer {
    let mut request = service.request(Method::from_bytes(method.as_bytes()).unwrap(), path);
    if !headers.iter().any(|(name, _)| *name == "Tus-Resumable") {
        request = request.header("Tus-Resumable", "1.0.0");
    }
    for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
        request = request.header(*name, *value);
    }
    let answer = request.body(body).send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let answer = Answer { status, headers, text: answer.text().await.unwrap() };
    assert_eq!(answer.header("tus-resumable"), Some("1.0.0"), "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer:?}");
    answer
}

/// `Upload-Metadata`.
pub(crate) fn metadata(pairs: &[(&str, &str)]) -> String {
    pairs.iter().map(|(key, value)| format!("{key} {}", STANDARD.encode(value))).collect::<Vec<_>>().join(",")
}

/// Begins an upload of so many bytes.
pub(crate) async fn begin(service: &Running, gallery: &str, name: &str, length: usize) -> Answer {
    let metadata = metadata(&[("gallery", gallery), ("filename", name)]);
    tus(service, "POST", "/files", &[("Upload-Length", &length.to_string()), ("Upload-Metadata", &metadata)], "").await
}

pub(crate) async fn patch(service: &Running, path: &str, offset: usize, bytes: &[u8]) -> Answer {
    let headers = [("Upload-Offset", &*offset.to_string()), ("Content-Type", "application/offset+octet-stream")];
    tus(service, "PATCH", path, &headers, bytes.to_vec()).await
}

pub(crate) async fn head(service: &Running, path: &str) -> Answer {
    tus(service, "HEAD", path, &[], "").await
}

/// A photo that no other test has.
pub(crate) fn photo(number: usize) -> Vec<u8> {
    let photos = real_photos();
    told_apart(&fs::read(&photos[number % photos.len()]).unwrap(), number)
}

/// Asserts that these bytes are a photo of the gallery, in the store, and under its answer's id.
fn assert_stored(service: &Running, gallery: &str, answer: &Answer, bytes: &[u8]) {
    let hash = ContentHash::of(bytes);
    let id = PhotoId::of(gallery.parse::<GalleryId>().unwrap(), &hash);
    assert_eq!(answer.header("procession-photo"), Some(&*id.to_string()), "{answer:?}");
    let stored = service.path("data/store").join(Key::Original(hash).to_string());
    assert!(fs::read(&stored).unwrap() == bytes, "{} has other bytes", stored.display());
}

/// The hashes of all originals in the store.
pub(crate) fn stored_originals(service: &Running) -> std::collections::BTreeSet<ContentHash> {
    let folder = service.path("data/store/originals");
    let found = if folder.exists() { files_below(&folder) } else { Default::default() };
    found.iter().map(|path| path.rsplit('/').next().unwrap().parse().unwrap()).collect()
}

/// The files that the spool has.
fn spooled(service: &Running) -> Vec<String> {
    files_below(&service.path("data/uploads/open")).into_iter().collect()
}

/// Waits until something is so; false if it is not within a minute.
async fn eventually(mut is_so: impl FnMut() -> bool) -> bool {
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(20));
    for _ in 0..3_000 {
        if is_so() {
            return true;
        }
        ticks.tick().await;
    }
    false
}
