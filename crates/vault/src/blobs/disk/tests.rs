use std::{os::unix::process::ExitStatusExt as _, process::Command, sync::atomic::AtomicUsize};

use procession_domain::{Classified as _, Kind};

use super::*;

const CHILD: &str = "PROCESSION_TEST_DISK_CHILD";
const DIE_AT: &str = "PROCESSION_TEST_DISK_DIE_AT";
static STEP: AtomicUsize = AtomicUsize::new(0);

/// Kills this process at the step of the number that its environment names.
pub(super) fn die_at(_name: &str) {
    if let Ok(step) = std::env::var(DIE_AT)
        && STEP.fetch_add(1, Ordering::SeqCst).to_string() == step
    {
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
    }
}

fn photo() -> (Key, Bytes) {
    let bytes = Bytes::from(vec![7_u8; 300_000]);
    (Key::Original(ContentHash::of(&bytes)), bytes)
}

/// The body of the child: one `put`, and death somewhere in it.
#[tokio::test]
async fn child_puts_a_photo() {
    if let Ok(root) = std::env::var(CHILD) {
        let (key, bytes) = photo();
        DiskBlobs::open(root).unwrap().put(&key, bytes).await.unwrap();
    }
}

#[tokio::test]
async fn a_crash_between_any_two_steps_leaves_the_object_whole_or_absent() {
    let (key, bytes) = photo();
    let (mut deaths, mut absent, mut whole) = (0, 0, 0);
    for step in 0.. {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("store");
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "blobs::disk::tests::child_puts_a_photo"])
            .env(CHILD, &root)
            .env(DIE_AT, step.to_string())
            .output()
            .unwrap();
        // What is left is looked at by a new process, as after a restart.
        let store = DiskBlobs::open(&root).unwrap();
        match store.get(&key).await {
            Ok(there) => {
                assert_eq!(there, bytes);
                whole += 1;
            }
            Err(error) => {
                assert_eq!(error.kind(), Kind::NotFound, "step {step}: {error}");
                absent += 1;
            }
        }
        assert_eq!(fs::read_dir(root.join(TEMPORARY)).map_or(0, Iterator::count), 0, "step {step} left a file");
        store.put(&key, bytes.clone()).await.unwrap();
        assert_eq!(store.get(&key).await.unwrap(), bytes);
        if child.status.signal() != Some(9) {
            assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
            break;
        }
        deaths += 1;
    }
    assert!(deaths >= 10 && absent > 0 && whole > 1, "{deaths} deaths, {absent} absent, {whole} whole");
}

#[tokio::test]
async fn a_folder_of_something_else_is_no_store() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("holiday.jpg"), "x").unwrap();
    let error = DiskBlobs::open(folder.path()).unwrap_err();
    assert_eq!(error.kind(), Kind::Invalid);
    assert!(error.to_string().contains("not empty"), "{error}");
}

#[tokio::test]
async fn files_of_the_living_and_of_other_machines_stay() {
    let folder = tempfile::tempdir().unwrap();
    let store = DiskBlobs::open(folder.path()).unwrap();
    let (key, bytes) = photo();
    store.put(&key, bytes).await.unwrap();
    let put = |name: &str| fs::write(folder.path().join(TEMPORARY).join(name), "half").unwrap();
    let (mine, dead, other) =
        (format!("{}-{}-9", host(), std::process::id()), format!("{}-4194999-0", host()), "elsewhere-1-0");
    put(&mine);
    put(&dead);
    put(other);
    DiskBlobs::open(folder.path()).unwrap();
    let left = |name: &str| folder.path().join(TEMPORARY).join(name).exists();
    assert_eq!((left(&mine), left(&dead), left(other)), (true, false, true));
}

#[tokio::test]
async fn a_rotten_original_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let store = DiskBlobs::open(folder.path()).unwrap();
    let (key, bytes) = photo();
    store.put(&key, bytes.clone()).await.unwrap();
    let path = folder.path().join(key.to_string());
    let mut rotten = bytes.to_vec();
    rotten[1000] ^= 4;
    fs::write(&path, rotten).unwrap();
    assert_eq!(store.get(&key).await.unwrap_err().kind(), Kind::Corrupt);
    let hash = key.content().unwrap();
    assert_eq!(crate::verify_original(&store, hash).await.unwrap_err().kind(), Kind::Corrupt);
    store.repair(&key, bytes.clone()).await.unwrap();
    assert_eq!(crate::verify_original(&store, hash).await.unwrap(), bytes.len() as u64);
}

#[tokio::test]
async fn the_medium_has_room() {
    let folder = tempfile::tempdir().unwrap();
    let room = DiskBlobs::open(folder.path().join("store")).unwrap().room().await.unwrap();
    assert!(room.total > 0 && room.free <= room.total, "{room:?}");
}
