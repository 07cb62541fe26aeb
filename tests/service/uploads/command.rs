//! `procession upload`: folders to the service, through kills of either side.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader},
    os::unix::process::ExitStatusExt as _,
    path::Path,
    process::{Command, Output, Stdio},
    time::{Duration, Instant, SystemTime},
};

use procession_domain::ContentHash;
use serde_json::Value;

use super::{photo, stored_originals};
use crate::{
    bench::{assert_exit, files_below},
    running::Running,
};

/// `procession upload card --to …`, with a data folder of the client's own.
fn upload(service: &Running, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_procession"));
    command
        .args(["upload", "--to", &service.url])
        .arg(service.path("card"))
        .args(more)
        .env("PROCESSION_KEY", &service.key)
        .env("PROCESSION_DATA", service.path("client"))
        .env("NO_COLOR", "1");
    command
}

/// Puts photos on the card, in folders, each with bytes of its own.
fn fill_card(service: &Running, count: usize, extra_bytes: usize) -> BTreeSet<ContentHash> {
    let mut hashes = BTreeSet::new();
    for number in 0..count {
        let mut bytes = photo(1_000 + number);
        bytes.resize(bytes.len() + extra_bytes, number as u8);
        hashes.insert(ContentHash::of(&bytes));
        let folder = service.path(&format!("card/{}", number % 3));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("IMG_{number:04}.jpg")), bytes).unwrap();
    }
    hashes
}

fn events(output: &Output, name: &str) -> Vec<Value> {
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let events = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.filter(|event| event["event"] == name).collect()
}

/// Every photo of the card is in the gallery exactly once, and in the store as it was.
async fn assert_complete(service: &Running, gallery: &str, expected: &BTreeSet<ContentHash>) {
    assert_eq!(&stored_originals(service), expected);
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let page = service.get(&format!("/api/v1/galleries/{gallery}/photos?limit=100{after}")).await;
        let items = page["items"].as_array().unwrap();
        found.extend(items.iter().map(|item| item["original"].as_str().unwrap().parse::<ContentHash>().unwrap()));
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(found.len(), expected.len(), "each photo is there exactly once");
    assert_eq!(&found.into_iter().collect::<BTreeSet<_>>(), expected);
    for hash in expected {
        let path = service.path("data/store").join(procession_domain::Key::Original(*hash).to_string());
        assert_eq!(ContentHash::of(&fs::read(&path).unwrap()), *hash, "{}", path.display());
    }
}

