//! Who sends photos: Procession's own client, tus clients that people use, and what the machine can.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{
    bench_serve::{puts, send},
    figures::{number, text},
    run::{binary, program, quiet, root},
    servers::{Nginx, Procession, Seaweed},
    setup,
};

/// A client of Procession.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Client {
    Own,
    /// The same, told to send photos as they are.
    OwnPlain,
    TusJs,
    Tuspy,
}

impl Client {
    pub(super) const ALL: [Self; 4] = [Self::Own, Self::OwnPlain, Self::TusJs, Self::Tuspy];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Own => "procession upload",
            Self::OwnPlain => "procession upload --coding none",
            Self::TusJs => "tus-js-client",
            Self::Tuspy => "tuspy",
        }
    }

    /// Sends all photos of a folder to a gallery of the service, which may be reached by another URL, so many at once. Returns the
    /// seconds from the first byte to the last acknowledgement, as the client has them: its start is not among them.
    pub(super) fn send(
        self,
        service: &Procession,
        url: &str,
        gallery: &str,
        card: &Path,
        at_once: usize,
    ) -> Result<f64> {
        let at_once = at_once.to_string();
        let id = service.gallery(gallery)?;
        let mut command = match self {
            Self::Own | Self::OwnPlain => {
                let mut command = Command::new(binary("release"));
                command.args(["upload", "--json", "--to", url, "--gallery", gallery, "--parallel", &at_once]).arg(card);
                command.args((self == Self::OwnPlain).then_some("--coding=none"));
                // What it remembers of uploads that it has begun is beside the card.
                command.env("PROCESSION_KEY", &service.key).env("PROCESSION_DATA", card.with_extension("client"));
                command
            }
            Self::TusJs => program("node", &["xtask/bench/transfer/tus-js-client.mjs"]),
            Self::Tuspy => {
                let mut command = program("python3", &["xtask/bench/transfer/tuspy.py"]);
                command.env("PYTHONPATH", setup::python_packages()).env("PYTHONDONTWRITEBYTECODE", "1");
                command
            }
        };
        let is_own = matches!(self, Self::Own | Self::OwnPlain);
        if !is_own {
            command.args([&format!("{url}/files"), &service.key, &id, &at_once]).args(files(card)?);
        }
        let said = quiet(&mut command)?;
        if !is_own {
            return number(&said, "seconds");
        }
        Ok(moment(&said, "files_sent")? - moment(&said, "files_found")?)
    }
}

/// The second of the day in which an event happened, of those that a client told one a line.
fn moment(lines: &str, event: &str) -> Result<f64> {
    let is_it = |line: &&str| text(line, "event").is_ok_and(|name| name == event);
    let at = text(lines.lines().find(is_it).with_context(|| format!("the client told of no {event}"))?, "at")?;
    let time = at.split_once('T').map_or("", |(_, time)| time.trim_end_matches('Z'));
    let parts = time.split(':').map(str::parse::<f64>).collect::<Result<Vec<_>, _>>();
    let Ok([hours, minutes, seconds]) = parts.as_deref() else { bail!("{at} is no time") };
    Ok(3_600.0 * hours + 60.0 * minutes + seconds)
}

/// The files of a folder, by name.
pub(super) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.sort();
    Ok(files)
}

/// Puts the photos into nginx's folder by one curl, holds them against their copies there, and returns the seconds that it took.
pub(super) fn to_nginx(nginx: &Nginx, card: &Path, at_once: usize) -> Result<f64> {
    let seconds = send(nginx.folder(), puts(&format!("{}/put", nginx.url), &files(card)?), at_once)?;
    let put = nginx.folder().join("put");
    same(card, &put)?;
    fs::remove_dir_all(&put)?;
    fs::create_dir(&put)?;
    Ok(seconds)
}

