use procession_domain::{ContentHash, GalleryId, PhotoId, StudioId, Timestamp};

use super::*;
use crate::uploads::upload::{Outcome, Target, UploadKind};

const NOW: Timestamp = Timestamp::from_micros(1_000_000);

fn upload(length: Option<u64>) -> Upload {
    let target = Target { gallery: GalleryId::named("anna"), name: "1.jpg".to_owned(), coding: None, hash: None };
    Upload {
        id: UploadId::random().unwrap(),
        studio: StudioId::local(),
        metadata: None,
        concat: None,
        kind: UploadKind::Photo(target),
        length,
        unverified_from: None,
        expires_at: NOW,
        outcome: None,
    }
}

fn open(folder: &Path) -> Arc<Spool> {
    Arc::new(Spool::open(folder, 1 << 20, 600 << 10).unwrap())
}

#[tokio::test]
async fn what_is_there_is_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let (spool, upload) = (open(folder.path()), upload(Some(5)));
    spool.create(&upload).await.unwrap();
    fs::write(spool.data(&upload.id), "123").unwrap();
    spool.sync(&upload.id).unwrap();
    let again = open(folder.path());
    assert_eq!(again.find(&upload.id).unwrap(), Some(upload.clone()));
    assert_eq!(upload.offset(again.on_disk(&upload.id).unwrap()), 3);
    assert_eq!(again.open_uploads().unwrap(), std::slice::from_ref(&upload.id));
    again.remove(&upload).unwrap();
    assert_eq!(again.find(&upload.id).unwrap(), None);
    assert_eq!(fs::read_dir(folder.path().join("open")).unwrap().count(), 0);
}

#[tokio::test]
async fn an_end_is_remembered_without_the_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let (spool, before) = (open(folder.path()), upload(Some(3)));
    spool.create(&before).await.unwrap();
    fs::write(spool.data(&before.id), "123").unwrap();
    let mut ended = before.clone();
    let photo = PhotoId::of(GalleryId::named("anna"), &ContentHash::of(b"123"));
    ended.end(Outcome::Stored(photo), 3, NOW);
    spool.end(&before, &ended).unwrap();
    assert_eq!(open(folder.path()).find(&before.id).unwrap(), Some(ended.clone()));
    assert_eq!(fs::read_dir(folder.path().join("open")).unwrap().count(), 0);
    assert_eq!(spool.ended_uploads().unwrap(), [ended.id.clone()]);
    spool.remove(&ended).unwrap();
    assert_eq!(spool.find(&before.id).unwrap(), None);
}

#[tokio::test]
async fn room_is_kept_for_what_was_begun() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path());
    let deferred = upload(None);
    spool.create(&deferred).await.unwrap();
    assert_eq!(spool.create(&upload(Some(500 << 10))).await.unwrap_err().status, 507);
    // Its length turns out to be less than what was kept for it.
    let told = Upload { length: Some(300 << 10), ..deferred.clone() };
    spool.update(&deferred, &told, false).unwrap();
    let other = upload(Some(500 << 10));
    spool.create(&other).await.unwrap();
    assert_eq!(spool.create(&upload(Some(300 << 10))).await.unwrap_err().status, 507);
    // What a new process counts is the same.
    let again = open(folder.path());
    assert_eq!(again.create(&upload(Some(300 << 10))).await.unwrap_err().status, 507);
    again.remove(&other).unwrap();
    again.create(&upload(Some(300 << 10))).await.unwrap();
}

#[tokio::test]
async fn what_a_crash_left_is_tidied() {
    let folder = tempfile::tempdir().unwrap();
    let (spool, kept, ended) = (open(folder.path()), upload(Some(9)), upload(Some(9)));
    spool.create(&kept).await.unwrap();
    spool.create(&ended).await.unwrap();
    fs::write(spool.data(&kept.id), "kept").unwrap();
    // Killed between the two steps of an end.
    let mut record = ended.clone();
    record.end(Outcome::Joined, 9, NOW);
    spool.write(DONE, &record, true).unwrap();
    fs::write(spool.data(&ended.id), "ended").unwrap();
    // Killed while it wrote a record; bytes without a record; a record that power was lost over.
    let broken = UploadId::random().unwrap();
    for (id, extension, text) in
        [(&kept.id, "new", "{"), (&UploadId::random().unwrap(), DATA, "x"), (&broken, RECORD, "")]
    {
        fs::write(spool.path(OPEN, id, extension), text).unwrap();
    }
    let again = open(folder.path());
    let mut names: Vec<_> =
        fs::read_dir(folder.path().join(OPEN)).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, [format!("{}.{DATA}", kept.id), format!("{}.{RECORD}", kept.id)].map(std::ffi::OsString::from));
    assert_eq!(again.find(&ended.id).unwrap(), Some(record));
}

#[test]
fn bytes_that_were_not_verified_do_not_count() {
    let upload = Upload { unverified_from: Some(10), ..upload(Some(20)) };
    assert_eq!(upload.offset(20), 10);
    assert_eq!(upload.offset(4), 4);
    assert!(!upload.is_to_finish(20));
    assert!(Upload { unverified_from: None, ..upload }.is_to_finish(20));
}
