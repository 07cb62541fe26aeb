//! Clients that mean harm, or have a bad line: each gets a clear answer within its limit, and costs bounded memory.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use super::{assert_stored, begin, eventually, head, patch, photo, spooled, tus};
use crate::{running::Running, small_disk::SmallDisk};

/// A PATCH whose body never comes, though the server waits for it.
pub(super) fn stalled_patch(service: &Running, path: &str, offset: usize, length: usize) -> TcpStream {
    let mut connection = stalled_patch_with(service, path, offset, length, "Expect: 100-continue\r\n");
    let mut told = [0; 25];
    connection.read_exact(&mut told).unwrap();
    assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
    connection
}

pub(super) fn stalled_patch_with(service: &Running, path: &str, offset: usize, length: usize, more: &str) -> TcpStream {
    let mut connection = connect(service);
    let key = &service.key;
    write!(
        connection,
        "PATCH {path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {key}\r\nTus-Resumable: 1.0.0\r\n\
         Content-Type: application/offset+octet-stream\r\nUpload-Offset: {offset}\r\nContent-Length: {length}\r\n{more}\r\n"
    )
    .unwrap();
    connection
}

fn connect(service: &Running) -> TcpStream {
    TcpStream::connect(service.url.strip_prefix("http://").unwrap()).unwrap()
}

