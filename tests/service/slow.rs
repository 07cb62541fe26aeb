//! A disk that is slow and not broken: everything is finished, nothing is given up, and whoever asks is answered.

use std::{
    env::join_paths,
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use procession_domain::{ContentHash, Key};
use reqwest::Method;
use serde_json::Value;

use crate::{
    hung::shim,
    running::Running,
    sample::{finished, until, upload_photo},
    uploads::photo,
};

/// Stands before the C library's own: below `SLOW_FOLDER`, each file or folder that is opened and each that is synced takes a
/// fifth of a second.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static void take_time(const char *path) {
    const char *folder = getenv("SLOW_FOLDER");
    if (folder && strncmp(path, folder, strlen(folder)) == 0) usleep(200000);
}
int open64(const char *path, int flags, ...) {
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open64");
    va_list more;
    va_start(more, flags);
    unsigned mode = va_arg(more, unsigned);
    va_end(more);
    take_time(path);
    return real(path, flags, mode);
}
int fsync(int file) {
    int (*real)(int) = dlsym(RTLD_NEXT, "fsync");
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length > 0) {
        path[length] = 0;
        take_time(path);
    }
    return real(file);
}
"#;
const PHOTOS: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn slow_stores_hold_up_nobody_but_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let library = shim(folder.path(), SHIM);
    let below = folder.path().canonicalize().unwrap().join("stores");
    let stores = ["a", "b", "c"].map(|name| below.join(name));
    let (paths, slow) = (join_paths(&stores).unwrap(), below.clone());
    let mut service = Running::start_in(folder, |command| {
        command.env("PROCESSION__STORES", &paths).env("LD_PRELOAD", &library).env("SLOW_FOLDER", &slow)
    });
    let gallery = service.open_gallery("slow").await;
    let (has_ended, answers) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
    let asked: Vec<_> =
        ["/api/v1/operations", "/api/v1/galleries", &format!("/api/v1/galleries/{gallery}/status"), "/operations"]
            .into_iter()
            .map(|path| {
                let (request, has_ended, answers) =
                    (service.request(Method::GET, path), Arc::clone(&has_ended), Arc::clone(&answers));
                tokio::spawn(async move {
                    while !has_ended.load(Ordering::Relaxed) {
                        let answer = request.try_clone().unwrap().send().await.unwrap();
                        assert!(answer.status().is_success(), "{answer:?}");
                        answers.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
    let photos: Vec<Vec<u8>> = (0..PHOTOS).map(photo).collect();
    let uploads = photos.iter().enumerate().map(|(number, bytes)| {
        let name = format!("{number}.jpg");
        let (service, gallery) = (&service, &gallery);
        async move { upload_photo(service, gallery, &name, bytes.clone()).await }
    });
    futures::future::join_all(uploads).await;
    finished(&service, &gallery).await;
    let receipt = format!("/api/v1/galleries/{gallery}/receipt");
    service.post(&receipt, &Value::Null).await;
    let issued = until(&service, &receipt, |status, _| status == 200).await;
    assert_eq!(issued["statement"]["originals"].as_array().unwrap().len(), PHOTOS);
    has_ended.store(true, Ordering::Relaxed);
    for asked in asked {
        asked.await.unwrap();
    }
    assert!(answers.load(Ordering::Relaxed) >= 4);
    let listed = service.get(&format!("/api/v1/galleries/{gallery}/photos?limit=100")).await;
    let listed = listed["items"].as_array().unwrap();
    assert!(listed.len() == PHOTOS && listed.iter().all(|photo| photo["state"] == "done"), "{listed:?}");
    for (store, bytes) in stores.iter().flat_map(|store| photos.iter().map(move |bytes| (store, bytes))) {
        let found = fs::read(store.join(Key::Original(ContentHash::of(bytes)).to_string())).unwrap();
        assert!(found == *bytes, "{}", store.display());
    }
    assert_eq!(service.terminate(), 0);
}
