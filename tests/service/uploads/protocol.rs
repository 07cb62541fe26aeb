//! The protocol to the letter: every status that is claimed, and every header that must be there.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::Method;
use serde_json::json;

use super::{assert_stored, begin, head, metadata, patch, photo, spooled, tus};
use crate::{live::Events, running::Running};

const BYTES: (&str, &str) = ("Content-Type", "application/offset+octet-stream");

#[tokio::test]
async fn what_is_understood_is_told_to_everybody() {
    let service = Running::start();
    for path in ["/files", "/files/", "/files/0123456789abcdef0123456789abcdef"] {
        let answer = service.http.request(Method::OPTIONS, format!("{}{path}", service.url)).send().await.unwrap();
        assert_eq!(answer.status(), 204);
        let header = |name: &str| answer.headers()[name].to_str().unwrap();
        assert_eq!(header("tus-version"), "1.0.0");
        assert_eq!(header("tus-resumable"), "1.0.0");
        assert_eq!(header("tus-checksum-algorithm"), "blake3,sha256,sha1");
        assert_eq!(header("procession-codings"), "zstd, lepton");
        assert_eq!(header("tus-max-size"), (512 << 20).to_string());
        let extensions =
            "creation,creation-with-upload,creation-defer-length,expiration,checksum,termination,concatenation";
        assert_eq!(header("tus-extension"), extensions);
    }
}

#[tokio::test]
async fn a_photo_comes_in_pieces_and_is_acknowledged_when_it_is_durable() {
    let service = Running::start();
    let gallery = service.open_gallery("pieces").await;
    let bytes = photo(0);
    let begun = begin(&service, &gallery, "card/1.jpg", bytes.len()).await.is(201);
    assert!(begun.header("upload-expires").unwrap().ends_with(" GMT"));
    let path = begun.location();
    assert!(path.starts_with("/files/"), "{path}");
    let first = patch(&service, &path, 0, &bytes[..100_000]).await.is(204);
    assert_eq!(first.number("upload-offset"), 100_000);
    assert!(first.header("upload-expires").is_some());
    assert!(first.header("procession-photo").is_none());
    let worked: f64 = first.header("server-timing").unwrap().strip_prefix("work;dur=").unwrap().parse().unwrap();
    assert!(worked > 0.0);
    let half = head(&service, &path).await.is(200);
    assert_eq!((half.number("upload-offset"), half.number("upload-length")), (100_000, bytes.len() as u64));
    assert_eq!(half.header("upload-metadata"), Some(&*metadata(&[("gallery", &gallery), ("filename", "card/1.jpg")])));
    let last = patch(&service, &path, 100_000, &bytes[100_000..]).await.is(204);
    assert_eq!(last.number("upload-offset"), bytes.len() as u64);
    assert_stored(&service, &gallery, &last, &bytes);
    assert!(spooled(&service).is_empty(), "the spool has let go of it");
    // A client that lost the answer asks again, or sends its last, empty request again.
    let again = head(&service, &path).await.is(200);
    assert_eq!(again.number("upload-offset"), bytes.len() as u64);
    assert_stored(&service, &gallery, &again, &bytes);
    let again = patch(&service, &path, bytes.len(), b"").await.is(204);
    assert_stored(&service, &gallery, &again, &bytes);
    let progress = &service.get(&format!("/api/v1/galleries/{gallery}")).await["progress"];
    let stored = ["waiting", "working", "done"].map(|state| progress[state].as_u64().unwrap());
    assert_eq!(stored.iter().sum::<u64>(), 1, "{progress}");
}

