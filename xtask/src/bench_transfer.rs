//! `cargo xtask bench transfer`: how photos travel, to the service and back, beside what the machine can.
//!
//! Everybody gets photos of their own, so that no store has the bytes already, and all come back and are compared after they were
//! measured. The service has the role `api` alone: nothing is processed meanwhile but first looks, and nobody starts before the service
//! has nothing more to do.

mod clients;
mod cut;
mod report;

use std::{
    fs,
    io::{Write as _, stdout},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{
    bench_pixel, cards, figures,
    run::{program, quiet, root, show},
    servers::{Nginx, Procession, Seaweed},
    setup,
};
use clients::Client;
use cut::Line;
use report::{Resumed, Row};

/// Each of the benchmark's photos is sent so many times.
const COPIES: usize = 2;
/// Uploads at the same time.
const AT_ONCE: [usize; 3] = [1, 4, 16];
/// The same where photos go to a bucket.
const TO_BUCKET: usize = 4;
/// Downloads at the same time.
const DOWNLOADS: [usize; 2] = [1, 4];
/// Copies of each photo in the gallery that is downloaded.
const DOWNLOADED: usize = 4;

/// Runs the benchmark. `--rounds N` (3), `--write` records it in docs/performance.md.
///
/// # Errors
/// If something that it needs cannot be brought here, somebody fails, or what came back is not what was sent.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let (rounds, write) = figures::rounds_and_write("transfer", arguments)?;
    setup::for_bench_transfer()?;
    show(&mut program("cargo", &["build", "--release", "--package", "procession"]))?;
    show(&mut program(
        "cargo",
        &["build", "--release", "--package", "procession-vault", "--example", "transfer_limits"],
    ))?;
    let folder = root().join("target/bench/transfer");
    if folder.exists() {
        fs::remove_dir_all(&folder).context("cannot remove the last run's files")?;
    }
    let mut bench = Bench::start(&folder)?;
    for round in 1..=rounds {
        eprintln!("Round {round} of {rounds}");
        bench.round = round;
        AT_ONCE.into_iter().try_for_each(|at_once| bench.upload(at_once))?;
        bench.upload_to_bucket()?;
    }
    bench.download(rounds)?;
    let resumed = bench.resume()?;
    let rows = std::mem::take(&mut bench.rows);
    drop(bench);
    fs::remove_dir_all(&folder).context("cannot remove the photos")?;
    figures::keep(
        "transfer",
        &rows.iter().map(Row::json).chain(resumed.iter().map(Resumed::json)).collect::<Vec<_>>(),
    )?;
    let text = report::table(&rows, &resumed);
    stdout().write_all(text.as_bytes()).context("cannot print")?;
    if write {
        let how = format!("median of {rounds} rounds");
        figures::record(&root().join("docs/performance.md"), "bench transfer", &how, &text)?;
    }
    Ok(())
}

/// The servers, and what was measured so far.
struct Bench {
    folder: PathBuf,
    photos: Vec<PathBuf>,
    nginx: Nginx,
    seaweed: Seaweed,
    /// Over a folder, and over a bucket.
    services: [Procession; 2],
    /// Copies of each photo that were made so far.
    copies: usize,
    round: usize,
    rows: Vec<Row>,
}

impl Bench {
    fn start(folder: &Path) -> Result<Self> {
        let photos = bench_pixel::photos()?;
        let nginx = Nginx::start(&folder.join("nginx"))?;
        let seaweed = Seaweed::start(&folder.join("seaweed"), &["photos", "plain"])?;
        let settings = folder.join("bucket.toml");
        fs::write(&settings, seaweed.store("photos"))?;
        let roles = ("PROCESSION__ROLES", "api");
        let over_folder = Procession::start(&folder.join("service"), &[roles])?;
        let settings = settings.display().to_string();
        let over_bucket =
            Procession::start(&folder.join("bucket-service"), &[roles, ("PROCESSION_CONFIG", settings.as_str())])?;
        Ok(Self {
            folder: folder.to_owned(),
            photos,
            nginx,
            seaweed,
            services: [over_folder, over_bucket],
            copies: 0,
            round: 0,
            rows: Vec::new(),
        })
    }

    /// A folder of photos that nobody has seen yet.
    fn card(&mut self, copies: usize) -> Result<PathBuf> {
        let card = self.folder.join(format!("card-{}", self.copies));
        cards::copies(&self.photos, &card, self.copies..self.copies + copies)?;
        self.copies += copies;
        Ok(card)
    }

    fn note(&mut self, kind: &'static str, who: &'static str, at_once: usize, bytes: u64, seconds: f64) {
        let row = Row { kind, who, at_once, round: self.round, bytes, seconds };
        eprintln!("{kind}, {who}, {at_once} at once: {:.0} MB/s", row.rate());
        self.rows.push(row);
    }

