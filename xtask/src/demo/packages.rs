//! The packages that the demo's photos come from, each fetched by its registry's own client.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::run::{program, quiet};

/// Downloads a package into `work` and unpacks it; returns the folder that the table's paths start from.
pub(super) fn unpack(package: &str, work: &Path) -> Result<PathBuf> {
    let folder = work.join(package);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    match package {
        "lomiri" => debian("lomiri-wallpapers-16.04", "usr/share/backgrounds", &folder),
        "kleiber" => debian("lomiri-wallpapers-20.04", "usr/share/backgrounds", &folder),
        "mate" => debian("mate-backgrounds", "usr/share/backgrounds/mate", &folder),
        "face-api" => npm("@vladmandic/face-api@1.7.15", &folder),
        "face-recognition" => {
            let sha256 = "5e5efdd1686aa566af0d3cc1313b131e4b197657a8ffd03669e6d3fad92705ec";
            python("face-recognition==1.3.0", sha256, &[], &folder).map(|folder| folder.join("face_recognition-1.3.0"))
        }
        "skimage" => {
            let sha256 = "74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af";
            // Its pictures are the same in every wheel; this one is downloaded, never installed.
            let wheel = ["--only-binary=:all:", "--platform", "manylinux_2_28_x86_64", "--python-version", "3.11"];
            python("scikit-image==0.26.0", sha256, &wheel, &folder)
        }
        _ => bail!("the demo's table names an unknown package, {package}"),
    }
}

/// A Debian package, at whatever version the system's release has: its photos are pinned by their own hashes.
fn debian(name: &str, below: &str, folder: &Path) -> Result<PathBuf> {
    eprintln!("  {name} (apt)");
    let download = || quiet(program("apt-get", &["download", name]).current_dir(folder));
    if download().is_err() {
        crate::setup::update_debian()?;
        download().with_context(|| format!("could not download {name}"))?;
    }
    let archive = only_file(folder)?;
    quiet(program("dpkg-deb", &["--extract"]).arg(archive).arg(folder))?;
    Ok(folder.join(below))
}

fn npm(spec: &str, folder: &Path) -> Result<PathBuf> {
    eprintln!("  {spec} (npm)");
    quiet(program("npm", &["pack", spec, "--silent", "--pack-destination"]).arg(folder))?;
    let archive = only_file(folder)?;
    quiet(program("tar", &["--extract", "--gzip", "--file"]).arg(archive).arg("--directory").arg(folder))?;
    Ok(folder.join("package"))
}

fn python(pin: &str, sha256: &str, options: &[&str], folder: &Path) -> Result<PathBuf> {
    eprintln!("  {pin} (pip)");
    let requirement = folder.with_extension("txt");
    // With a hash pinned, pip refuses another archive before it looks into it.
    fs::write(&requirement, format!("{pin} --hash=sha256:{sha256}\n"))?;
    let mut pip = program("python3", &["-m", "pip", "download", "--quiet", "--no-input", "--no-deps"]);
    pip.args(["--disable-pip-version-check", "--require-hashes", "--ignore-requires-python"]).args(options);
    quiet(pip.arg("--dest").arg(folder).arg("--requirement").arg(requirement))?;
    let archive = only_file(folder)?;
    let module = if archive.extension() == Some("whl".as_ref()) { "zipfile" } else { "tarfile" };
    quiet(program("python3", &["-m", module, "-e"]).arg(archive).arg(folder))?;
    Ok(folder.to_owned())
}

fn only_file(folder: &Path) -> Result<PathBuf> {
    let entry = fs::read_dir(folder)?.next().with_context(|| format!("nothing arrived in {}", folder.display()))?;
    Ok(entry?.path())
}
