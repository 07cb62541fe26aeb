use bytes::Bytes;

use super::*;
use crate::{
    ColourProfile, Extent, Limits, Source,
    decode::raster,
    frame::{Plane, Raster},
    probe,
};

/// A frame of smooth colours: luma rises to the right, blue-difference downwards.
fn frame(width: usize, height: usize, full_chroma: bool) -> Frame {
    let half = |edge: usize| if full_chroma { edge } else { edge.div_ceil(2) };
    let scale = if full_chroma { 1.0 } else { 0.5 };
    let plane = |width: usize, height: usize, value: &dyn Fn(usize, usize) -> usize| {
        let mut plane = Plane::new(width, height);
        for y in 0..height {
            plane.row_mut(y).iter_mut().enumerate().for_each(|(x, sample)| *sample = value(x, y) as u8);
        }
        plane.pad();
        plane
    };
    let luma = plane(width, height, &|x, _| 40 + 160 * x / width);
    let blue = plane(half(width), half(height), &|_, y| 108 + 40 * y / half(height));
    let red = plane(half(width), half(height), &|_, _| 150);
    Frame { planes: [luma, blue, red], size: (width as f64, height as f64), chroma: (scale, scale) }
}

fn without_encoder() -> bool {
    let missing = !Heif::get().is_ok_and(|library| library.writes(crate::heif::Codec::Av1));
    let required = std::env::var("CI").is_ok_and(|ci| ci == "true")
        || std::env::var("PROCESSION_REQUIRE_ALL").is_ok_and(|all| all == "1");
    assert!(!(missing && required), "libheif or its AV1 encoder is missing");
    missing
}

fn decode(file: &[u8]) -> (crate::Probe, Raster) {
    let probe = probe(file, &Limits::default()).unwrap();
    let source = Source { bytes: Bytes::copy_from_slice(file), probe: probe.clone() };
    let raster = raster::decode(&source, Extent { long_edge: 2048, full: true }).unwrap();
    (probe, raster)
}

/// JFIF's equations: what a viewer must show for a sample of the frame.
fn rgb(y: f64, blue: f64, red: f64) -> [f64; 3] {
    let (blue, red) = (blue - 128.0, red - 128.0);
    [y + 1.402 * red, y - 0.344_136 * blue - 0.714_136 * red, y + 1.772 * blue]
}

#[test]
fn the_pixels_come_back_in_the_same_colours() {
    if without_encoder() {
        return;
    }
    for (width, height, full_chroma) in [(64, 48, false), (65, 49, false), (63, 47, true)] {
        let file = avif(&frame(width, height, full_chroma), 90, OutputColour::Srgb, &[]).unwrap();
        let (probe, raster) = decode(&file);
        assert_eq!((raster.width, raster.height), (width, height));
        assert_eq!(probe.colour, ColourProfile::Srgb);
        for (x, y) in [(5, 5), (width / 2, height / 2), (width - 6, height - 6)] {
            let wanted = rgb(40.0 + 160.0 * x as f64 / width as f64, 108.0 + 40.0 * y as f64 / height as f64, 150.0);
            let found = &raster.rgb[(y * width + x) * 3..][..3];
            for (wanted, &found) in wanted.into_iter().zip(found) {
                assert!((wanted - f64::from(found)).abs() < 6.0, "{width}: {x},{y}: {wanted} {found}");
            }
        }
    }
}

#[test]
fn display_p3_and_exif_are_written() {
    if without_encoder() {
        return;
    }
    let capture = procession_domain::capture::Capture { copyright: Some("© 2026".to_owned()), ..Default::default() };
    let exif = crate::exif::metadata_block(&capture, procession_domain::recipe::MetadataPolicy::Strip);
    let file = avif(&frame(64, 64, false), 60, OutputColour::DisplayP3, &exif).unwrap();
    let (probe, _) = decode(&file);
    assert!(matches!(probe.colour, ColourProfile::Icc(_)));
    assert_eq!(probe.capture, capture);
}

#[test]
fn lower_quality_is_smaller() {
    if without_encoder() {
        return;
    }
    let frame = frame(256, 256, false);
    let length = |quality| avif(&frame, quality, OutputColour::Srgb, &[]).unwrap().len();
    assert!(length(30) < length(90));
}
