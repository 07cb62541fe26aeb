//! What tests and benchmarks take from npm, at the versions of `package-lock.json`.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::run::{find, program, quiet, root};

/// Makes `node_modules` what `package-lock.json` says, unless it is that already.
pub(crate) fn install() -> Result<()> {
    let wanted = fs::read(root().join("package-lock.json")).context("cannot read package-lock.json")?;
    // Written last: a folder that was cut off half way has none.
    let stamp = root().join("node_modules/.installed-lock.json");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    if find("npm").is_none() {
        bail!("npm is not here; install Node.js 20 or later with npm and try again");
    }
    eprintln!("Installing the npm packages of package-lock.json, for tests and benchmarks");
    quiet(&mut program("npm", &["ci", "--no-audit", "--no-fund", "--loglevel=error"]))?;
    fs::write(stamp, wanted).context("cannot note what npm installed")
}
