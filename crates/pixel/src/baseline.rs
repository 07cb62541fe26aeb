//! The fast way through a JPEG: baseline and extended sequential, eight bits, Huffman, one scan (ITU-T T.81, processes 1
//! and 2), at N eighths of the size straight to planes.
//!
//! It is what nearly every camera writes, and decoding it is most of a photo's work. Everything else, and whatever looks
//! damaged, is declined: libjpeg reads it again from the start, and its answer stands. So a photo is refused, and with the
//! same words, exactly if libjpeg refuses it.
//!
//! Read in this order:
//! 1. [`header`]: markers to sizes and tables.
//! 2. [`huffman`]: a code's definition to tables that give two coefficients, or skip several, at one look.
//! 3. [`bits`]: the scan's bytes without their stuffing, and the 64 bits that are looked at.
//! 4. [`block`]: the coefficients of one block, and past those that the scale does not show.
//! 5. [`transform`]: N × N coefficients to N × N samples, by any processor and by AVX2, with equal results.
//! 6. [`scan`]: block after block to planes, or from thirty-two places at once.
//!
//! There is no `unsafe` in it but in the vector code of the transform and of the thirty-two places: indices are smaller than the
//! arrays that they index by their types and masks, whatever the bytes say.

mod bits;
mod block;
mod header;
mod huffman;
mod scan;
mod transform;

use crate::frame::{Frame, Plane};
use header::{Component, Header};

pub(crate) use block::ZIGZAG;

/// Decodes the first image of `bytes` at `eighths` eighths of its size (1 to 8), if it has `size` and is of the kind that
/// this reads and is whole. `None` says nothing about the photo: libjpeg must be asked.
pub(crate) fn decode(bytes: &[u8], size: (u32, u32), eighths: u32) -> Option<Frame> {
    let header = Header::read(bytes)?;
    if (header.width, header.height) != (size.0 as usize, size.1 as usize) {
        return None;
    }
    let eighths = eighths.clamp(1, 8) as usize;
    let mut planes: Vec<Plane> = header.components.iter().map(|part| plane(&header, part, eighths)).collect();
    scan::read(&header, eighths, &mut planes, scan::Depth::Samples)?;
    Some(frame(&header, planes, eighths))
}

/// Reads a photo's coefficients as [`decode`] does and makes nothing of them. Whether it is of the kind that this reads, and
/// whole.
pub(crate) fn read_coefficients(bytes: &[u8], eighths: u32) -> bool {
    let read =
        |header: Header<'_>| scan::read(&header, eighths.clamp(1, 8) as usize, &mut [], scan::Depth::Coefficients);
    Header::read(bytes).and_then(read).is_some()
}

/// A plane with room for whole MCUs.
fn plane(header: &Header<'_>, part: &Component<'_>, eighths: usize) -> Plane {
    let (columns, rows) = header.mcus();
    Plane::new(columns * part.across * eighths, rows * part.down * eighths)
}

/// The planes as a frame, without what lies beyond the picture; chroma of a single value where there is none.
fn frame(header: &Header<'_>, planes: Vec<Plane>, eighths: usize) -> Frame {
    let (most_across, most_down) = header.most();
    let mut planes = planes.into_iter().zip(&header.components).map(|(mut plane, part)| {
        plane.width = (header.width * part.across * eighths).div_ceil(8 * most_across);
        plane.height = (header.height * part.down * eighths).div_ceil(8 * most_down);
        plane
    });
    let size = (header.width as f64 * eighths as f64 / 8.0, header.height as f64 * eighths as f64 / 8.0);
    let luma = planes.next().unwrap_or_default();
    match (planes.next(), planes.next(), header.components.get(1)) {
        (Some(blue), Some(red), Some(part)) => {
            let chroma = (part.across as f64 / most_across as f64, part.down as f64 / most_down as f64);
            Frame { planes: [luma, blue, red], size, chroma }
        }
        _ => Frame::grey(luma, size),
    }
}

#[cfg(test)]
pub(crate) mod tests;
