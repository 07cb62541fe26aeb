//! `cargo xtask bench simulation`: a few galleries on this machine, really and simulated, side by side.
//!
//! 1. The real binary is measured: what an instance finishes in a second, with one at work, two, and so on; what an arriving
//!    photo takes of the processors; how long a worker takes from its start to its first photo.
//! 2. The real binary is sent the scenario's galleries, as fast and as far apart as it says, over HTTP. Its ledger, its
//!    controller and its fleet of processes do what they do.
//! 3. The same scenario is simulated with what was measured in the first step, and with nothing of the second.
//!
//! Exits with 1 if a gallery's time, the whole time or the instances' time differ by more than `TOLERANCE`.
//!
//! `PHOTOS… [--break] [--out FILE]`: photos of the size that the scenario says, taken in turns. `--break` simulates instances
//! that are twice as fast as they are, which must not agree.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a bench prints, and reads the machine's clock"
)]

#[path = "simulation/calibrate.rs"]
mod calibrate;
#[path = "simulation/deployment.rs"]
mod deployment;
#[path = "simulation/real.rs"]
mod real;

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result, bail};
use procession_sim::{Comparison, Scenario, TOLERANCE, Witness, simulate};

use deployment::{Photos, today};

/// Instances are simulated so much faster than they are, if that is to be found out.
const BROKEN: f64 = 2.0;

struct Options {
    photos: Vec<PathBuf>,
    is_broken: bool,
    out: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let options = options()?;
    // Nothing here speaks TLS, but the client wants to know who would.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut scenario = Scenario::shipped("this_machine")?;
    scenario.from = today();
    scenario.until = scenario.from.tomorrow()?;
    let photos = Photos::read(&options.photos)?;
    let folder = tempfile::tempdir()?;

    eprintln!("Measuring the worker …");
    let service = calibrate::calibrate(&scenario, &photos, &folder.path().join("calibration")).await?;
    eprintln!("{}", toml::to_string(&service)?);
    // On a faster machine there is more to do, so that it takes as long.
    let times = service.megapixels_per_second / scenario.service.megapixels_per_second;
    let more = |photos: u64| ((photos as f64 * times).round() as u64).max(1);
    for gallery in &mut scenario.galleries {
        gallery.photos = u32::try_from(more(u64::from(gallery.photos)))?;
    }
    let seasons = &mut scenario.scale.seasons;
    for rules in [&mut seasons.peak, &mut seasons.moderate, &mut seasons.off] {
        rules.grow_at_photos = rules.grow_at_photos.map(more);
    }
    scenario.scale.assumed_megapixels_per_second = service.megapixels_per_second;
    scenario.service = service;

    let photos_in_all: u32 = scenario.galleries.iter().map(|gallery| gallery.photos).sum();
    eprintln!("The real run: {photos_in_all} photos, {} minutes …", scenario.minutes.unwrap_or(0));
    let real = real::run(&scenario, &photos, &folder.path().join("real")).await?;

    if options.is_broken {
        scenario.service.megapixels_per_second *= BROKEN;
    }
    let report = simulate(&scenario)?;
    let outcome = report.outcomes.first().context("the scenario has no policy")?;
    let simulated = Witness::simulated(&scenario, outcome).context("a simulated gallery was not finished")?;
    let comparison = Comparison::new(&scenario, real, simulated);
    println!("{}", comparison.table());
    if let Some(out) = &options.out {
        fs::write(out, serde_json::to_string_pretty(&comparison)?).context("cannot write the report")?;
    }
    let apart = comparison.apart();
    if apart.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    for row in apart {
        let (difference, most) = (row.difference() * 100.0, TOLERANCE * 100.0);
        eprintln!("{}: {difference:+.1}%, and {most:.0}% is the most", row.what);
    }
    Ok(ExitCode::FAILURE)
}

fn options() -> Result<Options> {
    let mut options = Options { photos: Vec::new(), is_broken: false, out: None };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            // Cargo says that it is a bench.
            "--bench" => {}
            "--break" => options.is_broken = true,
            "--out" => options.out = Some(words.next().context("--out needs a file")?.into()),
            photo if !photo.starts_with('-') => options.photos.push(photo.into()),
            other => bail!("it knows photos, --break and --out FILE, not {other}"),
        }
    }
    Ok(options)
}
