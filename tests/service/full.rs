//! Disks that are full, a store's or the spool's: it is said, nobody loses anything, and all goes on when there is room.

use std::{env::join_paths, fs, io::Write as _, path::Path, process::Command};

use procession_domain::{ContentHash, Key};
use reqwest::Method;
use serde_json::Value;

use crate::{
    bench::{real_photos, told_apart},
    running::Running,
    sample::{finished, until, upload, upload_photo},
    small_disk::SmallDisk,
    uploads::{begin, head, patch, photo},
};

/// When a client is to try again, in seconds.
const TRY_AGAIN: &str = "retry-after";

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
            assert!(answer.headers().contains_key(TRY_AGAIN));
            break (answer.status(), answer.text().await.unwrap());
        }
        safe.push(ContentHash::of(&bytes));
    };
    let name = store.canonicalize().unwrap().display().to_string();
    let said = format!("the store at {name} is full");
    assert!(refused.0 == 507 && refused.1.contains("no_room") && refused.1.contains(&said), "{refused:?}");
    assert!(safe.len() > 3, "{safe:?}");
    // Nor is there room for a single image.
    let filled = fs::write(store.join("filler"), vec![0; 2 << 20]);
    assert_eq!(filled.unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    service.restart_with(|command| command.env("PROCESSION__STORES", &at));
    // Whoever pauses holds nothing.
    let paused = |_, seen: &Value| seen["pause"]["reason"].is_string() && seen["workers"][0]["held"] == 0;
    let seen = until(&service, "/api/v1/operations", paused).await;
    assert!(seen["pause"]["reason"].as_str().unwrap().contains(&said), "{}", seen["pause"]);
    let full = |seen: &Value| seen["stores"][0]["healthy"] == false && seen["stores"][0]["name"] == name;
    until(&service, "/api/v1/operations", |_, seen| full(seen)).await;
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
    assert_eq!(receipt(&service, &gallery).await.len(), safe.len());
    service.kill();
    drop(disk);
}

/// The hashes of a gallery's receipt, which is asked for.
async fn receipt(service: &Running, gallery: &str) -> Vec<String> {
    let path = format!("/api/v1/galleries/{gallery}/receipt");
    service.post(&path, &Value::Null).await;
    let issued = until(service, &path, |status, _| status == 200).await;
    let originals = issued["statement"]["originals"].as_array().unwrap();
    originals.iter().map(|original| original["hash"].as_str().unwrap().to_owned()).collect()
}

/// Two of three stores are enough. What the third has no room for is brought to it later.
#[tokio::test]
async fn one_full_store_of_three_is_owed_what_it_has_no_room_for() {
    let folder = tempfile::tempdir().unwrap();
    let stores = ["a", "b", "small"].map(|name| folder.path().join(name));
    fs::create_dir(&stores[2]).unwrap();
    let (disk, paths) = (SmallDisk::mount(&stores[2], 1), join_paths(&stores).unwrap());
    let mut service = Running::start_in(folder, |command| command.env("PROCESSION__STORES", &paths));
    let gallery = service.open_gallery("two of three").await;
    let photos: Vec<Vec<u8>> = (0..6).map(photo).collect();
    for (number, bytes) in photos.iter().enumerate() {
        upload_photo(&service, &gallery, &format!("{number}.jpg"), bytes.clone()).await;
    }
    finished(&service, &gallery).await;
    let has = |store: &Path, bytes: &[u8]| {
        let found = fs::read(store.join(Key::Original(ContentHash::of(bytes)).to_string()));
        found.is_ok_and(|found| found == bytes)
    };
    assert!(stores[..2].iter().all(|store| photos.iter().all(|bytes| has(store, bytes))));
    assert!(!photos.iter().all(|bytes| has(&stores[2], bytes)), "the disk is larger than the photos");
    let name = stores[2].canonicalize().unwrap().display().to_string();
    let (full, said) = (name.clone(), format!("the store at {name} is full"));
    // What did not fit may have left room for less, and what is tried again leaves some each time.
    let filler = fs::File::create(stores[2].join("filler")).unwrap();
    let is_told = |_, seen: &Value| {
        while (&filler).write_all(&[1; 4_096]).is_ok() {}
        let stores = seen["stores"].as_array().into_iter().flatten();
        let is_full = |store: &&Value| store["healthy"] == false && store["name"] == full;
        stores.filter(is_full).any(|store| store["problem"].as_str().is_some_and(|problem| problem.contains(&said)))
    };
    until(&service, "/api/v1/operations", is_told).await;
    let path = format!("/api/v1/galleries/{gallery}/receipt");
    service.post(&path, &Value::Null).await;
    let is_refused = |status, seen: &Value| status == 404 && seen["state"] == "refused";
    let refused = until(&service, &path, is_refused).await;
    assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains(&name)), "{refused}");

    disk.grow(64);
    let mut tick = tokio::time::interval(std::time::Duration::from_millis(100));
    for _ in 0..600 {
        if photos.iter().all(|bytes| has(&stores[2], bytes)) {
            break;
        }
        tick.tick().await;
    }
    assert!(photos.iter().all(|bytes| has(&stores[2], bytes)), "what the store is owed");
    assert_eq!(receipt(&service, &gallery).await.len(), photos.len());
    service.kill();
    drop(disk);
}

