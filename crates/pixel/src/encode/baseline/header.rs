//! What is before the scan: quantisers and markers (ITU-T T.81, B.2, and JFIF 1.01).

use crate::{baseline::ZIGZAG, encode::jpeg::tables::TABLES, frame::Chroma, libjpeg::Sheet};

/// The end of the file.
pub(super) const END: [u8; 2] = [0xff, 0xd9];

const START: [u8; 2] = [0xff, 0xd8];
/// JFIF 1.01 without a density or a thumbnail.
const JFIF: [u8; 14] = *b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0";
const APP0: u8 = 0xe0;
const DQT: u8 = 0xdb;
const SOF0: u8 = 0xc0;
const DHT: u8 = 0xc4;
const SOS: u8 = 0xda;

/// T.81, table K.1, in natural order.
const LUMA: [u8; 64] = [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51,
    87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103, 99,
];

/// T.81, table K.2, in natural order.
const CHROMA: [u8; 64] = [
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99,
];

/// The steps of luma and of chroma in natural order, for a quality of 1 to 100, as libjpeg scales the standard's.
pub(super) fn quantisers(quality: u8) -> [[u8; 64]; 2] {
    let quality = u32::from(quality.clamp(1, 100));
    let scale = if quality < 50 { 5000 / quality } else { 200 - 2 * quality };
    [LUMA, CHROMA].map(|table| table.map(|step| ((u32::from(step) * scale + 50) / 100).clamp(1, 255) as u8))
}

/// Writes all that is before the scan's bits.
pub(super) fn write(out: &mut Vec<u8>, sheet: &Sheet<'_>, quantisers: &[[u8; 64]; 2]) {
    out.extend(START);
    segment(out, APP0, &[&JFIF]);
    for (code, payload) in sheet.markers {
        segment(out, *code, &[payload]);
    }
    for (index, steps) in quantisers.iter().enumerate() {
        segment(out, DQT, &[&[index as u8], &ZIGZAG.map(|natural| steps[usize::from(natural)])]);
    }
    let (width, height) = sheet.frame.dimensions();
    let sampling = if sheet.chroma == Chroma::Half { 0x22 } else { 0x11 };
    let [size_down, size_across] = [height, width].map(|size| (size as u16).to_be_bytes());
    segment(out, SOF0, &[&[8], &size_down, &size_across, &[3, 1, sampling, 0, 2, 0x11, 1, 3, 0x11, 1]]);
    // DC and AC of luma, DC and AC of chroma.
    for ((lengths, symbols), place) in TABLES.into_iter().zip([0x00, 0x10, 0x01, 0x11]) {
        segment(out, DHT, &[&[place], lengths.as_slice(), symbols]);
    }
    segment(out, SOS, &[&[3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0]]);
}

/// A marker with a payload of at most 65,533 bytes.
fn segment(out: &mut Vec<u8>, code: u8, parts: &[&[u8]]) {
    let payload = parts.concat();
    out.extend([0xff, code]);
    out.extend((2 + payload.len() as u16).to_be_bytes());
    out.extend(payload);
}
