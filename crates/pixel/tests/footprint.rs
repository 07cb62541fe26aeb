//! The memory that a photo takes, as the operating system counts it, beside what the device announced.
//!
//! A test of its own process, since the count is of the whole process. Linux only, where the kernel keeps the peak.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test")]

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

#[test]
fn no_photo_takes_more_than_its_footprint() {
    let device = CpuDevice::new(1);
    let mut photo = tiff(2600, 1800);
    // First the TIFF, then the largest JPEG that it gave, again as a source.
    for (fit, format) in [
        (Fit::LongEdge(2048), OutputFormat::WebP),
        (Fit::Full, OutputFormat::Jpeg),
        (Fit::Full, OutputFormat::WebP),
        (Fit::LongEdge(2048), OutputFormat::Jpeg),
    ] {
        let recipe = recipe(fit, format);
        let probe = probe(&photo, &Limits::default()).unwrap();
        let extent = Plan::extent(&recipe);
        let announced = device.footprint(&probe, extent);
        forget_peak();
        let before = peak();
        let plan = Plan::new(&recipe, &probe, &[]).unwrap();
        let source = Source { bytes: photo.clone().into(), probe };
        let decoded = device.decode(vec![(source, extent)]).remove(0).unwrap();
        let rendered = device.render(vec![(decoded, plan)]).remove(0).unwrap();
        let took = peak() - before;
        assert!(took <= announced, "{fit:?} {format:?} took {took} bytes, {announced} were announced");
        if format == OutputFormat::Jpeg {
            photo = rendered[0].bytes.to_vec();
        }
    }
}
