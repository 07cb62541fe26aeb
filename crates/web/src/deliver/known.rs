//! What delivery needs of photos, remembered: a photo's row is large, and each of its images asks for it.

use std::{sync::Arc, time::Duration};

use procession_domain::{
    ContentHash, Key, PhotoId, Timestamp,
    photo::{Photo, PhotoState},
    recipe::Fingerprint,
    variant::Variant,
};
use procession_flow::System;
use quick_cache::sync::Cache;

use crate::Result;

/// So many photos are remembered: about 30 MB.
const PHOTOS: usize = 20_000;
/// What is known is at most so old: for so long may a photo be delivered that another process removed.
const LONGEST: Duration = Duration::from_secs(10);
/// Where what is known does not answer a request, it is at most so old.
const SHORTEST: Duration = Duration::from_secs(1);

/// A small part of a photo's row.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) id: PhotoId,
    pub(super) original: ContentHash,
    /// Width and height in pixels, upright.
    pub(super) size: (u32, u32),
    pub(super) images: Images,
    read_at: Timestamp,
}

/// How far a photo's images are.
#[derive(Debug)]
pub(super) enum Images {
    /// They are still to be made.
    Awaited,
    /// They cannot be made.
    Impossible,
    /// They are there.
    Made(Fingerprint, Vec<Variant>),
}

impl Known {
    fn of(photo: &Photo, state: PhotoState, read_at: Timestamp) -> Self {
        let images = match state {
            PhotoState::Stored => Images::Awaited,
            PhotoState::Quarantined(_) => Images::Impossible,
            PhotoState::Done(finished) => Images::Made(finished.fingerprint, finished.variants),
        };
        Self { id: photo.id, original: photo.original, size: (photo.width, photo.height), images, read_at }
    }

    /// The images that there are.
    pub(super) fn variants(&self) -> &[Variant] {
        if let Images::Made(_, variants) = &self.images { variants } else { &[] }
    }

    /// Where an image of this photo is in the vault.
    pub(super) fn key(&self, variant: &Variant) -> Option<Key> {
        let Images::Made(fingerprint, _) = self.images else { return None };
        let Variant { name, format, .. } = variant;
        Some(Key::Variant { original: self.original, fingerprint, name: name.clone(), format: *format })
    }
}

/// What is known of the photos that were asked for lately.
#[derive(Debug)]
pub(super) struct Photos(Cache<PhotoId, Arc<Known>>);

impl Photos {
    pub(super) fn new() -> Self {
        Self(Cache::new(PHOTOS))
    }

    /// What is known of a photo: recently read where that answers the request, and just now where it does not. However many
    /// ask, one reads.
    ///
    /// # Errors
    /// 404; the ledger does not answer.
    pub(super) async fn get(
        &self,
        system: &System,
        id: PhotoId,
        answers: impl Fn(&Known) -> bool,
    ) -> Result<Arc<Known>> {
        loop {
            let known = self.0.get_or_insert_async(&id, read(system, id)).await?;
            let age = system.clock.now().since(known.read_at);
            if age < if answers(&known) { LONGEST } else { SHORTEST } {
                return Ok(known);
            }
            self.0.remove_if(&id, |there| Arc::ptr_eq(there, &known));
        }
    }

    /// Forgets a photo that was changed.
    pub(super) fn forget(&self, id: PhotoId) {
        self.0.remove(&id);
    }
}

async fn read(system: &System, id: PhotoId) -> Result<Arc<Known>> {
    let (photo, state) = system.ledger.photo(id).await?;
    Ok(Arc::new(Known::of(&photo, state, system.clock.now())))
}
