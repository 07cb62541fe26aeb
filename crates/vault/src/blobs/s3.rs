//! A store in a bucket of an S3-compatible service.
//!
//! The service is asked for what a folder gives by itself: that a write can demand to be the first (`If-None-Match: *`), that
//! bytes which changed on their way are refused (SHA-256 with each request), and that what was written is there for the next
//! read. [`S3Blobs::open`] tries it out and refuses a service that does not do it.

mod options;
mod parts;
mod probe;
mod trouble;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::{
    Attribute, Attributes, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, aws::AmazonS3, path::Path,
};
use procession_domain::{ContentHash, Key};
use tokio::sync::OnceCell;

use super::{Blobs, hash_of};
use crate::{Error, Result};

pub use options::{S3Options, Secret};
use parts::LARGE_BYTES;
use trouble::{Trouble, trouble};

/// Says that a bucket, or what is below the prefix, is a store, and which.
const MARKER: &str = "procession-store";
const MARKER_VERSION: &str = "procession store 1";
/// A create-only write that met another writer at work is repeated so often.
const ATTEMPTS: u32 = 3;

/// Objects in a bucket. Clones are handles on the same store; several processes may use one bucket.
#[derive(Clone)]
pub struct S3Blobs(Arc<Store>);

struct Store {
    client: AmazonS3,
    /// The same, but every request of it carries `If-None-Match: *`: the library has no conditional end of an upload in parts.
    first_only: AmazonS3,
    options: S3Options,
    name: String,
    identity: String,
    /// Set once the service has shown what it can, and that it is this store.
    proven: OnceCell<()>,
}

impl std::fmt::Debug for S3Blobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("S3Blobs").field(&self.0.name).finish()
    }
}

impl S3Blobs {
    /// The store in this bucket, once the service has shown that it keeps what [`Blobs`] promises. Marks the bucket as a store
    /// if it is none yet.
    ///
    /// # Errors
    /// `Invalid` names the option that is wrong, or what the service lacks; `Unavailable` if it does not answer.
    pub async fn open(options: S3Options) -> Result<Self> {
        let mut store = Store::connect(options)?;
        probe::probe(&store).await?;
        store.identity = store.mark().await?;
        store.proven = OnceCell::from(());
        Ok(Self(Arc::new(store)))
    }

    /// The store in this bucket that was opened before and had this identity. Nothing is asked of the service now: for one that
    /// is away at the start. It is tried out before it is first used.
    ///
    /// # Errors
    /// `Invalid` names the option that is wrong.
    pub fn open_later(options: S3Options, identity: String) -> Result<Self> {
        Ok(Self(Arc::new(Store { identity, ..Store::connect(options)? })))
    }

    async fn store(&self) -> Result<&Store> {
        let prove = || async {
            probe::probe(&self.0).await?;
            match self.0.marked().await? {
                Some(identity) if identity == self.0.identity => Ok(()),
                _ => Err(self.0.refused("is another store than it was; check `bucket` and `prefix`".to_owned())),
            }
        };
        self.0.proven.get_or_try_init(prove).await?;
        Ok(&self.0)
    }

    /// The store in this bucket, if it is one already. Writes nothing.
    ///
    /// # Errors
    /// `Invalid` if it is none, or an option is wrong; `Unavailable`.
    pub async fn open_existing(options: S3Options) -> Result<Self> {
        let mut store = Store::connect(options)?;
        match store.marked().await? {
            Some(identity) => (store.identity, store.proven) = (identity, OnceCell::from(())),
            None => return Err(store.refused("holds no store of Procession; check `bucket` and `prefix`".to_owned())),
        }
        Ok(Self(Arc::new(store)))
    }

    /// Finds out whether a store could be opened there. Leaves nothing behind.
    ///
    /// # Errors
    /// As for [`S3Blobs::open`].
    pub async fn check(options: S3Options) -> Result<()> {
        probe::probe(&Store::connect(options)?).await
    }
}