/// Puts the photos into a bucket by one curl, fetches and compares them, and returns the seconds that it took.
pub(super) fn to_bucket(server: &Seaweed, bucket: &str, card: &Path, at_once: usize, folder: &Path) -> Result<f64> {
    let signed: String = Seaweed::signed().iter().map(|(name, value)| format!("{name} = \"{value}\"\n")).collect();
    let url = format!("{}/{bucket}", server.url);
    let photos = files(card)?;
    let signed_puts = puts(&url, &photos).map(|put| format!("{put}{signed}"));
    let seconds = send(folder, signed_puts, at_once)?;
    let fetched = folder.join("fetched");
    fs::create_dir_all(&fetched)?;
    for photo in photos {
        let name = photo.file_name().context("a photo has no name")?.to_string_lossy().into_owned();
        let to = fetched.join(&name).display().to_string();
        server.ask(&["--output", &to], &format!("{bucket}/{name}"))?;
    }
    same(card, &fetched)?;
    fs::remove_dir_all(fetched)?;
    Ok(seconds)
}

/// What the machine can, from `transfer_limits`: seconds to write the photos and sync them, to hash them by BLAKE3, and by SHA-256.
pub(super) fn limits(card: &Path, at_once: usize, folder: &Path) -> Result<[f64; 3]> {
    // Beside the product's binary, where cargo puts examples.
    let example = binary("release").with_file_name("examples").join("transfer_limits");
    let mut limits = program(&example.to_string_lossy(), &[]);
    let line = quiet(limits.arg(folder).arg(at_once.to_string()).args(files(card)?))?;
    Ok([number(&line, "disk_seconds")?, number(&line, "blake3_seconds")?, number(&line, "sha256_seconds")?])
}

/// The address of the archive of a gallery's originals.
pub(super) fn archive(service: &Procession, gallery: &str) -> Result<String> {
    let id = service.gallery(gallery)?;
    let wanted = r#"{"of":{"gallery":true},"files":"originals"}"#;
    let made = service.api(&format!("galleries/{id}/archives"), &["--json", wanted])?;
    Ok(format!("{}{}", service.url, text(&made, "url")?))
}

/// Fetches a gallery as an archive, unpacks it, and holds it against the card that it was sent from.
pub(super) fn check(service: &Procession, gallery: &str, card: &Path) -> Result<()> {
    let file = card.with_extension("zip");
    quiet(
        program("curl", &["--silent", "--show-error", "--fail", &archive(service, gallery)?, "--output"]).arg(&file),
    )?;
    check_archive(&file, card)?;
    fs::remove_file(file).context("cannot remove the archive")
}

/// Unpacks an archive and holds it against the card that it was sent from.
pub(super) fn check_archive(file: &Path, card: &Path) -> Result<()> {
    let unpacked = card.with_extension("unpacked");
    // Without the folder that the archive has them in.
    quiet(program("unzip", &["-q", "-j"]).arg(file).arg("-d").arg(&unpacked))?;
    same(card, &unpacked)?;
    fs::remove_dir_all(unpacked).context("cannot remove what was unpacked")
}

/// Fails where the files of two folders are not the same to the byte.
fn same(sent: &Path, came: &Path) -> Result<()> {
    let words = format!("what came back to {} is not what was sent", came.display());
    quiet(program("diff", &["--recursive", "--brief"]).arg(sent).arg(came)).map(drop).context(words)
}

/// Seconds that curl takes for a URL, this many times at once; each has to bring so many bytes.
pub(super) fn fetch(url: &str, at_once: usize, bytes: u64) -> Result<f64> {
    let mut curl = program("curl", &["--silent", "--show-error", "--fail", "--parallel", "--parallel-immediate"]);
    curl.args(["--parallel-max", &at_once.to_string(), "--write-out", "%{size_download} %{time_total}\n"]);
    for _ in 0..at_once {
        curl.args(["--output", "/dev/null", url]);
    }
    let said = quiet(curl.current_dir(root()))?;
    let mut slowest = 0.0_f64;
    for line in said.lines() {
        let (size, time) = line.split_once(' ').context("curl said nothing")?;
        if size.parse() != Ok(bytes) {
            bail!("{url} brought {size} bytes and not {bytes}");
        }
        slowest = slowest.max(time.parse().context("curl said no time")?);
    }
    Ok(slowest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_an_event_is_read() {
        let lines = "{\"at\":\"2026-06-20T00:01:00Z\",\"event\":\"files_found\",\"files\":1}\n\
                     {\"at\":\"2026-06-20T01:00:02.25Z\",\"event\":\"files_sent\",\"stored\":1}\n";
        assert_eq!(moment(lines, "files_sent").unwrap() - moment(lines, "files_found").unwrap(), 3_542.25);
        assert!(moment(lines, "reading_back").is_err());
    }
}
