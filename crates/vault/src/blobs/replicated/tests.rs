use procession_domain::{Clock, ContentHash, GalleryId, ManualClock, PhotoId, Timestamp};

use super::*;
use crate::{DiskBlobs, Documents, MemoryBlobs, SqliteLedger};

fn original(text: &'static str) -> (Key, Bytes) {
    (Key::Original(ContentHash::of(text.as_bytes())), Bytes::from_static(text.as_bytes()))
}

fn three() -> (Vec<MemoryBlobs>, Replicated) {
    let stores: Vec<MemoryBlobs> = (0..3).map(|_| MemoryBlobs::default()).collect();
    let handles = stores.iter().map(|store| Arc::new(store.clone()) as Arc<dyn Blobs>).collect();
    (stores, Replicated::new(handles, 3).unwrap())
}

#[tokio::test]
async fn a_read_repairs_what_is_lost_or_rotten() {
    let (stores, vault) = three();
    let (key, bytes) = original("a photo");
    vault.put(&key, bytes.clone()).await.unwrap();
    stores[0].delete(&key).await.unwrap();
    stores[1].repair(&key, Bytes::from_static(b"a pho7o")).await.unwrap();
    assert_eq!(vault.get(&key).await.unwrap(), bytes);
    for store in &stores {
        assert_eq!(store.get(&key).await.unwrap(), bytes);
    }
}

#[tokio::test]
async fn a_read_that_knows_the_hash_repairs_every_kind_of_object() {
    let (stores, vault) = three();
    let key = Key::Preview(ContentHash::of(b"a photo"));
    let (bytes, hash) = (Bytes::from_static(b"small"), ContentHash::of(b"small"));
    vault.put(&key, bytes.clone()).await.unwrap();
    stores[0].repair(&key, Bytes::from_static(b"sma1l")).await.unwrap();
    stores[1].delete(&key).await.unwrap();
    assert_eq!(vault.get_exactly(&key, hash).await.unwrap(), bytes);
    for store in &stores {
        assert_eq!(store.get(&key).await.unwrap(), bytes);
    }
    assert_eq!(vault.get_exactly(&key, ContentHash::of(b"large")).await.unwrap_err().kind(), Kind::Corrupt);
    assert_eq!(stores[2].get(&key).await.unwrap(), bytes, "nothing was written over");
}

#[tokio::test]
async fn a_write_over_a_rotten_copy_mends_it() {
    let (stores, vault) = three();
    let (key, bytes) = original("a photo");
    stores[1].repair(&key, Bytes::from_static(b"rot")).await.unwrap();
    vault.put(&key, bytes.clone()).await.unwrap();
    assert_eq!(stores[1].get(&key).await.unwrap(), bytes);
}

#[tokio::test]
async fn nothing_is_acknowledged_by_too_few() {
    let folder = tempfile::tempdir().unwrap();
    let disk = DiskBlobs::open(folder.path().join("store")).unwrap();
    // A disk whose root became a file takes nothing.
    std::fs::remove_dir_all(folder.path().join("store")).unwrap();
    std::fs::write(folder.path().join("store"), "").unwrap();
    let both = |awaited| {
        let memory: Arc<dyn Blobs> = Arc::new(MemoryBlobs::default());
        Replicated::new(vec![memory, Arc::new(disk.clone())], awaited).unwrap()
    };
    let (key, bytes) = original("a photo");
    let error = both(2).put(&key, bytes.clone()).await.unwrap_err();
    assert!(error.to_string().contains("safe in 1 of 2 stores"), "{error}");
    assert_eq!(error.kind(), Kind::Unavailable);
    both(1).put(&key, bytes).await.unwrap();
}

#[test]
fn one_store_under_two_names_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().join("store"), folder.path().join("link"));
    let one: Arc<dyn Blobs> = Arc::new(DiskBlobs::open(&path).unwrap());
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let two: Arc<dyn Blobs> = Arc::new(DiskBlobs::open(&link).unwrap());
    let error = Replicated::new(vec![one, two], 2).unwrap_err();
    assert!(error.to_string().contains("given twice"), "{error}");
}

/// Disks in regions, as one store that keeps debts. Two copies are awaited.
struct Regions {
    folder: tempfile::TempDir,
    disks: Vec<DiskBlobs>,
    vault: Replicated,
    clock: Arc<ManualClock>,
}

