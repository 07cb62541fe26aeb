//! What is true of the whole tree: formatting, lints, layers, files, documents.

mod documents;
mod files;
mod layers;

use anyhow::{Result, bail};

use crate::{
    run::{program, root, show},
    setup,
};

/// All checks. Stops at the first that fails.
pub(crate) fn run() -> Result<()> {
    formatting()?;
    structure()?;
    setup::for_build()?;
    clippy()
}

/// `cargo fmt`, without changing anything.
pub(crate) fn formatting() -> Result<()> {
    show(&mut program("cargo", &["fmt", "--all", "--check"]))
}

/// `cargo clippy` over everything, warnings being errors.
pub(crate) fn clippy() -> Result<()> {
    show(&mut program("cargo", &["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"]))
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
