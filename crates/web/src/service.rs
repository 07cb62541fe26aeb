//! The running service: what all requests share, put together once at the start.

use std::{path::PathBuf, sync::Arc, time::Duration};

use procession_flow::{Events, System};
use procession_vault::Documents;
use tokio::sync::watch;

use crate::{
    Hub, Live, Result,
    access::{Keyring, ensure_local_studio},
};

/// What an operator can choose.
#[derive(Clone, Debug)]
pub struct ServiceSettings {
    /// How the outside reaches the service: `https://photos.example.com`. Without it, links begin with `/`.
    pub public_url: Option<String>,
    /// The folder of uploads that are not complete.
    pub uploads: PathBuf,
    /// An upload that nobody continues is forgotten after this time.
    pub upload_life: Duration,
    /// Bytes that incomplete uploads may take together.
    pub upload_room_bytes: u64,
    /// A request that sends or takes nothing for so long is ended.
    pub idle: Duration,
    /// How long a signed URL is valid at least.
    pub url_life: Duration,
    /// The file of the key that signs receipts.
    pub signing_key: PathBuf,
    /// Webhooks may call addresses of private networks and of this machine.
    pub private_webhooks: bool,
}

/// Everything that the handlers share.
pub struct Service {
    /// The system below.
    pub system: Arc<System>,
    /// Small documents in the ledger: studios, keys, links …
    pub documents: Documents,
    /// What happens, for whoever watches.
    pub hub: Arc<Hub>,
    /// Where flow tells what happens.
    pub events: Events,
    /// What is known of how it goes.
    pub live: Live,
    /// The secrets that sign URLs and cookies.
    pub keyring: Keyring,
    /// What the operator chose.
    pub settings: ServiceSettings,
    /// Becomes true at a shutdown: answers without an end must end then.
    pub stopping: watch::Receiver<bool>,
}

impl Service {
    /// Puts the parts together, and makes what a first start lacks: the local studio and a signing secret.
    ///
    /// # Errors
    /// The ledger does not answer.
    pub async fn open(
        system: Arc<System>,
        settings: ServiceSettings,
        stopping: watch::Receiver<bool>,
    ) -> Result<Arc<Self>> {
        let documents = Documents::new(Arc::clone(&system.ledger));
        let now = system.clock.now();
        ensure_local_studio(&documents, now).await?;
        let keyring = Keyring::open(documents.clone(), now).await?;
        let (hub, events) = Hub::start(Arc::clone(&system.clock));
        Ok(Arc::new(Self { system, documents, hub, events, live: Live::default(), keyring, settings, stopping }))
    }
}
