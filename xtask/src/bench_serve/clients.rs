//! What asks both: wrk for images, curl for uploads.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::{
    figures::{number, text},
    run::{program, quiet},
    servers::{Nginx, Procession},
    steps::timed,
};

/// First looks that are measured.
const FIRST_LOOKS: usize = 12;

/// What wrk is told.
pub(super) struct Load<'a> {
    pub(super) url: &'a str,
    pub(super) paths: &'a [String],
    pub(super) connections: usize,
    pub(super) seconds: usize,
    /// For the list of paths.
    pub(super) folder: &'a Path,
}

/// What wrk measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    pub(super) requests: f64,
    pub(super) bytes: f64,
    pub(super) seconds: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
}

impl Measured {
    /// Requests a second.
    pub(super) fn rate(&self) -> f64 {
        self.requests / self.seconds
    }
}

/// Asks for the paths over and over.
pub(super) fn load(load: &Load<'_>) -> Result<Measured> {
    let list = load.folder.join("paths.txt");
    fs::write(&list, load.paths.join("\n"))?;
    let (connections, duration) = (format!("-c{}", load.connections), format!("-d{}s", load.seconds));
    let arguments = ["-t1", &connections, &duration, "--latency", "-s", "xtask/bench/serve/wrk.lua", load.url, "--"];
    let printed = quiet(program("wrk", &arguments).arg(list))?;
    let line = printed.lines().rfind(|line| line.starts_with('{')).context("wrk said nothing")?;
    if number(line, "errors")? > 0.0 {
        bail!("some requests to {} failed: {line}", load.url);
    }
    let number = |name| number(line, name);
    Ok(Measured {
        requests: number("requests")?,
        bytes: number("bytes")?,
        seconds: number("seconds")?,
        p50_ms: number("p50_ms")?,
        p99_ms: number("p99_ms")?,
    })
}

/// Megabytes a second that each took, ours first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Uploads {
    pub(super) photos: usize,
    pub(super) megabytes: f64,
    pub(super) ours: f64,
    pub(super) theirs: f64,
}

/// Sends the photos to both, so many at the same time. nginx is last: then the workers of Procession have something to do.
pub(super) fn upload(
    procession: &Procession,
    gallery: &str,
    nginx: &Nginx,
    photos: &[PathBuf],
    parallel: usize,
) -> Result<Uploads> {
    let lengths: Vec<u64> = photos.iter().map(|photo| Ok(fs::metadata(photo)?.len())).collect::<Result<_>>()?;
    let megabytes = lengths.iter().sum::<u64>() as f64 / 1e6;
    let theirs = send(nginx.folder(), puts(&format!("{}/put", nginx.url), photos), parallel)?;
    let tus = photos.iter().zip(&lengths).map(|(photo, length)| tus(procession, gallery, photo, *length));
    let ours = send(nginx.folder(), tus, parallel)?;
    Ok(Uploads { photos: photos.len(), megabytes, ours: megabytes / ours, theirs: megabytes / theirs })
}

/// What curl is told to put photos below a URL.
pub(crate) fn puts(url: &str, photos: &[PathBuf]) -> impl Iterator<Item = String> {
    photos.iter().map(move |photo| {
        let name = photo.file_name().unwrap_or_default().to_string_lossy();
        format!("url = \"{url}/{name}\"\nupload-file = \"{}\"\n", photo.display())
    })
}

/// What curl is told of an upload by tus in one request.
fn tus(procession: &Procession, gallery: &str, photo: &Path, length: u64) -> String {
    let Procession { url, key, .. } = procession;
    let name = photo.file_name().unwrap_or_default().to_string_lossy();
    let headers = [
        "Tus-Resumable: 1.0.0".to_owned(),
        format!("Authorization: Bearer {key}"),
        format!("Upload-Length: {length}"),
        format!("Upload-Metadata: gallery {},filename {}", base64(gallery.as_bytes()), base64(name.as_bytes())),
        "Content-Type: application/offset+octet-stream".to_owned(),
    ];
    let headers = headers.map(|header| format!("header = \"{header}\"\n")).concat();
    format!("url = \"{url}/files\"\nrequest = \"POST\"\nupload-file = \"{}\"\n{headers}", photo.display())
}

/// Sends with one curl, and returns the seconds that it took.
pub(crate) fn send(folder: &Path, transfers: impl Iterator<Item = String>, parallel: usize) -> Result<f64> {
    let settings = "silent\nshow-error\nfail\noutput = \"/dev/null\"\n";
    let list = transfers.map(|transfer| format!("{settings}{transfer}")).collect::<Vec<_>>().join("next\n");
    let file = folder.join("uploads.txt");
    fs::write(&file, list)?;
    let parallel = parallel.to_string();
    let mut curl = program("curl", &["--parallel", "--parallel-immediate", "--parallel-max", &parallel, "--config"]);
    let (sent, time) = timed(|| quiet(curl.arg(&file)));
    sent.map(|_| time.as_secs_f64())
}

/// Milliseconds from the end of a photo's upload until its first look was here, while the workers were busy with others.
pub(super) fn first_looks(procession: &Procession, gallery: &str, photos: &[PathBuf]) -> Result<Vec<f64>> {
    let mut times = Vec::new();
    for (number, photo) in photos.iter().take(FIRST_LOOKS).enumerate() {
        let bytes = fs::read(photo)?;
        let comment = [b"\xff\xfe\x00\x0a".as_slice(), format!("look{number:04}").as_bytes()].concat();
        let path = photo.with_file_name("look.jpg");
        fs::write(&path, [&bytes[..2], &comment, &bytes[2..]].concat())?;
        let settings = path.with_file_name("look.txt");
        fs::write(&settings, tus(procession, gallery, &path, fs::metadata(&path)?.len()))?;
        let sent = quiet(program("curl", &["--silent", "--fail", "--include", "--config"]).arg(&settings))?;
        let header = sent.lines().find_map(|line| line.strip_prefix("procession-photo: "));
        let id = header.context("the upload was not acknowledged")?.trim();
        let shown = procession.api(&format!("galleries/{gallery}/photos/{id}"), &[])?;
        if text(&shown, "state")? != "stored" {
            bail!("the workers were not busy: {id} is finished already");
        }
        let url = format!("{}{}", procession.url, text(&shown, "preview")?);
        let (fetched, time) =
            timed(|| quiet(&mut program("curl", &["--silent", "--fail", "--output", "/dev/null", &url])));
        fetched?;
        times.push(time.as_secs_f64() * 1e3);
    }
    Ok(times)
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let groups = bytes.chunks(3).map(|group| {
        let number = (0..3).fold(0, |sum, place| sum << 8 | u32::from(group.get(place).copied().unwrap_or(0)));
        let digit = |place: usize| char::from(DIGITS[(number >> (18 - 6 * place)) as usize & 63]);
        (0..4).map(|place| if place <= group.len() { digit(place) } else { '=' }).collect::<String>()
    });
    groups.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_standard() {
        for (text, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(text.as_bytes()), coded);
        }
    }
}
