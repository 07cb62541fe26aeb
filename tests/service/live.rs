//! A gallery is watched while it is made: its status, its events, the operations page's figures.

use std::{fs, process::Command, time::Duration};

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::running::Running;

/// Server-sent events as they come, read by hand: field lines, an empty line after each event.
pub(crate) struct Events {
    answer: Response,
    text: String,
}

impl Events {
    pub(crate) async fn of(service: &Running, gallery: &str) -> Self {
        let path = format!("/api/v1/galleries/{gallery}/events");
        let answer = service.request(Method::GET, &path).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Self { answer, text: String::new() }
    }

    /// The next event: name and data. None at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
                let event = (field("event: "), field("data: "));
                self.text = rest.to_owned();
                if let (Some(name), Some(data)) = event {
                    return Some((name, serde_json::from_str(&data).unwrap()));
                }
                continue;
            }
            self.text.push_str(std::str::from_utf8(&self.answer.chunk().await.ok()??).unwrap());
        }
    }

    /// Every event up to the first for which this holds, that one last.
    pub(crate) async fn until(&mut self, found: impl Fn(&str, &Value) -> bool) -> Vec<(String, Value)> {
        let mut seen = Vec::new();
        while let Some((name, data)) = self.next().await {
            let is_it = found(&name, &data);
            seen.push((name, data));
            if is_it {
                return seen;
            }
        }
        panic!("the stream ended: {seen:?}");
    }

    pub(crate) async fn until_done(&mut self, photos: usize) {
        for _ in 0..photos {
            self.until(|name, _| name == "photo_done").await;
        }
    }
}

