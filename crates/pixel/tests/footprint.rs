//! The memory that a photo takes, as the operating system counts it, beside what the device announced.
//!
//! A test of its own process, since the count is of the whole process. Linux only, where the kernel keeps the peak.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test")]

use std::{io::Write as _, process::Command};

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use procession_domain::recipe::{Encoding, Fit, MetadataPolicy, OutputColour, OutputFormat, Recipe, VariantSpec};
use procession_pixel::{CpuDevice, Device, Limits, Plan, Source, probe};

fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

fn recipe(fit: Fit, format: OutputFormat) -> Recipe {
    let formats = vec![Encoding { format, quality: 95, full_chroma: true }];
    let variants = vec![VariantSpec { name: "one".to_owned(), fit, formats, sharpen: 0.5 }];
    Recipe { colour: OutputColour::Srgb, metadata: MetadataPolicy::Strip, variants }
}

/// An uncompressed TIFF of RGB noise: the largest output that there is.
fn tiff(width: u32, height: u32) -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    let mut state = 1u32;
    let pixels: Vec<u8> = (0..width * height * 3)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    let mut encoder = tiff::encoder::TiffEncoder::new(&mut file).unwrap();
    encoder.write_image::<tiff::encoder::colortype::RGB8>(width, height, &pixels).unwrap();
    file.into_inner()
}

/// A JPEG with detail everywhere.
fn jpeg(width: u16, height: u16, sampling: SamplingFactor, progressive: bool) -> Vec<u8> {
    let (columns, rows) = (u32::from(width), u32::from(height));
    let pixels: Vec<u8> = (0..rows * columns * 3).map(|at| (at.wrapping_mul(at) / 97 + at / columns) as u8).collect();
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 92);
    encoder.set_sampling_factor(sampling);
    encoder.set_progressive(progressive);
    encoder.encode(&pixels, width, height, ColorType::Rgb).unwrap();
    file
}

/// What a photo takes, what was announced, and what became of it.
fn process(photo: &[u8], fit: Fit, format: OutputFormat) -> (u64, u64, Vec<u8>) {
    let device = CpuDevice::new(1);
    let recipe = recipe(fit, format);
    let probe = probe(photo, &Limits::default()).unwrap();
    let extent = Plan::extent(&recipe);
    let announced = device.footprint(&probe, extent);
    forget_peak();
    let before = peak();
    let plan = Plan::new(&recipe, &probe, &[]).unwrap();
    let source = Source { bytes: photo.to_vec().into(), probe };
    let decoded = device.decode(vec![(source, extent)]).remove(0).unwrap();
    let mut rendered = device.render(vec![(decoded, plan)]).remove(0).unwrap();
    let took = peak() - before;
    assert!(took <= announced, "{fit:?} {format:?} took {took} bytes, {announced} were announced");
    (took, announced, rendered.remove(0).bytes.to_vec())
}

#[test]
fn no_photo_takes_more_than_its_footprint() {
    let mut photo = tiff(2600, 1800);
    // First the TIFF, then the largest JPEG that it gave, again as a source.
    for (fit, format) in [
        (Fit::LongEdge(2048), OutputFormat::WebP),
        (Fit::Full, OutputFormat::Jpeg),
        (Fit::Full, OutputFormat::WebP),
        (Fit::LongEdge(2048), OutputFormat::Jpeg),
    ] {
        let (_, _, made) = process(&photo, fit, format);
        if format == OutputFormat::Jpeg {
            photo = made;
        }
    }
}

/// The names of a photo and of the one output that [`a_jpeg_of_its_own_process`] makes of it.
const ALONE: [&str; 2] = ["FOOTPRINT_PHOTO", "FOOTPRINT_FORMAT"];

/// What [`jpegs_are_granted_about_what_they_take`] starts for each photo: memory that others left behind would hide what it takes.
#[test]
fn a_jpeg_of_its_own_process() {
    let [Ok(photo), Ok(format)] = ALONE.map(std::env::var) else { return };
    let format = if format == "webp" { OutputFormat::WebP } else { OutputFormat::Jpeg };
    let (took, announced, _) = process(&std::fs::read(photo).unwrap(), Fit::LongEdge(2048), format);
    writeln!(std::io::stderr(), "took {took} announced {announced}").unwrap();
}

#[test]
fn jpegs_are_granted_about_what_they_take() {
    let folder = tempfile::tempdir().unwrap();
    let mut granted = Vec::new();
    for (sampling, progressive) in [
        (SamplingFactor::F_2_2, false),
        (SamplingFactor::F_1_1, false),
        (SamplingFactor::F_2_2, true),
        (SamplingFactor::F_1_1, true),
    ] {
        let photo = jpeg(4500, 3000, sampling, progressive);
        let path = folder.path().join("photo.jpg");
        std::fs::write(&path, &photo).unwrap();
        for format in ["jpeg", "webp"] {
            let child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "a_jpeg_of_its_own_process", "--nocapture"])
                .env(ALONE[0], &path)
                .env(ALONE[1], format)
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&child.stderr).into_owned();
            assert!(child.status.success(), "{sampling:?}, progressive {progressive}, {format}: {said}");
            let figures = said.lines().find_map(|line| line.strip_prefix("took ")).unwrap();
            let (took, announced) = figures.split_once(" announced ").unwrap();
            let (took, announced): (u64, u64) = (took.parse().unwrap(), announced.parse().unwrap());
            // WebP's planes are smaller than JPEG's may be.
            let near = progressive || format == "webp" || 2 * announced < 3 * took;
            assert!(near, "{sampling:?} took {took} bytes where {announced} were announced");
            granted.push(announced - photo.len() as u64);
        }
    }
    let [baseline, .., progressive] = granted[..] else { unreachable!() };
    assert!(granted[..4].iter().all(|&bytes| bytes == baseline) && baseline < progressive, "{granted:?}");
}