impl Regions {
    async fn new(regions: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = SqliteLedger::open(&folder.path().join("ledger.db")).await.unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(7)));
        let debts = Debts::new(Documents::new(Arc::new(ledger)), Arc::clone(&clock) as Arc<dyn Clock>);
        let disk = |index| DiskBlobs::open(folder.path().join(format!("{index}"))).unwrap();
        let disks: Vec<DiskBlobs> = (0..regions.len()).map(disk).collect();
        let placed = regions
            .iter()
            .zip(&disks)
            .map(|(region, disk)| Placed { region: region.parse().unwrap(), store: Arc::new(disk.clone()) });
        let how = Replication::new(regions[0].parse().unwrap(), 2, Some(debts));
        let vault = Replicated::placed(placed.collect(), how).unwrap();
        Self { folder, disks, vault, clock }
    }

    /// A file in place of its folder: whatever is asked of the disk fails.
    fn unmount(&self, index: usize) {
        let root = self.folder.path().join(index.to_string());
        std::fs::rename(&root, root.with_extension("away")).unwrap();
        std::fs::write(root, "").unwrap();
    }

    /// The disk is back, and so late that nobody remembers that it was away.
    fn mount(&self, index: usize) {
        let root = self.folder.path().join(index.to_string());
        std::fs::remove_file(&root).unwrap();
        std::fs::rename(root.with_extension("away"), root).unwrap();
        self.clock.advance(Duration::from_secs(11));
    }

    async fn owed(&self) -> Vec<u64> {
        self.vault.owed().await.unwrap().iter().map(|owed| owed.objects).collect()
    }
}

#[tokio::test]
async fn stores_that_keep_debts_keep_every_guarantee() {
    let regions = Regions::new(&["eu", "us", "ap"]).await;
    crate::blobs::conformance::all(Arc::new(regions.vault.clone())).await;
    assert_eq!(regions.owed().await, [0, 0, 0]);
}

#[tokio::test]
async fn what_a_store_misses_is_owed_and_paid() {
    let regions = Regions::new(&["eu", "us", "ap"]).await;
    let (key, bytes) = original("a photo");
    let note = Key::Receipt(GalleryId::named("note"));
    let hash = key.content().unwrap();
    regions.unmount(2);
    regions.vault.put(&key, bytes.clone()).await.unwrap();
    regions.vault.put(&note, Bytes::from_static(b"note")).await.unwrap();
    assert_eq!(regions.owed().await, [0, 0, 2]);
    let owed = regions.vault.owed().await.unwrap().remove(2);
    assert_eq!((owed.store, owed.since), (regions.disks[2].name(), Some(Timestamp::from_micros(7))));
    regions.vault.prove(hash).await.unwrap();
    assert_eq!(regions.vault.get(&key).await.unwrap(), bytes);
    assert_eq!(regions.vault.pay_debts().await.unwrap(), 0, "it is still away");

    regions.mount(2);
    assert_eq!(regions.vault.pay_debts().await.unwrap(), 2);
    assert_eq!(regions.owed().await, [0, 0, 0]);
    assert_eq!(regions.disks[2].get(&key).await.unwrap(), bytes);
    assert_eq!(regions.disks[2].get(&note).await.unwrap(), Bytes::from_static(b"note"));

    // What is lost without a debt is a fault, and said to be one.
    regions.disks[1].delete(&key).await.unwrap();
    assert_eq!(regions.vault.prove(hash).await.unwrap_err().kind(), Kind::NotFound);
}

#[tokio::test]
async fn a_store_that_was_away_is_asked_when_another_fails() {
    let regions = Regions::new(&["eu", "us", "ap"]).await;
    let (key, bytes) = original("a photo");
    regions.vault.found_away(1);
    regions.unmount(2);
    regions.vault.put(&key, bytes.clone()).await.unwrap();
    assert_eq!(regions.owed().await, [0, 0, 1]);
    assert_eq!(regions.disks[1].get(&key).await.unwrap(), bytes);
}

