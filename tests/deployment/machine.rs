//! A deployment on this machine: a ledger, stores in three regions, an API node, and a cluster of workers in two regions.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use procession_domain::ContentHash;
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    bench::{real_photos, told_apart},
    line::Line,
    node::Node,
    postgres::{Group, Watch},
    seaweed::{ACCESS_KEY, SECRET_KEY, Seaweed},
};

/// The regions. A cluster of workers is in each of the first two; the first API node is in the third, where nobody processes
/// photos, so that each gallery is given a cluster or shared.
const REGIONS: [&str; 3] = ["us-east-1", "eu-west-1", "ap-southeast-1"];
pub(crate) const BUCKET: &str = "photos";
const DATABASE: &str = "procession";
/// What was begun has so long to end; no figure depends on it.
const PATIENCE: Duration = Duration::from_secs(240);
/// How often it is looked how far the galleries are: the error of every measured time.
const LOOK: Duration = Duration::from_millis(50);

/// All of it. It ends with its value.
pub(crate) struct Deployment {
    folder: TempDir,
    pub(crate) ledger: Group,
    /// Who promotes a standby by itself; otherwise whoever drills does.
    pub(crate) watch: Option<Watch>,
    pub(crate) stores: Vec<Seaweed>,
    /// The second region's lines to the stores and, behind them, to the ledger's servers.
    pub(crate) lines: Vec<Line>,
    /// The first has the role `controller` too; a second is in the second region.
    pub(crate) apis: Vec<Node>,
    pub(crate) workers: Vec<Node>,
    http: reqwest::Client,
    galleries: Vec<Gallery>,
}

struct Gallery {
    id: String,
    /// Of the photos that were uploaded to it and acknowledged.
    originals: BTreeSet<ContentHash>,
}

impl Deployment {
    /// Starts everything, with so many API nodes, one or two. With somebody who watches over the ledger, or without.
    pub(crate) async fn start(apis: usize, is_watched: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (mut stores, mut lines) = (Vec::new(), Vec::new());
        for _ in REGIONS {
            let store = Seaweed::start(&[BUCKET]).await;
            lines.push(Line::to(store.endpoint.rsplit_once(':').unwrap().1.parse().unwrap()).await);
            stores.push(store);
        }
        let far: Vec<String> = lines.iter().map(|line| format!("http://{}", line.address)).collect();
        let ledger = Group::start(if is_watched { &Watch::SERVER_SETTINGS } else { &[] });
        let watch = is_watched.then(|| Watch::over(&ledger));
        let (near_ledger, mut far_ledger) = (ledger.database(DATABASE), ledger.url(DATABASE));
        for server in ledger.servers() {
            let line = Line::to(server.port()).await;
            far_ledger = far_ledger.replace(&format!("127.0.0.1:{}", server.port()), &line.address.to_string());
            lines.push(line);
        }
        let near: Vec<String> = stores.iter().map(|store| store.endpoint.clone()).collect();
        let start = |name: &str, region: usize, roles: &str, ledger: &str, endpoints: &[String]| {
            Node::start(folder.path(), name, &configuration(region, roles, ledger, endpoints))
        };
        let mut api_nodes = vec![start("api", 2, "api,controller", &near_ledger, &near)];
        if apis > 1 {
            api_nodes.push(start("api-1", 1, "api", &far_ledger, &far));
        }
        let workers = vec![
            start("worker-0", 0, "worker", &near_ledger, &near),
            start("worker-1", 1, "worker", &far_ledger, &far),
        ];
        let http = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
        Self { folder, ledger, watch, stores, lines, apis: api_nodes, workers, http, galleries: Vec::new() }
    }

    /// Uploads real photos, told apart by a comment, to so many galleries in turns. Every upload is acknowledged.
    pub(crate) async fn upload(&mut self, galleries: usize, photos: usize) {
        for number in 0..galleries {
            let wanted = json!({ "title": format!("Drill {number}") });
            let made = self.ask(Method::POST, "/api/v1/galleries", Some(&wanted)).await;
            let id = made["id"].as_str().unwrap().to_owned();
            self.galleries.push(Gallery { id, originals: BTreeSet::new() });
        }
        let sources: Vec<Vec<u8>> = real_photos().iter().map(|path| std::fs::read(path).unwrap()).collect();
        for number in 0..photos {
            let bytes = told_apart(&sources[number % sources.len()], number);
            let hash = ContentHash::of(&bytes);
            let gallery = &self.galleries[number % galleries].id;
            self.send(gallery, &format!("IMG_{number:04}.jpg"), bytes).await;
            self.galleries[number % galleries].originals.insert(hash);
        }
    }

