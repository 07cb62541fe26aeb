//! TIFF: an image, or a camera's RAW in the same clothes.

use procession_domain::photo::Format;

use super::{
    Header, colour, edge,
    ifd::{Directory, Tiff, tag},
    jpeg::Segments,
    raw,
};
use crate::{Error, exif::read::Exif};

pub(super) fn probe(bytes: &[u8]) -> Result<Header, Error> {
    let Some((tiff, main)) = Tiff::open(bytes).and_then(|tiff| Some((tiff, tiff.first()?))) else {
        return Err(damaged("its first directory is not in the file: it is cut off"));
    };
    if is_raw(&tiff) {
        return raw::probe(bytes);
    }
    let (Some(width), Some(height)) = (main.uint(tag::IMAGE_WIDTH), main.uint(tag::IMAGE_LENGTH)) else {
        return Err(damaged("its first directory names no width and height"));
    };
    let exif = Exif::of(&main);
    Ok(Header {
        format: Format::Tiff,
        width: edge(width),
        height: edge(height),
        orientation: exif.orientation,
        colour: colour::of_rgb(icc(&main), exif.adobe_rgb),
        capture: exif.capture,
        single_scan: false,
        image: 0..bytes.len(),
    })
}

/// The embedded profile.
pub(crate) fn icc<'a>(directory: &Directory<'a>) -> Option<&'a [u8]> {
    directory.get(tag::ICC_PROFILE).map(|entry| entry.data).filter(|icc| icc.len() <= colour::MAX_ICC)
}

/// Holds the JPEGs in the strips or tiles of a JPEG-compressed TIFF against the size that the TIFF says: their decoder
/// allocates by their own headers.
///
/// # Errors
/// `Damaged`.
pub(crate) fn check_jpeg_chunks(bytes: &[u8], (width, height): (u32, u32)) -> Result<(), Error> {
    let Some(main) = Tiff::open(bytes).and_then(|tiff| tiff.first()) else { return Ok(()) };
    let Some(offsets) = main.get(tag::STRIP_OFFSETS).or_else(|| main.get(tag::TILE_OFFSETS)) else { return Ok(()) };
    if main.uint(tag::COMPRESSION) != Some(7) {
        return Ok(());
    }
    // Encoders round up to whole blocks of the coarsest subsampling.
    let fits = |size: u32, limit: u32| size <= limit.next_multiple_of(32);
    for index in 0..offsets.count {
        let jpeg = offsets.uint(index).and_then(|at| bytes.get(at..)).unwrap_or_default();
        let frame = Segments::read(jpeg)?;
        if !fits(frame.width, width) || !fits(frame.height, height) {
            return Err(damaged(&format!(
                "a strip of {width} × {height} holds a JPEG of {} × {}",
                frame.width, frame.height
            )));
        }
    }
    Ok(())
}

/// A camera's RAW has pixels behind a colour filter, linear ones, or a camera maker's own compression.
fn is_raw(tiff: &Tiff<'_>) -> bool {
    const COLOUR_FILTER: usize = 32_803;
    const LINEAR_RAW: usize = 34_892;
    // Sony, Samsung (two), Nikon, Pentax, Kodak.
    const MAKERS: [usize; 6] = [32_767, 32_770, 32_772, 34_713, 65_535, 65_000];
    tiff.all().iter().any(|directory| {
        directory.get(tag::DNG_VERSION).is_some()
            || matches!(directory.uint(tag::PHOTOMETRIC), Some(COLOUR_FILTER | LINEAR_RAW))
            || directory.uint(tag::COMPRESSION).is_some_and(|compression| MAKERS.contains(&compression))
    })
}

fn damaged(why: &str) -> Error {
    Error::Damaged { format: "TIFF", why: why.to_owned() }
}
