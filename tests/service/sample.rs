//! Real photos in a gallery of the service.

use std::{fs, path::PathBuf, process::Command, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use procession_domain::ContentHash;
use reqwest::Response;
use serde_json::{Value, json};

use crate::running::Running;

/// Real photos by people who gave them away: see the ORIGIN.md beside them.
const PHOTOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/photos");

/// The service with the models that the set-up fetched.
pub(crate) fn with_models(command: &mut Command) -> &mut Command {
    match std::env::var_os("PROCESSION_MODELS") {
        Some(folder) => command.env("PROCESSION_MODELS", folder),
        None => command.env_remove("PROCESSION_MODELS"),
    }
}

pub(crate) fn real_photos() -> Vec<PathBuf> {
    let mut photos: Vec<PathBuf> = fs::read_dir(PHOTOS).unwrap().map(|entry| entry.unwrap().path()).collect();
    photos.retain(|path| path.extension().is_some_and(|extension| extension == "jpg"));
    photos.sort();
    photos
}

/// Uploads a file with a key, in one request.
pub(crate) async fn upload(service: &Running, key: &str, gallery: &str, name: &str, bytes: Vec<u8>) -> Response {
    let metadata = format!("gallery {},filename {}", STANDARD.encode(gallery), STANDARD.encode(name));
    let request = service.http.post(format!("{}/files", service.url)).bearer_auth(key);
    let request = request.header("Tus-Resumable", "1.0.0").header("Content-Type", "application/offset+octet-stream");
    let request = request.header("Upload-Length", bytes.len()).header("Upload-Metadata", metadata);
    request.body(bytes).send().await.unwrap()
}

/// Uploads a photo and returns its id.
pub(crate) async fn upload_photo(service: &Running, gallery: &str, name: &str, bytes: Vec<u8>) -> String {
    let answer = upload(service, &service.key, gallery, name, bytes).await;
    assert_eq!(answer.status(), 201);
    answer.headers()["procession-photo"].to_str().unwrap().to_owned()
}

/// Asks again and again until what comes back is what is wanted.
pub(crate) async fn until(service: &Running, path: &str, is_wanted: impl Fn(u16, &Value) -> bool) -> Value {
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    for _ in 0..1_200 {
        tick.tick().await;
        let answer = service.request(reqwest::Method::GET, path).send().await.unwrap();
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap_or_default();
        if is_wanted(status, &body) {
            return body;
        }
    }
    panic!("{path} did not become what was wanted");
}

/// Waits until every photo of a gallery is finished and owed nothing.
pub(crate) async fn finished(service: &Running, gallery: &str) {
    let is_finished = |_, gallery: &Value| {
        let progress = &gallery["progress"];
        ["waiting", "working", "owing"].iter().all(|count| progress[*count] == 0)
    };
    until(service, &format!("/api/v1/galleries/{gallery}"), is_finished).await;
}

/// A gallery of real photos, finished; guests are known where the service has models. Returns its id.
pub(crate) async fn gallery_of_real_photos(service: &Running, title: &str) -> String {
    let wanted = json!({
        "title": title,
        "consent": { "faces": true },
        "wedding": { "date": "2026-06-20", "time_zone": "Europe/Rome" },
    });
    let gallery = service.post("/api/v1/galleries", &wanted).await["id"].as_str().unwrap().to_owned();
    for path in real_photos() {
        let name = format!("card/{}", path.file_name().unwrap().to_str().unwrap());
        upload_photo(service, &gallery, &name, fs::read(path).unwrap()).await;
    }
    finished(service, &gallery).await;
    gallery
}

/// Where the service keeps an original.
pub(crate) fn original_path(service: &Running, bytes: &[u8]) -> PathBuf {
    let key = procession_domain::Key::Original(ContentHash::of(bytes));
    service.path("data/store").join(key.to_string())
}
