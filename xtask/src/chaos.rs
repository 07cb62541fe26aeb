//! `cargo xtask chaos`: breaks a real deployment at random for as long as one likes, and checks that nothing was lost.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::{
    figures::{number, record},
    run::{program, root, show},
    setup,
};

/// Runs the chaos of tests/deployment.rs: `--seed N`, `--minutes M`, `--photos N`, `--galleries N`; `--break` lets a store lose all
/// originals in the end, which must be found. `--write` records the figures in docs/performance.md.
///
/// # Errors
/// If something was lost, or what it needs cannot be brought here.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let mut chaos = program("cargo", &["test", "--package", "procession", "--test", "deployment", "--"]);
    chaos.args(["--exact", "chaos::nothing_is_lost_in_chaos", "--nocapture"]);
    let (mut write, mut minutes, mut photos, mut galleries) = (false, 10, 2_000, 50);
    let mut words = arguments.iter().map(String::as_str);
    while let Some(word) = words.next() {
        let mut value = || -> Result<u64> {
            let text = words.next().with_context(|| format!("{word} needs a number"))?;
            text.parse().with_context(|| format!("{word}: {text:?} is no number"))
        };
        match word {
            "--seed" => drop(chaos.env("PROCESSION_CHAOS_SEED", value()?.to_string())),
            "--minutes" => minutes = value()?,
            "--photos" => photos = value()?,
            "--galleries" => galleries = value()?,
            "--break" => drop(chaos.env("PROCESSION_CHAOS_BREAK", "1")),
            "--write" => write = true,
            _ => bail!("chaos knows --seed, --minutes, --photos, --galleries, --break and --write, not {word:?}"),
        }
    }
    chaos.env("PROCESSION_CHAOS_SECONDS", (minutes * 60).to_string());
    chaos.env("PROCESSION_CHAOS_PHOTOS", photos.to_string()).env("PROCESSION_CHAOS_GALLERIES", galleries.to_string());
    setup::for_tests()?;
    show(&mut chaos)?;
    let report = fs::read_to_string(root().join("target/chaos/report.json")).context("the chaos left no report")?;
    let table = table(&report)?;
    eprintln!("\n{table}");
    if write {
        record(&root().join("docs/performance.md"), "chaos", "a debug build, all on this machine", &table)?;
    }
    Ok(())
}

fn table(report: &str) -> Result<String> {
    let figure = |name: &str| number(report, name);
    Ok(format!(
        "| what | figure |\n|---|---|\n\
         | seed | {} |\n\
         | photos, galleries, images | {}, {}, {} |\n\
         | faults: workers, API nodes, stores, the ledger's primary, lines | {}, {}, {}, {}, {} |\n\
         | something broke for | {:.0} s |\n\
         | all photos uploaded after | {:.0} s; an upload began anew {} times |\n\
         | all galleries complete after | {:.0} s |\n\
         | half the galleries complete, counted from when all had waited together | same-day {:.0} s, next-day {:.0} s, standard {:.0} s |\n\
         | originals lost or damaged in any store, images missing or doubled | 0 |\n",
        figure("seed")?,
        figure("photos")?,
        figure("galleries")?,
        figure("variants")?,
        figure("worker")?,
        figure("api")?,
        figure("store")?,
        figure("ledger")?,
        figure("lines")?,
        figure("broke_seconds")?,
        figure("uploaded_seconds")?,
        figure("uploads_again")?,
        figure("completed_seconds")?,
        figure("same_day_seconds")?,
        figure("next_day_seconds")?,
        figure("standard_seconds")?,
    ))
}
