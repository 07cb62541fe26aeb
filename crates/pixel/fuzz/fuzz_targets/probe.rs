//! Any bytes: a header or an error.
#![no_main]

use procession_pixel::{Limits, probe};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(found) = probe(bytes, &Limits::default()) {
        assert!(found.width > 0 && found.height > 0);
        assert!(found.image.start < found.image.end && found.image.end <= bytes.len());
    }
});
