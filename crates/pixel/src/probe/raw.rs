//! A camera's RAW: the largest JPEG that the camera put into it.
//!
//! The directories name it in most formats: JPEGInterchangeFormat (NEF, ARW, PEF, SRW, many thumbnails), a strip of JPEG
//! compression (CR2, DNG), Panasonic's JpgFromRaw, Fujifilm's header, the first track of a CR3. Where they name none that is
//! large enough, as in an ORF, whose directory is in the MakerNote, the file is searched for JPEG headers.

use std::ops::Range;

use procession_domain::photo::Format;

use super::{
    Header, bmff,
    ifd::{Directory, Tiff, tag},
    jpeg::Segments,
};
use crate::{Error, exif::read::Exif};

/// The smallest preview, in pixels of its longer edge, that stands for a photo. Below are thumbnails.
const MIN_EDGE: u32 = 1000;
/// JPEG headers that a search looks at.
const MAX_HEADERS: usize = 64;

/// A JPEG in the file.
struct Preview<'a> {
    place: Range<usize>,
    segments: Segments<'a>,
}

impl Preview<'_> {
    fn pixels(&self) -> u64 {
        u64::from(self.segments.width) * u64::from(self.segments.height)
    }

    fn is_large(&self) -> bool {
        self.segments.width.max(self.segments.height) >= MIN_EDGE
    }
}

pub(super) fn probe(bytes: &[u8]) -> Result<Header, Error> {
    let (named, exif) = contents(bytes);
    let open = |place: Range<usize>| {
        let jpeg = bytes.get(place.clone()).filter(|jpeg| jpeg.starts_with(&[0xff, 0xd8, 0xff]))?;
        Some(Preview { place, segments: Segments::read(jpeg).ok()? })
    };
    let best = largest(named.into_iter().filter_map(open)).filter(Preview::is_large);
    let Some(preview) = best.or_else(|| largest(headers(bytes).filter_map(open))).filter(Preview::is_large) else {
        return Err(Error::Unsupported(format!(
            "this RAW has no embedded preview of at least {MIN_EDGE} pixels: export it as JPEG, or let the camera write both"
        )));
    };
    let own = preview.segments.exif();
    // A container that says nothing about the photo (RAF, RW2) leaves that to the preview.
    let exif = exif.filter(|exif| exif.capture.taken.is_some()).unwrap_or_else(|| own.clone());
    let adobe_rgb = if preview.segments.has_profile() { own.adobe_rgb } else { exif.adobe_rgb };
    Ok(Header {
        format: Format::Raw,
        width: preview.segments.width,
        height: preview.segments.height,
        orientation: exif.orientation,
        colour: preview.segments.colour(adobe_rgb),
        capture: exif.capture,
        single_scan: preview.segments.single_scan,
        image: preview.place,
    })
}

fn largest<'a>(previews: impl Iterator<Item = Preview<'a>>) -> Option<Preview<'a>> {
    previews.max_by_key(Preview::pixels)
}

/// Where the file says that JPEGs are, and what it says about the photo.
fn contents(bytes: &[u8]) -> (Vec<Range<usize>>, Option<Exif>) {
    if bytes.starts_with(b"FUJIFILMCCD-RAW ") {
        let place = bmff::uint(bytes, 84, 4).zip(bmff::uint(bytes, 88, 4)).map(|(at, length)| at..at + length);
        return (place.into_iter().collect(), None);
    }
    if bytes.get(4..8) == Some(b"ftyp") {
        return canon(bytes);
    }
    let Some(tiff) = Tiff::open(bytes) else { return (Vec::new(), None) };
    let places = tiff.all().iter().flat_map(|directory| places(&tiff, directory)).collect();
    (places, tiff.first().map(|main| Exif::of(&main)))
}

/// The JPEGs that a directory names.
fn places(tiff: &Tiff<'_>, directory: &Directory<'_>) -> Vec<Range<usize>> {
    let range = |offset, length| {
        let (at, length) = (directory.uint(offset)?, directory.uint(length)?);
        Some(at..at.checked_add(length)?)
    };
    let mut found: Vec<_> = range(tag::JPEG_OFFSET, tag::JPEG_LENGTH).into_iter().collect();
    if matches!(directory.uint(tag::COMPRESSION), Some(6 | 7))
        && directory.get(tag::STRIP_OFFSETS).is_some_and(|strips| strips.count == 1)
    {
        found.extend(range(tag::STRIP_OFFSETS, tag::STRIP_BYTE_COUNTS));
    }
    if let Some(jpeg) = directory.get(tag::JPEG_FROM_RAW) {
        let at = jpeg.data.as_ptr().addr() - tiff.bytes().as_ptr().addr();
        found.push(at..at + jpeg.data.len());
    }
    found
}

/// CR3 (as documented by L. Clevy, canon_cr3): EXIF in boxes of Canon's uuid in `moov`, the full-size JPEG as the only sample
/// of a track.
fn canon(bytes: &[u8]) -> (Vec<Range<usize>>, Option<Exif>) {
    const CANON: [u8; 16] = *b"\x85\xc0\xb6\x87\x82\x0f\x11\xe0\x81\x11\xf4\xce\x46\x2b\x6a\x48";
    let Some(moov) = bmff::find(bytes, b"moov") else { return (Vec::new(), None) };
    let places = bmff::boxes(moov).filter(|track| &track.kind == b"trak").filter_map(|track| {
        let table = bmff::descend(track.body, &[b"mdia", b"minf", b"stbl"])?;
        // stsz: version, size of all samples or 0, their number, their sizes.
        let sizes = bmff::find(table, b"stsz")?;
        let length = bmff::uint(sizes, 4, 4).filter(|&size| size != 0).or_else(|| bmff::uint(sizes, 12, 4))?;
        let at = match bmff::find(table, b"co64") {
            Some(offsets) => bmff::uint(offsets, 8, 8)?,
            None => bmff::uint(bmff::find(table, b"stco")?, 8, 4)?,
        };
        Some(at..at.checked_add(length)?)
    });
    let canon = bmff::boxes(moov)
        .find_map(|found| (&found.kind == b"uuid").then(|| found.body.strip_prefix(&CANON)).flatten())
        .unwrap_or_default();
    let directory = |kind| Tiff::open(bmff::find(canon, kind)?)?.first();
    let exif = Exif::from_directories(directory(b"CMT1"), directory(b"CMT2"), directory(b"CMT4"));
    (places.collect(), Some(exif))
}

/// Everything that may be a JPEG header, to the end of the file: a decoder stops where the JPEG ends.
fn headers(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> {
    bytes
        .windows(4)
        .enumerate()
        .filter(|(_, window)| window.starts_with(&[0xff, 0xd8, 0xff]) && matches!(window[3], 0xc0..=0xfe))
        .map(|(at, _)| at..bytes.len())
        .take(MAX_HEADERS)
}
