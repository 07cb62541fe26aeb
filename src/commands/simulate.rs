//! `procession simulate`.

use std::{fs, path::Path, process::ExitCode};

use anyhow::Context as _;
use procession_sim::{Report, SHIPPED, Scenario, page, simulate};
use serde_json::json;

use super::{print, say};
use crate::cli::{Global, Simulate};

/// Simulates a scenario, or lists those that there are.
pub(super) fn run(args: &Simulate, global: &Global) -> anyhow::Result<ExitCode> {
    let Some(name) = &args.scenario else { return list(global) };
    let mut scenario = read(name)?;
    scenario.seed = args.seed.unwrap_or(scenario.seed);
    let report = simulate(&scenario)?;
    if let Some(folder) = &args.out {
        write(folder, &report)?;
    }
    if global.json {
        print(&serde_json::to_value(&report)?)?;
    } else if !global.quiet {
        say(report.text().trim_end())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// One that comes with Procession, or else a file.
fn read(name: &str) -> anyhow::Result<Scenario> {
    let path = Path::new(name);
    if SHIPPED.iter().any(|(known, _)| *known == name) || path.extension().is_none() {
        return Ok(Scenario::shipped(name)?);
    }
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Scenario::read(&text).with_context(|| path.display().to_string())
}

fn list(global: &Global) -> anyhow::Result<ExitCode> {
    let mut rows = Vec::new();
    for (name, text) in SHIPPED {
        let Scenario { title, about, .. } = Scenario::read(text)?;
        rows.push((name, title, about));
    }
    if global.json {
        let row =
            |(name, title, about): &(&str, String, String)| json!({ "name": name, "title": title, "about": about });
        print(&rows.iter().map(row).collect())?;
    } else {
        for (name, title, about) in rows {
            say(&format!("{name}: {title}\n  {about}"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes report.txt, report.json and index.html.
fn write(folder: &Path, report: &Report) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let files = [
        ("report.txt", report.text()),
        ("report.json", serde_json::to_string_pretty(report)?),
        ("index.html", page(report)),
    ];
    for (name, text) in files {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
