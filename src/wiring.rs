//! The parts of the system, chosen by the configuration and put together.

use std::{fs, path::Path, sync::Arc};

use anyhow::{Context as _, bail};
use futures::future::try_join_all;
use procession_domain::{Classified, Clock, ContentHash, Kind, Stage, Stages, error::chain};
use procession_flow::{Settings, System};
use procession_pixel::{CpuDevice, Device};
use procession_vault::{
    Blobs, Debts, DiskBlobs, Document, Documents, Ledger, LedgerOptions, Placed, PostgresLedger, PostgresOptions,
    Replicated, Replication, S3Blobs, S3Options, SqliteLedger,
};
use procession_vision::{Cache, Vision};
use serde::{Deserialize, Serialize};

use crate::{
    config::{Config, LedgerAddress, Place, Roles, StoreConfig},
    machine,
};

/// What a command does while a store is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Absence {
    /// It waits for all stores, and says so if one is away.
    Stops,
    /// It goes on with enough others, keeps a record of what the store is owed, and pays it.
    IsOwed,
}

/// Everything that makes galleries. Makes the folders that are not there yet.
pub(crate) async fn system(config: &Config, clock: Arc<dyn Clock>, absence: Absence) -> anyhow::Result<System> {
    fs::create_dir_all(&config.data).with_context(|| {
        format!("the data folder {} cannot be made; choose another with --data", config.data.display())
    })?;
    let ledger = ledger(config).await?;
    let documents = Documents::new(Arc::clone(&ledger));
    let stores =
        try_join_all(config.stores().into_iter().map(|store| placed(config, store, &documents, absence))).await?;
    // A command does all by itself, and ends when all is done.
    let (stages, later_formats) = match absence {
        Absence::Stops => (Stages::ALL, Vec::new()),
        Absence::IsOwed => (config.stages, config.later_formats.clone()),
    };
    let settings = Settings {
        region: config.region.clone(),
        scale: config.scale.clone(),
        foresight: config.foresight.clone(),
        limits: config.limits,
        promises: config.promises,
        pipelines: config.pipelines.clone(),
        memory_bytes: config.memory.of(machine::memory_bytes()),
        lease: config.lease(),
        retry: config.retry,
        critical_share: config.critical_share,
        stages,
        affinity: config.affinity,
        niceness: config.niceness,
        later_formats,
    };
    let how = match absence {
        Absence::Stops => Replication::new(config.region.clone(), stores.len(), None),
        Absence::IsOwed => {
            let debts = Debts::new(documents, Arc::clone(&clock));
            Replication::new(config.region.clone(), config.replicas_awaited(), Some(debts))
        }
    };
    let blobs = Arc::new(Replicated::placed(stores, how)?);
    let is_worker = absence == Absence::Stops || config.service.roles.worker;
    let looks = is_worker && stages != Stages::from_iter([Stage::Compression]);
    let vision = if looks { vision(config) } else { None };
    let system = System::new(ledger, blobs, device(config), vision, clock, settings);
    // Whoever answers requests, or decides, says what there is, and knows what was made by it. A worker that only compresses
    // does not even that.
    let knows = !looks && config.service.roles != Roles::WORKER;
    Ok(if knows { system.knowing(models(config)) } else { system })
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
pub(crate) async fn existing_stores(config: &Config) -> anyhow::Result<Vec<Arc<dyn Blobs>>> {
    let open = |store: StoreConfig| async move {
        match store.place {
            Place::Folder(path) if path.is_dir() => folder(&path),
            Place::Folder(path) => bail!("store {} is not there; is its disk mounted?", path.display()),
            Place::Bucket(options) => Ok(Arc::new(S3Blobs::open_existing(*options).await?) as Arc<dyn Blobs>),
        }
    };
    try_join_all(config.stores().into_iter().map(open)).await
}

/// The ledger, made if it is not there.
pub(crate) async fn ledger(config: &Config) -> anyhow::Result<Arc<dyn Ledger>> {
    let address = config.ledger();
    let (critical_share, region) = (config.critical_share, config.region.clone());
    let opened: procession_vault::Result<Arc<dyn Ledger>> = match &address {
        LedgerAddress::File(path) => {
            let ledger = SqliteLedger::open_with(path, LedgerOptions { critical_share, region }).await;
            ledger.map(|ledger| Arc::new(ledger) as _)
        }
        LedgerAddress::Postgres(url) => {
            let options = PostgresOptions { critical_share, region, ..PostgresOptions::default() };
            PostgresLedger::open(url, options).await.map(|ledger| Arc::new(ledger) as _)
        }
    };
    opened.with_context(|| format!("the ledger {address}"))
}

async fn placed(
    config: &Config,
    store: StoreConfig,
    documents: &Documents,
    absence: Absence,
) -> anyhow::Result<Placed> {
    let region = store.region.unwrap_or_else(|| config.region.clone());
    let store = match store.place {
        Place::Folder(path) => folder(&path)?,
        Place::Bucket(options) => bucket(*options, documents, absence).await?,
    };
    Ok(Placed { region, store })
}

/// A bucket that was a store once. Its identity is what debts go by, and it can be away when the next process starts.
#[derive(Serialize, Deserialize)]
struct KnownStore {
    name: String,
    identity: String,
}

impl Document for KnownStore {
    const KIND: &'static str = "store";

    fn id(&self) -> String {
        known_as(&self.name)
    }

    fn owner(&self) -> String {
        String::new()
    }
}

/// A name of any length, as a document's id.
fn known_as(name: &str) -> String {
    ContentHash::of(name.as_bytes()).to_string()
}

async fn bucket(options: S3Options, documents: &Documents, absence: Absence) -> anyhow::Result<Arc<dyn Blobs>> {
    let name = options.name();
    match S3Blobs::open(options.clone()).await {
        Ok(store) => {
            documents.put(&KnownStore { name, identity: store.identity() }).await?;
            Ok(Arc::new(store))
        }
        Err(error) if error.kind() == Kind::Unavailable && absence == Absence::IsOwed => {
            let Some(known) = documents.get::<KnownStore>(&known_as(&name)).await? else {
                return Err(error).context("a store that was never opened must be there at the first start");
            };
            tracing::warn!(store = name, error = chain(&error), "the store is away; the service starts without it");
            Ok(Arc::new(S3Blobs::open_later(options, known.document.identity)?))
        }
        Err(error) => Err(error.into()),
    }
}

fn folder(path: &Path) -> anyhow::Result<Arc<dyn Blobs>> {
    let store =
        DiskBlobs::open(path).with_context(|| format!("the store {}; choose another with --store", path.display()))?;
    Ok(Arc::new(store))
}

/// The models, if they are installed. Without them galleries have no faces and no moments, and say so.
fn vision(config: &Config) -> Option<Arc<Vision>> {
    in_use(Vision::load(&Cache::new(&config.models), config.threads())).map(Arc::new)
}

/// What the models are called, if they are installed: half a gigabyte of memory less than to load them.
fn models(config: &Config) -> Option<String> {
    in_use(Vision::identify(&Cache::new(&config.models)))
}

fn in_use<T>(found: Result<T, procession_vision::Error>) -> Option<T> {
    found.inspect_err(|error| tracing::info!(error = chain(error), "models are not in use")).ok()
}
