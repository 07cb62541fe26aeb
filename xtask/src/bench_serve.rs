//! `cargo xtask bench serve`: images and uploads beside nginx, on the same machine and by the same clients.
//!
//! Images: wrk asks both, in turns, for the same files, which Procession serves from its vault at signed addresses and nginx
//! from a folder. Uploads: curl gives both the same photos, Procession by tus in one request each, nginx by PUT. First looks:
//! curl gives Procession a photo while its workers are busy with others, and asks for its preview.

mod clients;
mod report;

use std::{
    fs,
    io::{Write as _, stdout},
};

use anyhow::{Context, Result, bail};

use crate::{
    bench_pixel, cards, figures,
    run::{program, root, show},
    servers::{Image, Nginx, Procession},
    setup,
};
use clients::{Load, first_looks, load, upload};
pub(crate) use clients::{puts, send};
use report::{Contest, Report};

/// Each of the benchmark's photos is taken so many times, told apart by a comment.
const COPIES: usize = 8;
/// Images of these sizes are asked for.
const IMAGE_BYTES: std::ops::RangeInclusive<u64> = 100_000..=1_000_000;
/// Connections that wrk keeps busy.
const CONNECTIONS: [usize; 3] = [1, 16, 64];
/// Files that curl sends at the same time.
const PARALLEL: usize = 4;

/// What the benchmark was asked for.
struct Options {
    rounds: usize,
    seconds: usize,
    write: bool,
}

/// Runs the benchmark. `--rounds N` (3), `--seconds N` (5) of each measurement, `--write` records it in docs/performance.md.
///
/// # Errors
/// If something that it needs cannot be brought here, or a contender fails.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let options = options(arguments)?;
    setup::for_bench_serve()?;
    show(&mut program("cargo", &["build", "--release", "--package", "procession"]))?;
    let folder = root().join("target/bench/serve");
    if folder.exists() {
        fs::remove_dir_all(&folder).context("cannot remove the last run's files")?;
    }
    fs::create_dir_all(&folder).context("cannot make target/bench/serve")?;
    let photos = cards::copies(&bench_pixel::photos()?, &folder.join("photos"), 0..COPIES)?;
    let nginx = Nginx::start(&folder.join("nginx"))?;
    let mut procession = Procession::start(&folder.join("data"), &[])?;
    let gallery = procession.gallery("benchmark")?;
    eprintln!("Uploading {} photos to both", photos.len());
    let uploads = upload(&procession, &gallery, &nginx, &photos, PARALLEL)?;
    let first_looks = first_looks(&procession, &gallery, &photos)?;
    procession.finish(&gallery)?;
    let images = images(&procession, &gallery, &nginx)?;
    let mut contests = Vec::new();
    for (set, memory) in [("larger than the cache", Some("64MiB")), ("in the cache", None)] {
        drop(procession);
        let memory = memory.map(|size| ("PROCESSION__SERVICE__DELIVERY_MEMORY", size));
        procession = Procession::start(&folder.join("data"), memory.as_slice())?;
        contests.extend(contest(set, &procession, &nginx, &images, &options)?);
    }
    let report = Report { images: images.iter().map(|image| image.bytes).collect(), contests, uploads, first_looks };
    figures::keep("serve", &report.json())?;
    let text = report.table();
    stdout().write_all(text.as_bytes()).context("cannot print")?;
    if options.write {
        let how = format!("median of {} rounds of {} s each", options.rounds, options.seconds);
        figures::record(&root().join("docs/performance.md"), "bench serve", &how, &text)?;
    }
    Ok(())
}

fn options(arguments: &[String]) -> Result<Options> {
    let mut options = Options { rounds: 3, seconds: 5, write: false };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let mut number = || {
            let text = words.next().with_context(|| format!("{word} needs a number"))?;
            text.parse::<usize>().with_context(|| format!("{word}: {text} is no number"))
        };
        match word.as_str() {
            "--rounds" => options.rounds = number()?.max(1),
            "--seconds" => options.seconds = number()?.max(1),
            "--write" => options.write = true,
            other => bail!("bench serve knows --rounds N, --seconds N and --write, not {other}"),
        }
    }
    Ok(options)
}

/// The images of all photos in the sizes that are asked for, each also as a file of nginx.
fn images(procession: &Procession, gallery: &str, nginx: &Nginx) -> Result<Vec<Image>> {
    let mut images = procession.images(gallery)?;
    images.retain(|image| IMAGE_BYTES.contains(&image.bytes));
    if images.is_empty() {
        bail!("no image has a size that is asked for");
    }
    nginx.take(procession, &images)?;
    Ok(images)
}

/// Lets both serve, in turns, at each number of connections.
fn contest(
    set: &'static str,
    procession: &Procession,
    nginx: &Nginx,
    images: &[Image],
    options: &Options,
) -> Result<Vec<Contest>> {
    let ours: Vec<String> = images.iter().map(|image| image.path.clone()).collect();
    let theirs: Vec<String> = (0..images.len()).map(|number| Nginx::path(number, &images[number])).collect();
    let ask = |url: &str, paths: &[String], connections, seconds| {
        load(&Load { url, paths, connections, seconds, folder: nginx.folder() })
    };
    let mut contests = Vec::new();
    for connections in CONNECTIONS {
        let mut rounds = Vec::new();
        // One round that does not count warms caches.
        for round in 0..=options.rounds {
            let ours = ask(&procession.url, &ours, connections, options.seconds)?;
            let theirs = ask(&nginx.url, &theirs, connections, options.seconds)?;
            if round > 0 {
                let ratio = ours.rate() / theirs.rate();
                eprintln!("{set}, {connections} connections, round {round}: {ratio:.2} × nginx");
                rounds.push((ours, theirs));
            }
        }
        contests.push(Contest { set, connections, rounds });
    }
    Ok(contests)
}