    async fn send(&self, gallery: &str, name: &str, bytes: Vec<u8>) {
        let metadata = format!("gallery {},filename {}", STANDARD.encode(gallery), STANDARD.encode(name));
        let request = self.http.post(format!("{}/files", self.apis[0].url)).bearer_auth(self.key());
        let request =
            request.header("Tus-Resumable", "1.0.0").header("Content-Type", "application/offset+octet-stream");
        let request = request.header("Upload-Length", bytes.len()).header("Upload-Metadata", metadata);
        let answer = request.body(bytes).send().await.unwrap();
        let status = answer.status();
        assert_eq!(status, 201, "{name}: {}", answer.text().await.unwrap());
    }

    /// Photos that are finished.
    pub(crate) async fn done(&self) -> u64 {
        let mut done = 0;
        for gallery in &self.galleries {
            let seen = self.ask(Method::GET, &format!("/api/v1/galleries/{}", gallery.id), None).await;
            done += seen["progress"]["done"].as_u64().unwrap();
        }
        done
    }

    /// Waits until at least so many photos are finished, and returns how long that took.
    pub(crate) async fn until_done(&self, photos: u64) -> Duration {
        let start = Instant::now();
        while self.done().await < photos {
            assert!(start.elapsed() < PATIENCE, "{} of {photos} are done\n{}", self.done().await, self.logs());
            tokio::time::sleep(LOOK).await;
        }
        start.elapsed()
    }

    /// Waits until no photo of these galleries is owed anything.
    pub(crate) async fn until_paid(&self, galleries: impl Iterator<Item = &String>) {
        let start = Instant::now();
        for gallery in galleries {
            let path = format!("/api/v1/galleries/{gallery}");
            while self.ask(Method::GET, &path, None).await["progress"]["owing"] != 0 {
                assert!(start.elapsed() < PATIENCE, "formats are never made\n{}", self.logs());
                tokio::time::sleep(LOOK).await;
            }
        }
    }

    /// Waits until the ledger has taken back all that this worker held, and returns how long that took.
    pub(crate) async fn until_taken_back(&self, worker: usize) -> Duration {
        self.until_holding(worker, false).await
    }

    /// Waits until this worker holds photos.
    pub(crate) async fn until_it_holds(&self, worker: usize) {
        self.until_holding(worker, true).await;
    }

    async fn until_holding(&self, worker: usize, wanted: bool) -> Duration {
        let (start, name) = (Instant::now(), format!("-{}-", self.workers[worker].process_id()));
        loop {
            let seen = self.ask(Method::GET, "/api/v1/operations", None).await;
            let holds = |worker: &Value| worker["worker"].as_str().unwrap().contains(&name) && worker["held"] != 0;
            if seen["workers"].as_array().unwrap().iter().any(holds) == wanted {
                return start.elapsed();
            }
            assert!(start.elapsed() < PATIENCE, "{name}: holding is never {wanted}\n{}", self.logs());
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until every photo is finished, and holds everything against what was uploaded: each photo once, each variant
    /// there and whole, each original in every store.
    pub(crate) async fn nothing_is_lost(&self) -> Outcome {
        let photos = self.galleries.iter().map(|gallery| gallery.originals.len() as u64).sum();
        self.until_done(photos).await;
        self.until_paid(self.galleries.iter().map(|gallery| &gallery.id)).await;
        let mut outcome = Outcome { photos, variants: 0 };
        for gallery in &self.galleries {
            let listed =
                self.ask(Method::GET, &format!("/api/v1/galleries/{}/photos?limit=1000", gallery.id), None).await;
            let items = listed["items"].as_array().unwrap();
            let originals = items.iter().map(|photo| photo["original"].as_str().unwrap().parse().unwrap()).collect();
            assert_eq!(gallery.originals, originals, "every photo");
            assert_eq!(items.len(), originals.len(), "and each once");
            for photo in items {
                outcome.variants += self.look_at_variants(photo).await;
            }
            self.receipt(&gallery.id).await;
        }
        outcome
    }

    /// Every variant is there, named once, and what its address says. Returns how many there are.
    async fn look_at_variants(&self, photo: &Value) -> usize {
        let variants = self.variants(photo).await;
        let names: BTreeSet<&String> = variants.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), variants.len(), "no variant is there twice: {photo}");
        assert!(!variants.is_empty() && variants.iter().all(|(_, is_whole)| *is_whole), "{photo}: {variants:?}");
        variants.len()
    }

