//! Clients and checkers that the tests take from Python's packages, at the versions of `tests/requirements.txt`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::run::{program, quiet, root};

/// The packages' folder, for `PYTHONPATH`.
pub(crate) fn folder() -> PathBuf {
    root().join("target/python")
}

/// Makes the folder what `tests/requirements.txt` says, unless it is that already.
pub(crate) fn install() -> Result<()> {
    bring(&folder(), "tests/requirements.txt", "tests")
}

/// Makes a folder what a list of packages says, unless it is that already.
pub(crate) fn bring(folder: &Path, list: &str, purpose: &str) -> Result<()> {
    let wanted = fs::read(root().join(list)).with_context(|| format!("cannot read {list}"))?;
    // Written last: a folder that was cut off half way has none.
    let stamp = folder.join(".installed-requirements.txt");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    eprintln!("Installing the Python packages of {list}, for {purpose}");
    if folder.exists() {
        fs::remove_dir_all(folder).context("cannot remove the old Python packages")?;
    }
    let target = folder.display().to_string();
    let arguments = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--root-user-action", "ignore"];
    let mut command = program("python3", &arguments);
    command.args(["--target", &target, "--requirement", list]);
    quiet(&mut command)?;
    fs::write(stamp, wanted).context("cannot note what pip installed")
}
