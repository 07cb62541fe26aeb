//! The records between the contents, byte by byte.

use std::ops::Range;

use bytes::BufMut;
use jiff::civil::{DateTime, date};

use super::Entry;

/// A field of two or four bytes with all bits set says: look into the ZIP64 record.
const WIDE_16: u64 = 0xFFFF;
const WIDE_32: u64 = 0xFFFF_FFFF;

/// The version that a reader needs: 2.0 knows folders, 4.5 knows ZIP64.
const PLAIN: u16 = 20;
const ZIP64: u16 = 45;

/// Bit 11: the name is UTF-8.
const UTF_8: u16 = 1 << 11;
/// Content as it is.
const STORED: u16 = 0;
/// Made on Unix, whose file modes stand in the upper half of the external attributes.
const UNIX: u16 = 3 << 8;
/// A regular file that its owner may write and all may read.
const MODE: u32 = 0o100_644;

/// What stands before an entry's content.
pub(super) fn local(entry: &Entry) -> Vec<u8> {
    let extra = wide(&[entry.bytes, entry.bytes]);
    let mut record = Vec::with_capacity(30 + entry.name.len() + extra.len());
    record.put_slice(b"PK\x03\x04");
    put_common(&mut record, entry, &extra);
    record.put_slice(entry.name.as_bytes());
    record.put_slice(&extra);
    record
}

/// An entry's record in the central directory; its local header is at `header_at`.
pub(super) fn central(entry: &Entry, header_at: u64) -> Vec<u8> {
    let extra = wide(&[entry.bytes, entry.bytes, header_at]);
    let mut record = Vec::with_capacity(46 + entry.name.len() + extra.len());
    record.put_slice(b"PK\x01\x02");
    record.put_u16_le(UNIX | ZIP64);
    put_common(&mut record, entry, &extra);
    record.put_u16_le(0); // length of the comment
    record.put_u16_le(0); // number of the disk
    record.put_u16_le(0); // internal attributes
    record.put_u32_le(MODE << 16);
    record.put_u32_le(narrow_32(header_at));
    record.put_slice(entry.name.as_bytes());
    record.put_slice(&extra);
    record
}

/// What ends an archive of so many entries with its central directory there.
pub(super) fn end(entries: u64, directory: Range<u64>) -> Vec<u8> {
    let bytes = directory.end - directory.start;
    let mut record = Vec::new();
    if entries >= WIDE_16 || bytes >= WIDE_32 || directory.start >= WIDE_32 {
        record.put_slice(b"PK\x06\x06");
        record.put_u64_le(44); // length of what follows
        record.put_u16_le(UNIX | ZIP64);
        record.put_u16_le(ZIP64);
        record.put_u32_le(0); // number of this disk
        record.put_u32_le(0); // number of the directory's disk
        record.put_u64_le(entries); // on this disk
        record.put_u64_le(entries);
        record.put_u64_le(bytes);
        record.put_u64_le(directory.start);
        // The locator of the record above.
        record.put_slice(b"PK\x06\x07");
        record.put_u32_le(0); // number of its disk
        record.put_u64_le(directory.end);
        record.put_u32_le(1); // disks
    }
    record.put_slice(b"PK\x05\x06");
    record.put_u16_le(0); // number of this disk
    record.put_u16_le(0); // number of the directory's disk
    record.put_u16_le(entries.min(WIDE_16) as u16); // on this disk
    record.put_u16_le(entries.min(WIDE_16) as u16);
    record.put_u32_le(narrow_32(bytes));
    record.put_u32_le(narrow_32(directory.start));
    record.put_u16_le(0); // length of the comment
    record
}

/// The fields that the local header and the central directory share.
fn put_common(record: &mut Vec<u8>, entry: &Entry, extra: &[u8]) {
    let (date, time) = dos(entry.modified);
    record.put_u16_le(if extra.is_empty() { PLAIN } else { ZIP64 });
    record.put_u16_le(UTF_8);
    record.put_u16_le(STORED);
    record.put_u16_le(time);
    record.put_u16_le(date);
    record.put_u32_le(entry.crc32);
    record.put_u32_le(narrow_32(entry.bytes)); // compressed
    record.put_u32_le(narrow_32(entry.bytes));
    record.put_u16_le(entry.name.len() as u16); // below 4 KiB, see `names`
    record.put_u16_le(extra.len() as u16);
}

/// The ZIP64 extra field: those of the values that do not fit into four bytes, in this order. Empty if all fit.
fn wide(values: &[u64]) -> Vec<u8> {
    let values: Vec<u64> = values.iter().copied().filter(|&value| value >= WIDE_32).collect();
    let mut extra = Vec::new();
    if !values.is_empty() {
        extra.put_u16_le(1); // ZIP64
        extra.put_u16_le(8 * values.len() as u16);
        values.iter().for_each(|&value| extra.put_u64_le(value));
    }
    extra
}

/// A value in four bytes, or the sign that it stands in the ZIP64 record.
fn narrow_32(value: u64) -> u32 {
    value.min(WIDE_32) as u32
}

/// Date and time as DOS wrote them; what it could not write becomes the nearest that it could.
fn dos(modified: DateTime) -> (u16, u16) {
    let modified = modified.clamp(date(1980, 1, 1).at(0, 0, 0, 0), date(2107, 12, 31).at(23, 59, 59, 0));
    let date = (modified.year() - 1980) << 9 | i16::from(modified.month()) << 5 | i16::from(modified.day());
    let time = i16::from(modified.hour()) << 11 | i16::from(modified.minute()) << 5 | i16::from(modified.second() / 2);
    (date as u16, time as u16)
}
