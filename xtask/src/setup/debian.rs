//! Debian's packages. Their versions are not pinned: Debian keeps only the current one, which is the one with its fixes.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::run::{find, program, quiet};

/// A package, and how to tell that what it brings is here.
#[derive(Clone, Copy)]
pub(crate) struct Package {
    pub(crate) name: &'static str,
    /// The program that it brings. Where it is there by another way, the package is not needed.
    pub(crate) program: Option<&'static str>,
    pub(crate) purpose: &'static str,
}

/// Installs those of the packages that are missing.
///
/// # Errors
/// When apt fails, or when it needs to be root and neither is nor can become it.
pub(crate) fn install(packages: &[Package]) -> Result<()> {
    let missing: Vec<&Package> = packages.iter().filter(|package| !is_here(package)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    for package in &missing {
        eprintln!("Installing {}: {}", package.name, package.purpose);
    }
    let list = names.join(" ");
    let mut command = apt_get().with_context(|| format!("as root, say `apt-get install {list}` and try again"))?;
    command.args(["install", "--yes", "--quiet", "--no-install-recommends"]).args(&names);
    // Lists that are absent or old are the usual reason to fail.
    if quiet(&mut command).is_ok() {
        return Ok(());
    }
    update()?;
    quiet(&mut command).map(drop)
}

/// Brings the lists of Debian's packages here.
pub(crate) fn update() -> Result<()> {
    eprintln!("Asking Debian for its current packages");
    quiet(apt_get()?.args(["update", "--quiet"])).map(drop)
}

fn is_here(package: &Package) -> bool {
    if package.program.is_some_and(|name| find(name).is_some()) {
        return true;
    }
    let query = ["--show", "--showformat=${db:Status-Status}", package.name];
    quiet(&mut program("dpkg-query", &query)).is_ok_and(|status| status == "installed")
}

/// apt-get as root.
fn apt_get() -> Result<Command> {
    if find("apt-get").is_none() {
        bail!("this machine has no apt-get");
    }
    let is_root = quiet(&mut program("id", &["-u"]))?.trim() == "0";
    let mut command = match (is_root, find("sudo").is_some()) {
        (true, _) => program("apt-get", &[]),
        // sudo may ask for a password, and clears the environment.
        (false, true) => program("sudo", &["DEBIAN_FRONTEND=noninteractive", "apt-get"]),
        (false, false) => bail!("you are not root, and there is no sudo"),
    };
    command.env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::inherit());
    Ok(command)
}
