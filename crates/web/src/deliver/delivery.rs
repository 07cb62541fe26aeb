//! What is on its way to clients, and what they ask for most: bounded, checked, and read once however many ask.

use std::{sync::Arc, time::Duration};

use axum::http::StatusCode;
use bytes::Bytes;
use procession_domain::{Classified, ContentHash, Key, Kind, error::chain, variant::Variant};
use procession_flow::{Budget, Grant, System, preview, remake};
use quick_cache::{Weighter, sync::Cache};

use super::known::{Known, Photos};
use crate::{Problem, Result};

/// For telling the cache how much to track; any value near the truth will do.
const USUAL_IMAGE_BYTES: u64 = 100 << 10;
/// Who finds all memory in use waits so long for others to take what they asked for.
const PATIENCE: Duration = Duration::from_secs(10);
/// A client should ask again after this time for what is being made.
const RETRY_SECONDS: u64 = 5;

/// An image's bytes, checked.
#[derive(Clone, Debug)]
pub(super) struct Image {
    pub(super) bytes: Bytes,
    pub(super) hash: ContentHash,
}

/// What an image is remembered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Name {
    /// By the hash of its bytes.
    Variant(ContentHash),
    /// By that of its original.
    Preview(ContentHash),
}

/// Memory and memories of the delivery.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(super) photos: Photos,
    images: Cache<Name, Image, Weight>,
    memory: Budget,
}

impl Delivery {
    /// Everything on its way takes at most so many bytes together. Half of them remember the images that are asked for most.
    pub(crate) fn new(memory_bytes: u64) -> Self {
        let (remembered, items) = (memory_bytes / 2, memory_bytes / 2 / USUAL_IMAGE_BYTES);
        Self {
            photos: Photos::new(),
            images: Cache::with_weighter(usize::try_from(items).unwrap_or(usize::MAX), remembered, Weight),
            memory: Budget::new(memory_bytes),
        }
    }

    /// An image of a photo. One that the vault lost, or holds damaged, is not given, but made again with its photo.
    ///
    /// # Errors
    /// 503 if it is being made, or if there is no memory for it now; the vault does not answer.
    pub(super) async fn variant(&self, system: &System, known: &Known, variant: &Variant) -> Result<Image> {
        let read = async {
            let key = known.key(variant).ok_or_else(being_made)?;
            match self.read(system, &key, variant.hash, variant.bytes).await? {
                Some(bytes) => Ok(Image { bytes, hash: variant.hash }),
                None => {
                    remake(system, known.id, &key).await?;
                    self.photos.forget(known.id);
                    Err(being_made())
                }
            }
        };
        self.images.get_or_insert_async(&Name::Variant(variant.hash), read).await
    }

    /// The first look at a photo, made now if nobody has made it yet.
    ///
    /// # Errors
    /// 404 if it cannot be made; the vault does not answer.
    pub(super) async fn preview(&self, system: &Arc<System>, known: &Known) -> Result<Image> {
        let make = async {
            let (photo, _) = system.ledger.photo(known.id).await?;
            let bytes = preview(system, &photo).await.map_err(|error| match error {
                procession_flow::Error::Pixel(error) => {
                    Problem::new(StatusCode::NOT_FOUND, "no_preview", chain(&error))
                }
                error => error.into(),
            })?;
            let memory = self.room(system, bytes.len() as u64).await?;
            Ok(Image { hash: ContentHash::of(&bytes), bytes: granted(bytes, memory) })
        };
        self.images.get_or_insert_async(&Name::Preview(known.original), make).await
    }

    /// Reads an object whose hash and length are known, and nothing else. None if the vault has it no more. The memory is
    /// given back when the last clone of the bytes is dropped.
    ///
    /// # Errors
    /// 503 if there is no memory for it now; the vault does not answer.
    pub(crate) async fn read(
        &self,
        system: &System,
        key: &Key,
        hash: ContentHash,
        length: u64,
    ) -> Result<Option<Bytes>> {
        let memory = self.room(system, length).await?;
        match system.blobs.get_exactly(key, hash).await {
            Ok(bytes) => Ok(Some(granted(bytes, memory))),
            Err(error) if matches!(error.kind(), Kind::NotFound | Kind::Corrupt) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// What would not fit besides what is remembered takes of the memory in which its photo was ingested.
    async fn room(&self, system: &System, bytes: u64) -> Result<Grant> {
        let budget = if bytes <= self.memory.bytes() / 2 { &self.memory } else { &system.budget };
        match tokio::time::timeout(PATIENCE, budget.grant(bytes)).await {
            Ok(granted) => Ok(granted?),
            Err(_) => {
                let detail = "too much is being delivered at the moment";
                let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail);
                Err(Problem { retry_after_seconds: Some(RETRY_SECONDS), ..problem })
            }
        }
    }
}

/// The answer to who asks for an image before it is there.
pub(crate) fn being_made() -> Problem {
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "being_made", "this image is being made");
    Problem { retry_after_seconds: Some(RETRY_SECONDS), ..problem }
}

/// Bytes that hold their memory as long as anybody holds them.
fn granted(bytes: Bytes, memory: Grant) -> Bytes {
    struct Granted {
        bytes: Bytes,
        _memory: Grant,
    }
    impl AsRef<[u8]> for Granted {
        fn as_ref(&self) -> &[u8] {
            &self.bytes
        }
    }
    Bytes::from_owner(Granted { bytes, _memory: memory })
}

/// An image weighs what it was granted: whole pages.
#[derive(Clone, Debug)]
struct Weight;

impl Weighter<Name, Image> for Weight {
    fn weight(&self, _: &Name, image: &Image) -> u64 {
        (image.bytes.len() as u64).next_multiple_of(4 << 10).max(1)
    }
}
