//! Receipts: made in the background, one at a time for each gallery, and kept.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use procession_domain::{GalleryId, Timestamp, error::chain, gallery::Gallery};
use procession_flow::{
    Event,
    receipt::{self, Receipt},
};
use procession_vault::{Decision, Document, Expect, Turn};
use serde::{Deserialize, Serialize};

use crate::{Result, Service};

/// The last receipt of a gallery.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct KeptReceipt {
    gallery: GalleryId,
    /// As it was signed.
    pub(crate) receipt: Receipt,
}

impl KeptReceipt {
    /// Which of two receipts says more: photos never leave a gallery, so the one with more of them; of equals the later.
    fn weight(&self) -> (usize, Timestamp) {
        (self.receipt.statement.originals.len(), self.receipt.statement.issued_at)
    }
}

impl Document for KeptReceipt {
    const KIND: &'static str = "receipt";

    fn id(&self) -> String {
        self.gallery.to_string()
    }

    fn owner(&self) -> String {
        self.gallery.to_string()
    }
}

/// Where the last attempt at a receipt stands, if it has not led to one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// Copies are being read back.
    Reading,
    /// There is no receipt, for this reason.
    Refused(String),
}

/// The attempts of this process.
#[derive(Debug, Default)]
pub(crate) struct Receipts(Mutex<HashMap<GalleryId, Attempt>>);

impl Receipts {
    /// Where the last attempt stands; none if it led to a receipt, or there was none since the start.
    pub(crate) fn attempt(&self, gallery: GalleryId) -> Option<Attempt> {
        self.attempts().get(&gallery).cloned()
    }

    fn attempts(&self) -> MutexGuard<'_, HashMap<GalleryId, Attempt>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Begins to read every copy back, unless that is going on already. What comes of it is told as an event.
pub(crate) fn begin(service: &Arc<Service>, gallery: Gallery) {
    let before = service.receipts.attempts().insert(gallery.id, Attempt::Reading);
    if before == Some(Attempt::Reading) {
        return;
    }
    let service = Arc::clone(service);
    tokio::spawn(async move {
        let mut ending = Ending { service: &service, gallery: gallery.id, outcome: None };
        let mut stopping = service.stopping.clone();
        tokio::select! {
            made = make(&service, &gallery) => ending.outcome = made.err().map(Attempt::Refused),
            // Whoever asks again after the restart gets one.
            _ = stopping.wait_for(|stopping| *stopping) => {}
        }
    });
}

/// Says how an attempt ended, were it by a panic: the next one can begin.
struct Ending<'a> {
    service: &'a Service,
    gallery: GalleryId,
    outcome: Option<Attempt>,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let mut attempts = self.service.receipts.attempts();
        match self.outcome.take() {
            Some(refused) => attempts.insert(self.gallery, refused),
            None => attempts.remove(&self.gallery),
        };
    }
}

/// Makes a receipt and keeps it, or says why there is none.
async fn make(service: &Service, gallery: &Gallery) -> Result<(), String> {
    match read_back(service, gallery).await {
        Ok(receipt) => {
            let (originals, stores) = (receipt.statement.originals.len(), receipt.statement.stores.len());
            let kept = KeptReceipt { gallery: gallery.id, receipt };
            keep(service, kept).await.map_err(|error| refuse(service, gallery.id, &error))?;
            service.events.tell(gallery.id, Event::ReceiptIssued { originals, stores });
            Ok(())
        }
        Err(error) => Err(refuse(service, gallery.id, &error)),
    }
}

/// Keeps a receipt, unless another process has made one meanwhile that says more.
async fn keep(service: &Service, kept: KeptReceipt) -> procession_vault::Result<()> {
    let decide = || async {
        service.system.ledger.gallery(kept.gallery).await?;
        let known = service.documents.get::<KeptReceipt>(&kept.gallery.to_string()).await?;
        let says_more = |known: &KeptReceipt| known.weight() > kept.weight();
        let is_better = known.as_ref().is_some_and(|known| says_more(&known.document));
        let expect = known.map_or(Expect::Absent, |known| Expect::Version(known.version));
        Ok((!is_better).then(|| Decision { document: kept.clone(), expect }))
    };
    service.documents.in_turn(&Turn::new(&kept.gallery, "receipts"), decide).await.map(drop)
}

async fn read_back(service: &Service, gallery: &Gallery) -> procession_flow::Result<Receipt> {
    let ledger = &service.system.ledger;
    let (photos, refused) = (ledger.photos(gallery.id).await?, ledger.refusals(gallery.id).await?);
    receipt::issue(&service.system, gallery, &photos, refused, &service.settings.signing_key, &service.events).await
}

fn refuse(service: &Service, gallery: GalleryId, error: &dyn std::error::Error) -> String {
    let why = chain(error);
    tracing::warn!(gallery.id = %gallery, error = why, "no receipt");
    service.events.tell(gallery, Event::ReceiptRefused { why: why.clone() });
    why
}
