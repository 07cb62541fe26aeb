//! WebP's container: RIFF chunks.

use std::ops::Range;

use procession_domain::photo::Format;

use super::{Header, colour};
use crate::{Error, exif::read::Exif};

/// Chunks that are looked at: an animation has as many as it has frames, and the first is enough.
const MAX_CHUNKS: usize = 256;

pub(super) fn probe(bytes: &[u8]) -> Result<Header, Error> {
    let mut exif = Exif::default();
    let mut icc = None;
    let mut image: Option<(u32, u32, Range<usize>)> = None;
    for Chunk { kind, body, place } in chunks(bytes, 12).take(MAX_CHUNKS) {
        match &kind {
            b"VP8 " | b"VP8L" if image.is_none() => image = size(&kind, body).map(|(w, h)| (w, h, 0..bytes.len())),
            b"ANMF" if image.is_none() => image = frame(body, &place),
            b"EXIF" => exif = Exif::read(body),
            b"ICCP" => icc = Some(body),
            _ => {}
        }
    }
    let Some((width, height, image)) = image else { return Err(damaged("it is cut off before its pixels")) };
    Ok(Header {
        format: Format::WebP,
        width,
        height,
        orientation: exif.orientation,
        colour: colour::of_rgb(icc, exif.adobe_rgb),
        capture: exif.capture,
        single_scan: false,
        image,
    })
}

struct Chunk<'a> {
    kind: [u8; 4],
    /// What there is of it, where the file is cut off.
    body: &'a [u8],
    /// Where the body is.
    place: Range<usize>,
}

fn chunks(bytes: &[u8], start: usize) -> impl Iterator<Item = Chunk<'_>> {
    let mut at = start;
    std::iter::from_fn(move || {
        let kind = bytes.get(at..at + 4)?.try_into().ok()?;
        let length = u32::from_le_bytes(bytes.get(at + 4..at + 8)?.try_into().ok()?) as usize;
        let place = at + 8..(at + 8 + length).min(bytes.len());
        at = at + 8 + length.next_multiple_of(2);
        Some(Chunk { kind, body: &bytes[place.clone()], place })
    })
}

/// Width and height of a bitstream: RFC 6386 section 9.1, WebP lossless section 3.
fn size(kind: &[u8; 4], body: &[u8]) -> Option<(u32, u32)> {
    if kind == b"VP8L" {
        let bits = u32::from_le_bytes(body.get(1..5)?.try_into().ok()?);
        return (body[0] == 0x2f).then_some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1));
    }
    let edge = |at: usize| Some(u32::from(u16::from_le_bytes(body.get(at..at + 2)?.try_into().ok()?) & 0x3fff));
    (body.get(3..6)? == [0x9d, 0x01, 0x2a]).then_some((edge(6)?, edge(8)?))
}

/// The picture in a frame of an animation: 16 bytes of its place and time, then chunks as in a still.
fn frame(body: &[u8], place: &Range<usize>) -> Option<(u32, u32, Range<usize>)> {
    chunks(body, 16).take(MAX_CHUNKS).find_map(|chunk| {
        let (width, height) = size(&chunk.kind, chunk.body)?;
        Some((width, height, place.start + 16..place.end))
    })
}

fn damaged(why: &str) -> Error {
    Error::Damaged { format: "WebP", why: why.to_owned() }
}
