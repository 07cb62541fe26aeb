//! The guarantees of [`Blobs`] as tests. Every implementation runs [`all`] against a fresh, empty store.
#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::sync::Arc;

use bytes::Bytes;
use procession_domain::{Classified, ContentHash, GalleryId, Key, Kind, PhotoId};

use super::{Blobs, inventory, verify_original};

/// Every guarantee, one after another.
///
/// # Panics
/// If the store breaks one.
pub async fn all(store: Arc<dyn Blobs>) {
    what_was_put_is_there(store.as_ref()).await;
    nothing_is_overwritten(store.as_ref()).await;
    other_bytes_than_expected_are_not_given(store.as_ref()).await;
    what_is_absent_is_said_to_be(store.as_ref()).await;
    listings_are_sorted_and_whole(store.as_ref()).await;
    only_repair_replaces(store.as_ref()).await;
    one_of_many_writers_wins(&store).await;
    deleting_twice_is_no_error(store.as_ref()).await;
    a_folder_is_emptied_and_nothing_else(store.as_ref()).await;
    an_empty_and_a_large_object(store.as_ref()).await;
}

fn original(text: &str) -> (Key, Bytes) {
    (Key::Original(ContentHash::of(text.as_bytes())), Bytes::from(text.to_owned()))
}

fn receipt(name: &str) -> Key {
    Key::Receipt(GalleryId::named(name))
}

async fn what_was_put_is_there(store: &dyn Blobs) {
    let (key, bytes) = original("what was put");
    store.put(&key, bytes.clone()).await.unwrap();
    assert_eq!(store.get(&key).await.unwrap(), bytes);
    assert_eq!(store.read_back(&key).await.unwrap(), bytes);
    assert_eq!(store.size(&key).await.unwrap(), Some(12));
    assert_eq!(verify_original(store, key.content().unwrap()).await.unwrap(), 12);
    store.put(&key, bytes).await.unwrap();
}

async fn nothing_is_overwritten(store: &dyn Blobs) {
    let key = receipt("overwritten");
    store.put(&key, Bytes::from_static(b"first")).await.unwrap();
    let error = store.put(&key, Bytes::from_static(b"second")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Conflict);
    assert!(error.to_string().contains(&key.to_string()), "{error}");
    assert_eq!(store.get(&key).await.unwrap(), Bytes::from_static(b"first"));
}

async fn other_bytes_than_expected_are_not_given(store: &dyn Blobs) {
    let (key, hash) = (receipt("expected"), ContentHash::of(b"expected"));
    assert_eq!(store.get_exactly(&key, hash).await.unwrap_err().kind(), Kind::NotFound);
    store.put(&key, Bytes::from_static(b"expected")).await.unwrap();
    assert_eq!(store.get_exactly(&key, hash).await.unwrap(), Bytes::from_static(b"expected"));
    let error = store.get_exactly(&key, ContentHash::of(b"other")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Corrupt);
    assert!(error.to_string().contains(&key.to_string()), "{error}");
}

async fn what_is_absent_is_said_to_be(store: &dyn Blobs) {
    let (key, _) = original("never put");
    assert_eq!(store.get(&key).await.unwrap_err().kind(), Kind::NotFound);
    assert_eq!(store.read_back(&key).await.unwrap_err().kind(), Kind::NotFound);
    assert_eq!(store.size(&key).await.unwrap(), None);
}

async fn listings_are_sorted_and_whole(store: &dyn Blobs) {
    let gallery = GalleryId::named("listing");
    let photos = (0..20).map(|n: u8| PhotoId::of(gallery, &ContentHash::of(&[n])));
    let mut expected = Vec::new();
    for photo in photos {
        let key = Key::Manifest(gallery, photo);
        store.put(&key, Bytes::from_static(b"{}")).await.unwrap();
        expected.push(key.to_string());
    }
    expected.sort();
    assert_eq!(store.list(&format!("{}{gallery}/", Key::MANIFESTS)).await.unwrap(), expected);
    assert!(store.list("nothing/").await.unwrap().is_empty());
    let (key, bytes) = original("listed");
    store.put(&key, bytes).await.unwrap();
    assert!(inventory(store).await.unwrap().originals.contains(&key.content().unwrap()));
}

