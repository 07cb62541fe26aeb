//! `cargo xtask load-test`, also `npm run load-test:image-infrastructure`: a real deployment on this machine under load, beside the
//! targets. The load and its checks are `tests/load.rs`; here is what they are given, and what is said about what they found.

mod options;
mod report;

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::{
    bench_pixel, demo,
    figures::record,
    run::{binary, program, quiet, root, show},
    setup,
};
use options::{Options, USAGE};
use report::{short_of, table};

const TEST: &str = "run::a_loaded_deployment_loses_nothing";
/// What a photo takes on the disk, at most: itself until it is sent, three copies of it, and three of its images.
const BYTES_OF_A_PHOTO: u64 = 45_000_000;
const BYTES_OF_A_SMALL_PHOTO: u64 = 900_000;

/// Measures, prints the figures beside the targets, and says the sentence only if they bear it out.
///
/// # Errors
/// By how much it fell short; what was lost; or what it needs cannot be brought here.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    if arguments.iter().any(|word| word == "--help") {
        eprintln!("{USAGE}");
        return Ok(());
    }
    let options = Options::of(arguments)?;
    setup::for_bench_ledger()?;
    let program = product(&options)?;
    let photos = bench_pixel::photos_with_people(&demo::gallery()?, options.is_small)?;
    let folder = root().join("target/load-test");
    remove(&folder)?;
    fs::create_dir_all(&folder).context("cannot make target/load-test")?;
    enough_room(&folder, &options)?;
    let outcome = show(&mut options.test(&program, &photos));
    let report = fs::read_to_string(folder.join("report.json"));
    for entry in fs::read_dir(&folder)?.filter_map(Result::ok) {
        if entry.path().is_dir() {
            remove(&entry.path())?;
        }
    }
    let report = match (report, &outcome) {
        (Ok(report), _) => report,
        (Err(_), Err(why)) => bail!("the load did not get to its end: {why:#}"),
        (Err(missing), Ok(())) => return Err(missing).context("the load left no report"),
    };
    let table = table(&report)?;
    writeln!(io::stdout(), "\n{table}").context("nobody reads")?;
    if let Some(file) = &options.json {
        fs::write(file, &report).with_context(|| format!("cannot write {}", file.display()))?;
    }
    if options.write {
        record(&root().join("docs/performance.md"), "load-test", "all on this machine", &table)?;
    }
    say(&options, &report, outcome)
}

/// The sentence, or what stands against it.
fn say(options: &Options, report: &str, outcome: Result<()>) -> Result<()> {
    let mut short = short_of(report, options.in_flight)?;
    if let (Err(why), true) = (outcome, short.is_empty()) {
        short.push(format!("the load failed: {why:#}"));
    }
    if !short.is_empty() {
        bail!("it fell short: {}", short.join("; "));
    }
    let words = match options.is_of_the_targets() {
        true => "1000+ images/min processing with <3s per photo",
        false => "Nothing was lost. Of the targets for photos of real size with all models this run says nothing.",
    };
    writeln!(io::stdout(), "{words}").context("nobody reads")
}

/// The release binary, as it is told or as cargo builds it, and its models.
fn product(options: &Options) -> Result<PathBuf> {
    let program = match &options.binary {
        Some(binary) => fs::canonicalize(binary).with_context(|| format!("{} is not here", binary.display()))?,
        None => {
            setup::for_build()?;
            eprintln!("Building the release binary (minutes the first time)");
            show(&mut crate::run::program(
                "cargo",
                &["build", "--release", "--package", "procession", "--bin", "procession"],
            ))?;
            binary("release")
        }
    };
    if options.has_models {
        show(&mut crate::run::program(&program.to_string_lossy(), &["models", "fetch"]))
            .context("the models could not be brought here")?;
    }
    Ok(program)
}

fn enough_room(folder: &Path, options: &Options) -> Result<()> {
    let shown = quiet(program("df", &["--block-size=1", "--output=avail"]).arg(folder))?;
    let free: u64 = shown.lines().last().unwrap_or_default().trim().parse().context("df said no number")?;
    let photo = if options.is_small { BYTES_OF_A_SMALL_PHOTO } else { BYTES_OF_A_PHOTO };
    let wanted = photo * options.most_photos();
    if free < wanted {
        let [free, wanted] = [free, wanted].map(|bytes| bytes as f64 / 1e9);
        bail!(
            "{} has {free:.1} GB free, and the run takes up to {wanted:.1} GB: give it fewer photos",
            folder.display()
        );
    }
    Ok(())
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}
