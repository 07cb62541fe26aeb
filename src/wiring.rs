//! The parts of the system, chosen by the configuration and put together.

use std::{fs, path::Path, sync::Arc};

use anyhow::{Context as _, bail};
use procession_domain::{Clock, error::chain};
use procession_flow::{Settings, System};
use procession_pixel::{CpuDevice, Device};
use procession_vault::{Blobs, DiskBlobs, Ledger, LedgerOptions, Replicated, SqliteLedger};
use procession_vision::{Cache, Vision};

use crate::{
    config::{Config, LedgerAddress},
    machine,
};

/// Everything that makes galleries. Makes the folders that are not there yet.
pub(crate) async fn system(config: &Config, clock: Arc<dyn Clock>) -> anyhow::Result<System> {
    fs::create_dir_all(&config.data).with_context(|| {
        format!("the data folder {} cannot be made; choose another with --data", config.data.display())
    })?;
    let stores = config.stores().iter().map(|path| store(path)).collect::<anyhow::Result<Vec<_>>>()?;
    let settings = Settings {
        limits: config.limits,
        promises: config.promises,
        pipelines: config.pipelines.clone(),
        memory_bytes: config.memory.of(machine::memory_bytes()),
        lease: config.lease(),
        retry: config.retry,
        critical_share: config.critical_share,
    };
    // Every store must have a photo before it counts as safe.
    let awaited = stores.len();
    let blobs = Arc::new(Replicated::new(stores, awaited)?);
    Ok(System::new(ledger(config).await?, blobs, device(config), vision(config), clock, settings))
}

/// What computes pixels.
pub(crate) fn device(config: &Config) -> Arc<dyn Device> {
    Arc::new(CpuDevice::new(config.threads()))
}

/// The ledger, if there is one: looking at galleries makes none.
pub(crate) async fn existing_ledger(config: &Config) -> anyhow::Result<Option<Arc<dyn Ledger>>> {
    match config.ledger() {
        LedgerAddress::File(path) if !path.exists() => Ok(None),
        _ => Ok(Some(ledger(config).await?)),
    }
}

/// The stores, each of which must be there: verifying a disk that is not mounted must not find an empty folder.
pub(crate) fn existing_stores(config: &Config) -> anyhow::Result<Vec<Arc<dyn Blobs>>> {
    let open = |path: &Path| match path.is_dir() {
        true => store(path),
        false => bail!("store {} is not there; is its disk mounted?", path.display()),
    };
    config.stores().iter().map(|path| open(path)).collect()
}

/// The ledger, made if it is not there.
pub(crate) async fn ledger(config: &Config) -> anyhow::Result<Arc<dyn Ledger>> {
    let address = config.ledger();
    let options = LedgerOptions { critical_share: config.critical_share };
    let opened: procession_vault::Result<Arc<dyn Ledger>> = match &address {
        LedgerAddress::File(path) => SqliteLedger::open_with(path, options).await.map(|ledger| Arc::new(ledger) as _),
        LedgerAddress::Postgres(_) => anyhow::bail!("TODO"),
    };
    opened.with_context(|| format!("the ledger {address}"))
}

fn store(path: &Path) -> anyhow::Result<Arc<dyn Blobs>> {
    let store =
        DiskBlobs::open(path).with_context(|| format!("the store {}; choose another with --store", path.display()))?;
    Ok(Arc::new(store))
}

/// The models, if they are installed. Without them galleries have no faces and no moments, and say so.
fn vision(config: &Config) -> Option<Arc<Vision>> {
    match Vision::load(&Cache::new(&config.models), config.threads()) {
        Ok(vision) => Some(Arc::new(vision)),
        Err(error) => {
            tracing::info!(error = chain(&error), "models are not in use");
            None
        }
    }
}
