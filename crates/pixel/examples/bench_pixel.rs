//! One contender of `cargo xtask bench pixel`: the variant set of each photo on the CPU device.
//!
//! `bench_pixel THREADS ROUNDS OUT jpeg|webp QUALITY PHOTO...` prints one line of JSON. Its opponent is
//! `xtask/bench/pixel/job.js`, which makes the same files with sharp.
#![allow(clippy::print_stdout, reason = "its result is its output")]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};

use procession_domain::{
    analysis::Region,
    recipe::{Encoding, Fit, MetadataPolicy, OutputColour, OutputFormat, Recipe, VariantSpec},
};
use procession_pixel::{CpuDevice, Device, Limits, Plan, Source, View, probe};

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Clone)]
struct Job {
    recipe: Recipe,
    out: PathBuf,
    photos: Vec<PathBuf>,
    rounds: usize,
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [threads, rounds, out, format, quality, photos @ ..] = arguments.as_slice() else {
        return Err("usage: bench_pixel THREADS ROUNDS OUT jpeg|webp QUALITY PHOTO...".into());
    };
    let format = if format == "webp" { OutputFormat::WebP } else { OutputFormat::Jpeg };
    let job = Arc::new(Job {
        recipe: recipe(format, quality.parse()?),
        out: PathBuf::from(out),
        photos: photos.iter().map(PathBuf::from).collect(),
        rounds: rounds.parse()?,
    });
    fs::create_dir_all(&job.out)?;
    let threads: usize = threads.parse()?;
    let device = Arc::new(CpuDevice::new(threads));
    let next = Arc::new(AtomicUsize::new(0));
    #[allow(clippy::disallowed_methods, reason = "a benchmark measures time")]
    let start = Instant::now();
    let workers: Vec<_> = (0..threads)
        .map(|_| {
            let (job, device, next) = (Arc::clone(&job), Arc::clone(&device), Arc::clone(&next));
            thread::spawn(move || work(&job, &device, &next))
        })
        .collect();
    for worker in workers {
        worker.join().map_err(|_| "a worker panicked")??;
    }
    let seconds = start.elapsed().as_secs_f64();
    let images = job.photos.len() * job.rounds;
    println!(
        "{{\"images\":{images},\"seconds\":{seconds:.4},\"cpu_seconds\":{:.2},\"peak_rss_bytes\":{}}}",
        cpu_seconds(),
        peak_rss()
    );
    Ok(())
}

/// JPEG: 2048, 1024, 512 and a square of 256. WebP: 2048, 1024, 512.
fn recipe(format: OutputFormat, quality: u8) -> Recipe {
    let spec = |name: &str, fit| VariantSpec {
        name: name.to_owned(),
        fit,
        formats: vec![Encoding { format, quality, full_chroma: false }],
        sharpen: 0.0,
    };
    let mut variants =
        vec![spec("2048", Fit::LongEdge(2048)), spec("1024", Fit::LongEdge(1024)), spec("512", Fit::LongEdge(512))];
    if format == OutputFormat::Jpeg {
        variants.push(spec("256", Fit::Crop { width: 1, height: 1, long_edge: 256 }));
    }
    Recipe { colour: OutputColour::Srgb, metadata: MetadataPolicy::Strip, variants }
}

fn work(job: &Job, device: &CpuDevice, next: &AtomicUsize) -> Result<(), Failure> {
    loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        if index >= job.photos.len() * job.rounds {
            return Ok(());
        }
        process(job, device, &job.photos[index % job.photos.len()])?;
    }
}

fn process(job: &Job, device: &CpuDevice, photo: &Path) -> Result<(), Failure> {
    let bytes = fs::read(photo)?;
    let probe = probe(&bytes, &Limits::default())?;
    let plan = Plan::new(&job.recipe, &probe, &[])?;
    let source = Source { bytes: bytes.into(), probe };
    let decoded = device.decode(vec![(source, Plan::extent(&job.recipe))]).remove(0)?;
    let stem = photo.file_stem().unwrap_or_default().to_string_lossy();
    let write = |name: &str, bytes: &[u8]| fs::write(job.out.join(format!("{stem}_{name}")), bytes);
    write("640.rgb", &letterboxed(&decoded.view))?;
    write("224.rgb", &square(&decoded.view))?;
    for variant in device.render(vec![(decoded, plan)]).remove(0)? {
        write(&format!("{}.{}", variant.name, variant.format.extension()), &variant.bytes)?;
    }
    Ok(())
}

/// The whole photo in 640 × 640 pixels, grey around it: what a face detector takes.
fn letterboxed(view: &View) -> Vec<u8> {
    let (width, height) = view.photo_size();
    let scale = 640.0 / f64::from(width.max(height));
    let (across, down) = ((f64::from(width) * scale).round() as u32, (f64::from(height) * scale).round() as u32);
    let picture = view.rgb(Region { x: 0.0, y: 0.0, width: 1.0, height: 1.0 }, across, down);
    let mut tensor = vec![114; 640 * 640 * 3];
    let (left, top) = ((640 - across as usize) / 2, (640 - down as usize) / 2);
    for (y, row) in picture.data.chunks_exact(across as usize * 3).enumerate() {
        tensor[((top + y) * 640 + left) * 3..][..row.len()].copy_from_slice(row);
    }
    tensor
}

/// The middle of the photo in 224 × 224 pixels: what a classifier takes.
fn square(view: &View) -> Vec<u8> {
    let (width, height) = view.photo_size();
    let edge = width.min(height) as f32;
    let (across, down) = (edge / width as f32, edge / height as f32);
    let region = Region { x: (1.0 - across) / 2.0, y: (1.0 - down) / 2.0, width: across, height: down };
    view.rgb(region, 224, 224).data
}

/// Processor time of all threads, as Linux counts it in hundredths; 0 elsewhere.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the name in parentheses, user and system time are the 12th and 13th fields.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// The most memory that this process ever had, as Linux counts it; 0 elsewhere.
fn peak_rss() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap_or(0);
    kilobytes * 1024
}