impl Store {
    fn connect(options: S3Options) -> Result<Self> {
        let name = options.name();
        let build = |first_only| {
            options.client(first_only).map_err(|error| Error::Refused { place: name.clone(), why: error.to_string() })
        };
        let (client, first_only) = (build(false)?, build(true)?);
        Ok(Self { client, first_only, options, name, identity: String::new(), proven: OnceCell::new() })
    }

    fn path(&self, path: &str) -> Path {
        Path::from(format!("{}{path}", self.options.folder()))
    }

    fn refused(&self, why: String) -> Error {
        Error::Refused { place: self.name.clone(), why }
    }

    fn error(&self, action: &'static str, what: &str, error: &object_store::Error) -> Error {
        self.trouble(action, what, trouble(error, &self.options))
    }

    fn trouble(&self, action: &'static str, what: &str, trouble: Trouble) -> Error {
        let place = self.name.clone();
        match trouble {
            Trouble::Absent => Error::NotFound { place, what: what.to_owned() },
            Trouble::Refused(why) => Error::Refused { place, why: format!("cannot {action} {what}: {why}") },
            Trouble::Full(source) => Error::Full { place, source },
            Trouble::Taken(source) | Trouble::Away(source) => {
                Error::Io { place, action, what: what.to_owned(), source }
            }
        }
    }

    /// Writes an object: as the first one, or over whatever is there.
    async fn write(&self, key: &Key, bytes: Bytes, replace: bool) -> Result<()> {
        let what = key.to_string();
        let path = self.path(&what);
        for _ in 0..ATTEMPTS {
            let outcome = if bytes.len() > LARGE_BYTES {
                if !replace && self.length(&what).await?.is_some() {
                    // Found out before many bytes are sent for nothing.
                    return self.compare(key, &bytes).await;
                }
                parts::put(self, &path, &bytes, replace).await
            } else {
                self.put_whole(&path, &bytes, replace).await
            };
            let Err(error) = outcome else { return Ok(()) };
            match trouble(&error, &self.options) {
                Trouble::Taken(_) if !replace => {}
                other => return Err(self.trouble("write", &what, other)),
            }
            match self.compare(key, &bytes).await {
                // Another writer was at work and did not finish.
                Err(Error::NotFound { .. }) => {}
                other => return other,
            }
        }
        let source = std::io::Error::other("other writers were always first and never done");
        Err(self.trouble("write", &what, Trouble::Away(source)))
    }

    async fn put_whole(&self, path: &Path, bytes: &Bytes, replace: bool) -> object_store::Result<()> {
        let mode = if replace { PutMode::Overwrite } else { PutMode::Create };
        let options = PutOptions { mode, attributes: self.attributes(), ..PutOptions::default() };
        self.client.put_opts(path, bytes.clone().into(), options).await.map(drop)
    }

    fn attributes(&self) -> Attributes {
        let class = self.options.storage_class.clone();
        class.map(|class| (Attribute::StorageClass, class)).into_iter().collect()
    }

    /// An object that is there already: the same, or a conflict.
    async fn compare(&self, key: &Key, bytes: &Bytes) -> Result<()> {
        if self.read(&key.to_string()).await? == bytes {
            return Ok(());
        }
        let why = "other bytes are there already".to_owned();
        Err(Error::Conflict { place: self.name.clone(), what: key.to_string(), why })
    }

    async fn read(&self, what: &str) -> Result<Bytes> {
        let read = async { self.client.get(&self.path(what)).await?.bytes().await };
        read.await.map_err(|error| self.error("read", what, &error))
    }

    async fn length(&self, what: &str) -> Result<Option<u64>> {
        match self.client.head(&self.path(what)).await {
            Ok(found) => Ok(Some(found.size)),
            Err(error) => match self.error("look at", what, &error) {
                Error::NotFound { .. } => Ok(None),
                error => Err(error),
            },
        }
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        let folder = self.options.folder();
        let below = self.path(prefix);
        let below = (!below.as_ref().is_empty()).then_some(below);
        let found = self.client.list(below.as_ref()).map_ok(|object| object.location.to_string());
        let found: Vec<String> = found.try_collect().await.map_err(|error| self.error("list", prefix, &error))?;
        let mut paths: Vec<String> =
            found.iter().filter_map(|path| path.strip_prefix(&folder)).map(str::to_owned).collect();
        paths.sort();
        Ok(paths)
    }