    /// The name of each variant of a photo that was listed, and whether its address gives as many bytes as promised.
    pub(crate) async fn variants(&self, photo: &Value) -> Vec<(String, bool)> {
        let mut variants = Vec::new();
        for variant in photo["images"].as_array().unwrap() {
            let url = format!("{}{}", self.apis[0].url, variant["url"].as_str().unwrap());
            let answer = self.http.get(url).send().await.unwrap();
            let is_found = answer.status() == 200;
            let is_whole = is_found && answer.bytes().await.unwrap().len() as u64 == variant["bytes"].as_u64().unwrap();
            variants.push((format!("{}.{}", variant["variant"], variant["format"]), is_whole));
        }
        variants
    }

    /// A receipt is signed only after every copy in every store was read back and hashed.
    async fn receipt(&self, gallery: &str) {
        let (path, start) = (format!("/api/v1/galleries/{gallery}/receipt"), Instant::now());
        loop {
            let _ = self.request(Method::POST, &path).send().await.unwrap();
            tokio::time::sleep(Duration::from_millis(200)).await;
            let answer = self.request(Method::GET, &path).send().await.unwrap();
            let (status, text) = (answer.status(), answer.text().await.unwrap());
            if status == 200 {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "no receipt: {status}: {text}\n{}", self.logs());
        }
    }

    /// The key with which its first studio may do everything.
    pub(crate) fn key(&self) -> &str {
        self.apis[0].key.as_deref().unwrap()
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.apis[0].url)).bearer_auth(self.key())
    }

    /// What the API answers, which may take several attempts while something is broken.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let start = Instant::now();
        loop {
            let request = self.request(method.clone(), path);
            let request = match body {
                Some(body) => request.json(body),
                None => request,
            };
            let answer = request.send().await.unwrap();
            let (status, text) = (answer.status(), answer.text().await.unwrap());
            if status.is_success() {
                return serde_json::from_str(&text).unwrap();
            }
            assert!(
                status.is_server_error() && start.elapsed() < PATIENCE,
                "{method} {path}: {status}: {text}\n{}",
                self.logs()
            );
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The last lines of everybody's log.
    pub(crate) fn logs(&self) -> String {
        let names = ["api", "api-1", "worker-0", "worker-1"];
        let logs = names.map(|name| {
            let text = std::fs::read_to_string(self.folder.path().join(name).join("log.txt")).unwrap_or_default();
            let from = text.lines().count().saturating_sub(12);
            format!("== {name}\n{}", text.lines().skip(from).collect::<Vec<_>>().join("\n"))
        });
        logs.join("\n")
    }
}

/// What was found at the end of a drill.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// All of them whole, in every store.
    pub(crate) photos: u64,
    /// All of them there, none twice.
    pub(crate) variants: usize,
}

fn configuration(region: usize, roles: &str, ledger: &str, endpoints: &[String]) -> String {
    let store = |(region, endpoint): (&str, &String)| {
        format!(
            "{{ region = {region:?}, endpoint = {endpoint:?}, bucket = {BUCKET:?}, access_key = {ACCESS_KEY:?}, \
             secret_key = {SECRET_KEY:?} }}"
        )
    };
    let stores: Vec<String> = REGIONS.into_iter().zip(endpoints).map(store).collect();
    format!(
        "ledger = {ledger:?}\nregion = {:?}\nroles = {roles:?}\nthreads = 1\nstores = [{}]\n",
        REGIONS[region],
        stores.join(", ")
    )
}
