//! Albums of the service: what the models made of a gallery, corrected by the studio. An album takes up to seconds to make, so
//! it is kept until something changes, and made by one request for all that wait for it.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError},
    time::Duration,
};

use procession_domain::{
    GalleryId, Timestamp,
    album::Album,
    correction::{Correction, Ignored, apply},
    gallery::{Gallery, Progress},
};
use procession_flow::{GalleryCorrection, MOST_CORRECTIONS, System, read_album};
use procession_vault::Documents;
use tokio::sync::Mutex;

use crate::Result;

/// Albums that are kept; the one that was asked for longest ago makes room.
const KEPT: usize = 64;
/// While photos are being finished an album is out of date at once. It is made anew when it is as many times older as it took
/// to make.
const PATIENCE: u32 = 10;
/// An album with its corrections made.
#[derive(Debug)]
pub(crate) struct Corrected {
    /// The album.
    pub(crate) album: Album,
    /// Corrections that no longer change anything, and why.
    pub(crate) ignored: Vec<Ignored>,
    stamp: Stamp,
    made_at: Timestamp,
    took: Duration,
}

/// Everything that decides an album. Equal stamps have equal albums.
#[derive(Clone, Debug, PartialEq)]
struct Stamp {
    gallery: Gallery,
    progress: Progress,
    /// Id and version of each correction.
    corrections: Vec<(u64, i64)>,
}

impl Stamp {
    /// The same, however far the work is.
    fn is_same_but_for_progress(&self, other: &Self) -> bool {
        self.gallery == other.gallery && self.corrections == other.corrections
    }
}

/// One gallery's album; whoever makes it holds the lock.
type Place = Arc<Mutex<Option<Arc<Corrected>>>>;

/// The albums that were asked for lately.
pub(crate) struct Albums {
    system: Arc<System>,
    documents: Documents,
    places: std::sync::Mutex<HashMap<GalleryId, (u64, Place)>>,
}

impl Albums {
    pub(crate) fn new(system: Arc<System>, documents: Documents) -> Self {
        Self { system, documents, places: std::sync::Mutex::default() }
    }

    /// The corrected album of a gallery. Settings and corrections are those of this moment; photos that were finished in the
    /// last moments may still be missing.
    ///
    /// # Errors
    /// 404; the ledger does not answer.
    pub(crate) async fn album(&self, gallery: GalleryId) -> Result<Arc<Corrected>> {
        let place = self.place(gallery);
        let mut kept = place.lock().await;
        let (settings, _) = self.system.ledger.gallery(gallery).await?;
        let log = self.corrections(gallery).await?;
        let stamp = Stamp {
            gallery: settings,
            progress: self.system.ledger.progress(gallery).await?,
            corrections: log.iter().map(|(correction, version)| (correction.id, *version)).collect(),
        };
        let now = self.system.clock.now();
        if let Some(kept) = kept.as_ref() {
            let is_fresh = now.since(kept.made_at) < kept.took * PATIENCE;
            if kept.stamp == stamp || (is_fresh && kept.stamp.is_same_but_for_progress(&stamp)) {
                return Ok(Arc::clone(kept));
            }
        }
        let mut album = read_album(&self.system, gallery).await?;
        let log: Vec<Correction> = log.into_iter().map(|(correction, _)| correction).collect();
        let ignored = apply(&mut album, &log);
        let made_at = self.system.clock.now();
        let corrected = Arc::new(Corrected { album, ignored, stamp, made_at, took: made_at.since(now) });
        *kept = Some(Arc::clone(&corrected));
        Ok(corrected)
    }

    /// A gallery's log in its order, each entry with its version in the ledger.
    ///
    /// # Errors
    /// The ledger does not answer.
    pub(crate) async fn corrections(&self, gallery: GalleryId) -> Result<Vec<(Correction, i64)>> {
        let found = self.documents.list::<GalleryCorrection>(&gallery.to_string(), None, MOST_CORRECTIONS).await?;
        Ok(found.into_iter().map(|found| (found.document.correction, found.version)).collect())
    }

    fn place(&self, gallery: GalleryId) -> Place {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = places.values().map(|(turn, _)| turn + 1).max().unwrap_or(0);
        let (asked, place) = places.entry(gallery).or_default();
        *asked = turn;
        let place = Arc::clone(place);
        if places.len() > KEPT {
            let oldest = places.iter().min_by_key(|(_, (turn, _))| *turn).map(|(id, _)| *id);
            oldest.and_then(|id| places.remove(&id));
        }
        place
    }
}