/// The photos of the repository as a gallery of the service's: `process` and `serve` share a data folder.
fn process(service: &Running, arguments: &[&str]) -> Vec<Value> {
    let photos = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/photos");
    let out = service.path("out");
    let output = Command::new(env!("CARGO_BIN_EXE_procession"))
        .args(["process", photos, "--json", "--out"])
        .arg(out)
        .args(arguments)
        .env("PROCESSION_DATA", service.path("data"))
        .env("PROCESSION_MODELS", service.path("no-models"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A service that finds a finished gallery of three photos from an earlier run, and the gallery's id.
pub(crate) fn over_a_finished_gallery() -> (Running, String) {
    let mut service = Running::start();
    assert_eq!(service.terminate(), 0);
    let told = process(&service, &[]);
    service.restart();
    let gallery = told.iter().find_map(|event| event["gallery"].as_str()).unwrap().to_owned();
    (service, gallery)
}

/// Has every photo of a gallery made anew.
pub(crate) async fn redo(service: &Running, gallery: &str, pipeline: &str) {
    let path = format!("/api/v1/galleries/{gallery}");
    let change = json!({ "pipeline": pipeline });
    let answer = service.request(Method::PATCH, &path).json(&change).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
}

#[tokio::test]
async fn a_gallery_is_watched_until_it_is_finished() {
    let (mut service, gallery) = over_a_finished_gallery();
    let path = format!("/api/v1/galleries/{gallery}/status");
    let before = service.get(&path).await;
    assert_eq!((&before["state"], &before["delivery"]), (&json!("done"), &json!("delivered")));
    assert_eq!(before["reason"], "3 photos finished");
    let mut events = Events::of(&service, &gallery).await;
    assert_eq!(events.next().await, Some(("status".to_owned(), before)));
    redo(&service, &gallery, "high_resolution_portraits").await;
    let seen = events.until(|name, data| name == "status" && data["state"] == "done").await;
    let named = |wanted: &str| seen.iter().filter(|(name, _)| name == wanted).map(|(_, data)| data).collect::<Vec<_>>();
    assert_eq!(named("photo_done").len(), 3);
    assert!(
        named("photo_done")
            .iter()
            .all(|done| done["gallery"] == gallery && done["pipeline"] == "high_resolution_portraits")
    );
    assert!(named("status").iter().any(|status| status["state"] == "processing"), "{seen:?}");
    let [finished] = named("gallery_finished")[..] else { panic!("{seen:?}") };
    assert_eq!(finished["progress"]["done"], 3);
    let status = service.get(&path).await;
    assert_eq!(status["finishes_at"], finished["finished_at"]);
    assert_eq!(status["slack_seconds"], finished["slack_seconds"]);
    assert!(status["reason"].as_str().unwrap().starts_with("3 photos finished; 23 h 59 min to spare"), "{status}");

    // It is told once, until there is something new to finish.
    redo(&service, &gallery, "reception_photos").await;
    let seen =
        events.until(|name, data| name == "gallery_finished" && data["finished_at"] != finished["finished_at"]).await;
    assert_eq!(seen.iter().filter(|(name, _)| name == "gallery_finished").count(), 1);
    assert_eq!(seen.iter().filter(|(name, _)| name == "photo_done").count(), 3);

    // A shutdown ends the stream, and does not wait for whoever watches.
    let id = service.process_id().to_string();
    assert!(Command::new("kill").arg(id).status().unwrap().success());
    while events.next().await.is_some() {}
    assert_eq!(service.terminate(), 0);
}

#[tokio::test]
async fn what_a_killed_service_did_not_tell_is_told_by_the_next() {
    let (mut service, gallery) = over_a_finished_gallery();
    let mut events = Events::of(&service, &gallery).await;
    redo(&service, &gallery, "high_resolution_portraits").await;
    // Nothing is told to be finished before five seconds without an event.
    events.until_done(3).await;
    service.kill();
    service.restart();
    let mut events = Events::of(&service, &gallery).await;
    let seen = events.until(|name, _| name == "gallery_finished").await;
    assert_eq!(seen.last().unwrap().1["progress"]["done"], 3);
}

#[tokio::test]
async fn operators_see_the_installation_and_no_names() {
    let (service, gallery) = over_a_finished_gallery();
    let mut events = Events::of(&service, &gallery).await;
    redo(&service, &gallery, "high_resolution_portraits").await;
    events.until_done(3).await;
    // The worker says that it is there beside its work, and what is known may be half a second old.
    let operations = loop {
        let operations = service.get("/api/v1/operations").await;
        if operations["workers"].as_array().is_some_and(|workers| !workers.is_empty()) {
            break operations;
        }
    };
    let classes: Vec<&str> =
        operations["queue"].as_array().unwrap().iter().map(|class| class["urgency"].as_str().unwrap()).collect();
    assert_eq!(classes, ["same_day_wedding", "next_day_delivery", "standard_delivery"]);
    assert_eq!(operations["workers"].as_array().unwrap().len(), 1);
    assert_eq!(operations["clusters"][0]["healthy"], true);
    assert!(operations["throughput"]["photos_last_minute"].as_u64().unwrap() >= 3);
    let stages: Vec<&str> =
        operations["latency"].as_array().unwrap().iter().map(|stage| stage["stage"].as_str().unwrap()).collect();
    assert_eq!(stages, ["fetch", "decode", "vision", "render", "store", "total"]);
    assert!(operations["latency"][5]["p99_seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(operations["pipelines"]["high_resolution_portraits"], 3);
    let store = &operations["stores"][0];
    assert_eq!((store["healthy"].as_bool(), store["replicas"].as_u64()), (Some(true), Some(1)));
    assert!(store["free_bytes"].as_u64() <= store["total_bytes"].as_u64());
    assert!(operations["decisions"].as_array().unwrap().iter().any(|decision| decision["kind"] == "rank"));
    let text = operations.to_string();
    assert!(!text.contains("obama") && !text.contains("biden"), "{text}");
    let stranger = service.http.get(format!("{}/api/v1/operations", service.url)).send().await.unwrap();
    assert_eq!(stranger.status(), 401);
}

#[tokio::test]
async fn readiness_is_tried_and_not_believed() {
    let service = Running::start();
    let ask = async |path: &str| {
        let answer = service.http.get(format!("{}{path}", service.url)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    assert_eq!(ask("/livez").await, (200, "ok\n".to_owned()));
    let (status, text) = ask("/readyz").await;
    assert_eq!(status, 200, "{text}");
    // The disk is not mounted any more.
    let (store, away) = (service.path("data/store"), service.path("data/away"));
    fs::rename(&store, &away).unwrap();
    let until = async |wanted: u16| loop {
        match ask("/readyz").await {
            (status, text) if status == wanted => break text,
            // An answer is given again for a second.
            _ => tokio::time::timeout(Duration::from_millis(100), std::future::pending::<()>()).await.unwrap_err(),
        };
    };
    let text = until(503).await;
    let body: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&body["ready"], &body["wrong"]), (&json!(false), &json!(["store 1 does not answer"])));
    assert!(!text.contains(service.path("data").to_str().unwrap()), "no folder is named: {text}");
    let operations = service.get("/api/v1/operations").await;
    assert_eq!(operations["stores"][0]["healthy"], false);
    assert!(operations["stores"][0]["problem"].as_str().unwrap().contains(store.to_str().unwrap()));
    assert_eq!(ask("/livez").await.0, 200);
    fs::rename(&away, &store).unwrap();
    until(200).await;
}
