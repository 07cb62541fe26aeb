//! The placeholder that a page shows until the photo is there.

use procession_domain::analysis::Region;

use crate::{View, cascade::fit};

const ALL: Region = Region { x: 0.0, y: 0.0, width: 1.0, height: 1.0 };
/// ThumbHash takes up to 100 × 100 pixels, and keeps at most seven waves across and down of them.
const EDGE: u32 = 32;

/// Base64 of the [ThumbHash](https://evanw.github.io/thumbhash/).
pub(super) fn thumbhash(view: &View) -> String {
    let (width, height) = fit(view.photo_size(), EDGE);
    let small = view.rgb(ALL, width, height);
    let rgba: Vec<u8> = small.data.chunks_exact(3).flat_map(|p| [p[0], p[1], p[2], 255]).collect();
    base64(&::thumbhash::rgba_to_thumb_hash(width as usize, height as usize, &rgba))
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0u32, |bits, &byte| (bits << 8) | u32::from(byte)) << (8 * (3 - group.len()));
        for digit in 0..4 {
            let value = (bits >> (18 - 6 * digit)) as usize & 63;
            text.push(if digit <= group.len() { char::from(DIGITS[value]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn base64_is_that_of_the_standard() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(super::base64(bytes.as_bytes()), text);
        }
    }
}
