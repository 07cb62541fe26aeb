//! A real nginx before the service, with the configuration that docs/cdn.md recommends: it gives nobody another image than the
//! service would, and asks the service no more often than it must.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};

use procession_domain::{
    ContentHash,
    photo::Photo,
    recipe::OutputFormat::{Avif, Jpeg, WebP},
};
use reqwest::Response;
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::{
    delivery::header,
    prepared::{HOUR, Made, Prepared},
    running::tool,
};

const RECOMMENDED: &str = include_str!("../../docs/nginx-edge.conf");

/// An nginx that runs for one test.
struct Edge {
    folder: TempDir,
    process: Child,
    url: String,
}

impl Edge {
    async fn before(prepared: &Prepared) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The port is free until somebody takes it, and who takes it here is nginx.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let origin = prepared.url.strip_prefix("http://").unwrap();
        let edge = [
            ("listen 80;", format!("listen {address};")),
            ("127.0.0.1:8080", origin.to_owned()),
            ("/var/cache/nginx/procession", "cache".to_owned()),
        ]
        .into_iter()
        .fold(RECOMMENDED.to_owned(), |text, (from, to)| {
            assert_eq!(text.matches(from).count(), 1, "{from}");
            text.replace(from, &to)
        });
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {name};\n"))
            .concat();
        let main = format!(
            "daemon off; master_process off; pid nginx.pid; error_log error.log;\n\
             events {{}}\nhttp {{\naccess_log off;\n{temporary}{edge}}}\n"
        );
        fs::write(folder.path().join("nginx.conf"), main).unwrap();
        let prefix = format!("{}/", folder.path().display());
        let nginx = tool("nginx").unwrap_or_else(|| panic!("nginx is not here; `cargo xtask setup` brings it"));
        let mut nginx = Command::new(nginx);
        nginx.args(["-p", &prefix, "-c", "nginx.conf", "-e", "error.log"]).stderr(Stdio::null());
        let process = nginx.spawn().unwrap();
        let mut edge = Self { folder, process, url: format!("http://{address}") };
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        while TcpStream::connect(address).await.is_err() {
            tick.tick().await;
            assert!(edge.process.try_wait().unwrap().is_none(), "{}", edge.log());
        }
        edge
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("error.log")).unwrap_or_default()
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What a client gets to see of an answer.
#[derive(Debug, PartialEq)]
struct Seen {
    status: u16,
    headers: BTreeMap<&'static str, String>,
    body: ContentHash,
}

const SHOWN: [&str; 7] =
    ["content-type", "content-length", "content-range", "etag", "vary", "cache-control", "procession-choice"];

async fn seen(answer: Response) -> Seen {
    let headers = SHOWN.map(|name| (name, header(&answer, name).to_owned())).into();
    Seen { status: answer.status().as_u16(), headers, body: ContentHash::of(&answer.bytes().await.unwrap()) }
}

/// Asks nginx and the service the same, which must give the same. True if nginx did not ask the service.
async fn both(prepared: &Prepared, edge: &Edge, path: &str, said: &[(&str, &str)]) -> bool {
    let request = prepared.http.get(format!("{}{path}", edge.url));
    let request = said.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let answer = request.send().await.unwrap();
    let is_hit = match header(&answer, "x-cache") {
        "HIT" => true,
        "MISS" | "" => false,
        other => panic!("{path}: {other}"),
    };
    assert_eq!(seen(answer).await, seen(prepared.get(path, said).await).await, "{path} {said:?}");
    is_hit
}

fn tell(hits: usize, requests: usize) {
    println!("{requests} requests, no wrong image, {:.1} % answered by nginx", 100.0 * hits as f64 / requests as f64);
}

