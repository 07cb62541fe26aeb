//! A compact EXIF block.

use procession_domain::{
    capture::{Capture, CaptureTime},
    recipe::MetadataPolicy,
};

use crate::probe::ifd::tag;

const ASCII: u16 = 2;
const SHORT: u16 = 3;
const LONG: u16 = 4;
const RATIONAL: u16 = 5;
const UNDEFINED: u16 = 7;

/// One field: tag, type, count, value as little-endian bytes.
struct Field(u16, u16, u32, Vec<u8>);

/// See [`crate::exif::metadata_block`].
pub(super) fn metadata_block(capture: &Capture, policy: MetadataPolicy) -> Vec<u8> {
    let mut main = Vec::new();
    let mut exif = Vec::new();
    if policy == MetadataPolicy::Keep {
        text(&mut main, tag::MAKE, capture.camera_make.as_deref());
        text(&mut main, tag::MODEL, capture.camera_model.as_deref());
    }
    text(&mut main, tag::ARTIST, capture.artist.as_deref());
    text(&mut main, tag::COPYRIGHT, capture.copyright.as_deref());
    if policy == MetadataPolicy::Keep {
        exif = exposure(capture);
    }
    if main.is_empty() && exif.is_empty() {
        return Vec::new();
    }
    layout(main, &exif)
}

/// The EXIF directory, tags ascending.
fn exposure(capture: &Capture) -> Vec<Field> {
    let mut exif = Vec::new();
    rational(&mut exif, tag::EXPOSURE_TIME, capture.exposure_seconds);
    rational(&mut exif, tag::F_NUMBER, capture.aperture);
    if let Some(iso) = capture.iso {
        let short = u16::try_from(iso).unwrap_or(u16::MAX);
        exif.push(Field(tag::SENSITIVITY, SHORT, 1, short.to_le_bytes().to_vec()));
        if short == u16::MAX {
            exif.push(Field(tag::RECOMMENDED_EXPOSURE_INDEX, LONG, 1, iso.to_le_bytes().to_vec()));
        }
    }
    if let Some(taken) = &capture.taken {
        time(&mut exif, taken);
    }
    rational(&mut exif, tag::FOCAL_LENGTH, capture.focal_length_mm);
    if let Some(CaptureTime { local, .. }) = &capture.taken
        && local.subsec_nanosecond() != 0
    {
        let digits = format!("{:09}", local.subsec_nanosecond());
        text(&mut exif, tag::SUB_SEC_TIME_ORIGINAL, Some(digits.trim_end_matches('0')));
    }
    text(&mut exif, tag::LENS_MODEL, capture.lens.as_deref());
    if !exif.is_empty() {
        // EXIF requires its version wherever there is an EXIF directory.
        exif.push(Field(0x9000, UNDEFINED, 4, b"0232".to_vec()));
        exif.sort_by_key(|field| field.0);
    }
    exif
}

fn time(fields: &mut Vec<Field>, taken: &CaptureTime) {
    let written = taken.local.strftime("%Y:%m:%d %H:%M:%S").to_string();
    text(fields, tag::DATE_TIME_ORIGINAL, Some(&written));
    if let Some(minutes) = taken.offset_minutes {
        let (sign, minutes) = (if minutes < 0 { '-' } else { '+' }, minutes.unsigned_abs());
        text(fields, tag::OFFSET_TIME_ORIGINAL, Some(&format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)));
    }
}

fn text(fields: &mut Vec<Field>, tag: u16, value: Option<&str>) {
    if let Some(value) = value.filter(|value| !value.is_empty()) {
        let mut bytes: Vec<u8> = value.bytes().filter(|&byte| byte != 0).collect();
        bytes.push(0);
        fields.push(Field(tag, ASCII, bytes.len() as u32, bytes));
    }
}

/// A short exposure is written as 1/n, everything else in millionths.
fn rational(fields: &mut Vec<Field>, tag: u16, value: Option<f64>) {
    let Some(value) = value.filter(|value| (1e-6..4_000.0).contains(value)) else { return };
    let inverse = value.recip();
    let (numerator, denominator) = if inverse > 1.5 && (inverse - inverse.round()).abs() < 1e-4 * inverse {
        (1, inverse.round() as u32)
    } else {
        ((value * 1e6).round() as u32, 1_000_000)
    };
    let bytes = [numerator.to_le_bytes(), denominator.to_le_bytes()].concat();
    fields.push(Field(tag, RATIONAL, 1, bytes));
}

fn layout(mut main: Vec<Field>, exif: &[Field]) -> Vec<u8> {
    let size = |fields: &[Field]| -> usize {
        6 + fields
            .iter()
            .map(|field| 12 + if field.3.len() > 4 { field.3.len().next_multiple_of(2) } else { 0 })
            .sum::<usize>()
    };
    let mut block = b"II*\0\x08\0\0\0".to_vec();
    if !exif.is_empty() {
        main.push(Field(tag::EXIF_IFD, LONG, 1, vec![0; 4]));
        let at = block.len() + size(&main);
        if let Some(pointer) = main.last_mut() {
            pointer.3 = (at as u32).to_le_bytes().to_vec();
        }
    }
    directory(&mut block, &main);
    if !exif.is_empty() {
        directory(&mut block, exif);
    }
    block
}

fn directory(block: &mut Vec<u8>, fields: &[Field]) {
    let mut at = block.len() + 6 + 12 * fields.len();
    let mut values = Vec::new();
    block.extend((fields.len() as u16).to_le_bytes());
    for Field(tag, kind, count, value) in fields {
        block.extend(tag.to_le_bytes());
        block.extend(kind.to_le_bytes());
        block.extend(count.to_le_bytes());
        if value.len() > 4 {
            block.extend((at as u32).to_le_bytes());
            values.extend(value);
            values.resize(values.len().next_multiple_of(2), 0);
            at += value.len().next_multiple_of(2);
        } else {
            let mut inline = [0; 4];
            inline[..value.len()].copy_from_slice(value);
            block.extend(inline);
        }
    }
    block.extend([0; 4]);
    block.extend(values);
}
