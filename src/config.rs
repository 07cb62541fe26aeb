//! What the operator chose: defaults < file < environment < flags. Every value comes through the one table in `settings`.

mod document;
mod layers;
mod memory;
mod settings;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use procession_domain::{recipe::Pipeline, urgency::Promises};
use procession_pixel::Limits;
use procession_plan::{CriticalShare, RetryPolicy};

pub(crate) use document::{markdown, rows};
pub(crate) use layers::{Environment, Flags, load};
pub(crate) use memory::Memory;

/// The whole configuration, valid.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// Folder of the ledger and the signing key.
    pub(crate) data: PathBuf,
    /// Folders of the stores; empty means the data folder's own.
    stores: Vec<PathBuf>,
    /// Folder of the models.
    pub(crate) models: PathBuf,
    /// Photos that are processed at the same time; `None` means one for each processor.
    threads: Option<usize>,
    /// For photos in flight.
    pub(crate) memory: Memory,
    /// Seconds.
    lease_seconds: u32,
    /// The part of the work, 0 to 1, that critical galleries take while others wait.
    pub(crate) critical_share: f64,
    pub(crate) limits: Limits,
    pub(crate) promises: Promises,
    pub(crate) retry: RetryPolicy,
    pub(crate) pipelines: BTreeMap<String, Pipeline>,
    /// Where each value that is not a default comes from, by key.
    origins: BTreeMap<String, String>,
}

impl Config {
    fn defaults(environment: &Environment) -> Self {
        Self {
            data: environment.home("XDG_DATA_HOME", ".local/share").join("procession"),
            stores: Vec::new(),
            models: environment.home("XDG_CACHE_HOME", ".cache").join("procession").join("models"),
            threads: None,
            memory: Memory::default(),
            lease_seconds: 10,
            critical_share: CriticalShare::default().cap,
            limits: Limits::default(),
            promises: Promises::default(),
            retry: RetryPolicy::default(),
            pipelines: procession_plan::pipelines(),
            origins: BTreeMap::new(),
        }
    }

    /// The folders of the stores, at least one.
    pub(crate) fn stores(&self) -> Vec<PathBuf> {
        if self.stores.is_empty() { vec![self.data.join("store")] } else { self.stores.clone() }
    }

    /// Photos that are processed at the same time.
    pub(crate) fn threads(&self) -> usize {
        self.threads.unwrap_or_else(crate::machine::processors)
    }

    /// How long a claim lasts without renewal.
    pub(crate) fn lease(&self) -> Duration {
        Duration::from_secs(u64::from(self.lease_seconds))
    }

    /// The file of the ledger.
    pub(crate) fn ledger(&self) -> PathBuf {
        self.data.join("ledger.db")
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
