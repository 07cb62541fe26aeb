//! The port to stores of bytes.

use async_trait::async_trait;
use bytes::Bytes;
use procession_domain::Key;

use crate::Result;

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

    /// The object's bytes as they are on the medium now, past any cache that can be avoided, unchecked: for verification
    /// by a caller who hashes them.
    ///
    /// # Errors
    /// `NotFound`; `Unavailable`.
    async fn read_back(&self, key: &Key) -> Result<Bytes>;

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

    /// Removes an object for ever; one that is not there is no error. Only the sweeper and erasure call this.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn delete(&self, key: &Key) -> Result<()>;

    /// The stores below, for reports on each replica: itself, for a single store.
    fn replicas(&self) -> Vec<std::sync::Arc<dyn Blobs>>;
}