#[tokio::test]
async fn a_photo_comes_with_its_creation() {
    let service = Running::start();
    let gallery = service.open_gallery("at once").await;
    let bytes = photo(1);
    let metadata = metadata(&[("gallery", &gallery), ("filename", "2.jpg")]);
    let length = bytes.len().to_string();
    let headers = [("Upload-Length", &*length), ("Upload-Metadata", &metadata), BYTES];
    let whole = tus(&service, "POST", "/files", &headers, bytes.clone()).await.is(201);
    assert_eq!(whole.number("upload-offset"), bytes.len() as u64);
    assert_stored(&service, &gallery, &whole, &bytes);
    let other = photo(2);
    let length = other.len().to_string();
    let headers = [("Upload-Length", &*length), ("Upload-Metadata", &metadata), BYTES];
    let part = tus(&service, "POST", "/files", &headers, other[..5_000].to_vec()).await.is(201);
    assert_eq!(part.number("upload-offset"), 5_000);
    let rest = patch(&service, &part.location(), 5_000, &other[5_000..]).await.is(204);
    assert_stored(&service, &gallery, &rest, &other);
    let headers = [("Upload-Length", "5"), ("Upload-Metadata", &*metadata), ("Content-Type", "text/plain")];
    tus(&service, "POST", "/files", &headers, "hello").await.refuses(415, "wrong_content_type");
}

#[tokio::test]
async fn a_length_can_come_later() {
    let service = Running::start();
    let gallery = service.open_gallery("later").await;
    let bytes = photo(3);
    let metadata = metadata(&[("gallery", &gallery), ("filename", "3.jpg")]);
    let headers = [("Upload-Defer-Length", "1"), ("Upload-Metadata", &*metadata)];
    let path = tus(&service, "POST", "/files", &headers, "").await.is(201).location();
    patch(&service, &path, 0, &bytes[..9_000]).await.is(204);
    let open = head(&service, &path).await.is(200);
    assert_eq!((open.header("upload-defer-length"), open.header("upload-length")), (Some("1"), None));
    let told = |length: usize| length.to_string();
    let rest = bytes[9_000..].to_vec();
    for (length, status) in [(8_999, 400), ((512 << 20) + 1, 413)] {
        let headers = [("Upload-Offset", "9000"), ("Upload-Length", &*told(length)), BYTES];
        tus(&service, "PATCH", &path, &headers, rest.clone()).await.is(status);
    }
    let headers = [("Upload-Offset", "9000"), ("Upload-Length", &*told(bytes.len())), BYTES];
    let last = tus(&service, "PATCH", &path, &headers, rest).await.is(204);
    assert_stored(&service, &gallery, &last, &bytes);
}

#[tokio::test]
async fn a_length_never_changes() {
    let service = Running::start();
    let gallery = service.open_gallery("fixed").await;
    let path = begin(&service, &gallery, "4.jpg", 10).await.location();
    let headers = [("Upload-Offset", "0"), ("Upload-Length", "11"), BYTES];
    tus(&service, "PATCH", &path, &headers, "hello").await.refuses(400, "malformed");
    assert_eq!(head(&service, &path).await.number("upload-offset"), 0);
}

