//! What is true of the whole tree: formatting, lints, layers, files, documents, deployment.

mod deployment;
mod documents;
mod files;
mod layers;

use anyhow::{Context, Result, bail};

use crate::{
    run::{program, root, show},
    setup,
    steps::{Step, run_steps},
};

const STEPS: [Step; 5] = [
    Step { name: "formatting", work: formatting, is_needed: false },
    Step { name: "layers, files, documents", work: structure, is_needed: false },
    Step { name: "set-up", work: setup::for_build, is_needed: true },
    Step { name: "deployment", work: deployment, is_needed: false },
    Step { name: "clippy", work: clippy, is_needed: false },
];

/// All checks.
pub(crate) fn run() -> Result<()> {
    run_steps(&STEPS)
}

/// `cargo fmt`, without changing anything: names the files that it would change.
pub(crate) fn formatting() -> Result<()> {
    show(&mut program("cargo", &["fmt", "--all", "--check", "--", "--files-with-diff"]))
        .context("run `cargo fmt --all`")
}

/// `cargo clippy` over everything, warnings being errors.
pub(crate) fn clippy() -> Result<()> {
    let all = ["clippy", "--quiet", "--keep-going", "--workspace", "--all-targets"];
    show(program("cargo", &all).args(["--", "-D", "warnings"]))
}

/// Containers, chart and unit, each by the tools that its format has.
pub(crate) fn deployment() -> Result<()> {
    deployment::run()
}

/// Layers, files and documents: all that is wrong is told at once.
pub(crate) fn structure() -> Result<()> {
    let mut faults = layers::faults(root())?;
    faults.extend(files::faults(root())?);
    faults.extend(documents::faults(root())?);
    if faults.is_empty() {
        return Ok(());
    }
    for fault in &faults {
        eprintln!("{fault}");
    }
    bail!("{} fault(s) in layers, files or documents", faults.len())
}
