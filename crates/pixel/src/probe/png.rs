//! PNG, third edition.

use std::io::Cursor;

use procession_domain::photo::Format;

use super::{Header, colour};
use crate::{Error, Limits, exif::read::Exif};

/// Memory for everything before the pixels, and for one row of them.
const MAX_HEADER: usize = colour::MAX_ICC + (2 << 20);

pub(super) fn probe(bytes: &[u8], limits: &Limits) -> Result<Header, Error> {
    // IHDR is the first chunk and stands at a fixed place: its size is checked before the library allocates a row.
    let ihdr = (bytes.get(12..16) == Some(b"IHDR")).then(|| Some((edge(bytes, 16)?, edge(bytes, 20)?))).flatten();
    let Some((width, height)) = ihdr else { return Err(damaged("it is cut off in its header")) };
    limits.check_size("PNG", width, height)?;
    check_length(bytes, u64::from(width) * u64::from(height))?;
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), png::Limits { bytes: MAX_HEADER });
    decoder.set_ignore_text_chunk(true);
    let reader = decoder.read_info().map_err(|error| damaged(&error.to_string()))?;
    let info = reader.info();
    let exif = info.exif_metadata.as_deref().map(Exif::read).unwrap_or_default();
    // The order of precedence is the standard's: cICP, iCCP, sRGB.
    let colour = match &info.coding_independent_code_points {
        Some(points) => colour::of_code_points(points.color_primaries, points.transfer_function)?,
        None => colour::of_rgb(info.icc_profile.as_deref(), exif.adobe_rgb && info.srgb.is_none()),
    };
    Ok(Header {
        format: Format::Png,
        width,
        height,
        orientation: exif.orientation,
        colour,
        capture: exif.capture,
        single_scan: false,
        image: 0..bytes.len(),
    })
}

/// Deflate shrinks a byte to no less than 1/1032: a file that is shorter cannot have its pixels.
fn check_length(bytes: &[u8], pixels: u64) -> Result<(), Error> {
    let channels = match bytes.get(25) {
        Some(2) => 3,
        Some(4) => 2,
        Some(6) => 4,
        _ => 1,
    };
    let bits = pixels * channels * u64::from(bytes.get(24).copied().unwrap_or(1));
    if bits / 8 > bytes.len() as u64 * 1032 {
        return Err(damaged(&format!("{} bytes cannot hold the {pixels} pixels that its header says", bytes.len())));
    }
    Ok(())
}

fn edge(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn damaged(why: &str) -> Error {
    Error::Damaged { format: "PNG", why: why.to_owned() }
}
