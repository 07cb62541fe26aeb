//! Webhooks, told to a receiver of our own: signed, repeated, and not lost when the service is killed.

use std::{
    collections::VecDeque,
    io::Write as _,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::any,
};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::{
    running::Running,
    sample::{real_photos, until, upload, upload_photo},
};

/// A service that may call this machine, and waits a second before it repeats.
fn local(command: &mut Command) -> &mut Command {
    command
        .env("PROCESSION__SERVICE__PRIVATE_WEBHOOKS", "true")
        .env("PROCESSION__SERVICE__WEBHOOK_FIRST_WAIT_SECONDS", "1")
        .env("PROCESSION__SERVICE__WEBHOOK_ATTEMPTS", "3")
}

/// A request as the receiver got it.
#[derive(Debug)]
struct Received {
    headers: HeaderMap,
    body: String,
}

impl Received {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Answers with these statuses, one after the other, and then with 204.
struct Receiver {
    url: String,
    received: mpsc::UnboundedReceiver<Received>,
}

type Script = Arc<(Mutex<VecDeque<u16>>, mpsc::UnboundedSender<Received>)>;

impl Receiver {
    async fn start(statuses: &[u16]) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (sender, received) = mpsc::unbounded_channel();
        let script: Script = Arc::new((Mutex::new(statuses.iter().copied().collect()), sender));
        let router = Router::new().fallback(any(answer)).with_state(script);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, received }
    }

    async fn next(&mut self) -> Received {
        self.received.recv().await.unwrap()
    }
}

async fn answer(State(script): State<Script>, headers: HeaderMap, body: String) -> Response {
    let status = script.0.lock().unwrap().pop_front().unwrap_or(204);
    script.1.send(Received { headers, body }).unwrap();
    // To where nobody should go.
    (StatusCode::from_u16(status).unwrap(), [(header::LOCATION, "/elsewhere")]).into_response()
}

async fn make(service: &Running, url: &str, events: &[&str]) -> Value {
    service.post("/api/v1/webhooks", &json!({ "url": url, "events": events })).await
}

/// What the reference library says of a request: the body, or why it is not to be believed.
fn verify(secret: &str, received: &Received, body: &str) -> Result<Value, String> {
    let header = |name| (name, received.header(name));
    let headers: std::collections::BTreeMap<_, _> =
        ["webhook-id", "webhook-timestamp", "webhook-signature"].map(header).into();
    let mut node = Command::new("node")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/service/webhooks.mjs"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let request = json!({ "secret": secret, "headers": headers, "body": body }).to_string();
    node.stdin.take().unwrap().write_all(request.as_bytes()).unwrap();
    let output = node.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!told.contains("ERR_MODULE_NOT_FOUND"), "run `cargo xtask setup`: {told}");
    serde_json::from_slice(&output.stdout).map_err(|_| told)
}

#[tokio::test]
async fn what_happens_is_told_signed_and_repeated_until_it_is_taken() {
    // A redirect is no success, and is not followed.
    let mut receiver = Receiver::start(&[500, 307]).await;
    let service = Running::start_with(local);
    let webhook = make(&service, &receiver.url, &["file_refused", "gallery_finished"]).await;
    let (id, secret) = (webhook["id"].as_str().unwrap(), webhook["secret"].as_str().unwrap());
    let gallery = service.open_gallery("told").await;
    upload(&service, &service.key, &gallery, "contract.jpg", b"%PDF".to_vec()).await;
    let attempts = [receiver.next().await, receiver.next().await, receiver.next().await];
    let [first, _, last] = &attempts;
    let message = first.json();
    assert_eq!((&message["type"], &message["data"]["name"]), (&json!("file_refused"), &json!("contract.jpg")));
    assert_eq!(message["data"]["gallery"], gallery);
    for attempt in &attempts {
        assert_eq!(attempt.header("webhook-id"), first.header("webhook-id"), "a repetition is known by its id");
        assert_eq!(attempt.body, first.body);
        assert_eq!(verify(secret, attempt, &attempt.body), Ok(message.clone()));
        assert_eq!(attempt.header("content-type"), "application/json");
    }
    assert!(verify(secret, last, &last.body.replace("contract", "another")).is_err());
    let path = format!("/api/v1/webhooks/{id}/deliveries");
    let taken = until(&service, &path, |_, page| page["items"][0]["state"] == "delivered").await;
    let delivery = &taken["items"][0];
    assert_eq!(delivery["id"], last.header("webhook-id"));
    let statuses: Vec<&Value> =
        delivery["latest"].as_array().unwrap().iter().map(|attempt| &attempt["status"]).collect();
    assert_eq!(statuses, [204, 307, 500]);
    assert_eq!((&delivery["attempts"], &delivery["next_attempt_at"]), (&json!(3), &Value::Null));

    // Of what it did not ask for it hears nothing, and of the end when it comes.
    upload_photo(&service, &gallery, "a.jpg", std::fs::read(&real_photos()[0]).unwrap()).await;
    let finished = receiver.next().await;
    assert_eq!(verify(secret, &finished, &finished.body).unwrap()["type"], "gallery_finished");
    assert_eq!(finished.json()["data"]["progress"]["done"], 1);
    let text = service.get("/api/v1/webhooks").await.to_string();
    assert!(!text.contains("whsec_"), "the secret is shown once: {text}");
    let metrics = service.http.get(format!("{}/metrics", service.url)).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("procession_webhook_attempts_total{outcome=\"repeated\"} 2\n"), "{metrics}");
}