/// The spool's disk is full in the middle of a photo. What came stays, and the photo is whole when there is room.
#[tokio::test]
async fn a_full_spool_keeps_what_came_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool");
    fs::create_dir(&spool).unwrap();
    let (disk, at) = (SmallDisk::mount(&spool, 2), spool.clone());
    let mut service = Running::start_in(folder, |command| command.env("PROCESSION__SERVICE__UPLOADS", &at));
    let gallery = service.open_gallery("spool").await;
    let [safe, kept, ends] = [0, 1, 2].map(photo);
    upload_photo(&service, &gallery, "safe.jpg", safe.clone()).await;
    let half = kept.len() / 2;
    let begun = begin(&service, &gallery, "kept.jpg", kept.len()).await.is(201).location();
    patch(&service, &begun, 0, &kept[..half]).await.is(204);
    // All but the last byte of another one, whose page has room for that.
    let most = ends.len() - 1;
    assert_ne!(most % 4_096, 0);
    let ending = begin(&service, &gallery, "ends.jpg", ends.len()).await.is(201).location();
    patch(&service, &ending, 0, &ends[..most]).await.is(204);
    let filled = fs::write(spool.join("filler"), vec![0; 2 << 20]);
    assert_eq!(filled.unwrap_err().kind(), std::io::ErrorKind::StorageFull);

    let refused = patch(&service, &begun, half, &kept[half..]).await.refuses(507, "no_room");
    assert!(refused.header(TRY_AGAIN).is_some() && format!("{refused:?}").contains("folder of uploads is full"));
    let others = upload(&service, &service.key, &gallery, "other.jpg", photo(3)).await;
    assert!(others.status() == 507 && others.headers().contains_key(TRY_AGAIN), "{others:?}");
    // What is there is there, photos are finished, and whoever asks is answered.
    let offset = head(&service, &begun).await.is(200).number("upload-offset");
    assert!((half..kept.len()).contains(&usize::try_from(offset).unwrap()), "{offset}");
    finished(&service, &gallery).await;
    for path in ["/api/v1/operations", "/api/v1/galleries", "/metrics", "/readyz"] {
        let answer = service.request(Method::GET, path).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
    }
    // A photo that needs no more room is taken, and makes some.
    patch(&service, &ending, most, &ends[most..]).await.is(204);

    fs::remove_file(spool.join("filler")).unwrap();
    let offset = usize::try_from(head(&service, &begun).await.is(200).number("upload-offset")).unwrap();
    patch(&service, &begun, offset, &kept[offset..]).await.is(204);
    finished(&service, &gallery).await;
    let mut signed = receipt(&service, &gallery).await;
    let mut sent = [safe, kept, ends].map(|bytes| ContentHash::of(&bytes).to_string());
    signed.sort();
    sent.sort();
    assert_eq!(signed, sent);
    service.kill();
    drop(disk);
}

/// The ledger's disk is full, and no other: what was acknowledged stays, and what was begun ends when there is room.
#[tokio::test]
async fn a_full_disk_of_the_ledger_stops_the_work_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    let disk = SmallDisk::mount(&data, 8);
    let [store, spool] = ["store", "spool"].map(|name| folder.path().join(name));
    let mut service = Running::start_in(folder, |command| {
        command.env("PROCESSION__STORES", &store).env("PROCESSION__SERVICE__UPLOADS", &spool)
    });
    let gallery = service.open_gallery("ledger").await;
    let mut sent = vec![photo(0)];
    upload_photo(&service, &gallery, "0.jpg", sent[0].clone()).await;
    finished(&service, &gallery).await;
    let filled = fs::write(data.join("filler"), vec![0; 8 << 20]);
    assert_eq!(filled.unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    let refused = loop {
        let number = sent.len();
        let bytes = photo(number);
        let answer = upload(&service, &service.key, &gallery, &format!("{number}.jpg"), bytes.clone()).await;
        sent.push(bytes);
        if answer.status() != 201 {
            break answer;
        }
    };
    assert!(refused.status() == 507 && refused.headers().contains_key(TRY_AGAIN), "{refused:?}");
    let said = refused.text().await.unwrap();
    assert!(said.contains("ledger") && said.contains("full"), "{said}");
    // Whoever only asks is answered.
    for path in ["/api/v1/operations", "/api/v1/galleries", "/operations", "/studio", "/metrics"] {
        let answer = service.request(Method::GET, path).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
    }

    fs::remove_file(data.join("filler")).unwrap();
    disk.grow(64);
    let last = sent.len() - 1;
    upload_photo(&service, &gallery, &format!("{last}.jpg"), sent[last].clone()).await;
    finished(&service, &gallery).await;
    let listed = service.get(&format!("/api/v1/galleries/{gallery}/photos?limit=1000")).await;
    let listed = listed["items"].as_array().unwrap();
    assert!(listed.iter().all(|photo| photo["state"] == "done"), "{listed:?}");
    let mut signed = receipt(&service, &gallery).await;
    let mut sent: Vec<String> = sent.iter().map(|bytes| ContentHash::of(bytes).to_string()).collect();
    signed.sort();
    sent.sort();
    assert_eq!(signed, sent);
    service.kill();
    drop(disk);
}
