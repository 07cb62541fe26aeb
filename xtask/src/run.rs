//! Programs, folders and stopwatches: what all the commands share.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use anyhow::{Context, Result, bail};

/// The repository's folder. All commands run there.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// A program to be run in the repository's folder.
pub(crate) fn program(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(name);
    command.args(arguments).current_dir(root()).stdin(Stdio::null());
    command
}

/// Runs a program whose output the person should see.
pub(crate) fn show(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{} does not start", said(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", said(command));
    }
    Ok(())
}

/// Runs a program whose output matters only if it fails; returns what it wrote to standard output.
pub(crate) fn quiet(command: &mut Command) -> Result<String> {
    let Output { status, stdout, stderr } =
        command.output().with_context(|| format!("{} does not start", said(command)))?;
    if !status.success() {
        let words = String::from_utf8_lossy(if stderr.is_empty() { &stdout } else { &stderr }).into_owned();
        bail!("{} ended with {status}\n{}", said(command), words.trim());
    }
    Ok(String::from_utf8_lossy(&stdout).into_owned())
}

/// Where the path has a program of this name.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// The product's binary as cargo built it with this profile ("debug", "release").
pub(crate) fn binary(profile: &str) -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder));
    target.join(profile).join("procession")
}

/// `$XDG_CACHE_HOME/procession` or `~/.cache/procession`.
pub(crate) fn cache() -> Result<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    Ok(base.context("neither XDG_CACHE_HOME nor HOME is set: no place for the cache")?.join("procession"))
}

/// The SHA-256 of a file, by coreutils: this crate brings no hash of its own.
pub(crate) fn sha256(path: &Path) -> Result<String> {
    let output = quiet(Command::new("sha256sum").arg("--binary").arg(path))?;
    Ok(output.trim_start_matches('\\').chars().take(64).collect())
}

/// All files below a folder that no `.gitignore` would hide: build outputs and packages are passed over.
pub(crate) fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).with_context(|| format!("cannot list {}", next.display()))? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default();
            if !path.is_dir() {
                files.push(path);
            } else if name != "target" && name != "node_modules" && name != ".git" {
                open.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn said(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    format!("`{}`", words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" "))
}
