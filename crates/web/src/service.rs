//! The running service: what all requests share, put together once at the start.

use std::{net::IpAddr, path::PathBuf, sync::Arc, time::Duration};

use procession_flow::{Events, RetryPolicy, System};
use procession_vault::Documents;
use tokio::sync::watch;

use crate::{
    Hub, Live, Result,
    access::{Allowance, Keyring, ensure_local_studio},
    albums::Albums,
    client::Clients,
    deliver::Delivery,
    download::Archives,
    receipts::Receipts,
    uploads::Uploads,
    webhook::Webhooks,
};

/// So many wrong keys an address may try at once, and one more after each pause.
const KEY_TRIES: u32 = 10;
const KEY_PAUSE: Duration = Duration::from_secs(6);

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
    /// So many uploads become photos at the same time: hashed, synced and read back. The others wait in the spool.
    pub uploads_at_once: usize,
    /// A request that sends or takes nothing for so long is ended.
    pub idle: Duration,
    /// How long a signed URL is valid at least.
    pub url_life: Duration,
    /// The file of the key that signs receipts.
    pub signing_key: PathBuf,
    /// Bytes of memory that images and archives on their way to clients take together.
    pub delivery_memory_bytes: u64,
    /// Webhooks may call addresses of private networks and of this machine.
    pub private_webhooks: bool,
    /// When a webhook that was not taken is sent again.
    pub webhook_retry: RetryPolicy,
}

/// Everything that the handlers share.
pub struct Service {
    /// The system below.
    pub system: Arc<System>,
    /// Small documents in the ledger: studios, keys, links …
    pub documents: Documents,
    /// Corrected albums.
    pub(crate) albums: Albums,
    /// Uploads until they are photos.
    pub(crate) uploads: Uploads,
    /// Attempts at receipts.
    pub(crate) receipts: Receipts,
    /// What happens, for whoever watches.
    pub hub: Arc<Hub>,
    /// Where flow tells what happens.
    pub events: Events,
    /// What is known of how it goes.
    pub live: Live,
    /// Messages to other services.
    pub(crate) webhooks: Webhooks,
    /// The secrets that sign URLs and cookies.
    pub keyring: Keyring,
    /// How often somebody may try a key that is none.
    pub(crate) key_tries: Allowance<IpAddr>,
    /// What is on its way to clients, and what they ask for most.
    pub(crate) delivery: Delivery,
    /// What archives are made of.
    pub(crate) archives: Archives,
    /// What is kept for those who come through a link.
    pub(crate) clients: Clients,
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
        let albums = Albums::new(Arc::clone(&system), documents.clone());
        let uploads = Uploads::open(&settings, system.settings.limits.max_bytes.min(system.budget.bytes())).await?;
        Ok(Arc::new(Self {
            system,
            documents,
            albums,
            clients: Clients::default(),
            uploads,
            hub,
            events,
            live: Live::default(),
            webhooks: Webhooks::default(),
            keyring,
            key_tries: Allowance::new(KEY_TRIES, KEY_PAUSE),
            delivery: Delivery::new(settings.delivery_memory_bytes),
            archives: Archives::new(),
            receipts: Receipts::default(),
            settings,
            stopping,
        }))
    }

    /// Whether browsers reach the service over HTTPS.
    pub(crate) fn is_secure(&self) -> bool {
        self.settings.public_url.as_ref().is_some_and(|url| url.starts_with("https:"))
    }
}
