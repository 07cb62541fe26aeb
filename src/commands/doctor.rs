//! `procession doctor`: what this machine has, and what is missing.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use procession_domain::error::chain;
use procession_pixel::capabilities;
use procession_vault::{S3Blobs, S3Options};
use procession_vision::{Cache, State, Vision};
use serde::Serialize;
use serde_json::json;

use super::{models::word, partly, print, say};
use crate::{
    cli::Global,
    config::{Config, Place},
    human, machine, wiring,
};

/// Less free space than this is told: a card's worth.
const LITTLE_SPACE_BYTES: u64 = 10_000_000_000;

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    what: &'static str,
    good: bool,
    /// What there is; if it is not good, what to do.
    detail: String,
}

/// Looks at everything.
pub(super) async fn run(config: &Config, global: &Global) -> anyhow::Result<ExitCode> {
    let mut findings = vec![device(config), memory(config), data(config)];
    findings.extend(codecs());
    for store in config.stores() {
        findings.push(match store.place {
            Place::Folder(folder) => space(&folder),
            Place::Bucket(options) => bucket(*options).await,
        });
    }
    findings.extend(models(config));
    findings.push(time_zone());
    let good = findings.iter().all(|finding| finding.good);
    if global.json {
        print(&json!({ "good": good, "findings": findings }))?;
    } else {
        for Finding { what, good, detail } in findings.iter().filter(|finding| !global.quiet || !finding.good) {
            let mark = if *good { "ok     " } else { "missing" };
            say(&format!("{mark}  {what}: {detail}"))?;
        }
    }
    Ok(if good { ExitCode::SUCCESS } else { partly() })
}

fn device(config: &Config) -> Finding {
    let info = wiring::device(config).info();
    Finding {
        what: "device",
        good: true,
        detail: format!("{} ({}), {} photos at a time", info.name, info.kind, info.lanes),
    }
}

fn codecs() -> impl Iterator<Item = Finding> {
    capabilities().into_iter().map(|codec| Finding {
        what: "codec",
        good: codec.available,
        detail: format!("{}: {}", codec.codec, codec.detail),
    })
}

fn memory(config: &Config) -> Finding {
    let machine = machine::memory_bytes();
    let budget = config.memory.of(machine);
    let detail = format!("{} for photos in flight, of {}", human::bytes(budget), human::bytes(machine));
    if budget > machine {
        return Finding { what: "memory", good: false, detail: format!("{detail}; give less with --memory") };
    }
    Finding { what: "memory", good: true, detail }
}

fn data(config: &Config) -> Finding {
    let folder = config.data.display();
    let (good, detail) = match writable(&config.data) {
        Ok(()) => (true, format!("{folder} can be written")),
        Err(error) => (false, format!("{folder} cannot be written: {}; choose another with --data", chain(&error))),
    };
    Finding { what: "data folder", good, detail }
}

/// Writes and removes a file, in the nearest folder above that exists: looking changes nothing.
fn writable(folder: &Path) -> std::io::Result<()> {
    let there = folder.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(Path::new("/"));
    let probe: PathBuf = there.join(format!(".procession-doctor-{}", std::process::id()));
    fs::File::create_new(&probe)?;
    fs::remove_file(&probe)
}

fn space(store: &Path) -> Finding {
    let folder = store.display();
    let (good, detail) = match machine::disk_free_bytes(store) {
        Some(free) if free >= LITTLE_SPACE_BYTES => (true, format!("{folder} has {} free", human::bytes(free))),
        Some(free) => (false, format!("{folder} has only {} free", human::bytes(free))),
        None => (false, format!("{folder} cannot be looked at")),
    };
    Finding { what: "store", good, detail }
}

/// Tries out what a store needs; nothing stays.
async fn bucket(options: S3Options) -> Finding {
    let name = options.name();
    let (good, detail) = match S3Blobs::check(options).await {
        Ok(()) => (true, format!("{name} does what a store needs")),
        Err(error) => (false, chain(&error)),
    };
    Finding { what: "store", good, detail }
}

fn models(config: &Config) -> Vec<Finding> {
    let cache = Cache::new(&config.models);
    let mut findings: Vec<Finding> = cache
        .status()
        .into_iter()
        .map(|(entry, state)| {
            let advice = if state == State::Ready { "" } else { "; run `procession models fetch`" };
            let detail = format!("{}, {}: {}{advice}", entry.name, entry.what_for, word(state));
            Finding { what: "model", good: state == State::Ready, detail }
        })
        .collect();
    let (good, detail) = match Vision::load(&cache, 1) {
        Ok(vision) => (true, format!("loaded: {}", vision.identity())),
        Err(error) => (false, format!("not in use, so no faces and no moments: {}", chain(&error))),
    };
    findings.push(Finding { what: "vision", good, detail });
    findings
}

fn time_zone() -> Finding {
    let detail = match machine::time_zone() {
        Some(zone) => format!("{zone}, for weddings without --time-zone"),
        None => "UTC, for weddings without --time-zone".to_owned(),
    };
    Finding { what: "time zone", good: true, detail }
}
