//! A store in memory, for tests and simulations. It keeps every guarantee but the one about power.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use procession_domain::{ContentHash, Key};

use super::Blobs;
use crate::{Error, Result};

/// A map from paths to bytes. Clones are handles on the same map.
#[derive(Clone, Debug, Default)]
pub struct MemoryBlobs(Arc<Mutex<BTreeMap<String, Bytes>>>);

impl MemoryBlobs {
    fn objects(&self) -> MutexGuard<'_, BTreeMap<String, Bytes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Blobs for MemoryBlobs {
    fn name(&self) -> String {
        "memory".to_owned()
    }

    async fn put(&self, key: &Key, bytes: Bytes) -> Result<()> {
        let mut objects = self.objects();
        let there = objects.entry(key.to_string()).or_insert_with(|| bytes.clone());
        if *there == bytes {
            return Ok(());
        }
        let why = "other bytes are there already".to_owned();
        Err(Error::Conflict { place: self.name(), what: key.to_string(), why })
    }

    async fn get(&self, key: &Key) -> Result<Bytes> {
        match key.content() {
            Some(hash) => self.get_exactly(key, hash).await,
            None => self.read_back(key).await,
        }
    }

    async fn get_exactly(&self, key: &Key, hash: ContentHash) -> Result<Bytes> {
        let bytes = self.read_back(key).await?;
        if ContentHash::of(&bytes) == hash {
            return Ok(bytes);
        }
        let why = "its bytes have another hash".to_owned();
        Err(Error::Corrupt { place: self.name(), what: key.to_string(), why })
    }

    async fn read_back(&self, key: &Key) -> Result<Bytes> {
        let found = self.objects().get(&key.to_string()).cloned();
        found.ok_or_else(|| Error::NotFound { place: self.name(), what: key.to_string() })
    }

    async fn size(&self, key: &Key) -> Result<Option<u64>> {
        Ok(self.objects().get(&key.to_string()).map(|bytes| bytes.len() as u64))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        Ok(self.objects().keys().filter(|path| path.starts_with(prefix)).cloned().collect())
    }

    async fn repair(&self, key: &Key, bytes: Bytes) -> Result<()> {
        self.objects().insert(key.to_string(), bytes);
        Ok(())
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        self.objects().remove(&key.to_string());
        Ok(())
    }

    async fn delete_below(&self, prefix: &str) -> Result<()> {
        self.objects().retain(|path, _| !path.starts_with(prefix));
        Ok(())
    }

    fn identity(&self) -> String {
        format!("memory {:p}", Arc::as_ptr(&self.0))
    }

    fn replicas(&self) -> Vec<Arc<dyn Blobs>> {
        vec![Arc::new(self.clone())]
    }
}
