//! Who is on a photo is found out only where the studio has consent, and forgotten when it ends. Runs the real models.

use std::{fs, process::Command};

use procession_domain::PhotoId;

use crate::bench::{Bench, assert_exit, files_below, real_photos};

/// As [`Bench::process`], with the models that the set-up fetched.
fn with_models(bench: &Bench, more: &[&str]) -> Command {
    let mut command = bench.process(more);
    match std::env::var_os("PROCESSION_MODELS") {
        Some(folder) => command.env("PROCESSION_MODELS", folder),
        None => command.env_remove("PROCESSION_MODELS"),
    };
    command
}

#[test]
fn guests_need_consent_and_go_with_it() {
    let bench = Bench::new();
    for photo in real_photos() {
        fs::copy(&photo, bench.path("card").join(photo.file_name().unwrap())).unwrap();
    }
    assert_exit(&with_models(&bench, &["--quiet"]).output().unwrap(), 0);
    let album = bench.album();
    assert!(album.guests.is_empty(), "nobody asked");
    assert!(!album.notices.iter().any(|notice| notice.contains("models")), "the set-up fetched no models: {album:?}");
    assert!(album.photos.iter().all(|photo| photo.analysis.faces.as_ref().is_some_and(|faces| !faces.is_empty())));
    assert!(album.photos.iter().all(|photo| photo.analysis.sharpness.is_some()));
    let of_the_moments: Vec<PhotoId> = album.moments.iter().flat_map(|moment| moment.photos.clone()).collect();
    let of_the_album: Vec<PhotoId> = album.photos.iter().map(|photo| photo.id).collect();
    assert_eq!(of_the_moments, of_the_album, "there is one order of the day");

    assert_exit(&with_models(&bench, &["--consent", "faces=yes", "--quiet"]).output().unwrap(), 0);
    let album = bench.album();
    let name_of = |id| album.photos.iter().find(|photo| photo.id == id).unwrap().name.as_str();
    let mut guests: Vec<Vec<&str>> =
        album.guests.iter().map(|guest| guest.faces.iter().map(|face| name_of(face.photo)).collect()).collect();
    guests.iter_mut().for_each(|photos| photos.sort_unstable());
    assert!(guests.contains(&vec!["obama.jpg", "obama2.jpg"]), "one person on two photos is one guest: {guests:?}");
    for seen in album.guests.iter().flat_map(|guest| &guest.faces) {
        let photo = album.photos.iter().find(|photo| photo.id == seen.photo).unwrap();
        assert_eq!(
            photo.analysis.faces.as_ref().unwrap()[seen.face].region,
            seen.region,
            "a guest's face is that of the photo"
        );
    }
    for file in files_below(&bench.path("out")) {
        let bytes = fs::read(bench.path("out").join(&file)).unwrap();
        let needle = b"embedding";
        assert!(!bytes.windows(needle.len()).any(|window| window == needle), "{file} tells of embeddings");
    }

    assert_exit(&with_models(&bench, &["--quiet"]).output().unwrap(), 0);
    assert!(bench.album().guests.is_empty(), "consent was withdrawn");
}
