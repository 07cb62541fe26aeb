//! Webhooks: what happens in a studio's galleries, told to a URL of the studio's.
//!
//! Requests are signed as [Standard Webhooks](https://www.standardwebhooks.com) say. A delivery is a document in the ledger before
//! anything is sent, and stays one until it was taken or given up, so it outlives this process; it is told at least once, under
//! one `webhook-id`.

mod address;
mod delivery;
mod record;
mod send;
mod sign;

use std::collections::{BTreeSet, HashMap};

use procession_domain::{StudioId, Timestamp};
use procession_flow::Event;
use procession_vault::Document;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use utoipa::ToSchema;

use crate::{
    Result, Service,
    access::{hex, random},
};

pub(crate) use address::check_url;
pub(crate) use delivery::{Attempt, Delivery, DeliveryState};
pub(crate) use record::{catch_up, record};
pub(crate) use send::deliver;

/// So many webhooks a studio has at most.
pub(crate) const MOST: usize = 20;

/// What can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Topic {
    /// Every photo of a gallery is done or cannot be processed.
    GalleryFinished,
    /// A photo cannot be processed. Its original is safe.
    PhotoQuarantined,
    /// A file was not accepted as a photo.
    FileRefused,
    /// Every copy of every original was read back, and the receipt is signed.
    ReceiptIssued,
    /// There is no receipt.
    ReceiptRefused,
}

impl Topic {
    /// All of them.
    pub(crate) const ALL: [Self; 5] =
        [Self::GalleryFinished, Self::PhotoQuarantined, Self::FileRefused, Self::ReceiptIssued, Self::ReceiptRefused];

    /// The topic that an event belongs to.
    fn of(event: &Event) -> Option<Self> {
        match event {
            Event::GalleryFinished { .. } => Some(Self::GalleryFinished),
            Event::PhotoQuarantined { .. } => Some(Self::PhotoQuarantined),
            Event::FileRefused { .. } => Some(Self::FileRefused),
            Event::ReceiptIssued { .. } => Some(Self::ReceiptIssued),
            Event::ReceiptRefused { .. } => Some(Self::ReceiptRefused),
            _ => None,
        }
    }
}

/// A webhook as the ledger has it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Webhook {
    /// 24 hex digits.
    pub(crate) id: String,
    /// Whose it is.
    pub(crate) studio: StudioId,
    /// Where it is told.
    pub(crate) url: String,
    /// What is told.
    pub(crate) topics: BTreeSet<Topic>,
    /// `whsec_…`. Kept as it is, because it signs.
    pub(crate) secret: String,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// When the receiver said that it is gone. Nothing is told from then on.
    pub(crate) gone_at: Option<Timestamp>,
}

impl Webhook {
    /// A new one with a secret of its own.
    pub(crate) fn new(studio: StudioId, url: String, topics: BTreeSet<Topic>, now: Timestamp) -> Result<Self> {
        let secret = sign::new_secret()?;
        Ok(Self { id: hex(&random::<12>()?), studio, url, topics, secret, created_at: now, gone_at: None })
    }
}

impl Document for Webhook {
    const KIND: &'static str = "webhook";

    fn id(&self) -> String {
        self.id.clone()
    }

    fn owner(&self) -> String {
        self.studio.to_string()
    }
}

/// What deliveries share in this process.
#[derive(Debug, Default)]
pub(crate) struct Webhooks {
    /// Rung when there may be something to send.
    wake: Notify,
    /// Receivers that failed: how often in a row, and until when they are left alone.
    resting: std::sync::Mutex<HashMap<String, (u32, Timestamp)>>,
}

/// The webhooks of a studio.
pub(crate) async fn of_studio(service: &Service, studio: StudioId) -> Result<Vec<Webhook>> {
    let found = service.documents.list::<Webhook>(&studio.to_string(), None, MOST).await?;
    Ok(found.into_iter().map(|found| found.document).collect())
}
