//! A store whose disk is full: it is said, nobody loses anything, and all goes on when there is room.

use std::{fs, process::Command};

use procession_domain::{ContentHash, Key};
use reqwest::Method;

use crate::{
    bench::{real_photos, told_apart},
    running::Running,
    sample::{finished, until, upload},
    small_disk::SmallDisk,
};

#[tokio::test]
async fn a_full_store_stops_the_work_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("small");
    fs::create_dir(&store).unwrap();
    let disk = SmallDisk::mount(&store, 2);
    let at = store.clone();
    let mut service = Running::start_in(folder, |command: &mut Command| {
        command.args(["--roles", "api"]).env("PROCESSION__STORES", &at)
    });
    let gallery = service.open_gallery("full").await;
    let smallest =
        fs::read(real_photos().iter().min_by_key(|path| fs::metadata(path).unwrap().len()).unwrap()).unwrap();
    // Nobody works yet: originals and first looks fill the disk.
    let mut safe = Vec::new();
    let refused = loop {
        let bytes = told_apart(&smallest, safe.len());
        let answer = upload(&service, &service.key, &gallery, &format!("{}.jpg", safe.len()), bytes.clone()).await;
        if answer.status() != 201 {
            break (answer.status(), answer.text().await.unwrap());
        }
        safe.push(ContentHash::of(&bytes));
    };
    assert!(refused.0 == 507 && refused.1.contains("no_room") && refused.1.contains("full"), "{refused:?}");
    assert!(safe.len() > 3, "{safe:?}");
    // Nor is there room for a single image.
    let filled = fs::write(store.join("filler"), vec![0; 2 << 20]);
    assert_eq!(filled.unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    service.restart_with(|command| command.env("PROCESSION__STORES", &at));
    let paused = |_, seen: &serde_json::Value| seen["pause"]["reason"].is_string();
    let seen = until(&service, "/api/v1/operations", paused).await;
    assert!(seen["pause"]["reason"].as_str().unwrap().contains("full"), "{}", seen["pause"]);
    assert_eq!(seen["stores"][0]["healthy"], false, "{}", seen["stores"]);
    let status = service.get(&format!("/api/v1/galleries/{gallery}/status")).await;
    assert!(status["reason"].as_str().is_some_and(|reason| reason.contains("the storage is full")), "{status}");

    // With room the workers go on by themselves, and so does the upload, whose bytes were kept.
    fs::remove_file(store.join("filler")).unwrap();
    disk.grow(64);
    finished(&service, &gallery).await;
    let last = told_apart(&smallest, safe.len());
    let answer = upload(&service, &service.key, &gallery, "again.jpg", last.clone()).await;
    assert_eq!(answer.status(), 201);
    safe.push(ContentHash::of(&last));
    finished(&service, &gallery).await;
    let listed = service.get(&format!("/api/v1/galleries/{gallery}/photos?limit=1000")).await;
    let listed = listed["items"].as_array().unwrap();
    assert_eq!(listed.len(), safe.len());
    assert!(listed.iter().all(|photo| photo["state"] == "done"), "{listed:?}");
    for original in &safe {
        let bytes = fs::read(store.join(Key::Original(*original).to_string())).unwrap();
        assert_eq!(ContentHash::of(&bytes), *original);
    }
    let ready = service.request(Method::GET, "/readyz").send().await.unwrap();
    assert_eq!(ready.status(), 200);
    service.kill();
    drop(disk);
}
