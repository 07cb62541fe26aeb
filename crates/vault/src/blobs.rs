//! The port to stores of bytes.

pub mod conformance;
mod debts;
mod disk;
mod memory;
mod replicated;
mod s3;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use procession_domain::{ContentHash, Key, Timestamp};

use crate::{Error, Result};

pub use debts::{Debt, Debts};
pub use disk::DiskBlobs;
pub use memory::MemoryBlobs;
pub use replicated::{Placed, Replicated, Replication};
pub use s3::{S3Blobs, S3Options, Secret};

/// A store of immutable objects: a folder, a bucket, a set of both.
///
/// What every implementation guarantees, and `conformance` checks:
/// - An object is there whole or not at all; no reader and no crash ever meets a part of one.
/// - When `put` returns, the object survives the loss of power.
/// - An object is never overwritten. `put` of the same bytes under the same key succeeds and changes nothing; other bytes
///   under the same key are a [`Kind::Conflict`](procession_domain::Kind::Conflict).
/// - What was put is listed and found at once, by everybody.
#[async_trait]
pub trait Blobs: Send + Sync + std::fmt::Debug {
    /// The name that people know the store by: a folder's path, a bucket's URL.
    fn name(&self) -> String;

    /// Makes `bytes` durable under `key`.
    ///
    /// # Errors
    /// `Conflict` if other bytes are there; `Limit` if the store is full; `Unavailable` if it does not answer.
    async fn put(&self, key: &Key, bytes: Bytes) -> Result<()>;

    /// The whole object.
    ///
    /// # Errors
    /// `NotFound`; `Corrupt` if the key says what the bytes should hash to and they do not; `Unavailable`.
    async fn get(&self, key: &Key) -> Result<Bytes>;

    /// The whole object, for a caller who knows from elsewhere what its bytes hash to.
    ///
    /// # Errors
    /// As for `get`; `Corrupt` if they hash to anything else.
    async fn get_exactly(&self, key: &Key, hash: ContentHash) -> Result<Bytes>;

    /// The object's bytes as they are on the medium now, past any cache that can be avoided, unchecked: for verification
    /// by a caller who hashes them.
    ///
    /// # Errors
    /// `NotFound`; `Unavailable`.
    async fn read_back(&self, key: &Key) -> Result<Bytes>;

    /// Reads an original back as `put` left it and compares it with its hash. Where several copies are kept, it is asked of
    /// all that `put` waited for; those that are owed are no fault.
    ///
    /// # Errors
    /// `NotFound`; `Corrupt` if the bytes are others; `Unavailable`.
    async fn prove(&self, hash: ContentHash) -> Result<()> {
        verify_original(self, hash).await.map(drop)
    }

    /// The object's length, if it is there.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn size(&self, key: &Key) -> Result<Option<u64>>;

    /// The paths below `prefix` (a whole number of path parts, such as `originals/`), sorted.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn list(&self, prefix: &str) -> Result<Vec<String>>;

    /// Makes the object be `bytes`, whatever is there: for a copy that was found damaged or missing while another store
    /// still had it. The only way by which an object is ever written over.
    ///
    /// # Errors
    /// As for `put`, but never `Conflict`.
    async fn repair(&self, key: &Key, bytes: Bytes) -> Result<()>;

    /// Removes an object for ever; one that is not there is no error. Only the sweeper and erasure call this.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn delete(&self, key: &Key) -> Result<()>;

    /// Removes every object below `prefix`, as [`Blobs::list`] has it. What is put there meanwhile may be removed or not.
    ///
    /// # Errors
    /// `Unavailable`: some of them may be left.
    async fn delete_below(&self, prefix: &str) -> Result<()>;

    /// What each store below is owed: objects that others hold and it does not yet.
    ///
    /// # Errors
    /// Whatever the ledger says, which keeps the debts.
    async fn owed(&self) -> Result<Vec<Owed>> {
        Ok(Vec::new())
    }

    /// Brings the stores below what they are owed, as far as they answer. Returns how many debts were paid.
    ///
    /// # Errors
    /// Whatever the ledger says, which keeps the debts.
    async fn pay_debts(&self) -> Result<u64> {
        Ok(0)
    }

    /// The room on the store's medium, where it is one that can fill up.
    async fn room(&self) -> Option<Room> {
        None
    }

    /// Equal for two handles on the same store, however they name it.
    fn identity(&self) -> String;

    /// The stores below, for reports on each replica: itself, for a single store.
    fn replicas(&self) -> Vec<Arc<dyn Blobs>>;

    /// True if writes succeed while only these of its [`replicas`](Self::replicas) take any.
    fn suffice(&self, live: &[usize]) -> bool {
        live.len() == self.replicas().len()
    }
}

/// The room on a medium, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// What can still be written.
    pub free: u64,
    /// What the medium holds in all, of everything.
    pub total: u64,
}

/// What a store is owed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    /// The store's name.
    pub store: String,
    /// How many objects, counted up to [`Owed::MOST`].
    pub objects: u64,
    /// Since when the first of them, if there is one.
    pub since: Option<Timestamp>,
}

impl Owed {
    /// No more are counted: the figure says that something is wrong, and how wrong.
    pub const MOST: u64 = 10_000;
}

/// Reads an original from a store's medium and compares it with its hash. Returns its length in bytes.
///
/// # Errors
/// `NotFound`; `Corrupt` if the bytes are others; `Unavailable`.
pub async fn verify_original<B: Blobs + ?Sized>(store: &B, hash: ContentHash) -> Result<u64> {
    let key = Key::Original(hash);
    let bytes = store.read_back(&key).await?;
    let length = bytes.len() as u64;
    let found = hash_of(bytes).await?;
    if found == hash {
        return Ok(length);
    }
    let why = format!("its bytes hash to {found}");
    Err(Error::Corrupt { place: store.name(), what: key.to_string(), why })
}

/// What a store holds below `originals/`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// The originals.
    pub originals: Vec<ContentHash>,
    /// Paths that are no original's: Procession did not write them.
    pub foreign: Vec<String>,
}

/// Lists the originals of a store.
///
/// # Errors
/// `Unavailable`.
pub async fn inventory(store: &dyn Blobs) -> Result<Inventory> {
    let mut inventory = Inventory::default();
    for path in store.list(Key::ORIGINALS).await? {
        match Key::original_at(&path) {
            Some(hash) => inventory.originals.push(hash),
            None => inventory.foreign.push(path),
        }
    }
    Ok(inventory)
}

/// Hashes off the threads that serve tasks.
async fn hash_of(bytes: Bytes) -> Result<ContentHash> {
    blocking(move || Ok(ContentHash::of(&bytes))).await
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::Bug(format!("a thread ended early: {error}")))?
}
