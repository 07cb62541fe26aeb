//! The pictures in `data/` and what tests do with them.

use std::path::PathBuf;

use procession_domain::analysis::Region;
use procession_pixel::{CpuDevice, Device, Error, Extent, Limits, Probe, Rgb8, Source, probe};

/// Reads a picture.
pub fn read(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The header of a picture that must be readable.
pub fn header(bytes: &[u8]) -> Probe {
    probe(bytes, &Limits::default()).unwrap()
}

/// Decodes a photo and looks at all of it in a small size.
pub fn look(bytes: Vec<u8>) -> Result<Rgb8, Error> {
    let probe = probe(&bytes, &Limits::default())?;
    let source = Source { bytes: bytes.into(), probe };
    let decoded = CpuDevice::new(1).decode(vec![(source, Extent { long_edge: 2048, full: false })]).remove(0)?;
    Ok(decoded.view.rgb(Region { x: 0.0, y: 0.0, width: 1.0, height: 1.0 }, 48, 48))
}

/// Whether libheif's tests are to be left out: only where it is missing and nobody said that it must be there.
pub fn without_heif() -> bool {
    let missing = procession_pixel::capabilities().iter().any(|one| !one.available);
    let required = std::env::var("CI").is_ok_and(|ci| ci == "true")
        || std::env::var("PROCESSION_REQUIRE_ALL").is_ok_and(|all| all == "1");
    assert!(!(missing && required), "libheif or one of its codecs is missing: {:?}", procession_pixel::capabilities());
    missing
}

/// Mean difference of two looks, in levels of 255.
pub fn difference(a: &Rgb8, b: &Rgb8) -> f64 {
    assert_eq!((a.width, a.height), (b.width, b.height));
    a.data.iter().zip(&b.data).map(|(&a, &b)| f64::from(a.abs_diff(b))).sum::<f64>() / a.data.len() as f64
}
