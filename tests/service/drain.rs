//! A shutdown ends what was begun, in its time, and leaves the rest to whoever comes next.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use procession_vault::{Ledger as _, SqliteLedger};

use crate::{
    live::Events,
    running::Running,
    sample::{real_photos, until, upload_photo},
};

/// An upload in one request, of which so many bytes are sent.
fn begin_upload(service: &Running, gallery: &str, photo: &[u8], sent: usize) -> TcpStream {
    let mut stream = TcpStream::connect(service.url.strip_prefix("http://").unwrap()).unwrap();
    let metadata = format!("gallery {},filename {}", STANDARD.encode(gallery), STANDARD.encode("slow.jpg"));
    let (key, length) = (&service.key, photo.len());
    let head = format!(
        "POST /files HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {key}\r\nTus-Resumable: 1.0.0\r\n\
         Content-Type: application/offset+octet-stream\r\nUpload-Metadata: {metadata}\r\nUpload-Length: {length}\r\n\
         Content-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&photo[..sent]).unwrap();
    stream
}

const BODY: &str = "{\"title\":\"in the last moment\"}";

/// A gallery that is being opened: the head of the request without its [`BODY`].
fn begin_gallery(service: &Running) -> TcpStream {
    let mut stream = TcpStream::connect(service.url.strip_prefix("http://").unwrap()).unwrap();
    let (key, length) = (&service.key, BODY.len());
    let head = format!(
        "POST /api/v1/galleries HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

fn tell_to_stop(service: &Running) {
    let id = service.process_id().to_string();
    assert!(std::process::Command::new("kill").arg(id).status().unwrap().success());
}

/// Waits until nothing more is accepted: the shutdown has begun.
async fn closed(service: &Running) {
    let address = service.url.strip_prefix("http://").unwrap();
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    while TcpStream::connect(address).is_ok() {
        tick.tick().await;
    }
}

/// The rest of what is answered, when the connection is closed.
fn answer(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[tokio::test]
async fn slow_requests_are_ended_and_whoever_watches_is_let_go() {
    let mut service = Running::start();
    let gallery = service.open_gallery("slow").await;
    let mut events = Events::of(&service, &gallery).await;
    let mut slow = begin_gallery(&service);
    let photo = fs::read(&real_photos()[0]).unwrap();
    let upload = begin_upload(&service, &gallery, &photo, photo.len() / 2);
    // Both are on their way when the service is told to stop: connections are taken in their order.
    until(&service, "/api/v1/operations", |_, operations| operations["uploads"]["open"] != 0).await;
    tell_to_stop(&service);
    while events.next().await.is_some() {}
    closed(&service).await;
    slow.write_all(BODY.as_bytes()).unwrap();
    let answered = answer(slow);
    assert!(answered.starts_with("HTTP/1.1 201 "), "{answered}");
    // An upload need not be waited for: it can go on where it was.
    let answered = answer(upload);
    assert!(answered.starts_with("HTTP/1.1 503 ") && answered.contains("retry-after"), "{answered}");
    assert_eq!(service.terminate(), 0);
    service.restart();
    let titles = service.get("/api/v1/galleries").await.to_string();
    assert!(titles.contains("in the last moment"), "what was answered for is there: {titles}");
}

#[tokio::test]
async fn a_request_that_never_ends_does_not_hold_up_the_end() {
    let mut service = Running::start_with(|command| command.env("PROCESSION__SERVICE__DRAIN_SECONDS", "1"));
    let endless = begin_gallery(&service);
    service.get("/api/v1/galleries").await;
    assert_eq!(service.terminate(), 0);
    drop(endless);
    service.restart();
    assert_eq!(service.get("/api/v1/galleries").await["items"], serde_json::json!([]));
}

#[tokio::test]
async fn photos_in_work_are_given_back() {
    let mut service = Running::start_with(|command| {
        // A lease that nobody gives back lasts for longer than this test.
        command.env("PROCESSION__SERVICE__DRAIN_SECONDS", "0").env("PROCESSION__LEASE_SECONDS", "3600")
    });
    let gallery = service.open_gallery("busy").await;
    let photo = fs::read(&real_photos()[0]).unwrap();
    for number in 0..12_u8 {
        // What follows the end of a JPEG makes it another photo that looks the same.
        upload_photo(&service, &gallery, &format!("{number}.jpg"), [photo.as_slice(), &[number]].concat()).await;
    }
    let path = format!("/api/v1/galleries/{gallery}/status");
    until(&service, &path, |_, status| status["progress"]["working"] != 0).await;
    assert_eq!(service.terminate(), 0);
    let ledger = SqliteLedger::open(&service.path("data/ledger.db")).await.unwrap();
    assert_eq!(ledger.workers_held().await.unwrap(), []);
    let backlog = ledger.backlog().await.unwrap();
    assert!(backlog.iter().all(|gallery| gallery.working == 0) && !backlog.is_empty(), "{backlog:?}");
    drop(ledger);
    service.restart();
    until(&service, &path, |_, status| status["progress"]["done"] == 12).await;
}
