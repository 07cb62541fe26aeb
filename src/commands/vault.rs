//! `procession vault verify`: reads every original in every store.

use std::{collections::BTreeSet, process::ExitCode, sync::Arc};

use anyhow::Context as _;
use futures::StreamExt as _;
use procession_domain::{ContentHash, error::chain};
use procession_vault::{Blobs, inventory, verify_original};
use serde::Serialize;
use serde_json::json;

use super::{partly, print, say};
use crate::{cli::Global, config::Config, human, wiring};

/// Originals that are read at the same time: each is in memory as a whole.
const CONCURRENT_READS: usize = 4;

/// What is wrong with a copy of an original.
#[derive(Debug, Serialize)]
struct Fault {
    store: String,
    original: ContentHash,
    what: String,
}

/// Compares every copy with its hash. What any store or the ledger has must be in every store.
pub(super) async fn verify(config: &Config, global: &Global) -> anyhow::Result<ExitCode> {
    let stores = wiring::existing_stores(config).await?;
    let mut expected = known(config).await?;
    for store in &stores {
        let held = inventory(store.as_ref()).await.with_context(|| format!("store {}", store.name()))?;
        expected.extend(held.originals);
    }
    let copies = stores.iter().flat_map(|store| expected.iter().map(move |hash| (Arc::clone(store), *hash)));
    let results = futures::stream::iter(copies).map(|(store, hash)| read(store, hash)).buffered(CONCURRENT_READS);
    let (mut bytes, mut faults) = (0, Vec::new());
    let mut results = std::pin::pin!(results);
    while let Some(result) = results.next().await {
        match result {
            Ok(length) => bytes += length,
            Err(fault) => {
                if !global.json {
                    say(&format!("{}: {} {}", fault.store, fault.original, fault.what))?;
                }
                faults.push(fault);
            }
        }
    }
    let names: Vec<String> = stores.iter().map(|store| store.name()).collect();
    if global.json {
        print(&json!({ "stores": names, "originals": expected.len(), "bytes_read": bytes, "faults": faults }))?;
    } else if !global.quiet {
        let (photos, stores) =
            (human::count(expected.len() as u64, "original"), human::count(names.len() as u64, "store"));
        let verdict = if faults.is_empty() {
            "every copy is identical".to_owned()
        } else {
            format!(
                "{} missing or damaged; process the gallery again from its cards",
                human::count(faults.len() as u64, "copy")
            )
        };
        say(&format!("{photos} in {stores}, {} read: {verdict}", human::bytes(bytes)))?;
    }
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { partly() })
}

/// The originals that the ledger knows.
async fn known(config: &Config) -> anyhow::Result<BTreeSet<ContentHash>> {
    let mut hashes = BTreeSet::new();
    let Some(ledger) = wiring::existing_ledger(config).await? else { return Ok(hashes) };
    for (gallery, _) in ledger.galleries().await? {
        hashes.extend(ledger.photos(gallery.id).await?.iter().map(|(photo, _)| photo.original));
    }
    Ok(hashes)
}

async fn read(store: Arc<dyn Blobs>, original: ContentHash) -> Result<u64, Fault> {
    let fault = |error| Fault { store: store.name(), original, what: chain(&error) };
    verify_original(store.as_ref(), original).await.map_err(fault)
}
