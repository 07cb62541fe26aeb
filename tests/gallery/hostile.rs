//! One bad file never holds back its neighbours, and is named with its reason.

use std::{fs, os::unix::fs::PermissionsExt as _};

use procession_domain::{Kind, album::AlbumFailure};

use crate::bench::{Bench, assert_exit, crc32, real_photos, told_apart};

/// A PNG that promises 60,000 × 60,000 pixels in a few bytes.
fn bomb() -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    png.extend(60_000_u32.to_be_bytes());
    png.extend(60_000_u32.to_be_bytes());
    png.extend([8, 2, 0, 0, 0]);
    let checksum = crc32(&png[12..29]);
    png.extend(checksum.to_be_bytes());
    png
}

#[test]
fn hostile_files_are_named_and_the_rest_completes() {
    let bench = Bench::new();
    let originals = bench.fill_card(3);
    let photo = fs::read(&real_photos()[0]).unwrap();
    let put = |name: &str, bytes: &[u8]| fs::write(bench.path("card").join(name), bytes).unwrap();
    put("cut.jpg", &told_apart(&photo[..photo.len() / 2], 90));
    put("header-only.jpg", &photo[..40]);
    put("empty.jpg", b"");
    put("invoice.jpg", b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n");
    put("bomb.png", &bomb());
    put("notes.txt", b"remember the rings");
    put("photo-without-a-name", &told_apart(&photo, 91));
    put("locked.jpg", &told_apart(&photo, 92));
    fs::set_permissions(bench.path("card/locked.jpg"), fs::Permissions::from_mode(0o000)).unwrap();
    // Root reads everything: only for others is the file locked.
    let is_locked = fs::File::open(bench.path("card/locked.jpg")).is_err();

    let output = bench.process(&["--json"]).output().unwrap();
    assert_exit(&output, 1);
    let album = bench.album();
    let failure = |name: &str| -> &AlbumFailure {
        let found = album.failures.iter().find(|failure| failure.name == name);
        found.unwrap_or_else(|| panic!("{name} is not among the failures: {:?}", album.failures))
    };
    for (name, stored, kind) in [
        ("cut.jpg", true, Kind::Corrupt),
        ("header-only.jpg", true, Kind::Corrupt),
        ("empty.jpg", false, Kind::Invalid),
        ("invoice.jpg", false, Kind::Invalid),
        ("bomb.png", true, Kind::Limit),
    ] {
        let found = failure(name);
        assert_eq!((found.stored, found.failure.kind), (stored, kind), "{name}: {}", found.failure.message);
        assert!(String::from_utf8_lossy(&output.stdout).contains(name), "{name} is told as it happens");
    }
    let names: Vec<&str> = album.photos.iter().map(|photo| photo.name.as_str()).collect();
    assert!(names.contains(&"photo-without-a-name"), "content decides, not the name");
    assert!(!album.failures.iter().any(|failure| failure.name == "notes.txt"), "a note is no failed photo");
    assert_eq!(is_locked, album.failures.iter().any(|failure| failure.name == "locked.jpg"));
    assert_eq!(album.photos.len(), originals.len() + if is_locked { 1 } else { 2 });
    let receipt = fs::read_to_string(bench.path("out/receipt.json")).unwrap();
    assert!(receipt.contains("cut.jpg"), "a photo that cannot be processed is safe all the same");
}

/// A file that is no photo at all, alone: nothing to do is said, not hidden.
#[test]
fn a_folder_without_photos_is_said_to_be_one() {
    let bench = Bench::new();
    fs::write(bench.path("card/invoice.jpg"), b"%PDF-1.7").unwrap();
    assert_exit(&bench.process(&["--quiet"]).output().unwrap(), 1);
    assert!(bench.album().photos.is_empty());
}
