//! The clients that people use, as they come from npm and PyPI.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use procession_domain::{ContentHash, GalleryId, PhotoId};
use serde_json::Value;

use super::{photo, stored_originals};
use crate::running::Running;

const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/service/uploads");
const NODE_MODULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/node_modules");
const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/python");

/// True if a client is not installed, which only somebody who runs `cargo test` by hand may leave so.
fn is_missing(client: &Path) -> bool {
    let is_missing = !client.exists();
    let is_required = std::env::var("PROCESSION_REQUIRE_ALL").is_ok_and(|all| all == "1");
    assert!(!(is_missing && is_required), "{} is missing; run cargo xtask setup", client.display());
    is_missing
}

/// A file of its own for each number, as large as cameras make them now: a photo, and what fills it up.
fn file(service: &Running, number: usize, bytes: usize) -> (PathBuf, Vec<u8>) {
    let mut content = photo(number);
    let mut noise = number as u32 | 1;
    while content.len() < bytes {
        noise ^= noise << 13;
        noise ^= noise >> 17;
        noise ^= noise << 5;
        content.extend(noise.to_le_bytes());
    }
    let path = service.path(&format!("IMG_{number}.jpg"));
    fs::write(&path, &content).unwrap();
    (path, content)
}

fn node(service: &Running, script: &str, gallery: &str) -> Command {
    let mut command = Command::new("node");
    command.arg(Path::new(HERE).join(script)).args([&format!("{}/files", service.url), &service.key, gallery]);
    command
}

fn python(service: &Running, gallery: &str) -> Command {
    let mut command = Command::new("python3");
    command.env("PYTHONPATH", PYTHON).env("PYTHONDONTWRITEBYTECODE", "1").arg(Path::new(HERE).join("tuspy.py"));
    command.args([&format!("{}/files", service.url), &service.key, gallery]);
    command
}

/// Runs a client and returns what it said last.
fn said(command: &mut Command) -> Value {
    let output = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}\n{stdout}\n{stderr}");
    serde_json::from_str(stdout.lines().last().unwrap()).unwrap()
}

fn photo_id(gallery: &str, bytes: &[u8]) -> Value {
    Value::from(PhotoId::of(gallery.parse::<GalleryId>().unwrap(), &ContentHash::of(bytes)).to_string())
}

#[tokio::test]
async fn tus_js_client_uploads_in_every_way_it_has() {
    if is_missing(&Path::new(NODE_MODULES).join("tus-js-client")) {
        return;
    }
    let service = Running::start();
    let gallery = service.open_gallery("tus-js-client").await;
    let ways = ["whole", "with creation", "override", "parallel", "deferred", "chunks", "resumed"];
    for (number, way) in ways.into_iter().enumerate() {
        let (file, bytes) = file(&service, 500 + number, 1_500_000);
        let done = said(node(&service, "tus-js-client.mjs", &gallery).args([&file, &service.path("")]).arg(way));
        assert!(stored_originals(&service).contains(&ContentHash::of(&bytes)), "{way}: {done}");
        assert_eq!(done["done"]["photo"], photo_id(&gallery, &bytes), "{way}: {done}");
    }
    let (file, _) = file(&service, 510, 0);
    let gone = said(node(&service, "tus-js-client.mjs", &gallery).args([&file, &service.path("")]).arg("terminated"));
    let path = gone["done"]["url"].as_str().unwrap().strip_prefix(&service.url).unwrap().to_owned();
    super::head(&service, &path).await.is(404);
    assert_eq!(stored_originals(&service).len(), ways.len());
}

/// The server is killed between two chunks and started again: the client goes on by itself, and the bytes are identical.
#[tokio::test]
async fn tus_js_client_outlives_the_server() {
    if is_missing(&Path::new(NODE_MODULES).join("tus-js-client")) {
        return;
    }
    let mut service = Running::start();
    let gallery = service.open_gallery("killed").await;
    let (file, bytes) = file(&service, 520, 12 << 20);
    let mut command = node(&service, "tus-js-client.mjs", &gallery);
    let mut client = command.args([&file, &service.path("")]).arg("chunks").stdout(Stdio::piped()).spawn().unwrap();
    let mut last = String::new();
    for (count, line) in BufReader::new(client.stdout.take().unwrap()).lines().enumerate() {
        last = line.unwrap();
        if count % 5 == 4 {
            service.restart();
        }
    }
    assert!(client.wait().unwrap().success(), "{last}");
    let done: Value = serde_json::from_str(&last).unwrap();
    assert_eq!(done["done"]["photo"], photo_id(&gallery, &bytes), "{done}");
    assert_eq!(stored_originals(&service), [ContentHash::of(&bytes)].into());
}

#[tokio::test]
async fn uppy_uploads_a_few_files_at_once() {
    if is_missing(&Path::new(NODE_MODULES).join("@uppy/tus")) {
        return;
    }
    let service = Running::start();
    let gallery = service.open_gallery("uppy").await;
    let (files, contents): (Vec<_>, Vec<_>) = (530..538).map(|number| file(&service, number, 400_000)).unzip();
    let pdf = service.path("invoice.jpg");
    fs::write(&pdf, "%PDF-1.7\n").unwrap();
    let said = said(node(&service, "uppy.mjs", &gallery).args(&files).arg(&pdf));
    assert_eq!(said["uploaded"].as_array().unwrap().len(), files.len(), "{said}");
    let photos = said["photos"].as_array().unwrap();
    assert!(contents.iter().all(|bytes| photos.contains(&photo_id(&gallery, bytes))), "{said}");
    assert_eq!(said["reasons"].as_array().unwrap().len(), 1, "{said}");
    let reason = said["reasons"][0]["error"].as_str().unwrap();
    assert!(reason.contains("not_a_photo"), "Uppy shows why: {reason}");
    assert_eq!(stored_originals(&service), contents.iter().map(|bytes| ContentHash::of(bytes)).collect());
}

#[tokio::test]
async fn tuspy_uploads_resumes_and_sums() {
    if is_missing(&Path::new(PYTHON).join("tusclient")) {
        return;
    }
    let service = Running::start();
    let gallery = service.open_gallery("tuspy").await;
    for (number, way) in ["whole", "checksums", "resumed"].into_iter().enumerate() {
        let (file, bytes) = file(&service, 540 + number, 0);
        let done = said(python(&service, &gallery).args([&file, &service.path("")]).arg(way));
        assert_eq!(done["photo"], photo_id(&gallery, &bytes), "{way}: {done}");
        assert!(stored_originals(&service).contains(&ContentHash::of(&bytes)), "{way}");
    }
}
