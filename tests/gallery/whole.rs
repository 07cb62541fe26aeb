//! A gallery from the card to the page.

use std::{fs, path::Path};

use procession_domain::{album::Album, urgency::Urgency};

use crate::bench::{Bench, assert_exit, crc32};

#[test]
fn a_gallery_is_finished_and_safe() {
    let bench = Bench::new();
    let originals = bench.fill_card(4);
    let args = ["--title", "Anna & Ben", "--wedding-date", "2020-06-20", "--time-zone", "Europe/Rome", "--quiet"];
    assert_exit(&bench.process(&args).output().unwrap(), 0);
    bench.assert_complete(&originals);
    let album = bench.album();
    assert_eq!(album.title, "Anna & Ben");
    assert_eq!(album.urgency, Urgency::StandardDelivery);
    let page = fs::read_to_string(bench.path("out/index.html")).unwrap();
    assert!(page.contains("Anna &amp; Ben"));
    for photo in &album.photos {
        assert!(photo.files.iter().any(|file| file.format == procession_domain::recipe::OutputFormat::Jpeg));
        assert!(!photo.thumbhash.is_empty());
        for file in &photo.files {
            assert!(file.width <= photo.width && file.height <= photo.height, "nothing is enlarged");
        }
    }
}

#[test]
fn originals_and_variants_carry_the_checksums_of_their_bytes() {
    let bench = Bench::new();
    bench.fill_card(1);
    assert_exit(&bench.process(&["--quiet"]).output().unwrap(), 0);
    let album = bench.album();
    let shown = bench.procession().args(["gallery", "show", &album.gallery.to_string(), "--json"]).output().unwrap();
    assert_exit(&shown, 0);
    let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    let [photo, state] = ["photo", "state"].map(|part| &shown["photos"][0][part]);
    assert_eq!(photo["crc32"], crc32(&fs::read(bench.path("card/IMG_0000.jpg")).unwrap()));
    let variants = state["variants"].as_array().unwrap();
    assert!(!variants.is_empty());
    for (variant, file) in variants.iter().zip(&album.photos[0].files) {
        assert_eq!(variant["crc32"], crc32(&fs::read(bench.path("out").join(&file.path)).unwrap()), "{}", file.path);
    }
}

#[test]
fn a_photo_given_twice_is_stored_once() {
    let bench = Bench::new();
    let originals = bench.fill_card(2);
    fs::create_dir(bench.path("card/copy")).unwrap();
    fs::copy(bench.path("card/IMG_0000.jpg"), bench.path("card/copy/again.jpg")).unwrap();
    assert_exit(&bench.process(&["--quiet"]).output().unwrap(), 0);
    bench.assert_complete(&originals);
    let album = bench.album();
    let twice = album.photos.iter().find(|photo| photo.names.len() == 2).unwrap();
    assert_eq!(twice.names, ["IMG_0000.jpg", "copy/again.jpg"]);
}

#[test]
fn every_store_holds_every_original_and_the_receipt_says_so() {
    let bench = Bench::new();
    let originals = bench.fill_card(3);
    let (a, b) = (bench.path("disk-a"), bench.path("disk-b"));
    let stores = ["--store", a.to_str().unwrap(), "--store", b.to_str().unwrap(), "--quiet"];
    assert_exit(&bench.process(&stores).output().unwrap(), 0);
    for (store, hash) in [&a, &b].into_iter().flat_map(|store| originals.iter().map(move |hash| (store, hash))) {
        assert!(store.join(procession_domain::Key::Original(*hash).to_string()).is_file());
    }
    let receipt: serde_json::Value =
        serde_json::from_slice(&fs::read(bench.path("out/receipt.json")).unwrap()).unwrap();
    assert_eq!(receipt["statement"]["stores"].as_array().unwrap().len(), 2);

    // The card, held against the receipt: safe. With one more photo on it: not.
    let (card, paper) = (bench.path("card"), bench.path("out/receipt.json"));
    let check = || bench.procession().arg("receipt").arg("check").arg(&paper).arg(&card).output().unwrap();
    assert_exit(&check(), 0);
    fs::write(card.join("late.jpg"), b"taken after the upload").unwrap();
    let output = check();
    assert_exit(&output, 1);
    assert!(String::from_utf8_lossy(&output.stdout).contains("late.jpg"));

    fs::remove_file(card.join("late.jpg")).unwrap();

    // One disk rots: it is found out, and the same command repairs it from the card …
    let hash = *originals.first().unwrap();
    let rotten = a.join(procession_domain::Key::Original(hash).to_string());
    let verify = || bench.procession().args(["vault", "verify", "--store"]).arg(&a).output().unwrap();
    rot(&rotten);
    assert_exit(&verify(), 1);
    assert!(String::from_utf8_lossy(&verify().stdout).contains(&hash.to_string()));
    assert_exit(&bench.process(&stores).output().unwrap(), 0);
    assert_exit(&verify(), 0);
    // … and from the other disk, when the card is empty.
    rot(&rotten);
    for file in fs::read_dir(&card).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
    assert_exit(&bench.process(&stores).output().unwrap(), 0);
    assert_exit(&verify(), 0);
}

/// The only copy rots while the card is still there: the same command heals it; without the card there is no receipt.
#[test]
fn a_receipt_is_never_given_for_a_rotten_copy() {
    let bench = Bench::new();
    let originals = bench.fill_card(2);
    assert_exit(&bench.process(&["--quiet"]).output().unwrap(), 0);
    let hash = originals.first().unwrap();
    let original = bench.path("data/store").join(procession_domain::Key::Original(*hash).to_string());
    rot(&original);
    assert_exit(&bench.process(&["--quiet"]).output().unwrap(), 0);
    bench.assert_complete(&originals);
    rot(&original);
    for file in fs::read_dir(bench.path("card")).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
    assert_exit(&bench.process(&["--quiet"]).output().unwrap(), 1);
    assert!(!bench.path("out/receipt.json").exists());
    assert!(bench.album().notices.iter().any(|notice| notice.contains("no receipt")), "{:?}", bench.album().notices);
}

/// Changes one bit, as disks do.
fn rot(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    bytes[100] ^= 1;
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Another recipe over the same gallery replaces its variants, and nothing of the old ones is left in the result.
#[test]
fn a_changed_pipeline_replaces_the_variants() {
    let bench = Bench::new();
    let originals = bench.fill_card(2);
    assert_exit(&bench.process(&["--pipeline", "reception_photos", "--quiet"]).output().unwrap(), 0);
    let before: Album = bench.album();
    assert_exit(&bench.process(&["--pipeline", "social_media_variants", "--quiet"]).output().unwrap(), 0);
    bench.assert_complete(&originals);
    let after = bench.album();
    assert!(after.photos.iter().all(|photo| photo.pipeline == "social_media_variants"));
    assert_ne!(before.photos[0].files, after.photos[0].files);
}
