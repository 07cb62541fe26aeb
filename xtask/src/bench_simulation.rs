//! `cargo xtask bench simulation`: a few galleries on this machine, really and simulated, side by side.

use std::{
    fs,
    io::{Write as _, stdout},
    path::Path,
};

use anyhow::{Context, Result, bail};

use crate::{
    bench_pixel, figures,
    run::{program, quiet, root, show},
    setup,
};

/// Those of the benchmark's photos that are sent; their size is that of the scenario.
const SIZE: &str = "12mp";

/// A folder in memory, on most of the systems that the project runs on.
const MEMORY: &str = "/dev/shm";

/// Measures the worker, then sends the galleries of `scenarios/this_machine.toml` to a real deployment, then simulates them, in about
/// nine minutes. Nothing else should run meanwhile. `--break` simulates instances that are twice as fast, `--write` records what
/// came of it in docs/simulation.md.
///
/// # Errors
/// If what was simulated is not what happened, or something that it needs cannot be brought here.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let (mut is_broken, mut write) = (false, false);
    for word in arguments {
        match word.as_str() {
            "--break" => is_broken = true,
            "--write" => write = true,
            other => bail!("bench simulation knows --break and --write, not {other}"),
        }
    }
    setup::for_bench()?;
    let mut photos = bench_pixel::photos()?;
    photos.retain(|photo| photo.file_name().is_some_and(|name| name.to_string_lossy().starts_with(SIZE)));
    let bench = ["bench", "--quiet", "--package", "procession", "--bench", "simulation"];
    show(program("cargo", &bench).arg("--no-run"))?;
    let folder = root().join("target/bench");
    fs::create_dir_all(&folder).context("cannot make target/bench")?;
    let mut run = program("cargo", &bench);
    run.arg("--").args(photos).arg("--out").arg(folder.join("simulation.json")).args(is_broken.then_some("--break"));
    // The model knows no disks.
    if Path::new(MEMORY).is_dir() {
        run.env("TMPDIR", MEMORY);
    }
    // What it does, and which figures differ by too much, it says on its standard error.
    run.stderr(std::process::Stdio::inherit());
    let table = quiet(&mut run);
    let text = table.as_deref().unwrap_or_default();
    stdout().write_all(text.as_bytes()).context("cannot print")?;
    if write && table.is_ok() && !is_broken {
        figures::record(&root().join("docs/simulation.md"), "bench simulation", "a release build", text)?;
    }
    table.map(drop).context("what was simulated is not what happened")
}
