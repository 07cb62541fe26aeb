//! What the operator chose: defaults < file < environment < flags. Every value comes through the one table in `settings`.

mod document;
mod layers;
mod ledger;
mod memory;
mod roles;
mod settings;
mod store;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use procession_domain::{
    Region, Stages,
    gallery::CRITICAL_SHARE,
    recipe::{OutputFormat, Pipeline},
    urgency::Promises,
};
use procession_flow::forecast::Foresight;
use procession_pixel::Limits;
use procession_plan::{AffinityPolicy, RetryPolicy, ScalePolicy};
use procession_web::{Connections, ServiceSettings};

use crate::log::LogFormat;

pub(crate) use document::{markdown, rows};
pub(crate) use layers::{Environment, Flags, load};
pub(crate) use ledger::LedgerAddress;
pub(crate) use memory::Memory;
pub(crate) use roles::Roles;
pub(crate) use settings::public_url;
pub(crate) use store::{Place, StoreConfig};

/// The whole configuration, valid.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// Folder of the ledger and the signing key.
    pub(crate) data: PathBuf,
    /// Where the ledger is; `None` means in the data folder.
    ledger: Option<LedgerAddress>,
    /// The stores; empty means a folder in the data folder.
    stores: Vec<StoreConfig>,
    /// Where this process is.
    pub(crate) region: Region,
    /// Stores that must hold what is acknowledged; `None` means the usual.
    replicas_awaited: Option<usize>,
    /// Folder of the models.
    pub(crate) models: PathBuf,
    /// Photos that are processed at the same time; `None` means one for each processor.
    threads: Option<usize>,
    /// How far the threads that process photos give way to others, 0 to 19.
    pub(crate) niceness: u8,
    /// Formats that the service makes once nothing more urgent waits.
    pub(crate) later_formats: Vec<OutputFormat>,
    /// For photos in flight.
    pub(crate) memory: Memory,
    /// Seconds.
    lease_seconds: u32,
    /// The part of the work, 0 to 1, that critical galleries take while others wait.
    pub(crate) critical_share: f64,
    pub(crate) service: ServiceConfig,
    pub(crate) log_format: LogFormat,
    /// Where spans are sent; `None` means nowhere.
    pub(crate) traces_endpoint: Option<String>,
    pub(crate) limits: Limits,
    pub(crate) promises: Promises,
    pub(crate) retry: RetryPolicy,
    pub(crate) scale: ScalePolicy,
    /// What a worker does of a photo's job.
    pub(crate) stages: Stages,
    pub(crate) affinity: AffinityPolicy,
    pub(crate) foresight: Foresight,
    /// Worker processes that `procession serve` may start on this machine, with its own.
    pub(crate) local_workers: u32,
    pub(crate) pipelines: BTreeMap<String, Pipeline>,
    /// Where each value that is not a default comes from, by key.
    origins: BTreeMap<String, String>,
}

/// What `procession serve` is told.
#[derive(Clone, Debug)]
pub(crate) struct ServiceConfig {
    pub(crate) roles: Roles,
    pub(crate) listen: SocketAddr,
    /// Where KEDA asks; `None` means nowhere.
    pub(crate) scaler_listen: Option<SocketAddr>,
    /// Without a slash at its end.
    pub(crate) public_url: Option<String>,
    /// Folder of incomplete uploads; `None` means the data folder's own.
    uploads: Option<PathBuf>,
    upload_life_hours: u32,
    upload_room_gib: u32,
    uploads_at_once: u32,
    idle_seconds: u32,
    url_life_hours: u32,
    drain_seconds: u32,
    most_connections: u32,
    /// For what is on its way to clients, besides [`Config::memory`].
    delivery_memory: Memory,
    private_webhooks: bool,
    webhook_retry: RetryPolicy,
}

impl Default for ServiceConfig {
    fn default() -> Self {
        Self {
            roles: Roles::ALL,
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            scaler_listen: None,
            public_url: None,
            uploads: None,
            upload_life_hours: 7 * 24,
            upload_room_gib: 64,
            uploads_at_once: 16,
            idle_seconds: 60,
            url_life_hours: 24,
            drain_seconds: 30,
            most_connections: 1_024,
            delivery_memory: Memory::Percent(10),
            private_webhooks: false,
            webhook_retry: RetryPolicy {
                first_wait_seconds: 60,
                longest_wait_seconds: 24 * 60 * 60,
                attempts: 16,
                ..RetryPolicy::default()
            },
        }
    }
}

