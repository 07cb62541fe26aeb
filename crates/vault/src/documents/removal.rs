//! What a removed gallery leaves to be done.

use procession_domain::{ContentHash, GalleryId, Timestamp};
use serde::{Deserialize, Serialize};

use super::Document;

/// The objects of a gallery that the ledger has forgotten and that are still to be deleted. It is written in the very
/// transaction that forgets the gallery, so none is ever left behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removal {
    /// The gallery. There can be one with its id again.
    pub gallery: GalleryId,
    /// When it was removed.
    pub removed_at: Timestamp,
    /// When its objects are deleted; later with each attempt.
    pub due_at: Timestamp,
    /// The originals that it had, staged ones too, in their order. Other galleries may have some of them.
    pub originals: Vec<ContentHash>,
}

impl Document for Removal {
    const KIND: &'static str = "removal";

    fn id(&self) -> String {
        format!("{}-{}", self.gallery, self.removed_at.micros())
    }

    fn owner(&self) -> String {
        // Not the gallery's, whose documents go with it.
        String::new()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.due_at)
    }
}
