//! What bytes are, by their first few.

use procession_domain::photo::Format;

/// Finds the format from the start of a file (the first 64 bytes, or all if it has fewer). `None`: not a photo.
pub fn sniff(head: &[u8]) -> Option<Format> {
    head.starts_with(&[0xff, 0xd8, 0xff]).then_some(Format::Jpeg)
}
