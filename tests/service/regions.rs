//! The service over three stores in three regions, one of which dies.

use std::{fs, path::Path, process::Command, time::Duration};

use procession_domain::ContentHash;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::{
    bench::assert_exit,
    running::Running,
    seaweed::{ACCESS_KEY, SECRET_KEY, Seaweed},
    uploads::photo,
};

const REGIONS: [&str; 3] = ["us-east-1", "eu-west-1", "ap-southeast-1"];
const PHOTOS: usize = 12;

/// A configuration with a bucket in each region; the service is in the second one.
fn configuration(servers: [&Seaweed; 3]) -> String {
    let store = |(region, server): (&str, &Seaweed)| {
        format!(
            "{{ region = '{region}', endpoint = '{}', bucket = 'originals', access_key = '{ACCESS_KEY}', \
             secret_key = '{SECRET_KEY}', request_timeout_seconds = 10, retries = 1 }},\n",
            server.endpoint
        )
    };
    let stores: String = REGIONS.into_iter().zip(servers).map(store).collect();
    format!("region = '{}'\nstores = [\n{stores}]\n", REGIONS[1])
}

/// The value of a figure.
async fn figure(service: &Running, name: &str) -> f64 {
    let text = service.http.get(format!("{}/metrics", service.url)).send().await.unwrap().text().await.unwrap();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    value.unwrap_or_else(|| panic!("{name} is not in {text}"))
}

/// Asks again and again until it is so; a minute at most.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let mut ticks = tokio::time::interval(Duration::from_millis(250));
    for _ in 0..240 {
        ticks.tick().await;
        if is_so().await {
            return;
        }
    }
    panic!("after a minute it is still not so: {what}");
}

async fn is_ready(service: &Running) -> bool {
    service.http.get(format!("{}/readyz", service.url)).send().await.unwrap().status() == StatusCode::OK
}

#[tokio::test(flavor = "multi_thread")]
async fn a_region_dies_and_nobody_notices_but_the_receipt() {
    let (us, mut eu, ap) =
        futures::join!(Seaweed::start(&["originals"]), Seaweed::start(&["originals"]), Seaweed::start(&["originals"]));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("procession.toml");
    fs::write(&file, configuration([&us, &eu, &ap])).unwrap();
    let mut service = Running::start_with(|command| command.env("PROCESSION_CONFIG", &file));
    let card = service.path("card");
    fs::create_dir(&card).unwrap();
    for number in 0..PHOTOS {
        fs::write(card.join(format!("IMG_{number:04}.jpg")), photo(number)).unwrap();
    }

    // The store of the service's own region dies: it is the one that is asked first.
    eu.kill();
    let paper = service.path("receipt.json");
    let upload = |service: &Running| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_procession"));
        command.args(["upload", "--json", "--gallery", "anna", "--to", &service.url]).arg(&card);
        command.arg("--receipt").arg(&paper).env("PROCESSION_KEY", &service.key);
        command.env("PROCESSION_DATA", service.path("client")).output().unwrap()
    };
    let uploaded = tokio::task::block_in_place(|| upload(&service));
    assert_exit(&uploaded, 1);
    let said = String::from_utf8_lossy(&uploaded.stdout).into_owned();
    assert!(said.contains("owed") && said.contains(&eu.endpoint), "{said}");
    assert!(!paper.exists());

    // Everything is processed and delivered all the same.
    let galleries = service.get("/api/v1/galleries").await;
    let gallery = galleries["items"][0]["id"].as_str().unwrap();
    let photos = format!("/api/v1/galleries/{gallery}/photos?limit=100");
    let done = |page: &Value| page["items"].as_array().unwrap().iter().filter(|photo| photo["state"] == "done").count();
    until("all photos are done", async || done(&service.get(&photos).await) == PHOTOS).await;
    assert!(is_ready(&service).await, "two of three stores are enough");
    let page = service.get(&photos).await;
    let address = page["items"][0]["images"][0]["url"].as_str().unwrap();
    let image = service.http.get(format!("{}{address}", service.url)).send().await.unwrap();
    assert_eq!(image.status(), StatusCode::OK);
    assert!(image.bytes().await.unwrap().len() > 1_000, "an image");
    assert!(figure(&service, "procession_store_debts{store=\"2\"}").await >= PHOTOS as f64);
    assert_eq!(figure(&service, "procession_store_debts{store=\"1\"}").await, 0.0);

    // The service starts without it, too.
    service.restart_with(|command| command.env("PROCESSION_CONFIG", &file));
    until("the service is ready", async || is_ready(&service).await).await;
    assert!(figure(&service, "procession_store_debts{store=\"2\"}").await >= PHOTOS as f64);

    // It comes back: what it missed is brought to it, and the receipt is issued.
    eu.restart().await;
    until("all debts are paid", async || figure(&service, "procession_store_debts{store=\"2\"}").await == 0.0).await;
    let again = tokio::task::block_in_place(|| upload(&service));
    assert_exit(&again, 0);
    let receipt: Value = serde_json::from_slice(&fs::read(&paper).unwrap()).unwrap();
    assert_eq!(receipt["statement"]["stores"].as_array().unwrap().len(), 3);
    assert_eq!(originals(&receipt), card_hashes(&card));
    let receipt = service.request(Method::GET, &format!("/api/v1/galleries/{gallery}/receipt")).send().await.unwrap();
    assert_eq!(receipt.status(), StatusCode::OK);

    // Each copy in each region, read by another command.
    let mut verify = Command::new(env!("CARGO_BIN_EXE_procession"));
    verify.args(["vault", "verify", "--config"]).arg(&file).env("PROCESSION_DATA", service.path("data"));
    let verified = tokio::task::block_in_place(|| verify.output().unwrap());
    assert_exit(&verified, 0);
    let said = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(said.contains("12 originals in 3 stores"), "{said}");
}

fn originals(receipt: &Value) -> Vec<ContentHash> {
    let originals = receipt["statement"]["originals"].as_array().unwrap();
    let mut hashes: Vec<ContentHash> =
        originals.iter().map(|original| original["hash"].as_str().unwrap().parse().unwrap()).collect();
    hashes.sort();
    hashes
}

fn card_hashes(card: &Path) -> Vec<ContentHash> {
    let files = fs::read_dir(card).unwrap().map(|entry| entry.unwrap().path());
    let mut hashes: Vec<ContentHash> = files.map(|file| ContentHash::of(&fs::read(file).unwrap())).collect();
    hashes.sort();
    hashes
}