#[tokio::test]
async fn checksums_are_all_or_nothing() {
    let service = Running::start();
    let gallery = service.open_gallery("sums").await;
    let bytes = photo(5);
    let path = begin(&service, &gallery, "5.jpg", bytes.len()).await.location();
    let blake3 = |bytes: &[u8]| {
        let hash: procession_domain::ContentHash = procession_domain::ContentHash::of(bytes);
        format!("blake3 {}", STANDARD.encode(hash.as_bytes()))
    };
    let (one, two) = bytes.split_at(70_000);
    let send = async |offset: &str, sum: &str, bytes: &[u8]| {
        let headers = [("Upload-Offset", offset), ("Upload-Checksum", sum), BYTES];
        tus(&service, "PATCH", &path, &headers, bytes.to_vec()).await
    };
    send("0", "md5 XrY7u+Ae7tCTyyK7j1rNww==", one).await.refuses(400, "malformed");
    send("0", &blake3(two), one).await.refuses(460, "checksum_mismatch");
    assert_eq!(head(&service, &path).await.number("upload-offset"), 0);
    send("0", &blake3(one), one).await.is(204);
    send("70000", &blake3(one), two).await.refuses(460, "checksum_mismatch");
    assert_eq!(head(&service, &path).await.number("upload-offset"), 70_000);
    let last = send("70000", &blake3(two), two).await.is(204);
    assert_stored(&service, &gallery, &last, &bytes);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_and_changes_nothing() {
    let service = Running::start();
    let gallery = service.open_gallery("refused").await;
    let path = begin(&service, &gallery, "6.jpg", 1_000).await.location();
    patch(&service, &path, 0, &[7; 100]).await.is(204);
    for offset in [0, 99, 101, 1_000] {
        patch(&service, &path, offset, &[7; 10]).await.refuses(409, "offset_conflict");
    }
    patch(&service, &path, 100, &[7; 901]).await.refuses(413, "too_large");
    // Chunked: nobody announced how much it would be.
    let stream = futures::stream::iter((0..10).map(|_| Ok::<_, std::io::Error>(vec![7_u8; 100])));
    let headers = [("Upload-Offset", "100"), BYTES];
    let answer = tus(&service, "PATCH", &path, &headers, reqwest::Body::wrap_stream(stream)).await;
    answer.refuses(413, "too_large");
    tus(&service, "PATCH", &path, &[("Upload-Offset", "100")], "x").await.refuses(415, "wrong_content_type");
    for offset in ["", "-1", "+100", "ten"] {
        tus(&service, "PATCH", &path, &[("Upload-Offset", offset), BYTES], "x").await.refuses(400, "malformed");
    }
    assert_eq!(head(&service, &path).await.number("upload-offset"), 100);
}

#[tokio::test]
async fn another_version_is_told_this_one() {
    let service = Running::start();
    let gallery = service.open_gallery("version").await;
    let path = begin(&service, &gallery, "7.jpg", 10).await.location();
    for (method, path) in [("POST", "/files"), ("HEAD", &path), ("PATCH", &path), ("DELETE", &path)] {
        for version in ["", "0.2.2", "1.0.1"] {
            let answer = tus(&service, method, path, &[("Tus-Resumable", version)], "").await.is(412);
            assert_eq!(answer.header("tus-version"), Some("1.0.0"));
        }
    }
    assert_eq!(head(&service, &path).await.is(200).number("upload-offset"), 0);
}

#[tokio::test]
async fn a_client_without_these_methods_names_them() {
    let service = Running::start();
    let gallery = service.open_gallery("override").await;
    let bytes = photo(8);
    let path = begin(&service, &gallery, "8.jpg", bytes.len()).await.location();
    let patch = [("Upload-Offset", "0"), ("X-HTTP-Method-Override", "PATCH"), BYTES];
    let last = tus(&service, "POST", &path, &patch, bytes.clone()).await.is(204);
    assert_stored(&service, &gallery, &last, &bytes);
    let delete = [("X-HTTP-Method-Override", "DELETE")];
    tus(&service, "POST", &path, &delete, "").await.is(204);
    head(&service, &path).await.is(404);
    for (method, path) in [("GET", &*path), ("POST", &path), ("PATCH", "/files"), ("DELETE", "/files")] {
        tus(&service, method, path, &[], "").await.refuses(405, "method_not_allowed");
    }
}

#[tokio::test]
async fn a_terminated_upload_is_gone() {
    let service = Running::start();
    let gallery = service.open_gallery("gone").await;
    let path = begin(&service, &gallery, "9.jpg", 1_000).await.location();
    patch(&service, &path, 0, &[7; 100]).await.is(204);
    tus(&service, "DELETE", &path, &[], "").await.is(204);
    head(&service, &path).await.is(404);
    patch(&service, &path, 100, &[7; 10]).await.refuses(404, "not_found");
    tus(&service, "DELETE", &path, &[], "").await.refuses(404, "not_found");
    assert!(spooled(&service).is_empty());
}

#[tokio::test]
async fn creation_says_what_is_wrong() {
    let service = Running::start();
    let gallery = service.open_gallery("wrong").await;
    let right = metadata(&[("gallery", &gallery), ("filename", "1.jpg")]);
    let nowhere = metadata(&[("gallery", "0123456789abcdef01234567"), ("filename", "1.jpg")]);
    let no_name = metadata(&[("gallery", &gallery)]);
    let too_much = ((512 << 20) + 1).to_string();
    for (headers, status, code) in [
        (&[("Upload-Metadata", &*right)][..], 400, "malformed"),
        (&[("Upload-Length", "-1"), ("Upload-Metadata", &right)], 400, "malformed"),
        (&[("Upload-Defer-Length", "2"), ("Upload-Metadata", &right)], 400, "malformed"),
        (&[("Upload-Length", "1"), ("Upload-Metadata", "gallery *")], 400, "malformed"),
        (&[("Upload-Length", "1"), ("Upload-Metadata", "a,a")], 400, "malformed"),
        (&[("Upload-Length", "1"), ("Upload-Concat", "some"), ("Upload-Metadata", &right)], 400, "malformed"),
        (&[("Upload-Length", "1")], 422, "invalid"),
        (&[("Upload-Length", "1"), ("Upload-Metadata", &no_name)], 422, "invalid"),
        (&[("Upload-Length", "1"), ("Upload-Metadata", &nowhere)], 404, "not_found"),
        (&[("Upload-Length", &too_much), ("Upload-Metadata", &right)], 413, "too_large"),
    ] {
        tus(&service, "POST", "/files", headers, "").await.refuses(status, code);
    }
    // An empty file is complete at once, and no photo.
    let empty = begin(&service, &gallery, "empty.jpg", 0).await.refuses(422, "not_a_photo");
    assert!(empty.text.contains("empty"), "{empty:?}");
    assert!(spooled(&service).is_empty());
}

#[tokio::test]
async fn an_upload_is_its_studio_s_alone() {
    let service = Running::start();
    let gallery = service.open_gallery("mine").await;
    let path = begin(&service, &gallery, "1.jpg", 1_000).await.location();
    let stranger = service.http.head(format!("{}{path}", service.url)).header("Tus-Resumable", "1.0.0").send().await;
    assert_eq!(stranger.unwrap().status(), 401);
    let stranger = service.http.post(format!("{}/files", service.url)).header("Tus-Resumable", "1.0.0").send().await;
    assert_eq!(stranger.unwrap().status(), 401);
    for unknown in ["/files/0123456789abcdef0123456789abcdef", "/files/..%2f..%2fetc%2fpasswd", "/files/x"] {
        head(&service, unknown).await.is(404);
        patch(&service, unknown, 0, b"x").await.refuses(404, "not_found");
    }
}

/// Another studio's key finds nothing, joins nothing, and adds nothing; a key without the scope does not even ask.
#[tokio::test]
async fn no_studio_touches_another_s_upload() {
    let mut service = Running::start();
    let gallery = service.open_gallery("mine").await;
    let bytes = photo(50);
    let path = begin(&service, &gallery, "1.jpg", bytes.len()).await.location();
    patch(&service, &path, 0, &bytes[..1_000]).await.is(204);
    let headers = [("Upload-Length", "5"), ("Upload-Concat", "partial")];
    let part = tus(&service, "POST", "/files", &headers, "").await.is(201).location();
    patch(&service, &part, 0, b"hello").await.is(204);

    let other = service.post("/api/v1/studios", &json!({ "name": "Other" })).await;
    let reader = service.post("/api/v1/keys", &json!({ "name": "reader", "scopes": ["read"] })).await;
    let token = |made: &serde_json::Value| made["token"].as_str().unwrap().to_owned();
    let (first, other, reader) = (service.key.clone(), token(&other["key"]), token(&reader));
    service.key.clone_from(&other);
    let theirs = service.open_gallery("theirs").await;
    let mine = metadata(&[("gallery", &gallery), ("filename", "x.jpg")]);
    let theirs = metadata(&[("gallery", &theirs), ("filename", "x.jpg")]);
    let joined = format!("final;{part}");
    for (method, path, headers) in [
        ("HEAD", &*path, &[][..]),
        ("PATCH", &path, &[("Upload-Offset", "1000"), BYTES]),
        ("DELETE", &path, &[]),
        ("POST", "/files", &[("Upload-Length", "5"), ("Upload-Metadata", &mine)]),
        ("POST", "/files", &[("Upload-Concat", &joined), ("Upload-Metadata", &theirs)]),
    ] {
        for (key, status) in [(&other, 404), (&reader, 403)] {
            service.key.clone_from(key);
            tus(&service, method, path, headers, "").await.is(status);
        }
    }
    service.key = first;
    let last = patch(&service, &path, 1_000, &bytes[1_000..]).await.is(204);
    assert_stored(&service, &gallery, &last, &bytes);
    service.key = other;
    head(&service, &path).await.is(404);
}

/// Two requests bring the same bytes at the same time: one of them does, the other is told so.
#[tokio::test]
async fn of_two_at_once_one_wins() {
    let service = Running::start();
    let gallery = service.open_gallery("two").await;
    for number in 20..26 {
        let bytes = photo(number);
        let path = begin(&service, &gallery, "same.jpg", bytes.len()).await.location();
        let answers = futures::future::join_all((0..4).map(|_| patch(&service, &path, 0, &bytes))).await;
        let won = answers.iter().filter(|answer| answer.status == 204).count();
        let told = answers.iter().filter(|answer| matches!(answer.status, 409 | 423)).count();
        assert_eq!((won, told), (1, 3), "{answers:?}");
        assert_stored(&service, &gallery, &head(&service, &path).await.is(200), &bytes);
    }
}

/// The connection of a client was lost, and the server does not know it yet: the same client continues all the same.
#[tokio::test]
async fn a_lost_connection_does_not_hold_an_upload() {
    let service = Running::start();
    let gallery = service.open_gallery("lost").await;
    let bytes = photo(30);
    let path = begin(&service, &gallery, "lost.jpg", bytes.len()).await.location();
    let mut stalled = super::hostile::stalled_patch(&service, &path, 0, bytes.len());
    // Nothing comes of it: whoever asks gets the place.
    let last = patch(&service, &path, 0, &bytes).await.is(204);
    assert_stored(&service, &gallery, &last, &bytes);
    let told = super::hostile::read_answer(&mut stalled);
    assert!(told.starts_with("HTTP/1.1 423 "), "{told}");
}

#[tokio::test]
async fn a_pdf_is_no_photo_whatever_its_name() {
    let service = Running::start();
    let gallery = service.open_gallery("pdf").await;
    let pdf = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n";
    let path = begin(&service, &gallery, "invoice.jpg", pdf.len()).await.location();
    patch(&service, &path, 0, pdf).await.refuses(422, "not_a_photo");
    // It stays refused, and says so to whoever asks.
    head(&service, &path).await.is(422);
    patch(&service, &path, pdf.len(), b"").await.refuses(422, "not_a_photo");
    let progress = &service.get(&format!("/api/v1/galleries/{gallery}")).await["progress"];
    assert_eq!(progress["refused"], json!(1));
    assert!(spooled(&service).is_empty());
}

/// Whoever watches a gallery finds the first look there; where nobody watches, nothing is computed for nobody.
#[tokio::test]
async fn the_first_look_is_there_before_those_who_watch_ask() {
    let service = Running::start();
    let (watched, unseen) = (service.open_gallery("watched").await, service.open_gallery("unseen").await);
    let mut events = Events::of(&service, &watched).await;
    // From its first event on somebody watches.
    assert!(events.next().await.is_some());
    let looks = [(&unseen, photo(40)), (&watched, photo(41))].map(|(gallery, bytes)| {
        let key = procession_domain::Key::Preview(procession_domain::ContentHash::of(&bytes)).to_string();
        (gallery.clone(), bytes, service.path("data/store").join(key))
    });
    for (gallery, bytes, _) in &looks {
        let path = begin(&service, gallery, "look.jpg", bytes.len()).await.location();
        patch(&service, &path, 0, bytes).await.is(204);
    }
    let [(_, _, unseen), (_, _, watched)] = looks;
    assert!(super::eventually(|| watched.exists()).await, "{} was not made", watched.display());
    // Looks are made one after the other, in the order in which photos came.
    assert!(!unseen.exists(), "{} was made for nobody", unseen.display());
}