const MADE: [Made<'static>; 6] = [
    ("2048", Jpeg, (2_048, 1_365), &[1; 60_000]),
    ("2048", WebP, (2_048, 1_365), &[2; 50_000]),
    ("1024", Jpeg, (1_024, 683), &[3; 30_000]),
    ("1024", WebP, (1_024, 683), &[4; 20_000]),
    ("1024", Avif, (1_024, 683), &[5; 10_000]),
    ("512", Jpeg, (512, 341), &[6; 5_000]),
];

async fn photo(prepared: &Prepared, number: u8, made: &[Made<'_>]) -> Photo {
    let photo = prepared.store(&format!("IMG_{number}.jpg"), &[number; 100]).await;
    prepared.finish(&photo, made).await;
    photo
}

/// What clients say, by header. Of the last, which is in no `Vary`, everybody says something else.
const SAID: [(&str, &[&str]); 6] = [
    ("accept", &["image/avif,image/webp,*/*", "image/webp,*/*;q=0.8", "*/*", "image/avif;q=0.1,image/jpeg"]),
    ("sec-ch-width", &["300", "1000", "2000", ""]),
    ("sec-ch-dpr", &["1", "2", ""]),
    ("save-data", &["on", ""]),
    ("ect", &["3g", ""]),
    ("user-agent", &["one", "another"]),
];

/// Every combination of what clients say, of so many of the headers.
fn combinations(headers: usize) -> Vec<Vec<(&'static str, &'static str)>> {
    SAID[..headers].iter().fold(vec![Vec::new()], |all, (name, values)| {
        let with = |one: &Vec<_>, value: &'static str| {
            let said = (!value.is_empty()).then_some((*name, value));
            one.iter().copied().chain(said).collect()
        };
        all.iter().flat_map(|one| values.iter().map(move |value| with(one, value))).collect()
    })
}

