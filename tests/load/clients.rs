//! Who uses the deployment: photographers who upload with `procession upload`, all at once, and people who look how far it is.

use std::{
    collections::BTreeMap,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures::future::join_all;
use procession_domain::Timestamp;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::{deployment::Deployment, photos::Card, watch::Watch};

/// From an answer to the next question.
const PAUSE: Duration = Duration::from_millis(50);
/// By how much clients give way to the deployment: anywhere else they start, read and hash on processors of their own.
const CLIENT_NICENESS: &str = "10";
/// A question has so long.
const REQUEST: Duration = Duration::from_secs(30);

/// How an upload went.
#[derive(Clone, Debug, Default)]
pub(crate) struct Uploaded {
    /// The gallery's id.
    pub(crate) gallery: String,
    /// When the receipt was here.
    pub(crate) receipt_at: Option<Timestamp>,
    /// Photos that were acknowledged.
    pub(crate) stored: usize,
    /// How often something did not get through at once.
    pub(crate) waits: usize,
    /// What went wrong, in the client's words; empty if it ended with 0.
    pub(crate) failures: Vec<String>,
}

/// Sends all cards at the same time. What was acknowledged is deleted here: the disk has to hold it three times already.
pub(crate) async fn upload(
    deployment: &Deployment,
    cards: &[Card],
    watch: &Watch,
    sent: &AtomicUsize,
) -> Vec<Uploaded> {
    join_all(cards.iter().enumerate().map(|(number, card)| one(deployment, number, card, watch, sent))).await
}

async fn one(deployment: &Deployment, number: usize, card: &Card, watch: &Watch, sent: &AtomicUsize) -> Uploaded {
    let mut client = tokio::process::Command::new("nice")
        .args(["-n", CLIENT_NICENESS])
        .arg(deployment.binary())
        .arg("upload")
        .arg(&card.folder)
        .args([
            "--to",
            &deployment.api.url,
            "--gallery",
            &format!("load {number}"),
            "--title",
            &format!("Load {number}"),
        ])
        .args(["--wedding-date", &card.wedding, "--time-zone", "Etc/UTC", "--consent", "faces=yes"])
        // All of it is one machine: what is saved on the way would be taken from the workers.
        .args(["--coding", "none", "--json"])
        .env("PROCESSION_KEY", deployment.key())
        .env("PROCESSION_DATA", deployment.folder.path().join(format!("client-{number}")))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    client.id().inspect(|id| watch.add("client", *id));
    let mut lines = BufReader::new(client.stdout.take().unwrap()).lines();
    let mut uploaded = Uploaded::default();
    while let Some(line) = lines.next_line().await.unwrap() {
        let event: Value = serde_json::from_str(&line).unwrap_or_default();
        match event["event"].as_str().unwrap_or_default() {
            "gallery_opened" => uploaded.gallery = event["gallery"].as_str().unwrap_or_default().to_owned(),
            "photo_stored" => {
                uploaded.stored += 1;
                sent.fetch_add(1, Ordering::Relaxed);
                let _ = std::fs::remove_file(card.folder.join(event["name"].as_str().unwrap_or_default()));
            }
            "receipt_issued" => {
                uploaded.receipt_at = event["at"].as_str().and_then(|at| at.to_owned().try_into().ok());
            }
            "waiting" => uploaded.waits += 1,
            "file_refused" | "receipt_refused" | "failed" => uploaded.failures.push(line),
            _ => {}
        }
    }
    let ended = client.wait().await.unwrap();
    if !ended.success() {
        uploaded.failures.push(format!("the client of gallery {number} ended with {ended}"));
    }
    uploaded
}

/// What was answered to those who looked.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// Milliseconds of the API's and the pages' answers.
    pub(crate) api: Vec<f64>,
    pub(crate) pages: Vec<f64>,
    /// The same by what was asked for.
    pub(crate) kinds: BTreeMap<&'static str, Vec<f64>>,
    /// Questions that had no answer, or not 200.
    pub(crate) failed: usize,
    /// Seconds, and the photos that were unfinished then.
    pub(crate) queue: Vec<(f64, u64)>,
}

impl Answers {
    /// The most photos that were unfinished at a time.
    pub(crate) fn most_in_flight(&self) -> u64 {
        self.queue.iter().map(|(_, photos)| *photos).max().unwrap_or(0)
    }
}

/// What is looked at: the API's lists and the operations, and a page of the dashboard.
const PATHS: [(&str, &str, bool); 4] = [
    ("operations", "/api/v1/operations", false),
    ("galleries", "/api/v1/galleries?limit=100", false),
    ("status", "STATUS", false),
    ("page", "/operations", true),
];

/// Asks over and over until it is told to stop.
pub(crate) async fn look(url: String, key: String, stop: Arc<AtomicBool>) -> Answers {
    let http = reqwest::Client::builder().no_proxy().timeout(REQUEST).build().unwrap();
    let (mut answers, start, mut galleries) = (Answers::default(), Instant::now(), Vec::<String>::new());
    for turn in 0.. {
        for (name, path, is_page) in PATHS {
            let path = match (path, galleries.is_empty()) {
                ("STATUS", true) => continue,
                ("STATUS", false) => format!("/api/v1/galleries/{}/status", galleries[turn % galleries.len()]),
                (path, _) => path.to_owned(),
            };
            let asked = Instant::now();
            let answer = http.get(format!("{url}{path}")).bearer_auth(&key).send().await;
            let text = match answer {
                Ok(answer) if answer.status() == 200 => answer.text().await.ok(),
                _ => None,
            };
            let milliseconds = asked.elapsed().as_secs_f64() * 1e3;
            let Some(text) = text else {
                answers.failed += 1;
                continue;
            };
            let kind = if is_page { &mut answers.pages } else { &mut answers.api };
            kind.push(milliseconds);
            answers.kinds.entry(name).or_default().push(milliseconds);
            let seen: Value = serde_json::from_str(&text).unwrap_or_default();
            if let Some(queue) = seen["queue"].as_array() {
                let photos = queue.iter().flat_map(|class| [&class["waiting"], &class["working"]]);
                answers.queue.push((start.elapsed().as_secs_f64(), photos.filter_map(Value::as_u64).sum()));
            }
            if let Some(items) = seen["items"].as_array() {
                galleries = items.iter().filter_map(|item| item["id"].as_str().map(str::to_owned)).collect();
            }
            tokio::time::sleep(PAUSE).await;
        }
        if stop.load(Ordering::Relaxed) {
            break;
        }
    }
    answers
}