    /// Everybody sends so many photos at once.
    fn upload(&mut self, at_once: usize) -> Result<()> {
        let card = self.card(COPIES)?;
        let bytes = cards::bytes_of(&clients::files(&card)?)?;
        let seconds = clients::to_nginx(&self.nginx, &card, at_once)?;
        self.note("upload", report::NGINX, at_once, bytes, seconds);
        let [disk, blake3, sha256] = clients::limits(&card, at_once, &self.folder.join("limits"))?;
        self.note("upload", report::DISK, at_once, bytes, disk);
        self.note("hash", "BLAKE3", at_once, bytes, blake3);
        self.note("hash", "SHA-256", at_once, bytes, sha256);
        fs::remove_dir_all(card)?;
        for client in Client::ALL {
            self.send("upload", client, 0, at_once)?;
        }
        Ok(())
    }

    /// A client sends photos to one of the services, and they come back.
    fn send(&mut self, kind: &'static str, client: Client, service: usize, at_once: usize) -> Result<()> {
        let (card, gallery) = (self.card(COPIES)?, format!("{kind} {}", self.copies));
        let bytes = cards::bytes_of(&clients::files(&card)?)?;
        let service = &self.services[service];
        service.rest()?;
        let seconds = client.send(service, &service.url, &gallery, &card, at_once)?;
        service.rest()?;
        clients::check(service, &gallery, &card)?;
        fs::remove_dir_all(card)?;
        self.note(kind, client.name(), at_once, bytes, seconds);
        Ok(())
    }

    /// Photos go to a bucket, by way of the service and straight.
    fn upload_to_bucket(&mut self) -> Result<()> {
        let card = self.card(COPIES)?;
        let bytes = cards::bytes_of(&clients::files(&card)?)?;
        let seconds = clients::to_bucket(&self.seaweed, "plain", &card, TO_BUCKET, &self.folder)?;
        self.note("bucket", report::STRAIGHT, TO_BUCKET, bytes, seconds);
        fs::remove_dir_all(card)?;
        [Client::Own, Client::OwnPlain].into_iter().try_for_each(|client| self.send("bucket", client, 1, TO_BUCKET))
    }

    /// A gallery is fetched as an archive, and nginx sends the same archive as a file.
    fn download(&mut self, rounds: usize) -> Result<()> {
        let card = self.card(DOWNLOADED)?;
        let service = &self.services[0];
        Client::Own.send(service, &service.url, "download", &card, TO_BUCKET)?;
        service.rest()?;
        let url = clients::archive(service, "download")?;
        let file = self.nginx.folder().join("files/archive.zip");
        quiet(program("curl", &["--silent", "--show-error", "--fail", &url, "--output"]).arg(&file))?;
        clients::check_archive(&file, &card)?;
        let bytes = fs::metadata(&file)?.len();
        let nginx = format!("{}/files/archive.zip", self.nginx.url);
        for round in 1..=rounds {
            self.round = round;
            for at_once in DOWNLOADS {
                for (who, url) in [(report::ARCHIVE, &url), (report::FILE, &nginx)] {
                    let seconds = clients::fetch(url, at_once, bytes)?;
                    self.note("download", who, at_once, bytes * at_once as u64, seconds);
                }
            }
        }
        goes_on(&url, &file, bytes)?;
        fs::remove_dir_all(card).context("cannot remove the photos")
    }

    /// Each photo is sent on a line that is cut when half of it was sent.
    fn resume(&mut self) -> Result<Vec<Resumed>> {
        let line = Line::to(&self.services[0].url)?;
        let mut resumed = Vec::new();
        for client in [Client::Own, Client::TusJs] {
            let all = self.card(1)?;
            for photo in clients::files(&all)? {
                let card = all.join("one");
                fs::create_dir(&card)?;
                fs::rename(&photo, card.join(photo.file_name().context("a photo has no name")?))?;
                let bytes = cards::bytes_of(&clients::files(&card)?)?;
                line.cut_after(bytes / 2);
                let (service, gallery) = (&self.services[0], format!("cut {} {}", self.copies, resumed.len()));
                client.send(service, &line.url, &gallery, &card, 4)?;
                let sent = line.sent().context("the line was not cut")?;
                clients::check(service, &gallery, &card)?;
                fs::remove_dir_all(card)?;
                resumed.push(Resumed { who: client.name(), bytes, sent });
            }
        }
        Ok(resumed)
    }
}

/// Fails if an archive whose download breaks off in the middle is not the same when it goes on.
fn goes_on(url: &str, file: &Path, bytes: u64) -> Result<()> {
    let part = file.with_extension("part");
    let curl = || program("curl", &["--silent", "--show-error", "--fail", url, "--output"]);
    quiet(curl().arg(&part).args(["--range", &format!("0-{}", bytes / 2)]))?;
    quiet(curl().arg(&part).args(["--continue-at", "-"]))?;
    quiet(program("cmp", &[]).arg(file).arg(&part)).map(drop).context("an archive that went on is another")
}
