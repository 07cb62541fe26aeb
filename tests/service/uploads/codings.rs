//! Photos that travel in another form than they are kept in.

use lepton_jpeg::{DEFAULT_THREAD_POOL, EnabledFeatures, encode_lepton_verify};
use procession_domain::ContentHash;

use super::{Answer, assert_stored, head, metadata, photo, tus};
use crate::running::Running;

async fn send(service: &Running, bytes: &[u8], pairs: &[(&str, &str)]) -> Answer {
    let (length, metadata) = (bytes.len().to_string(), metadata(pairs));
    let headers = [
        ("Upload-Length", &*length),
        ("Upload-Metadata", &metadata),
        ("Content-Type", "application/offset+octet-stream"),
    ];
    tus(service, "POST", "/files", &headers, bytes.to_vec()).await
}

#[tokio::test]
async fn the_vault_has_the_photo_and_not_its_coding() {
    let service = Running::start();
    let gallery = service.open_gallery("codings").await;
    let bytes = photo(200);
    let (length, hash) = (bytes.len().to_string(), ContentHash::of(&bytes).to_string());
    let zstd = zstd::encode_all(&bytes[..], 3).unwrap();
    let common = [("gallery", &*gallery), ("filename", "1.jpg"), ("length", &length), ("hash", &hash)];
    let stored = send(&service, &zstd, &[&common[..], &[("coding", "zstd")]].concat()).await.is(201);
    assert_stored(&service, &gallery, &stored, &bytes);
    let told = head(&service, &stored.location()).await.is(200);
    assert_eq!(told.number("upload-length"), zstd.len() as u64, "an upload's length is what was sent");

    let features = EnabledFeatures::compat_lepton_vector_write();
    let (lepton, _) = encode_lepton_verify(&bytes, &features, &DEFAULT_THREAD_POOL).unwrap();
    let size = [("coding", "lepton"), ("width", "5000"), ("height", "5000")];
    let stored = send(&service, &lepton, &[&common[..], &size].concat()).await.is(201);
    assert_stored(&service, &gallery, &stored, &bytes);
}

#[tokio::test]
async fn what_is_other_than_announced_is_refused() {
    let service = Running::start();
    let gallery = service.open_gallery("codings").await;
    let bytes = photo(201);
    let zstd = zstd::encode_all(&bytes[..], 3).unwrap();
    let (length, short) = (bytes.len().to_string(), (bytes.len() - 1).to_string());
    let hash = ContentHash::of(b"something else").to_string();
    let huge = ((512_u64 << 20) + 1).to_string();
    let common = [("gallery", &*gallery), ("filename", "1.jpg")];
    for (more, status, code) in [
        (&[("coding", "zstd"), ("length", &*short)][..], 422, "wrong_coding"),
        (&[("coding", "zstd"), ("length", &*length), ("hash", &*hash)], 422, "hash_mismatch"),
        (&[("hash", &*hash)], 422, "hash_mismatch"),
        (&[("coding", "lepton"), ("length", &*length), ("width", "5000"), ("height", "5000")], 422, "wrong_coding"),
        (&[("coding", "zstd"), ("length", &*huge)], 413, "too_large"),
        (&[("coding", "lepton"), ("length", "1"), ("width", "65000"), ("height", "65000")], 413, "too_large"),
        (&[("coding", "gzip")], 422, "invalid"),
    ] {
        send(&service, &zstd, &[&common[..], more].concat()).await.refuses(status, code);
    }
    assert!(super::stored_originals(&service).is_empty());
}

/// Hundreds of megabytes of zeros in a few kilobytes, as announced: decoded one after the other, as the memory allows.
#[tokio::test]
async fn a_bomb_costs_its_granted_memory_and_no_more() {
    let service = Running::start_with(|command| command.args(["--memory", "160MiB"]));
    let gallery = service.open_gallery("bomb").await;
    let length = 120_usize << 20;
    let bomb = zstd::encode_all(std::io::Read::take(std::io::repeat(0), length as u64), 3).unwrap();
    let length = length.to_string();
    let pairs = [("gallery", &*gallery), ("filename", "b.jpg"), ("coding", "zstd"), ("length", &length)];
    let sent = futures::future::join_all((0..6).map(|_| send(&service, &bomb, &pairs))).await;
    sent.into_iter().for_each(|answer| drop(answer.refuses(422, "not_a_photo")));
    let peak = service.peak_memory_bytes();
    assert!(peak < 500 << 20, "{} MB", peak >> 20);
    let beyond = (170_usize << 20).to_string();
    let pairs = [("gallery", &*gallery), ("filename", "b.jpg"), ("coding", "zstd"), ("length", &beyond)];
    send(&service, &bomb, &pairs).await.refuses(413, "too_large");
}
