//! Workers that do a part of a photo's life each, in processes of their own: what comes out is what one worker makes, bit for bit,
//! whoever is killed on the way, and what was found of faces goes when the consent goes.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use procession_vault::{Ledger as _, PostgresLedger, PostgresOptions};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    bench::{real_photos, told_apart},
    postgres::Server,
    running::Running,
    sample::{finished, until, upload_photo, with_models},
};

const LOOKING: &str = "ai_analysis,face_recognition,moment_detection";
const COMPRESSION: &str = "compression";
const PHOTOS: usize = 18;

/// A service without workers, and what workers of other processes share with it.
struct Divided {
    api: Running,
    _ledger: Server,
    url: String,
    store: tempfile::TempDir,
}

impl Divided {
    fn start() -> Self {
        let (ledger, store) = (Server::start(&["fsync=off"]), tempfile::tempdir().unwrap());
        let url = ledger.database("procession");
        let api = Running::start_with(|command| {
            shared(with_models(command), &url, store.path()).args(["--roles", "api,controller"])
        });
        Self { api, _ledger: ledger, url, store }
    }

    /// A worker that offers these stages. One that only compresses has no models.
    fn worker(&self, stages: &str) -> Running {
        Running::start_with(|command| {
            let command = if stages == COMPRESSION { command } else { with_models(command) };
            let command = command.env("PROCESSION__WORKER__STAGES", stages).args(["--roles", "worker"]);
            shared(command.args(["--threads", "1"]), &self.url, self.store.path())
        })
    }

    /// Waits until the installation looks like this.
    async fn until(&self, is_so: impl Fn(&Value) -> bool) -> Value {
        until(&self.api, "/api/v1/operations", |_, operations| is_so(operations)).await
    }
}

/// Leases are short, so that the dead are missed soon.
fn shared<'a>(command: &'a mut Command, ledger: &str, store: &Path) -> &'a mut Command {
    command.env("PROCESSION__LEDGER", ledger).env("PROCESSION__STORES", store).env("PROCESSION__LEASE_SECONDS", "3")
}

/// A gallery with consent for faces. Returns its id.
async fn gallery(service: &Running) -> String {
    let wanted = json!({
        "title": "Divided",
        // Ids are made of it.
        "name": "divided",
        "consent": { "faces": true },
        "wedding": { "date": "2026-06-20", "time_zone": "Europe/Rome" },
    });
    let gallery = service.post("/api/v1/galleries", &wanted).await["id"].as_str().unwrap().to_owned();
    let sources: Vec<Vec<u8>> = real_photos().iter().map(|path| fs::read(path).unwrap()).collect();
    for number in 0..PHOTOS {
        let bytes = told_apart(&sources[number % sources.len()], number);
        upload_photo(service, &gallery, &format!("IMG_{number:04}.jpg"), bytes).await;
    }
    gallery
}

/// The gallery's document without what is different each time: addresses and times.
async fn document(service: &Running, gallery: &str) -> Value {
    let mut document = service.get(&format!("/api/v1/galleries/{gallery}/album")).await;
    for field in ["opened_at", "deadline", "finished_at"] {
        document[field].take();
    }
    for photo in document["photos"].as_array_mut().unwrap() {
        photo["timings"].take();
        photo["files"].as_array_mut().unwrap().iter_mut().for_each(|file| drop(file["path"].take()));
    }
    document
}

/// Every variant in a store, by its place, with its bytes.
fn variants(store: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![store.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.strip_prefix(store).unwrap().starts_with("variants") {
                found.insert(entry.strip_prefix(store).unwrap().to_owned(), fs::read(&entry).unwrap());
            }
        }
    }
    found
}

fn waiting(operations: &Value) -> u64 {
    operations["queue"].as_array().unwrap().iter().map(|of| of["waiting"].as_u64().unwrap()).sum()
}

fn working(operations: &Value) -> u64 {
    operations["queue"].as_array().unwrap().iter().map(|of| of["working"].as_u64().unwrap()).sum()
}

