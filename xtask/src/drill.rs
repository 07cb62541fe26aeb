//! `cargo xtask drill`: breaks a real deployment on this machine, and says how long it took until work went on.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::{
    figures::{number, record, text},
    run::{program, root, show},
    setup,
};

/// Runs the drills of tests/deployment.rs, one after the other, and prints what each measured. `--write` records it in
/// docs/performance.md.
///
/// # Errors
/// If something was lost or was there twice, or what a drill needs cannot be brought here.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let write = match arguments {
        [] => false,
        [flag] if flag == "--write" => true,
        _ => bail!("drill knows --write and nothing else"),
    };
    setup::for_drills()?;
    let folder = root().join("target/drills");
    if folder.exists() {
        fs::remove_dir_all(&folder).context("cannot remove the last drills' reports")?;
    }
    let drills = ["test", "--package", "procession", "--test", "deployment", "--", "--test-threads=1"];
    let outcome = show(program("cargo", &drills).env("PROCESSION_REPMGR", "1"));
    let table = table(&folder)?;
    eprintln!("\n{table}");
    if write && outcome.is_ok() {
        record(&root().join("docs/performance.md"), "drill", "a debug build, all on this machine", &table)?;
    }
    outcome
}

fn table(folder: &std::path::Path) -> Result<String> {
    let mut reports: Vec<_> = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    reports.sort();
    let mut table = "| drill | what happens | work goes on after | photos lost | images missing or doubled |\n\
                     |---|---|---|---|---|\n"
        .to_owned();
    for report in reports {
        let line = fs::read_to_string(&report).with_context(|| format!("cannot read {}", report.display()))?;
        let seconds = number(&line, "recovered_after_seconds")?;
        let (photos, images) = (number(&line, "photos")?, number(&line, "variants")?);
        let (name, what) = (text(&line, "drill")?, text(&line, "what")?);
        table += &format!("| {name} | {what} | {seconds:.1} s | 0 of {photos} | 0 of {images} |\n");
    }
    Ok(table)
}
