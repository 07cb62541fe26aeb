//! Debian's packages. Their versions are not pinned: Debian keeps only the current one, which is the one with its fixes.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::run::{files_below, find, program, quiet, root};

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

/// Installs PostgreSQL, unless it is here, so that no server of its own is made and started.
///
/// # Errors
/// As for [`install`].
pub(crate) fn install_without_cluster(package: &Package) -> Result<()> {
    if is_here(package) {
        return Ok(());
    }
    let script = "mkdir -p /etc/postgresql-common && cd /etc/postgresql-common && \
                  { test -e createcluster.conf || echo 'create_main_cluster = false' > createcluster.conf; }";
    quiet(as_root("sh")?.args(["-c", script])).context("cannot keep Debian from starting a PostgreSQL server")?;
    install(&[*package])
}

/// Takes a package's program alone into `target/debian`, where the program is not here yet: nothing is installed or started, and
/// nobody needs to be root.
///
/// # Errors
/// When the package cannot be downloaded, or has no such program.
pub(crate) fn extract(package: &Package) -> Result<()> {
    let program_name = package.program.context("a package without a program")?;
    if located(program_name).is_some() {
        return Ok(());
    }
    let folder = root().join("target/debian");
    eprintln!("Taking {program_name} from {}: {}", package.name, package.purpose);
    let unpacked = folder.join("unpacked");
    fs::create_dir_all(&unpacked).context("cannot make target/debian")?;
    let download = || quiet(program("apt-get", &["download", "--quiet", package.name]).current_dir(&unpacked));
    // Lists that are absent or old are the usual reason to fail.
    if download().is_err() {
        update()?;
        download()?;
    }
    for archive in files_below(&unpacked)?.iter().filter(|path| path.extension() == Some("deb".as_ref())) {
        quiet(program("dpkg-deb", &["--extract"]).arg(archive).arg(&unpacked))?;
    }
    // Moved last: what was cut off half way is not there.
    let places = ["usr/bin", "usr/sbin"].map(|place| unpacked.join(place).join(program_name));
    let from = places.iter().find(|path| path.is_file());
    let from = from.with_context(|| format!("{} has no {program_name}", package.name))?;
    fs::rename(from, folder.join(program_name)).with_context(|| format!("cannot keep {program_name}"))?;
    fs::remove_dir_all(&unpacked).context("cannot remove what was unpacked")
}

/// A program, wherever it is: on the path, where Debian keeps those of servers, or where [`extract`] put it.
pub(crate) fn located(program_name: &str) -> Option<PathBuf> {
    let places = [PathBuf::from("/usr/sbin"), root().join("target/debian")];
    find(program_name).or_else(|| places.map(|place| place.join(program_name)).into_iter().find(|path| path.is_file()))
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
    as_root("apt-get")
}

/// A program as root.
fn as_root(name: &str) -> Result<Command> {
    let is_root = quiet(&mut program("id", &["-u"]))?.trim() == "0";
    let mut command = match (is_root, find("sudo").is_some()) {
        (true, _) => program(name, &[]),
        // sudo may ask for a password, and clears the environment.
        (false, true) => program("sudo", &["DEBIAN_FRONTEND=noninteractive", name]),
        (false, false) => bail!("you are not root, and there is no sudo"),
    };
    command.env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::inherit());
    Ok(command)
}
