//! Any bytes: a format or none.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = procession_pixel::sniff(bytes);
});