async fn only_repair_replaces(store: &dyn Blobs) {
    let (key, bytes) = original("repaired");
    store.repair(&key, Bytes::from_static(b"rotten")).await.unwrap();
    assert_eq!(store.get(&key).await.unwrap_err().kind(), Kind::Corrupt);
    assert_eq!(store.read_back(&key).await.unwrap(), Bytes::from_static(b"rotten"));
    store.repair(&key, bytes.clone()).await.unwrap();
    assert_eq!(store.get(&key).await.unwrap(), bytes);
}

async fn one_of_many_writers_wins(store: &Arc<dyn Blobs>) {
    let key = receipt("contended");
    let writers = (0..16_u8).map(|n| {
        let (store, key) = (Arc::clone(store), key.clone());
        tokio::spawn(async move { store.put(&key, Bytes::from(vec![n; 50_000])).await.is_ok().then_some(n) })
    });
    let outcomes = futures::future::join_all(writers).await;
    let winners: Vec<u8> = outcomes.into_iter().filter_map(Result::unwrap).collect();
    let there = store.get(&key).await.unwrap();
    assert!(there.iter().all(|byte| *byte == there[0]), "no mixture");
    // Replicas may each have another first writer; then no writer is told that all went well.
    assert!(winners.len() <= 1, "{winners:?}");
    assert!(winners.is_empty() || winners == [there[0]]);
}

async fn deleting_twice_is_no_error(store: &dyn Blobs) {
    let (key, bytes) = original("deleted");
    store.put(&key, bytes).await.unwrap();
    store.delete(&key).await.unwrap();
    store.delete(&key).await.unwrap();
    assert_eq!(store.size(&key).await.unwrap(), None);
}

async fn a_folder_is_emptied_and_nothing_else(store: &dyn Blobs) {
    let [gone, kept] = ["gone", "kept"].map(GalleryId::named);
    let photos: Vec<PhotoId> = (0..3).map(|n: u8| PhotoId::of(gone, &ContentHash::of(&[n]))).collect();
    for key in photos.iter().flat_map(|photo| [gone, kept].map(|gallery| Key::Manifest(gallery, *photo))) {
        store.put(&key, Bytes::from_static(b"{}")).await.unwrap();
    }
    let folder = |gallery| format!("{}{gallery}/", Key::MANIFESTS);
    store.delete_below(&folder(gone)).await.unwrap();
    assert!(store.list(&folder(gone)).await.unwrap().is_empty());
    assert_eq!(store.list(&folder(kept)).await.unwrap().len(), 3);
    store.delete_below(&folder(gone)).await.unwrap();
    let again = Key::Manifest(gone, photos[0]);
    store.put(&again, Bytes::from_static(b"{}")).await.unwrap();
    assert_eq!(store.size(&again).await.unwrap(), Some(2));
}

async fn an_empty_and_a_large_object(store: &dyn Blobs) {
    for bytes in [Bytes::new(), Bytes::from(vec![9; 5_000_000])] {
        let key = Key::Original(ContentHash::of(&bytes));
        store.put(&key, bytes.clone()).await.unwrap();
        assert_eq!(store.get(&key).await.unwrap(), bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DiskBlobs, MemoryBlobs, Replicated};

    #[tokio::test]
    async fn memory() {
        all(Arc::new(MemoryBlobs::default())).await;
    }

    #[tokio::test]
    async fn disk() {
        let folder = tempfile::tempdir().unwrap();
        all(Arc::new(DiskBlobs::open(folder.path()).unwrap())).await;
    }

    #[tokio::test]
    async fn replicas_on_disk_and_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let stores: Vec<Arc<dyn Blobs>> = vec![
            Arc::new(DiskBlobs::open(folder.path().join("a")).unwrap()),
            Arc::new(MemoryBlobs::default()),
            Arc::new(DiskBlobs::open(folder.path().join("b")).unwrap()),
        ];
        all(Arc::new(Replicated::new(stores, 3).unwrap())).await;
    }
}
