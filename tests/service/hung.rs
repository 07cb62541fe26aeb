//! A disk that takes for ever: a store that hangs holds nobody up, and has everything when it wakes up.

use std::{fs, path::Path, process::Command, time::Duration};

use procession_domain::{ContentHash, Key};
use reqwest::Method;

use crate::{
    bench::{real_photos, told_apart},
    running::Running,
    sample::{finished, until, upload},
};

/// Stands before the C library's own: below `HUNG_FOLDER`, nothing is synced as long as the file `HUNG_WHILE` is there.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int fsync(int file) {
    int (*real)(int) = dlsym(RTLD_NEXT, "fsync");
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    const char *folder = getenv("HUNG_FOLDER"), *hangs = getenv("HUNG_WHILE");
    if (length > 0 && folder && hangs && strncmp(path, folder, strlen(folder)) == 0)
        while (access(hangs, F_OK) == 0) usleep(10000);
    return real(file);
}
"#;
/// Whoever has no answer for so long waits for the disk.
const PATIENCE: Duration = Duration::from_secs(60);

/// A library to be loaded before all others.
pub(crate) fn shim(folder: &Path, code: &str) -> std::path::PathBuf {
    let (source, library) = (folder.join("shim.c"), folder.join("shim.so"));
    fs::write(&source, code).unwrap();
    let options = ["-shared", "-fPIC", "-O1", "-o"];
    let made = Command::new("cc").args(options).arg(&library).arg(&source).arg("-ldl").status().unwrap();
    assert!(made.success(), "the shim is not C");
    library
}

#[tokio::test]
async fn a_disk_that_hangs_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let (library, hangs) = (shim(folder.path(), SHIM), folder.path().join("hangs"));
    let stores = ["a", "b", "c"].map(|name| folder.path().join(name));
    let (paths, slow) = (std::env::join_paths(&stores).unwrap(), stores[2].clone());
    let gate = hangs.clone();
    let mut service = Running::start_in(folder, |command: &mut Command| {
        command.env("PROCESSION__STORES", &paths).env("LD_PRELOAD", &library);
        command.env("HUNG_FOLDER", &slow).env("HUNG_WHILE", &gate)
    });
    let gallery = service.open_gallery("hung").await;
    fs::write(&hangs, "").unwrap();
    let source = fs::read(&real_photos()[0]).unwrap();
    let photos: Vec<Vec<u8>> = (0..3).map(|number| told_apart(&source, number)).collect();
    let in_time = async || {
        for (number, bytes) in photos.iter().enumerate() {
            let name = format!("{number}.jpg");
            let answer = upload(&service, &service.key, &gallery, &name, bytes.clone()).await;
            assert_eq!(answer.status(), 201, "two stores have it");
        }
        finished(&service, &gallery).await;
        for path in ["/api/v1/operations", "/metrics", "/readyz"] {
            let answer = service.request(Method::GET, path).send().await.unwrap();
            assert!(answer.status().is_success(), "{path}: {}", answer.status());
        }
        let is_told = |_, seen: &serde_json::Value| {
            seen["stores"]
                .as_array()
                .is_some_and(|stores| stores.iter().filter(|store| store["healthy"] == false).count() == 1)
        };
        until(&service, "/api/v1/operations", is_told).await;
    };
    tokio::time::timeout(3 * PATIENCE, in_time()).await.unwrap();
    let has = |store: &Path, bytes: &[u8]| {
        let found = fs::read(store.join(Key::Original(ContentHash::of(bytes)).to_string()));
        found.is_ok_and(|found| found == bytes)
    };
    assert!(photos.iter().all(|bytes| has(&stores[0], bytes) && has(&stores[1], bytes)));
    assert!(!photos.iter().any(|bytes| has(&stores[2], bytes)), "the disk did not hang");

    fs::remove_file(&hangs).unwrap();
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    let all_paid = async {
        while !photos.iter().all(|bytes| has(&stores[2], bytes)) {
            tick.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, all_paid).await.expect("what the store is owed");
    assert_eq!(service.terminate(), 0);
}
