//! A fleet on one machine: workers are started as the queue grows, and let go when it is empty; no photo and no lease is
//! lost over it.
//!
//! `cargo xtask scaling` runs the same with more workers and photos (`PROCESSION_SCALING`), and prints what is written here to
//! `target/scaling/local.json`.

#![allow(clippy::disallowed_methods, reason = "times are measured, and other processes waited for")]

use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    bench::{real_photos, told_apart},
    running::Running,
};

/// What was begun has so long to end; no figure depends on it.
const PATIENCE: Duration = Duration::from_secs(420);

struct Form {
    workers: u64,
    photos: usize,
    /// The scaler may start nobody: then this must fail.
    frozen: bool,
}

impl Form {
    fn asked() -> Self {
        match std::env::var("PROCESSION_SCALING").as_deref() {
            Ok("full") => Self { workers: 10, photos: 1_600, frozen: false },
            Ok("frozen") => Self { workers: 10, photos: 100, frozen: true },
            _ => Self { workers: 3, photos: 400, frozen: false },
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_grows_with_its_queue_and_loses_nothing_when_it_shrinks() {
    let form = Form::asked();
    // All photos wait before anybody works.
    let mut service = Running::start_with(|command| command.args(["--roles", "api"]));
    let gallery = service.open_gallery("Saturday").await;
    let mut photos = form.photos;
    upload(&service, &gallery, 0..photos).await;
    service.restart_with(|command| scaled(command, &form));
    let start = Instant::now();
    let (mut most, mut course) = (0, Vec::new());
    // It grows while there is work, and shrinks when there is none.
    loop {
        let seen = service.get("/api/v1/operations").await;
        let working = count(&seen, "working");
        let waiting: u64 = seen["queue"].as_array().unwrap().iter().map(|of| of["waiting"].as_u64().unwrap()).sum();
        let held: u64 = seen["queue"].as_array().unwrap().iter().map(|of| of["working"].as_u64().unwrap()).sum();
        most = most.max(working);
        let desired = seen["fleets"][0]["desired"].as_u64().unwrap_or(0);
        course.push(json!({ "seconds": start.elapsed().as_secs_f64(), "waiting": waiting, "held": held,
            "workers": working, "desired": desired }));
        // On a machine that is faster than the fleet grows, there is more to do.
        if most < form.workers && waiting < 100 && !form.frozen {
            upload(&service, &gallery, photos..photos + 100).await;
            photos += 100;
            continue;
        }
        let alone = working == 1 && seen["workers"].as_array().unwrap().len() == 1;
        if waiting + held == 0 && alone && (most == form.workers || form.frozen) {
            break;
        }
        assert!(start.elapsed() < PATIENCE, "{seen:#}\n{}", fs::read_to_string(service.path("stderr.txt")).unwrap());
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let status = service.get(&format!("/api/v1/galleries/{gallery}")).await;
    let said = fs::read_to_string(service.path("stderr.txt")).unwrap();
    let lost_leases = said.matches("lease lost").count();
    let report = json!({ "photos": photos, "done": status["progress"]["done"], "most_workers": most,
        "wanted_workers": form.workers, "lost_leases": lost_leases, "back_after_seconds": start.elapsed().as_secs_f64(),
        "course": course });
    write(&report);
    assert_eq!(service.terminate(), 0);
    assert_eq!(report["done"], photos, "{said}");
    assert_eq!((most, lost_leases), (form.workers, 0), "{said}");
}

/// With all roles, and a scaler that is quick enough to be watched.
fn scaled<'a>(command: &'a mut Command, form: &Form) -> &'a mut Command {
    let workers = if form.frozen { 1 } else { form.workers };
    for (key, value) in [
        ("LOCAL_WORKERS", workers.to_string()),
        ("BASE_INSTANCES", "1".to_owned()),
        ("WARM_UP_SECONDS", "5".to_owned()),
        ("GROW_COOL_DOWN_SECONDS", "0".to_owned()),
        ("SHRINK_WINDOW_SECONDS", "10".to_owned()),
        ("SHRINK_AT_PHOTOS", "0".to_owned()),
    ] {
        command.env(format!("PROCESSION__SCALE__{key}"), value);
    }
    // Whatever day it is: it is the queue that decides here.
    for season in ["PEAK", "MODERATE", "OFF"] {
        for (key, value) in
            [("BASE_TIMES", "1"), ("SATURDAY_TIMES", "1"), ("GROW_AT_PHOTOS", "1"), ("GROW_AT_WAIT_MINUTES", "1")]
        {
            command.env(format!("PROCESSION__SCALE__{season}__{key}"), value);
        }
    }
    command
}

async fn upload(service: &Running, gallery: &str, photos: std::ops::Range<usize>) {
    let sources: Vec<Vec<u8>> = real_photos().iter().map(|path| fs::read(path).unwrap()).collect();
    for number in photos {
        let bytes = told_apart(&sources[number % sources.len()], number);
        let name = format!("IMG_{number:04}.jpg");
        let metadata = format!("gallery {},filename {}", STANDARD.encode(gallery), STANDARD.encode(&name));
        let request = service.http.post(format!("{}/files", service.url)).bearer_auth(&service.key);
        let request = request.header("Tus-Resumable", "1.0.0").header("Upload-Length", bytes.len());
        let request = request.header("Content-Type", "application/offset+octet-stream");
        let answer = request.header("Upload-Metadata", metadata).body(bytes).send().await.unwrap();
        assert_eq!(answer.status(), 201, "{name}");
    }
}

fn count(operations: &Value, standing: &str) -> u64 {
    let workers = operations["workers"].as_array().unwrap();
    workers.iter().filter(|worker| worker["standing"] == standing).count() as u64
}

fn write(report: &Value) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/scaling");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("local.json"), report.to_string()).unwrap();
}
