//! Several stores as one.

use std::{collections::HashSet, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::join_all;
use procession_domain::{Classified, ContentHash, Key, Kind};

use super::{Blobs, hash_of};
use crate::{Error, Result};

/// A store that keeps every object in each of several stores, and reads from the first that has it whole.
///
/// Beyond what [`Blobs`] guarantees: `put` asks all stores, waits for their answers, and succeeds if `awaited` of them hold
/// the object; a store that turns out to lack an object whose hash is known, or to hold a damaged one, is repaired by the read
/// that found out.
#[derive(Clone, Debug)]
pub struct Replicated {
    stores: Arc<[Arc<dyn Blobs>]>,
    awaited: usize,
}

impl Replicated {
    /// All of `stores` as one, `awaited` of which must confirm a write (all, if it is more than there are).
    ///
    /// # Errors
    /// `Invalid` if there is no store, or two of them are the same.
    pub fn new(stores: Vec<Arc<dyn Blobs>>, awaited: usize) -> Result<Self> {
        let mut seen = HashSet::new();
        for store in &stores {
            if !seen.insert(store.identity()) {
                let why = "is given twice: two copies on one store are one copy".to_owned();
                return Err(Error::Refused { place: store.name(), why });
            }
        }
        if stores.is_empty() {
            return Err(Error::Refused { place: "vault".to_owned(), why: "no store is given".to_owned() });
        }
        let awaited = awaited.clamp(1, stores.len());
        Ok(Self { stores: stores.into(), awaited })
    }

    /// Brings back what some stores lack, from bytes that another one has proven.
    async fn mend(&self, key: &Key, hash: Option<ContentHash>, lacking: &[usize], bytes: &Bytes) {
        for index in lacking {
            let store = &self.stores[*index];
            match put_or_mend(store.as_ref(), key, hash, bytes).await {
                Ok(()) => tracing::warn!(store = store.name(), object = %key, "copy repaired from another store"),
                Err(error) => tracing::warn!(store = store.name(), object = %key, %error, "copy could not be repaired"),
            }
        }
    }

    /// The object from the first store that has it whole: with this hash, where one is known.
    async fn read(&self, key: &Key, hash: Option<ContentHash>) -> Result<Bytes> {
        let (mut lacking, mut worst) = (Vec::new(), None);
        for (index, store) in self.stores.iter().enumerate() {
            match read_one(store.as_ref(), key, hash).await {
                Ok(bytes) => {
                    self.mend(key, hash, &lacking, &bytes).await;
                    return Ok(bytes);
                }
                Err(error) => {
                    if matches!(error.kind(), Kind::NotFound | Kind::Corrupt) {
                        lacking.push(index);
                    }
                    // That it is nowhere says least.
                    if worst.as_ref().is_none_or(|known: &Error| known.kind() == Kind::NotFound) {
                        worst = Some(error);
                    }
                }
            }
        }
        Err(worst.unwrap_or_else(|| Error::Bug("no store".to_owned())))
    }
}

async fn read_one(store: &dyn Blobs, key: &Key, hash: Option<ContentHash>) -> Result<Bytes> {
    match hash {
        Some(hash) => store.get_exactly(key, hash).await,
        None => store.get(key).await,
    }
}

/// Puts an object. A damaged copy of one whose hash is known is no other object: it is replaced, once, by bytes that are what
/// they must be.
async fn put_or_mend(store: &dyn Blobs, key: &Key, hash: Option<ContentHash>, bytes: &Bytes) -> Result<()> {
    let outcome = store.put(key, bytes.clone()).await;
    let is_conflict = outcome.as_ref().is_err_and(|error| error.kind() == Kind::Conflict);
    if is_conflict && let Some(hash) = hash {
        let is_damaged = store.get_exactly(key, hash).await.is_err_and(|error| error.kind() == Kind::Corrupt);
        if is_damaged && hash_of(bytes.clone()).await? == hash {
            return store.repair(key, bytes.clone()).await;
        }
    }
    outcome
}

#[async_trait]
impl Blobs for Replicated {
    fn name(&self) -> String {
        self.stores.iter().map(|store| store.name()).collect::<Vec<_>>().join(" + ")
    }

    async fn put(&self, key: &Key, bytes: Bytes) -> Result<()> {
        let results =
            join_all(self.stores.iter().map(|store| put_or_mend(store.as_ref(), key, key.content(), &bytes))).await;
        let held = results.iter().filter(|result| result.is_ok()).count();
        let mut failures = Vec::new();
        for (store, result) in self.stores.iter().zip(results) {
            if let Err(error) = result {
                tracing::warn!(store = store.name(), object = %key, %error, "store did not take the object");
                failures.push(error);
            }
        }
        if let Some(conflict) = failures.iter().position(|error| error.kind() == Kind::Conflict) {
            return Err(failures.swap_remove(conflict));
        }
        match failures.into_iter().next() {
            Some(first) if held < self.awaited => Err(Error::TooFewReplicas {
                what: key.to_string(),
                held,
                wanted: self.awaited,
                source: Box::new(first),
            }),
            _ => Ok(()),
        }
    }

    async fn get(&self, key: &Key) -> Result<Bytes> {
        self.read(key, key.content()).await
    }

    async fn get_exactly(&self, key: &Key, hash: ContentHash) -> Result<Bytes> {
        self.read(key, Some(hash)).await
    }

    async fn read_back(&self, key: &Key) -> Result<Bytes> {
        let mut last = None;
        for store in self.stores.iter() {
            match store.read_back(key).await {
                Ok(bytes) => return Ok(bytes),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| Error::Bug("no store".to_owned())))
    }

    async fn prove(&self, hash: ContentHash) -> Result<()> {
        for store in self.stores.iter() {
            store.prove(hash).await?;
        }
        Ok(())
    }

    async fn size(&self, key: &Key) -> Result<Option<u64>> {
        for store in self.stores.iter() {
            if let Some(size) = store.size(key).await? {
                return Ok(Some(size));
            }
        }
        Ok(None)
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        let mut paths = Vec::new();
        for store in self.stores.iter() {
            paths.extend(store.list(prefix).await?);
        }
        paths.sort();
        paths.dedup();
        Ok(paths)
    }

    async fn repair(&self, key: &Key, bytes: Bytes) -> Result<()> {
        for store in self.stores.iter() {
            store.repair(key, bytes.clone()).await?;
        }
        Ok(())
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        for store in self.stores.iter() {
            store.delete(key).await?;
        }
        Ok(())
    }

    async fn delete_below(&self, prefix: &str) -> Result<()> {
        for store in self.stores.iter() {
            store.delete_below(prefix).await?;
        }
        Ok(())
    }

    fn identity(&self) -> String {
        self.stores.iter().map(|store| store.identity()).collect::<Vec<_>>().join(" + ")
    }

    fn replicas(&self) -> Vec<Arc<dyn Blobs>> {
        self.stores.to_vec()
    }
}

#[cfg(test)]
mod tests {
    use procession_domain::ContentHash;

    use super::*;
    use crate::{DiskBlobs, MemoryBlobs};

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
}
