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
        image: 0..bytes.len(),
    })
}

fn edge(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn damaged(why: &str) -> Error {
    Error::Damaged { format: "PNG", why: why.to_owned() }
}