/// Photos that nobody can finish, as the installation says.
fn unoffered(operations: &Value) -> Vec<&str> {
    operations["gaps"].as_array().unwrap().iter().map(|gap| gap["reason"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn specialists_make_what_one_worker_makes_though_they_are_killed() {
    let whole = Running::start_with(with_models);
    let wanted = gallery(&whole).await;
    finished(&whole, &wanted).await;

    let divided = Divided::start();
    let found = gallery(&divided.api).await;
    let mut looks = divided.worker(LOOKING);
    // Nobody compresses: that is said, and nothing is promised.
    let all = format!("nobody offers compression; {PHOTOS} photos wait for it");
    let seen = divided.until(|operations| unoffered(operations) == [all.as_str()]).await;
    assert!(seen["galleries"].as_array().unwrap().iter().all(|gallery| gallery["finishes_at"].is_null()), "{seen:#}");
    assert_eq!(seen["workers"][0]["stages"], json!(["ai_analysis", "face_recognition", "moment_detection"]));
    let status = divided.api.get(&format!("/api/v1/galleries/{found}/status")).await;
    assert!(status["reason"].as_str().unwrap().contains("a kind of worker that the service does not have"), "{status}");
    // Whoever looks is killed while it does, and so is whoever compresses.
    looks.kill();
    let _looks = divided.worker(LOOKING);
    let mut compresses = divided.worker(COMPRESSION);
    let done = |operations: &Value| PHOTOS as u64 - waiting(operations) - working(operations);
    divided.until(|operations| done(operations) >= 3).await;
    compresses.kill();
    let _compresses = divided.worker(COMPRESSION);
    finished(&divided.api, &found).await;

    let [wanted, found] = [document(&whole, &wanted).await, document(&divided.api, &found).await];
    assert_eq!(wanted["photos"].as_array().unwrap().len(), PHOTOS);
    assert!(!wanted["guests"].as_array().unwrap().is_empty() && !wanted["moments"].as_array().unwrap().is_empty());
    assert_eq!(serde_json::to_string_pretty(&found).unwrap(), serde_json::to_string_pretty(&wanted).unwrap());
    let [wanted, found] = [variants(&whole.path("data/store")), variants(divided.store.path())];
    assert!(wanted.len() >= PHOTOS && wanted.keys().collect::<BTreeSet<_>>() == found.keys().collect::<BTreeSet<_>>());
    assert!(wanted == found, "the same names, and other bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_found_of_faces_goes_with_the_consent_and_is_made_up_for_when_it_comes_back() {
    let divided = Divided::start();
    let found = gallery(&divided.api).await;
    let _looks = divided.worker(LOOKING);
    let all = format!("nobody offers compression; {PHOTOS} photos wait for it");
    let ledger = PostgresLedger::open(&divided.url, PostgresOptions::default()).await.unwrap();
    let id = found.parse().unwrap();
    // All were looked at, and wait for somebody who compresses.
    divided.until(|operations| unoffered(operations) == [all.as_str()] && working(operations) == 0).await;
    while ledger.backlog().await.unwrap()[0].waiting_at[3] < PHOTOS as u64 {
        divided.until(|operations| working(operations) == 0).await;
    }
    assert!(!ledger.embeddings(id).await.unwrap().is_empty());
    let path = format!("/api/v1/galleries/{found}");
    let consent = async |faces: bool| {
        let change = json!({ "consent": { "faces": faces } });
        let answer = divided.api.request(Method::PATCH, &path).json(&change).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    };
    consent(false).await;
    assert!(ledger.embeddings(id).await.unwrap().is_empty());
    // Whoever compresses sends them back to be recognised.
    consent(true).await;
    assert!(ledger.embeddings(id).await.unwrap().is_empty());
    let _compresses = divided.worker(COMPRESSION);
    finished(&divided.api, &found).await;
    assert!(!ledger.embeddings(id).await.unwrap().is_empty());
    let guests = divided.api.get(&format!("/api/v1/galleries/{found}/guests")).await;
    assert!(!guests["items"].as_array().unwrap().is_empty());
}

/// Whoever only answers, or only compresses, takes no memory for models.
#[tokio::test(flavor = "multi_thread")]
async fn only_who_looks_loads_the_models() {
    let divided = Divided::start();
    let (looks, compresses) = (divided.worker(LOOKING), divided.worker(COMPRESSION));
    let has_loaded = |service: &Running| {
        fs::read_to_string(format!("/proc/{}/maps", service.process_id())).unwrap().contains("onnxruntime")
    };
    assert_eq!([&looks, &compresses, &divided.api].map(has_loaded), [true, false, false]);
}