#[tokio::test]
async fn two_copies_in_one_region_are_not_enough() {
    let regions = Regions::new(&["eu", "eu", "us"]).await;
    let (key, bytes) = original("a photo");
    regions.unmount(2);
    let error = regions.vault.put(&key, bytes.clone()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable);
    assert!(error.to_string().contains("safe in 2 of 2"), "{error}");
    regions.mount(2);
    regions.unmount(1);
    regions.vault.put(&key, bytes.clone()).await.unwrap();
    assert_eq!(regions.owed().await, [0, 1, 0]);
    assert_eq!(regions.disks[2].get(&key).await.unwrap(), bytes);

    // With fewer regions than copies the stores are counted.
    let one_region = Regions::new(&["eu", "eu", "eu"]).await;
    one_region.unmount(0);
    one_region.vault.put(&key, bytes).await.unwrap();
    one_region.unmount(1);
    let (other, bytes) = original("another photo");
    assert!(one_region.vault.put(&other, bytes).await.is_err());
}

#[tokio::test]
async fn what_is_deleted_is_owed_no_longer() {
    let regions = Regions::new(&["eu", "us", "ap"]).await;
    let (key, bytes) = original("a photo");
    let gallery = GalleryId::named("gone");
    let manifest = Key::Manifest(gallery, PhotoId::of(gallery, &key.content().unwrap()));
    regions.unmount(2);
    regions.vault.put(&key, bytes).await.unwrap();
    regions.vault.put(&manifest, Bytes::from_static(b"{}")).await.unwrap();
    assert_eq!(regions.vault.delete(&key).await.unwrap_err().kind(), Kind::Unavailable, "a copy may be left there");
    let folder = format!("{}{gallery}/", Key::MANIFESTS);
    assert!(regions.vault.delete_below(&folder).await.is_err());
    regions.mount(2);
    assert_eq!(regions.vault.pay_debts().await.unwrap(), 0);
    regions.vault.delete(&key).await.unwrap();
    regions.vault.delete_below(&folder).await.unwrap();
    assert_eq!(regions.owed().await, [0, 0, 0]);
    for disk in &regions.disks {
        assert_eq!(disk.size(&key).await.unwrap(), None);
        assert_eq!(disk.size(&manifest).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_repair_that_a_store_missed_is_owed_too() {
    let regions = Regions::new(&["eu", "us", "ap"]).await;
    let key = Key::Preview(ContentHash::of(b"a photo"));
    regions.vault.put(&key, Bytes::from_static(b"old")).await.unwrap();
    regions.unmount(2);
    regions.vault.repair(&key, Bytes::from_static(b"new")).await.unwrap();
    assert_eq!(regions.owed().await, [0, 0, 1]);
    regions.mount(2);
    assert_eq!(regions.vault.pay_debts().await.unwrap(), 1);
    assert_eq!(regions.disks[2].get(&key).await.unwrap(), Bytes::from_static(b"new"));
}

#[tokio::test]
async fn only_what_can_be_made_again_is_absent_while_a_store_is_away() {
    let regions = Regions::new(&["eu", "us", "ap"]).await;
    regions.unmount(1);
    let hash = ContentHash::of(b"a photo");
    assert_eq!(regions.vault.get(&Key::Preview(hash)).await.unwrap_err().kind(), Kind::NotFound);
    assert_eq!(regions.vault.size(&Key::Preview(hash)).await.unwrap(), None);
    assert_eq!(regions.vault.get(&Key::Original(hash)).await.unwrap_err().kind(), Kind::Unavailable);
}

#[tokio::test]
async fn the_nearest_store_is_read_and_one_that_was_away_comes_last() {
    let regions = Regions::new(&["eu", "us", "ap"]).await;
    assert_eq!(regions.vault.nearest_first(), [0, 1, 2]);
    regions.unmount(0);
    let (key, bytes) = original("a photo");
    regions.vault.put(&key, bytes.clone()).await.unwrap();
    assert_eq!(regions.vault.nearest_first(), [1, 2, 0]);
    assert_eq!(regions.vault.get(&key).await.unwrap(), bytes);
    regions.mount(0);
    assert_eq!(regions.vault.nearest_first(), [0, 1, 2]);
    assert_eq!(regions.vault.get(&key).await.unwrap(), bytes, "the read repairs it");
    assert_eq!(regions.disks[0].get(&key).await.unwrap(), bytes);
    assert_eq!(regions.vault.pay_debts().await.unwrap(), 1);
}
