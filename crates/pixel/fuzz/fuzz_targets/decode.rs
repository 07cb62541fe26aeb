//! Any bytes: pixels or an error of the photo, never one of ours.
#![no_main]

use procession_pixel::{CpuDevice, Device, Error, Extent, Limits, Source, probe};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { max_pixels: 4_000_000, ..Limits::default() };
    let Ok(probe) = probe(bytes, &limits) else { return };
    let source = Source { bytes: bytes.to_vec().into(), probe };
    let extent = Extent { long_edge: 2048, full: false };
    let outcome = CpuDevice::new(1).decode(vec![(source, extent)]).remove(0);
    assert!(!matches!(outcome, Err(Error::Bug(_))));
});