    async fn remove(&self, what: &str) -> Result<()> {
        match self.client.delete(&self.path(what)).await {
            Ok(()) => Ok(()),
            Err(error) => match self.error("remove", what, &error) {
                Error::NotFound { .. } => Ok(()),
                error => Err(error),
            },
        }
    }

    async fn remove_below(&self, prefix: &str) -> Result<()> {
        let paths: Vec<_> = self.list(prefix).await?.iter().map(|path| Ok(self.path(path))).collect();
        let mut removed = self.client.delete_stream(futures::stream::iter(paths).boxed());
        while let Some(outcome) = removed.next().await {
            match outcome.map_err(|error| self.error("remove", prefix, &error)) {
                Ok(_) | Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The store's identity, if it has its marker.
    async fn marked(&self) -> Result<Option<String>> {
        let bytes = match self.read(MARKER).await {
            Ok(bytes) => bytes,
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let text = String::from_utf8_lossy(&bytes);
        match text.lines().collect::<Vec<_>>()[..] {
            [MARKER_VERSION, id] => Ok(Some(format!("s3 {id}"))),
            _ => Err(self.refused("is a store of another version of Procession".to_owned())),
        }
    }

    /// Reads the marker, or makes it. Of two processes that make it at once, one wins and both read the winner's.
    async fn mark(&self) -> Result<String> {
        if let Some(identity) = self.marked().await? {
            return Ok(identity);
        }
        let text = Bytes::from(format!("{MARKER_VERSION}\n{}\n", random_name()?));
        match self.put_whole(&self.path(MARKER), &text, false).await {
            Err(error) if !matches!(trouble(&error, &self.options), Trouble::Taken(_)) => {
                Err(self.error("write", MARKER, &error))
            }
            _ => self.marked().await?.ok_or_else(|| self.refused("lost the marker that was just written".to_owned())),
        }
    }
}

fn random_name() -> Result<String> {
    let mut id = [0_u8; 16];
    getrandom::fill(&mut id).map_err(|error| Error::Bug(format!("no randomness: {error}")))?;
    Ok(id.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[async_trait]
impl Blobs for S3Blobs {
    fn name(&self) -> String {
        self.0.name.clone()
    }

    async fn put(&self, key: &Key, bytes: Bytes) -> Result<()> {
        self.store().await?.write(key, bytes, false).await
    }

    async fn get(&self, key: &Key) -> Result<Bytes> {
        match key.content() {
            Some(hash) => self.get_exactly(key, hash).await,
            None => self.store().await?.read(&key.to_string()).await,
        }
    }

    async fn get_exactly(&self, key: &Key, hash: ContentHash) -> Result<Bytes> {
        let bytes = self.store().await?.read(&key.to_string()).await?;
        if hash_of(bytes.clone()).await? == hash {
            return Ok(bytes);
        }
        let why = "its bytes have another hash".to_owned();
        Err(Error::Corrupt { place: self.name(), what: key.to_string(), why })
    }

    async fn read_back(&self, key: &Key) -> Result<Bytes> {
        self.store().await?.read(&key.to_string()).await
    }

    async fn size(&self, key: &Key) -> Result<Option<u64>> {
        self.store().await?.length(&key.to_string()).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        self.store().await?.list(prefix).await
    }

    async fn repair(&self, key: &Key, bytes: Bytes) -> Result<()> {
        self.store().await?.write(key, bytes, true).await
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        self.store().await?.remove(&key.to_string()).await
    }

    async fn delete_below(&self, prefix: &str) -> Result<()> {
        self.store().await?.remove_below(prefix).await
    }

    fn identity(&self) -> String {
        self.0.identity.clone()
    }

    fn replicas(&self) -> Vec<Arc<dyn Blobs>> {
        vec![Arc::new(self.clone())]
    }
}
