//! The log of a gallery's corrections, in the ledger.

use procession_domain::{GalleryId, correction::Correction};
use procession_vault::{Document, Documents, Turn};
use serde::{Deserialize, Serialize};

use crate::Result;

/// A gallery has fewer corrections than this.
pub const MOST_CORRECTIONS: usize = 100_000;

/// A correction in the ledger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GalleryCorrection {
    /// The gallery.
    pub gallery: GalleryId,
    /// The entry of its log.
    pub correction: Correction,
}

impl GalleryCorrection {
    /// The id of the document of a gallery's correction.
    pub fn document_id(gallery: GalleryId, number: u64) -> String {
        // Twenty digits hold every number, so that the ids' order is the log's.
        format!("{gallery}-{number:020}")
    }
}

/// Corrections of a gallery are made one after another, whoever makes them.
pub fn correction_turn(gallery: GalleryId) -> Turn {
    Turn::new(&gallery, "corrections")
}

impl Document for GalleryCorrection {
    const KIND: &'static str = "correction";

    fn id(&self) -> String {
        Self::document_id(self.gallery, self.correction.id)
    }

    fn owner(&self) -> String {
        self.gallery.to_string()
    }
}

/// Deletes what people said of a gallery's guests: their names above all. Whoever was about to say something more finds out
/// that the gallery has changed.
pub(crate) async fn forget_guests(documents: &Documents, gallery: GalleryId) -> Result<()> {
    documents.take_turn(&correction_turn(gallery)).await?;
    let log = documents.list::<GalleryCorrection>(&gallery.to_string(), None, MOST_CORRECTIONS).await?;
    for entry in log.iter().map(|entry| &entry.document).filter(|entry| entry.correction.change.is_about_guests()) {
        documents.delete::<GalleryCorrection>(&entry.id()).await?;
    }
    Ok(())
}