/// In an order that mixes them, the same each time: a step that shares no factor with how many there are.
fn mixed<T: Clone>(all: &[T]) -> Vec<T> {
    let step = (1..).find(|step| step * 7 > all.len() && greatest_common_divisor(*step, all.len()) == 1).unwrap();
    (0..all.len()).map(|place| all[place * step % all.len()].clone()).collect()
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[tokio::test]
async fn everybody_gets_the_image_that_suits_them_and_the_service_is_asked_once_for_each_kind() {
    let (prepared, _) = Prepared::start().await;
    let edge = Edge::before(&prepared).await;
    let rich = prepared.sources(&photo(&prepared, 1, &MADE).await).await.auto;
    let plain = prepared.sources(&photo(&prepared, 2, &MADE[2..3]).await).await.auto;
    let jpegs = [MADE[0], MADE[2], MADE[5]];
    let jpegs = prepared.sources(&photo(&prepared, 3, &jpegs).await).await.auto;
    // Each address with the number of different things that clients can say of what it depends on.
    let said = combinations(6);
    let kinds = said.len() / 2;
    let formats = SAID[0].1.len();
    let (mut hits, mut requests) = (0, 0);
    for (path, kinds) in
        [(rich.clone(), kinds), (plain, 1), (jpegs, kinds / formats), (format!("{rich}?w=700"), formats)]
    {
        let mut found = 0;
        for said in mixed(&said) {
            found += usize::from(both(&prepared, &edge, &path, &said).await);
        }
        println!("{found} hits in {} requests of {kinds} kinds", said.len());
        assert_eq!(found, said.len() - kinds, "{path}: {}", edge.log());
        (hits, requests) = (hits + found, requests + said.len());
    }
    tell(hits, requests);
}

#[tokio::test]
async fn fixed_images_are_fetched_once_whatever_is_said_and_served_in_parts() {
    let (prepared, _) = Prepared::start().await;
    let edge = Edge::before(&prepared).await;
    let sources = prepared.sources(&photo(&prepared, 1, &MADE).await).await;
    let said = combinations(4);
    let (mut hits, mut requests, mut bodies) = (0, 0, BTreeSet::new());
    for image in &sources.images {
        for said in &said {
            hits += usize::from(both(&prepared, &edge, &image.url, said).await);
            requests += 1;
        }
        assert!(both(&prepared, &edge, &format!("{}?anything", image.url), &[]).await, "no query makes another image");
        let whole = prepared.get(&image.url, &[]).await.bytes().await.unwrap();
        let etag = format!("\"{}\"", ContentHash::of(&whole));
        assert!(both(&prepared, &edge, &image.url, &[("range", "bytes=100-199")]).await);
        assert!(both(&prepared, &edge, &image.url, &[("range", "bytes=-5"), ("if-range", &etag)]).await);
        let known = prepared.http.get(format!("{}{}", edge.url, image.url)).header("if-none-match", &etag);
        let known = known.send().await.unwrap();
        assert_eq!((known.status().as_u16(), header(&known, "x-cache")), (304, "HIT"));
        bodies.insert(whole);
    }
    tell(hits, requests);
    assert_eq!((hits, bodies.len()), (requests - sources.images.len(), MADE.len()));
    // A part of what is not here yet: nginx fetches all of it.
    let other = prepared.sources(&photo(&prepared, 2, &[("2048", Jpeg, (2_048, 1_365), &[9; 9_000])]).await).await;
    assert!(!both(&prepared, &edge, &other.images[0].url, &[("range", "bytes=10-19")]).await);
    assert!(both(&prepared, &edge, &other.images[0].url, &[]).await);
}

#[tokio::test]
async fn what_is_refused_is_not_kept() {
    let (prepared, _) = Prepared::start().await;
    let edge = Edge::before(&prepared).await;
    let photos = [photo(&prepared, 1, &MADE[..1]).await, prepared.store("IMG_2.jpg", &[2; 100]).await];
    let url = prepared.sources(&photos[0]).await.images[0].url.clone();
    let forged = url.replace("/2048/", "/1024/");
    prepared.service.system.ledger.redo_photos(&[photos[0].id]).await.unwrap();
    for (path, status) in [(forged.as_str(), 403), (url.as_str(), 503)] {
        for _ in 0..3 {
            assert!(!both(&prepared, &edge, path, &[]).await, "{path}");
            assert_eq!(prepared.get(path, &[]).await.status(), status);
        }
    }
    prepared.clock.advance(2 * HOUR);
    for _ in 0..3 {
        assert!(!both(&prepared, &edge, &url, &[]).await);
        assert_eq!(prepared.get(&url, &[]).await.status(), 410);
    }
}

#[tokio::test]
async fn an_archive_passes_through_and_goes_on() {
    let (prepared, _) = Prepared::start().await;
    let edge = Edge::before(&prepared).await;
    photo(&prepared, 1, &MADE).await;
    let path = prepared.archive(&json!({ "of": { "gallery": true }, "files": "web" })).await;
    let whole = prepared.get(&path, &[]).await.bytes().await.unwrap();
    for said in [&[][..], &[("range", "bytes=50-")], &[("range", "bytes=-100")]] {
        assert!(!both(&prepared, &edge, &path, said).await);
    }
    assert!(whole.len() > 60_000);
    assert!(!edge.folder.path().join("cache").read_dir().unwrap().any(|_| true), "nothing of it is kept");
}

#[tokio::test]
async fn what_tells_of_the_inside_stays_inside() {
    let (prepared, _) = Prepared::start().await;
    let edge = Edge::before(&prepared).await;
    for path in ["/metrics", "/livez", "/readyz", "/metrics?x=1", "//metrics", "/%6detrics"] {
        let answer = prepared.http.get(format!("{}{path}", edge.url)).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{path}: {}", answer.text().await.unwrap());
    }
    assert_eq!(prepared.get("/metrics", &[]).await.status(), 200);
    let login = prepared.http.get(format!("{}/login", edge.url)).send().await.unwrap();
    assert_eq!(login.status(), prepared.get("/login", &[]).await.status());
}