/// All that the server says until it closes.
pub(super) fn read_answer(connection: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = connection.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn whoever_sends_a_byte_a_second_is_cut_off_and_keeps_what_came() {
    let service = Running::start_with(|command| command.env("PROCESSION__SERVICE__IDLE_SECONDS", "1"));
    let gallery = service.open_gallery("slow").await;
    let bytes = photo(400);
    let path = begin(&service, &gallery, "slow.jpg", bytes.len()).await.location();
    let mut connection = stalled_patch(&service, &path, 0, bytes.len());
    let mut sent = 0;
    connection.set_read_timeout(Some(std::time::Duration::from_millis(200))).unwrap();
    let told = loop {
        if connection.write_all(&bytes[sent..=sent]).is_err() {
            break String::new();
        }
        sent += 1;
        let mut answer = [0; 4_096];
        match connection.read(&mut answer) {
            Ok(count) => break String::from_utf8_lossy(&answer[..count]).into_owned(),
            Err(_) => continue,
        }
    };
    assert!(told.starts_with("HTTP/1.1 408 "), "{told}");
    assert!(told.contains("too_slow"), "{told}");
    let offset = head(&service, &path).await.is(200).number("upload-offset") as usize;
    assert!(offset > 0 && offset <= sent, "{offset} of {sent}");
    let last = patch(&service, &path, offset, &bytes[offset..]).await.is(204);
    assert_stored(&service, &gallery, &last, &bytes);
}

/// 200 connections that never finish: a third of them their heads, a third their bodies, a third whole photos at a crawl.
#[tokio::test]
async fn two_hundred_connections_that_never_finish_hold_up_nobody() {
    let service = Running::start();
    let gallery = service.open_gallery("crowd").await;
    let before = service.peak_memory_bytes();
    let mut crowd = Vec::new();
    for number in 0..200 {
        match number % 3 {
            0 => {
                let mut connection = connect(&service);
                connection.write_all(b"POST /files HTTP/1.1\r\nHost: test\r\nX-Never: ").unwrap();
                crowd.push(connection);
            }
            kind => {
                let path = begin(&service, &gallery, "never.jpg", 100 << 20).await.is(201).location();
                let mut connection = stalled_patch(&service, &path, 0, 100 << 20);
                // As much as is gathered before it is written, and a little.
                connection.write_all(&vec![7; if kind == 1 { 300_000 } else { 10 }]).unwrap();
                crowd.push(connection);
            }
        }
    }
    let bytes = photo(401);
    let path = begin(&service, &gallery, "normal.jpg", bytes.len()).await.is(201).location();
    let last = patch(&service, &path, 0, &bytes).await.is(204);
    assert_stored(&service, &gallery, &last, &bytes);
    let grown = service.peak_memory_bytes() - before;
    println!("200 connections: {} kB each", grown / 200 / 1_000);
    assert!(grown < 200 << 20, "{} MB", grown >> 20);
    drop(crowd);
}

#[tokio::test]
async fn a_photo_that_is_too_large_is_refused_before_it_is_sent() {
    let service = Running::start_with(|command| command.env("PROCESSION__LIMITS__MAX_BYTES", "100000"));
    let gallery = service.open_gallery("large").await;
    let refused = begin(&service, &gallery, "large.jpg", 100_001).await.refuses(413, "too_large");
    assert!(refused.text.contains("100000"), "{refused:?}");
    // Without a length, it is refused where it turns out.
    let metadata = super::metadata(&[("gallery", &gallery), ("filename", "large.jpg")]);
    let headers = [("Upload-Defer-Length", "1"), ("Upload-Metadata", &*metadata)];
    let path = tus(&service, "POST", "/files", &headers, "").await.is(201).location();
    let stream = futures::stream::iter((0..20).map(|_| Ok::<_, std::io::Error>(vec![7_u8; 10_000])));
    let headers = [("Upload-Offset", "0"), ("Content-Type", "application/offset+octet-stream")];
    let body = reqwest::Body::wrap_stream(stream);
    tus(&service, "PATCH", &path, &headers, body).await.refuses(413, "too_large");
    assert_eq!(head(&service, &path).await.is(200).number("upload-offset"), 0);
}

#[tokio::test]
async fn names_lead_nowhere() {
    let service = Running::start();
    let gallery = service.open_gallery("names").await;
    for (number, (given, kept)) in [
        ("../../../../tmp/evil.jpg", "tmp/evil.jpg"),
        ("/etc/cron.d/evil.jpg", "etc/cron.d/evil.jpg"),
        ("C:\\Windows\\evil.jpg", "Windows/evil.jpg"),
        ("a\0b\nc.jpg", "a_b_c.jpg"),
        ("gpj.\u{202e}evil.jpg", "gpj._evil.jpg"),
        ("Hochzeit/Ünïcödé 婚礼 👰.jpg", "Hochzeit/Ünïcödé 婚礼 👰.jpg"),
    ]
    .into_iter()
    .enumerate()
    {
        let bytes = photo(410 + number);
        let path = begin(&service, &gallery, given, bytes.len()).await.is(201).location();
        patch(&service, &path, 0, &bytes).await.is(204);
        let shown = service.command(&["gallery", "show", &gallery]);
        assert!(shown.contains(&format!("  {kept}  ")), "{kept:?} is not in {shown}");
    }
    let refused = begin(&service, &gallery, &"x".repeat(10_240), 10).await.refuses(422, "invalid");
    assert!(refused.text.contains("10240 bytes"), "{refused:?}");
    begin(&service, &gallery, "../..", 10).await.refuses(422, "invalid");
    let nothing_but_photos = super::files_below(&service.path("data/uploads/open"));
    assert!(nothing_but_photos.is_empty(), "{nothing_but_photos:?}");
}

/// The start of a JPEG may be all that is left of it: it is safe, and its job says what is wrong.
#[tokio::test]
async fn a_truncated_photo_is_safe_and_quarantined() {
    let service = Running::start();
    let gallery = service.open_gallery("cut").await;
    let whole = photo(420);
    let cut = &whole[..whole.len() / 2];
    let path = begin(&service, &gallery, "cut.jpg", cut.len()).await.location();
    let last = patch(&service, &path, 0, cut).await.is(204);
    assert_stored(&service, &gallery, &last, cut);
    let mut quarantined = 0;
    for _ in 0..600 {
        let progress = &service.get(&format!("/api/v1/galleries/{gallery}")).await["progress"];
        quarantined = progress["quarantined"].as_u64().unwrap();
        if quarantined > 0 {
            break;
        }
        tokio::time::interval_at(
            tokio::time::Instant::now() + std::time::Duration::from_millis(100),
            std::time::Duration::from_secs(1),
        )
        .tick()
        .await;
    }
    assert_eq!(quarantined, 1);
}

#[tokio::test]
async fn uploads_have_their_room_and_no_more() {
    let service = Running::start_with(|command| {
        command.env("PROCESSION__SERVICE__UPLOAD_ROOM_GIB", "1").args(["--memory", "1GiB"])
    });
    let gallery = service.open_gallery("room").await;
    let first = begin(&service, &gallery, "1.jpg", 512 << 20).await.is(201).location();
    let second = begin(&service, &gallery, "2.jpg", 512 << 20).await.is(201).location();
    let refused = begin(&service, &gallery, "3.jpg", 1_000).await.refuses(507, "no_room");
    assert!(refused.number("retry-after") > 0);
    tus(&service, "DELETE", &first, &[], "").await.is(204);
    let bytes = photo(430);
    let third = begin(&service, &gallery, "3.jpg", bytes.len()).await.is(201).location();
    patch(&service, &third, 0, &bytes).await.is(204);
    tus(&service, "DELETE", &second, &[], "").await.is(204);
}

/// A disk of 3 MB for the spool: it is full in the middle of a photo. What came is kept; with room, the upload goes on.
#[tokio::test]
async fn a_full_disk_says_so_and_loses_nothing() {
    let mut service = Running::start();
    let gallery = service.open_gallery("full").await;
    let uploads = service.path("data/uploads");
    let disk = SmallDisk::mount(&uploads, 3);
    service.restart();
    let filler = uploads.join("filler");
    std::fs::write(&filler, vec![0; 2_700_000]).unwrap();
    let bytes = [photo(440), vec![0; 1_000_000]].concat();
    let path = begin(&service, &gallery, "1.jpg", bytes.len()).await.is(201).location();
    let refused = patch(&service, &path, 0, &bytes).await.refuses(507, "no_room");
    assert!(refused.text.contains("is full"), "{refused:?}");
    std::fs::remove_file(&filler).unwrap();
    let offset = head(&service, &path).await.is(200).number("upload-offset") as usize;
    let last = patch(&service, &path, offset, &bytes[offset..]).await.is(204);
    assert_stored(&service, &gallery, &last, &bytes);
    assert!(eventually(|| spooled(&service).is_empty()).await);
    service.kill();
    drop(disk);
}