impl Config {
    fn defaults(environment: &Environment) -> Self {
        Self {
            data: environment.home("XDG_DATA_HOME", ".local/share").join("procession"),
            ledger: None,
            stores: Vec::new(),
            region: Region::local(),
            replicas_awaited: None,
            models: environment.home("XDG_CACHE_HOME", ".cache").join("procession").join("models"),
            threads: None,
            niceness: 10,
            later_formats: vec![OutputFormat::WebP, OutputFormat::Avif],
            memory: Memory::default(),
            lease_seconds: 10,
            critical_share: CRITICAL_SHARE,
            service: ServiceConfig::default(),
            log_format: LogFormat::default(),
            traces_endpoint: None,
            limits: Limits::default(),
            promises: Promises::default(),
            retry: RetryPolicy::default(),
            scale: ScalePolicy::default(),
            stages: Stages::ALL,
            affinity: AffinityPolicy::default(),
            foresight: Foresight::default(),
            local_workers: 1,
            pipelines: procession_plan::pipelines(),
            origins: BTreeMap::new(),
        }
    }

    /// Leaves room for so many processes like this one: each has its part of the processors and of the memory.
    pub(crate) fn share_machine(&mut self, processes: u32) {
        let memory = self.memory.of(crate::machine::memory_bytes()) / u64::from(processes.max(1));
        self.threads = Some((self.threads() / processes.max(1) as usize).max(1));
        self.memory = Memory::Bytes(memory);
    }

    /// What the handlers of the service are told.
    pub(crate) fn service_settings(&self) -> ServiceSettings {
        let hours = |hours: u32| Duration::from_secs(u64::from(hours) * 3600);
        ServiceSettings {
            public_url: self.service.public_url.clone(),
            uploads: self.service.uploads.clone().unwrap_or_else(|| self.data.join("uploads")),
            upload_life: hours(self.service.upload_life_hours),
            upload_room_bytes: u64::from(self.service.upload_room_gib) << 30,
            uploads_at_once: self.service.uploads_at_once as usize,
            idle: Duration::from_secs(u64::from(self.service.idle_seconds)),
            url_life: hours(self.service.url_life_hours),
            signing_key: self.signing_key(),
            delivery_memory_bytes: self.service.delivery_memory.of(crate::machine::memory_bytes()),
            private_webhooks: self.service.private_webhooks,
            webhook_retry: self.service.webhook_retry,
        }
    }

    /// What clients may take of the server.
    pub(crate) fn connections(&self) -> Connections {
        Connections {
            most: self.service.most_connections as usize,
            head: Duration::from_secs(u64::from(self.service.idle_seconds.min(30))),
            idle: Duration::from_secs(u64::from(self.service.idle_seconds)),
            drain: Duration::from_secs(u64::from(self.service.drain_seconds)),
        }
    }

    /// The stores, at least one.
    pub(crate) fn stores(&self) -> Vec<StoreConfig> {
        if self.stores.is_empty() { vec![self.data.join("store").into()] } else { self.stores.clone() }
    }

    /// True if a store is more than a path.
    fn has_places(&self) -> bool {
        self.stores.iter().any(|store| store.region.is_some() || matches!(store.place, Place::Bucket(_)))
    }

    /// The folders of those stores that are in one.
    pub(crate) fn store_folders(&self) -> Vec<PathBuf> {
        let folder = |store: StoreConfig| match store.place {
            Place::Folder(folder) => Some(folder),
            Place::Bucket(_) => None,
        };
        self.stores().into_iter().filter_map(folder).collect()
    }

    /// Stores that must hold what the service acknowledges; the others are owed it.
    pub(crate) fn replicas_awaited(&self) -> usize {
        let stores = self.stores().len();
        self.replicas_awaited.unwrap_or(if stores >= 3 { 2 } else { stores })
    }

    /// Photos that are processed at the same time.
    pub(crate) fn threads(&self) -> usize {
        self.threads.unwrap_or_else(crate::machine::processors)
    }

    /// How long a claim lasts without renewal.
    pub(crate) fn lease(&self) -> Duration {
        Duration::from_secs(u64::from(self.lease_seconds))
    }

    /// Where the ledger is.
    pub(crate) fn ledger(&self) -> LedgerAddress {
        self.ledger.clone().unwrap_or_else(|| LedgerAddress::File(self.data.join("ledger.db")))
    }

    /// The file of the key that signs receipts.
    pub(crate) fn signing_key(&self) -> PathBuf {
        self.data.join("signing.key")
    }
}

/// A path of the configuration: relative to the file that has it.
fn relative_to(base: &Path, path: &str) -> PathBuf {
    base.join(path)
}

#[cfg(test)]
mod tests;