#[tokio::test]
async fn what_was_to_be_told_outlives_a_kill() {
    let mut receiver = Receiver::start(&[503]).await;
    let mut service = Running::start_with(local);
    let webhook = make(&service, &receiver.url, &["file_refused"]).await;
    let gallery = service.open_gallery("killed").await;
    upload(&service, &service.key, &gallery, "a.jpg", b"%PDF".to_vec()).await;
    let first = receiver.next().await;
    let path = format!("/api/v1/webhooks/{}/deliveries", webhook["id"].as_str().unwrap());
    until(&service, &path, |_, page| page["items"][0]["attempts"] == 1).await;
    service.kill();
    service.restart_with(local);
    let second = receiver.next().await;
    assert_eq!(second.header("webhook-id"), first.header("webhook-id"));
    assert_eq!(second.body, first.body);
    let page = until(&service, &path, |_, page| page["items"][0]["state"] == "delivered").await;
    assert_eq!(page["items"].as_array().unwrap().len(), 1, "nothing was told under another id: {page}");
}

#[tokio::test]
async fn who_never_takes_it_or_is_gone_is_left_in_peace() {
    let mut silent = Receiver::start(&[500; 3]).await;
    let mut gone = Receiver::start(&[410]).await;
    let service = Running::start_with(local);
    let webhooks =
        [make(&service, &silent.url, &["file_refused"]).await, make(&service, &gone.url, &["file_refused"]).await];
    let [silent_id, gone_id] = [0, 1].map(|index: usize| webhooks[index]["id"].as_str().unwrap());
    let gallery = service.open_gallery("unheard").await;
    upload(&service, &service.key, &gallery, "a.jpg", b"%PDF".to_vec()).await;
    gone.next().await;
    for _ in 0..3 {
        silent.next().await;
    }
    let failed = async |id: &str| {
        let path = format!("/api/v1/webhooks/{id}/deliveries");
        until(&service, &path, |_, page| page["items"][0]["state"] == "failed").await["items"][0]["attempts"].clone()
    };
    assert_eq!((failed(silent_id).await, failed(gone_id).await), (json!(3), json!(1)));
    assert!(service.get(&format!("/api/v1/webhooks/{gone_id}")).await["gone_at"].is_string());
    let removed = service.request(Method::DELETE, &format!("/api/v1/webhooks/{gone_id}")).send().await.unwrap();
    assert_eq!(removed.status(), 204);
    let deliveries = format!("/api/v1/webhooks/{gone_id}/deliveries");
    assert_eq!(service.request(Method::GET, &deliveries).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn nobody_makes_the_service_call_its_own_network() {
    let mut receiver = Receiver::start(&[]).await;
    let mut service = Running::start_with(local);
    let gallery = service.open_gallery("careful").await;
    // Made while it was allowed; the rules are looked at again before each request.
    let literal = make(&service, &receiver.url, &["file_refused"]).await;
    service.restart();
    let named = format!("https://localhost:{}/", receiver.url.split(':').nth(2).unwrap().trim_end_matches("/hook"));
    let by_name = make(&service, &named, &["file_refused"]).await;
    for refused in [receiver.url.as_str(), "https://127.0.0.1/", "https://[::1]/", "http://example.com/", "nowhere"] {
        let request = service.request(Method::POST, "/api/v1/webhooks").json(&json!({ "url": refused }));
        assert_eq!(request.send().await.unwrap().status(), 422, "{refused}");
    }
    upload(&service, &service.key, &gallery, "a.jpg", b"%PDF".to_vec()).await;
    for (webhook, why) in
        [(literal, "begins with https"), (by_name, "does not lead to an address on the public internet")]
    {
        let path = format!("/api/v1/webhooks/{}/deliveries", webhook["id"].as_str().unwrap());
        let page = until(&service, &path, |_, page| page["items"][0]["attempts"] == 1).await;
        let error = page["items"][0]["latest"][0]["error"].as_str().unwrap();
        assert!(error.contains(why), "{error}");
    }
    assert!(receiver.received.try_recv().is_err(), "it was called");
}