fn gallery(output: &Output) -> String {
    events(output, "gallery_opened")[0]["gallery"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_folder_of_three_hundred_ends_with_its_receipt() {
    let service = Running::start();
    let expected = fill_card(&service, 300, 0);
    fs::write(service.path("card/invoice.jpg"), "%PDF-1.7\n").unwrap();
    fs::write(service.path("card/notes.txt"), "remember the rings").unwrap();
    let paper = service.path("receipt.json");
    let output = upload(&service, &["--json", "--receipt"]).arg(&paper).output().unwrap();
    assert_exit(&output, 1);
    let refused = events(&output, "file_refused");
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!((&refused[0]["name"], &refused[0]["code"]), (&"invoice.jpg".into(), &"not_a_photo".into()));
    assert_eq!(events(&output, "file_skipped")[0]["name"], "notes.txt");
    assert_complete(&service, &gallery(&output), &expected).await;
    let shown = service.get(&format!("/api/v1/galleries/{}/photos?limit=1", gallery(&output))).await;
    assert!(shown["items"][0]["name"].as_str().unwrap().contains("/IMG_"), "paths are kept: {shown}");

    // The same again sends nothing but what was refused.
    let again = upload(&service, &["--json"]).output().unwrap();
    assert_exit(&again, 1);
    assert_eq!((events(&again, "photo_known").len(), events(&again, "photo_stored").len()), (300, 0));
    assert_eq!(gallery(&again), gallery(&output));
    // Without the two, the card may be formatted.
    fs::remove_file(service.path("card/invoice.jpg")).unwrap();
    fs::remove_file(service.path("card/notes.txt")).unwrap();
    let mut check = Command::new(env!("CARGO_BIN_EXE_procession"));
    check.args(["receipt", "check"]).arg(&paper).arg(service.path("card"));
    assert_exit(&check.output().unwrap(), 0);
}

/// A small generator, so that a seed tells the whole story (Steele, Lea and Flood: SplitMix64).
struct Random(u64);

impl Random {
    fn seeded() -> Self {
        let seed = std::env::var("PROCESSION_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(now_nanos);
        println!("PROCESSION_TEST_SEED={seed}");
        Self(seed)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound.max(1)
    }
}

#[allow(clippy::disallowed_methods, reason = "a seed is drawn from real time")]
fn now_nanos() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64
}

#[allow(clippy::disallowed_methods, reason = "moments of a kill are drawn from real time")]
fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// How long one uninterrupted run takes here.
#[allow(clippy::disallowed_methods, reason = "moments of a kill are drawn from real time")]
fn whole_run(count: usize, extra_bytes: usize) -> Duration {
    let service = Running::start();
    fill_card(&service, count, extra_bytes);
    let start = Instant::now();
    assert_exit(&upload(&service, &["--quiet", "--part", "1"]).output().unwrap(), 0);
    start.elapsed()
}

/// The client is killed at a dozen random moments; whatever it had done, the last run completes it. The moments are drawn from
/// the length of a whole run, so most kills come in its middle, whatever the machine's speed.
#[tokio::test]
async fn a_killed_client_goes_on_where_it_was() {
    let mut random = Random::seeded();
    let whole = whole_run(30, 3 << 20);
    let service = Running::start();
    let expected = fill_card(&service, 30, 3 << 20);
    let mut killed = 0;
    for _ in 0..12 {
        let mut client =
            upload(&service, &["--quiet", "--part", "1", "--parallel", "4"]).stderr(Stdio::null()).spawn().unwrap();
        pause(Duration::from_micros(random.below(whole.as_micros() as u64 / 6)));
        client.kill().unwrap();
        killed += u32::from(client.wait().unwrap().signal() == Some(9));
    }
    assert!(killed > 0);
    let last = upload(&service, &["--json", "--part", "1"]).output().unwrap();
    assert_exit(&last, 0);
    assert_complete(&service, &gallery(&last), &expected).await;
    let (known, stored) = (events(&last, "photo_known").len(), events(&last, "photo_stored").len());
    println!("{killed} kills; the last run found {known} photos and sent {stored}");
    assert_eq!(known + stored, expected.len());
}

/// The server is killed again and again under a client, which goes on by itself.
#[tokio::test]
async fn a_client_outlives_the_server() {
    let mut random = Random::seeded();
    let mut service = Running::start();
    let expected = fill_card(&service, 40, 2 << 20);
    let mut client =
        upload(&service, &["--json", "--part", "1"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = Vec::new();
    let mut stored = 0;
    for line in BufReader::new(client.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if line.contains("\"photo_stored\"") {
            stored += 1;
            if stored % 8 == 4 {
                pause(Duration::from_micros(random.below(50_000)));
                service.restart();
            }
        }
        lines.push(line);
    }
    let status = client.wait().unwrap();
    let stdout = (lines.join("\n") + "\n").into_bytes();
    let output = Output { status, stdout, stderr: Vec::new() };
    assert_exit(&output, 0);
    assert_complete(&service, &gallery(&output), &expected).await;
}

/// What a killed client had begun is continued, and not begun again.
#[tokio::test]
async fn parts_that_were_begun_are_continued() {
    let service = Running::start();
    let mut bytes = photo(2_000);
    bytes.resize(40 << 20, 7);
    fs::create_dir(service.path("card")).unwrap();
    fs::write(service.path("card/large.jpg"), &bytes).unwrap();
    let mut client = upload(&service, &["--quiet", "--part", "1"]).stderr(Stdio::null()).spawn().unwrap();
    let begun = || -> BTreeSet<String> {
        let parts = files_below(&service.path("data/uploads/open")).into_iter();
        parts.filter_map(|name| name.strip_suffix(".data").map(str::to_owned)).collect()
    };
    assert!(super::eventually(|| begun().len() >= 8).await);
    client.kill().unwrap();
    client.wait().unwrap();
    let before = begun();
    let output = upload(&service, &["--json", "--part", "1"]).output().unwrap();
    assert_exit(&output, 0);
    assert_complete(&service, &gallery(&output), &[ContentHash::of(&bytes)].into()).await;
    let ended = files_below(&service.path("data/uploads/done"));
    let continued = before.iter().filter(|id| ended.contains(&format!("{id}.json"))).count();
    // Of each that was sent at the moment of the kill the client may not yet have heard that it was begun.
    assert!(continued + 4 >= before.len(), "{continued} of {} parts were continued", before.len());
    assert!(files_below(&service.path("client")).is_empty(), "nothing is left to remember");
}

#[tokio::test]
async fn what_shrinks_travels_smaller_and_is_stored_as_it_was() {
    let service = Running::start();
    fs::create_dir(service.path("card")).unwrap();
    let (tiff, jpeg) = (gradient_tiff(1_200, 800), photo(2_100));
    fs::write(service.path("card/scan.tif"), &tiff).unwrap();
    fs::write(service.path("card/photo.jpg"), &jpeg).unwrap();
    let output = upload(&service, &["--json", "--coding", "lepton"]).output().unwrap();
    assert_exit(&output, 0);
    assert_complete(&service, &gallery(&output), &[ContentHash::of(&tiff), ContentHash::of(&jpeg)].into()).await;
    for (name, coding) in [("scan.tif", "zstd"), ("photo.jpg", "lepton")] {
        let stored = events(&output, "photo_stored");
        let stored = stored.iter().find(|event| event["name"] == name).unwrap();
        assert_eq!(stored["coding"], coding, "{stored}");
        let (sent, bytes) = (stored["sent"].as_u64().unwrap(), stored["bytes"].as_u64().unwrap());
        assert!(sent < bytes * 9 / 10, "{stored}");
    }
}

/// An uncompressed RGB TIFF (TIFF 6.0, baseline), as scanners and editors write them.
fn gradient_tiff(width: u32, height: u32) -> Vec<u8> {
    let pixels = width * height * 3;
    let mut tiff = b"II*\0".to_vec();
    tiff.extend((8 + pixels).to_le_bytes());
    tiff.extend((0..height).flat_map(|y| (0..width).flat_map(move |x| [(x / 5) as u8, (y / 4) as u8, 90])));
    let directory = 8 + pixels;
    let bits_at = directory + 2 + 9 * 12 + 4;
    let entries: [(u16, u16, u32, u32); 9] = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 3, bits_at),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, 1, 8),
        (277, 3, 1, 3),
        (278, 4, 1, height),
        (279, 4, 1, pixels),
    ];
    tiff.extend(9_u16.to_le_bytes());
    for (tag, kind, count, value) in entries {
        tiff.extend(tag.to_le_bytes());
        tiff.extend(kind.to_le_bytes());
        tiff.extend(count.to_le_bytes());
        tiff.extend(value.to_le_bytes());
    }
    tiff.extend(0_u32.to_le_bytes());
    tiff.extend([8_u16; 3].iter().flat_map(|bits| bits.to_le_bytes()));
    tiff
}

#[tokio::test]
async fn what_cannot_work_is_said_at_once() {
    let service = Running::start();
    fill_card(&service, 1, 0);
    let wrong = format!("pk_{}_{}", "0".repeat(24), "A".repeat(43));
    let output = upload(&service, &[]).env("PROCESSION_KEY", wrong).output().unwrap();
    assert_exit(&output, 2);
    assert!(stderr(&output).contains("401 unauthenticated"), "{}", stderr(&output));
    let output = upload(&service, &[]).env_remove("PROCESSION_KEY").output().unwrap();
    assert_exit(&output, 2);
    assert!(stderr(&output).contains("--key"), "{}", stderr(&output));
    let nobody = Running::start().url.clone();
    let mut command = Command::new(env!("CARGO_BIN_EXE_procession"));
    command.args(["upload", "--to", &nobody, "--key", &service.key]).arg(service.path("card"));
    let output = command.env("PROCESSION_DATA", service.path("client")).output().unwrap();
    assert_exit(&output, 2);
    assert!(stderr(&output).contains(&format!("{nobody} cannot go on")), "{}", stderr(&output));
    assert!(Path::new(&service.path("card/0/IMG_0000.jpg")).exists());
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
