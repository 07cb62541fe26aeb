//! What the service says of itself: lines and spans that are of use and give nothing away; and the keys, without the service.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    sync::mpsc,
};

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    running::Running,
    sample::{real_photos, until, upload_photo},
};

/// A collector's side of OTLP over HTTP: takes what is posted, says so, and passes it on. Returns its address.
fn collector() -> (String, mpsc::Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, received) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            loop {
                let (mut head, mut length) = (String::new(), 0);
                while stream.read_line(&mut head).unwrap_or(0) > 2 {}
                let Some(first) = head.lines().next().map(str::to_owned) else { break };
                for line in head.to_lowercase().lines() {
                    length = line.strip_prefix("content-length:").map_or(length, |text| text.trim().parse().unwrap());
                }
                let mut body = vec![0; length];
                stream.read_exact(&mut body).unwrap();
                let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
                stream.get_mut().write_all(answer.as_bytes()).unwrap();
                if sender.send((first, body)).is_err() {
                    return;
                }
            }
        }
    });
    (address, received)
}

fn has(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Opens a gallery, a link to it, and takes a photo to its end. Returns the link's token and an image's signature.
async fn a_little_work(service: &Running) -> [String; 2] {
    let gallery = service.open_gallery("Secret wedding of Anna").await;
    let photo = fs::read(&real_photos()[0]).unwrap();
    upload_photo(service, &gallery, "Anna.jpg", photo).await;
    let path = format!("/api/v1/galleries/{gallery}");
    until(service, &path, |_, gallery| gallery["progress"]["done"] == 1).await;
    let link = service.post(&format!("{path}/links"), &json!({})).await;
    let url = link["url"].as_str().unwrap();
    let token = url.rsplit("/g/").next().unwrap().to_owned();
    assert_eq!(service.http.get(format!("{}/g/{token}", service.url)).send().await.unwrap().status(), 200);
    let photos = service.get(&format!("{path}/photos")).await;
    let image = photos["items"][0]["preview"].as_str().unwrap();
    assert_eq!(service.http.get(format!("{}{image}", service.url)).send().await.unwrap().status(), 200);
    [token, image.split('/').nth(2).unwrap().to_owned()]
}

#[tokio::test]
async fn spans_reach_the_collector() {
    let (endpoint, received) = collector();
    let mut service = Running::start_with(|command| command.env("PROCESSION__TRACES__ENDPOINT", &endpoint));
    let [token, signature] = a_little_work(&service).await;
    assert_eq!(service.terminate(), 0);
    let mut spans = Vec::new();
    while let Ok((request, body)) = received.try_recv() {
        assert!(request.starts_with("POST /v1/traces "), "{request}");
        spans.extend(body);
    }
    for name in ["service.name", "procession", "photo", "fetch", "decode", "render", "store", "POST /api/v1/galleries"]
    {
        assert!(has(&spans, name), "no span tells of {name}");
    }
    for secret in [&token, &signature, &service.key, "Anna"] {
        assert!(!has(&spans, secret), "a span tells {secret}");
    }
}

#[tokio::test]
async fn the_log_is_for_programs_and_tells_no_secret() {
    let mut service = Running::start_with(|command| {
        command
            .env("PROCESSION__LOG__FORMAT", "json")
            .args(["--log", "debug,procession_flow=trace,procession_web=trace"])
    });
    let [token, signature] = a_little_work(&service).await;
    let stranger = service.http.get(format!("{}/api/v1/galleries", service.url)).bearer_auth("pk_wrong_key");
    assert_eq!(stranger.send().await.unwrap().status(), 401);
    assert_eq!(service.terminate(), 0);
    let log = fs::read_to_string(service.path("stderr.txt")).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let requests: Vec<&Value> = lines.iter().filter(|line| line["message"] == "request").collect();
    assert!(requests.iter().any(|line| line["route"] == "/api/v1/galleries" && line["status"] == 201));
    assert!(requests.iter().all(|line| line["duration_ms"].is_number()));
    let secret_of_key = service.key.splitn(3, '_').nth(2).unwrap();
    for secret in [&token, &signature, secret_of_key, "pk_wrong_key", "Anna"] {
        assert!(!log.contains(secret), "the log tells {secret}");
    }
}

#[tokio::test]
async fn keys_are_made_and_ended_on_the_command_line() {
    let service = Running::start();
    let key = service.command(&["key", "create", "Lightroom", "--scope", "read,upload"]);
    let galleries = |key: String| service.http.get(format!("{}/api/v1/galleries", service.url)).bearer_auth(key).send();
    let key = key.trim().to_owned();
    assert_eq!(galleries(key.clone()).await.unwrap().status(), 200);
    let keys = service.http.get(format!("{}/api/v1/keys", service.url)).bearer_auth(&key).send().await.unwrap();
    assert_eq!(keys.status(), 403, "it has not the scope");
    let id = key.split('_').nth(1).unwrap();
    assert!(service.command(&["key", "list"]).contains(&format!("{id}  Lightroom  (read, upload)")));
    service.command(&["key", "revoke", id]);
    assert_eq!(galleries(key).await.unwrap().status(), 401);
    assert!(service.command(&["key", "list"]).contains("revoked"));
    let signed = a_photo_s_preview(&service).await;
    service.command(&["key", "rotate-secret"]);
    assert_eq!(
        service.request(Method::GET, &signed).send().await.unwrap().status(),
        200,
        "what was signed stays valid"
    );
}

async fn a_photo_s_preview(service: &Running) -> String {
    let gallery = service.open_gallery("rotated").await;
    upload_photo(service, &gallery, "1.jpg", fs::read(&real_photos()[0]).unwrap()).await;
    let photos = service.get(&format!("/api/v1/galleries/{gallery}/photos")).await;
    photos["items"][0]["preview"].as_str().unwrap().to_owned()
}
