//! Archives: what is in them, that they are always the same bytes or none, and what people unpack them with.

#[path = "archives/large.rs"]
mod large;

use std::{
    collections::BTreeMap,
    fs,
    io::Read as _,
    path::Path,
    process::{Child, Command, Stdio},
};

use procession_domain::{
    Key,
    analysis::{Analysis, Face, Region},
    capture::{Capture, CaptureTime},
    photo::Photo,
    recipe::OutputFormat::{Jpeg, WebP},
};
use procession_vault::Blobs as _;
use procession_web::access::{Scope, create_key};
use reqwest::Response;
use serde_json::{Value, json};

use crate::{
    bench::files_below,
    delivery::{header, problem},
    prepared::{HOUR, Made, Prepared},
};

/// Runs a program, whose success it returns with what it printed.
fn run(program: &str, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(program).args(arguments).env("LC_ALL", "C.UTF-8").output();
    let output =
        output.unwrap_or_else(|cause| panic!("{program} cannot be run ({cause}); `cargo xtask setup` brings it"));
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

/// Fetches the first bytes of a file with curl, which waits in the middle of it.
fn fetch_first(url: &str, to: &Path, first: u64) -> Child {
    let mut curl = Command::new("curl").args(["--silent", url]).stdout(Stdio::piped()).spawn().unwrap();
    let mut sent = curl.stdout.as_mut().unwrap().take(first);
    assert_eq!(std::io::copy(&mut sent, &mut fs::File::create(to).unwrap()).unwrap(), first);
    curl
}

/// Ends a curl that waits.
fn break_off(mut curl: Child) {
    drop(curl.stdout.take());
    // It fails, because nobody takes the rest, unless that was on its way already.
    let _ = curl.wait();
}

/// Fetches the rest of a file with another curl. Returns all of it.
fn fetch_rest(url: &str, to: &Path) -> Vec<u8> {
    let path = to.to_str().unwrap();
    let (is_done, said) = run("curl", &["--silent", "--fail", "--continue-at", "-", "--output", path, url]);
    assert!(is_done, "{said}");
    fs::read(to).unwrap()
}

fn fetched_in_two(url: &str, to: &Path, first: u64) -> Vec<u8> {
    break_off(fetch_first(url, to, first));
    fetch_rest(url, to)
}

/// The files of an archive by name, as unzip unpacks them. It must have nothing to complain about.
fn unpacked(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("archive.zip");
    fs::write(&path, archive).unwrap();
    let (is_whole, said) = run("unzip", &["-tqq", path.to_str().unwrap()]);
    assert!(is_whole, "{said}");
    let into = folder.path().join("unpacked");
    let (is_unpacked, said) = run("unzip", &["-q", path.to_str().unwrap(), "-d", into.to_str().unwrap()]);
    assert!(is_unpacked, "{said}");
    let read = |name: String| (name.clone(), fs::read(into.join(name)).unwrap());
    files_below(&into).into_iter().map(read).collect()
}

const SQUARE: Made<'static> = ("square-256", Jpeg, (256, 256), b"a square");

impl Prepared {
    /// A photo with images of two sizes, told apart by its number.
    async fn numbered(&self, name: &str, number: u8) -> Photo {
        let photo = self.store(name, &[b"original".as_slice(), &[number; 100_000]].concat()).await;
        self.finish_numbered(&photo, number).await;
        photo
    }

    async fn finish_numbered(&self, photo: &Photo, number: u8) {
        let full = [b"full".as_slice(), &[number; 50_000]].concat();
        let web = [b"web".as_slice(), &[number; 20_000]].concat();
        let made = [
            ("full", Jpeg, (3_000, 2_000), full.as_slice()),
            ("2048", WebP, (2_048, 1_365), b"webp"),
            ("2048", Jpeg, (2_048, 1_365), web.as_slice()),
            SQUARE,
        ];
        self.finish(photo, &made).await;
    }

    async fn ask(&self, wanted: &Value) -> Response {
        let (documents, now) = (&self.service.documents, self.service.system.clock.now());
        let (_, key) = create_key(documents, self.gallery.studio, "test", [Scope::Read], now).await.unwrap();
        let url = format!("{}/api/v1/galleries/{}/archives", self.url, self.gallery.id);
        self.http.post(url).bearer_auth(key).json(wanted).send().await.unwrap()
    }

    /// The address of an archive.
    pub(crate) async fn archive(&self, wanted: &Value) -> String {
        let answer = self.ask(wanted).await;
        let status = answer.status();
        let made: Value = answer.json().await.unwrap();
        assert_eq!(status, 201, "{made}");
        made["url"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn an_archive_has_the_files_that_were_asked_for() {
    let (prepared, _) = Prepared::start().await;
    prepared.numbered("day/IMG_1.JPG", 1).await;
    let second = prepared.numbered("other/IMG_1.jpg", 2).await;
    let third = prepared.numbered("day/Müller.cr2", 3).await;
    let start = |content: &[u8]| String::from_utf8_lossy(&content[..content.len() - 20_000]).into_owned();
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    for (files, photos, expected) in [
        ("originals", json!({ "gallery": true }), "original"),
        ("full", json!({ "gallery": true }), "full"),
        ("web", json!({ "photos": [third.id, second.id, third.id] }), "web"),
    ] {
        let answer = prepared.ask(&json!({ "of": photos, "files": files })).await;
        let made: Value = answer.json().await.unwrap();
        let archive = prepared.get(made["url"].as_str().unwrap(), &[]).await;
        assert_eq!((archive.status().as_u16(), header(&archive, "content-type")), (200, "application/zip"));
        assert_eq!(header(&archive, "content-length"), made["bytes"].to_string());
        assert_eq!(header(&archive, "accept-ranges"), "bytes");
        assert!(header(&archive, "cache-control").starts_with("private, max-age="));
        let name = header(&archive, "content-disposition").to_owned();
        let files = unpacked(&archive.bytes().await.unwrap());
        assert_eq!(made["photos"].as_u64().unwrap(), files.len() as u64);
        assert!(files.values().all(|content| start(content).starts_with(expected)));
        if expected == "web" {
            assert!(name.contains("\"Anna _ Ben - 2 photos.zip\""), "{name}");
            assert_eq!(names(&files), [format!("IMG_1-{}.jpg", &second.id.to_string()[..8]), "Müller.jpg".to_owned()]);
        } else {
            assert_eq!(files.len(), 3);
            let extension = if expected == "full" { "jpg" } else { "cr2" };
            assert!(files.contains_key(&format!("Müller.{extension}")), "{:?}", names(&files));
        }
    }
}

#[tokio::test]
async fn what_cannot_be_in_an_archive_is_said() {
    let (prepared, _) = Prepared::start().await;
    let whole = json!({ "gallery": true });
    assert_eq!(problem(prepared.ask(&json!({ "of": whole, "files": "full" })).await).await.0, 422);
    let photo = prepared.store("IMG_1.jpg", b"an original").await;
    let answer = problem(prepared.ask(&json!({ "of": whole, "files": "full" })).await).await;
    assert_eq!(answer, (409, "not_finished".to_owned()));
    let originals = prepared.archive(&json!({ "of": whole, "files": "originals" })).await;
    assert_eq!(unpacked(&prepared.get(&originals, &[]).await.bytes().await.unwrap())["IMG_1.jpg"], b"an original");
    prepared.finish(&photo, &[SQUARE]).await;
    assert_eq!(problem(prepared.ask(&json!({ "of": whole, "files": "web" })).await).await.0, 422);
    for (of, status) in [
        (json!({ "photos": ["0123456789abcdef01234567"] }), 404),
        (json!({ "photos": [] }), 422),
        (json!({ "moment": 7 }), 404),
        (json!({ "guest": format!("{}-0", photo.id) }), 404),
        (json!({ "gallery": false }), 422),
        (json!("everything"), 422),
    ] {
        let answer = problem(prepared.ask(&json!({ "of": of, "files": "originals" })).await).await;
        assert_eq!(answer.0, status, "{of}: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_download_goes_on_on_any_node() {
    let (prepared, _) = Prepared::start().await;
    for number in 0..5 {
        prepared.numbered(&format!("IMG_{number}.jpg"), number).await;
    }
    let wanted = json!({ "of": { "gallery": true }, "files": "originals" });
    let path = prepared.archive(&wanted).await;
    assert_eq!(prepared.archive(&wanted).await, path, "the same photos have the same address");
    let url = format!("{}{path}", prepared.url);
    let whole = prepared.get(&path, &[]).await.bytes().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("archive.zip");
    let length = whole.len() as u64;
    for first in [1, 30, 31, 99_999, 100_100, length / 2, length - 1] {
        let fetched = tokio::task::block_in_place(|| fetched_in_two(&url, &file, first));
        assert!(fetched == whole, "broken off after {first}");
    }
    // Another process, that never heard of the archive, has the same bytes.
    let other = prepared.another_server().await;
    let etag = header(&prepared.get(&path, &[]).await, "etag").to_owned();
    let half = format!("bytes={}-", length / 2);
    let request = prepared.http.get(format!("{other}{path}")).header("range", &half).header("if-range", &etag);
    let rest = request.send().await.unwrap();
    assert_eq!(rest.status(), 206);
    assert_eq!(rest.bytes().await.unwrap(), whole[whole.len() / 2..]);
    // A photo that comes later does not change what was promised.
    prepared.numbered("IMG_6.jpg", 6).await;
    prepared.clock.advance(HOUR / 30);
    assert_eq!(prepared.get(&path, &[]).await.bytes().await.unwrap(), whole);
    assert_ne!(prepared.archive(&wanted).await, path);
}

#[tokio::test]
async fn an_address_of_an_archive_ends_rather_than_changes() {
    let (prepared, _) = Prepared::start().await;
    let photos = [prepared.numbered("IMG_1.jpg", 1).await, prepared.numbered("IMG_2.jpg", 2).await];
    let full = prepared.archive(&json!({ "of": { "gallery": true }, "files": "full" })).await;
    let originals = prepared.archive(&json!({ "of": { "gallery": true }, "files": "originals" })).await;
    assert_eq!(problem(prepared.get(&full.replace("/z/", "/z/a"), &[]).await).await.0, 403);
    let (token, _) = full.rsplit_once('/').unwrap();
    assert_eq!(prepared.get(&format!("{token}/any%20name.zip"), &[]).await.status(), 200);
    let other = originals.split('.').nth(1).unwrap().split('/').next().unwrap();
    let signature = full.split('.').next().unwrap();
    assert_eq!(problem(prepared.get(&format!("{signature}.{other}/a.zip"), &[]).await).await.0, 403);

    let whole = prepared.get(&full, &[]).await.bytes().await.unwrap();
    prepared.service.system.ledger.redo_photos(&[photos[1].id]).await.unwrap();
    prepared.clock.advance(HOUR / 30);
    assert_eq!(problem(prepared.get(&full, &[]).await).await, (503, "being_made".to_owned()));
    assert_eq!(prepared.get(&originals, &[]).await.status(), 200);
    let made = [("full", Jpeg, (3_000, 2_000), b"by another recipe".as_slice())];
    prepared.finish(&photos[1], &made).await;
    prepared.clock.advance(HOUR / 30);
    assert_eq!(problem(prepared.get(&full, &[]).await).await, (410, "replaced".to_owned()));
    let again = prepared.archive(&json!({ "of": { "gallery": true }, "files": "full" })).await;
    assert_ne!(prepared.get(&again, &[]).await.bytes().await.unwrap(), whole);

    let (ledger, now) = (&prepared.service.system.ledger, prepared.service.system.clock.now());
    ledger.remove_gallery(prepared.gallery.id, now, now).await.unwrap();
    prepared.clock.advance(HOUR / 30);
    assert_eq!(problem(prepared.get(&originals, &[]).await).await, (410, "replaced".to_owned()));
    prepared.clock.advance(2 * HOUR);
    assert_eq!(problem(prepared.get(&originals, &[]).await).await, (410, "expired".to_owned()));
}

#[tokio::test]
async fn a_damaged_file_breaks_the_download_and_is_never_sent() {
    let (prepared, stores) = Prepared::start().await;
    let photos = [prepared.numbered("IMG_1.jpg", 1).await, prepared.numbered("IMG_2.jpg", 2).await];
    let full = prepared.archive(&json!({ "of": { "gallery": true }, "files": "full" })).await;
    let whole = prepared.get(&full, &[]).await.bytes().await.unwrap();
    let key = Prepared::key(&photos[1], "full", Jpeg);
    let mut rotten = stores[0].get(&key).await.unwrap().to_vec();
    rotten[40_000] ^= 1;
    stores[0].repair(&key, rotten.clone().into()).await.unwrap();
    assert_eq!(prepared.get(&full, &[]).await.bytes().await.unwrap(), whole, "the other store heals it");
    for store in &stores {
        store.repair(&key, rotten.clone().into()).await.unwrap();
    }
    let mut answer = prepared.get(&full, &[]).await;
    assert_eq!(answer.status(), 200);
    let mut sent = Vec::new();
    let broken = loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => sent.extend_from_slice(&chunk),
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    assert!(broken, "the client sees that it is not complete");
    assert!(whole.starts_with(&sent) && sent.len() < whole.len() - 50_000, "{} bytes", sent.len());
    // It is made again, and then the download goes on.
    prepared.finish_numbered(&photos[1], 2).await;
    prepared.clock.advance(HOUR / 30);
    let rest = prepared.get(&full, &[("range", &format!("bytes={}-", sent.len()))]).await;
    assert_eq!(rest.status(), 206);
    assert_eq!(rest.bytes().await.unwrap(), whole[sent.len()..]);
}

#[tokio::test]
async fn checksums_that_are_not_known_are_computed_once() {
    let (prepared, stores) = Prepared::start().await;
    let old = async |name: &str, content: &[u8]| {
        let photo = Photo { crc32: None, ..prepared.photo(name, content) };
        prepared.store_as(photo, content).await
    };
    let photo = old("IMG_1.jpg", b"an original of old").await;
    let wanted = json!({ "of": { "gallery": true }, "files": "originals" });
    let path = prepared.archive(&wanted).await;
    assert_eq!(unpacked(&prepared.get(&path, &[]).await.bytes().await.unwrap())["IMG_1.jpg"], b"an original of old");
    for store in &stores {
        store.delete(&Key::Original(photo.original)).await.unwrap();
    }
    assert_eq!(prepared.archive(&wanted).await, path, "nothing is read for it again");
    let unknown = old("IMG_2.jpg", b"lost").await;
    for store in &stores {
        store.delete(&Key::Original(unknown.original)).await.unwrap();
    }
    assert_eq!(problem(prepared.ask(&wanted).await).await.0, 404);
}

#[tokio::test]
async fn a_moment_and_a_guest_have_archives_of_their_own() {
    let (prepared, _) = Prepared::start().await;
    let mut photos = Vec::new();
    for (name, hour, is_guest) in [("morning", 9, true), ("evening", 20, true), ("night", 21, false)] {
        let local = jiff::civil::date(2026, 6, 20).at(hour, 0, 0, 0);
        let capture = Capture { taken: Some(CaptureTime { local, offset_minutes: None }), ..Capture::default() };
        let photo = Photo { capture, ..prepared.photo(&format!("{name}.jpg"), name.as_bytes()) };
        let photo = prepared.store_as(photo, name.as_bytes()).await;
        let made = [("2048", Jpeg, (2_048, 1_365), name.as_bytes())];
        let analysis = Analysis { faces: Some(is_guest.then(face).into_iter().collect()), ..Analysis::default() };
        prepared.finish_as(&photo, &made, analysis).await;
        photos.push(photo);
    }
    let files = async |of: Value, by_moment: bool| {
        let wanted = json!({ "of": of, "files": "web", "by_moment": by_moment });
        let path = prepared.archive(&wanted).await;
        let archive = unpacked(&prepared.get(&path, &[]).await.bytes().await.unwrap());
        archive.into_keys().collect::<Vec<_>>()
    };
    assert_eq!(files(json!({ "moment": 0 }), false).await, ["morning.jpg"]);
    assert_eq!(files(json!({ "moment": 1 }), false).await, ["evening.jpg", "night.jpg"]);
    assert_eq!(files(json!({ "guest": format!("{}-0", photos[1].id) }), false).await, ["evening.jpg", "morning.jpg"]);
    let folders = files(json!({ "gallery": true }), true).await;
    assert!(folders[0].starts_with("01 ") && folders[0].ends_with("/morning.jpg"), "{folders:?}");
    assert!(folders[1].starts_with("02 ") && folders[2].starts_with("02 "), "{folders:?}");
}

/// The one guest.
fn face() -> Face {
    let region = Region { x: 0.25, y: 0.25, width: 0.5, height: 0.5 };
    Face { region, score: 0.9, landmarks: [[0.5; 2]; 5], expression: None, embedding: Some(vec![0.1; 128]) }
}
