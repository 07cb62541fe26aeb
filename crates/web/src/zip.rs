//! ZIP archives of any size that are never built. Where each byte stands follows from the entries alone, so an archive has
//! a length, an ETag and byte ranges before any content is read, and takes no disk and no more memory than its list.
//!
//! Content is stored, not compressed: photos do not shrink, and only so is the length known. ZIP64 is used where a size,
//! an offset or the count needs it, and nowhere else. The format is
//! [APPNOTE 6.3.10](https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT).

mod names;
mod records;

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use jiff::civil::DateTime;
use procession_domain::ContentHash;

/// Headers that stand side by side come in one segment up to about this size: 10,000 of them are not 10,000 writes.
const SEGMENT_BYTES: usize = 64 * 1024;

/// A file to be in the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its path, with `/` between folders. [`Archive::new`] changes it where it could not be unpacked safely.
    pub name: String,
    /// Length of the content.
    pub bytes: u64,
    /// CRC-32 of the content, as ZIP demands it.
    pub crc32: u32,
    /// Hash of the content. It is not in the archive, but in its ETag: a CRC-32 does not tell any two photos apart.
    pub hash: ContentHash,
    /// What the unpacked file shows as its time, kept to two seconds from 1980 to 2107. Civil, as ZIP means it: a photo
    /// of 14:32 shows 14:32 wherever it is unpacked, and the archive's bytes depend on no time zone.
    pub modified: DateTime,
}

/// A part of an archive, to be sent after the one before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// These bytes.
    Bytes(Bytes),
    /// This part of an entry's content; never empty.
    Content {
        /// Which of the entries, as they were given.
        entry: usize,
        /// Which of its bytes.
        range: Range<u64>,
    },
}

/// An archive as its layout. The same entries in the same order are the same bytes, always. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Archive(Arc<Layout>);

#[derive(Debug)]
struct Layout {
    entries: Vec<Entry>,
    /// Where each entry's local header begins, and at last where the central directory does.
    local_at: Vec<u64>,
    /// Where each entry's record in the central directory begins, and at last where the end records do.
    central_at: Vec<u64>,
    length: u64,
    fingerprint: blake3::Hash,
}

/// What an archive is made of.
enum Piece {
    Local(usize),
    Content(usize),
    Central(usize),
    End,
}

impl Archive {
    /// Lays the entries out in their order. None if they are too long for 64 bits.
    ///
    /// No name leaves the folder that the archive is unpacked in, none names the file or folder of another on any usual
    /// system, and each can be written there:
    /// - characters that Windows forbids, control characters and those that turn the direction of text become `_`;
    /// - empty parts, `.` and `..` go, as do dots and spaces at a part's end; if nothing is left, it is `unnamed`;
    /// - what Windows takes for a device (`CON`, `nul.jpg`) gets a `_` before it;
    /// - parts are cut to 200 bytes before their extension, and only the last 16 parts stay, so a name is below 4 KiB;
    /// - Unicode is composed (NFC), as Windows and Linux write it;
    /// - names that then differ in case alone, or are another's folder, are numbered: `a.jpg`, `A (2).jpg`.
    pub fn new(mut entries: Vec<Entry>) -> Option<Self> {
        names::make_safe(&mut entries);
        // Over everything that is sent, so that an ETag can never outlive a change of the entries or of this code.
        let mut hasher = blake3::Hasher::new();
        let mut at = 0_u64;
        let (mut local_at, mut central_at) = (Vec::new(), Vec::new());
        for entry in &entries {
            let header = records::local(entry);
            hasher.update(&header).update(entry.hash.as_bytes());
            local_at.push(at);
            at = at.checked_add(header.len() as u64)?.checked_add(entry.bytes)?;
        }
        local_at.push(at);
        for (entry, &header_at) in entries.iter().zip(&local_at) {
            let record = records::central(entry, header_at);
            hasher.update(&record);
            central_at.push(at);
            at = at.checked_add(record.len() as u64)?;
        }
        central_at.push(at);
        let end = records::end(entries.len() as u64, local_at[entries.len()]..at);
        let fingerprint = hasher.update(&end).finalize();
        let length = at.checked_add(end.len() as u64)?;
        Some(Self(Arc::new(Layout { entries, local_at, central_at, length, fingerprint })))
    }

    /// The entries as they were given, but for their names, which are those in the archive.
    pub fn entries(&self) -> &[Entry] {
        &self.0.entries
    }

    /// Length of the whole archive in bytes.
    pub fn length(&self) -> u64 {
        self.0.length
    }

    /// A strong entity tag, in its quotes. Archives with the same tag have the same bytes.
    pub fn etag(&self) -> String {
        format!("\"{}\"", self.0.fingerprint)
    }

    /// The segments whose bytes, one after the other, are that range of the archive, as far as it exists. Each is made
    /// when it is asked for, at the same cost wherever the range begins.
    pub fn segments(&self, range: Range<u64>) -> Segments {
        Segments { archive: self.clone(), range: range.start..range.end.min(self.length()) }
    }
}

impl Layout {
    /// The piece that holds the byte at `at`, which is below the length, and where the piece stands.
    fn piece_at(&self, at: u64) -> (Piece, Range<u64>) {
        let directory = self.directory();
        if at >= directory.end {
            return (Piece::End, directory.end..self.length);
        }
        if at >= directory.start {
            let (entry, place) = surrounding(&self.central_at, at);
            return (Piece::Central(entry), place);
        }
        let (entry, place) = surrounding(&self.local_at, at);
        let content_at = place.end - self.entries[entry].bytes;
        if at < content_at {
            (Piece::Local(entry), place.start..content_at)
        } else {
            (Piece::Content(entry), content_at..place.end)
        }
    }

    /// The bytes of a piece; none for content, which is not ours.
    fn encode(&self, piece: &Piece) -> Vec<u8> {
        match *piece {
            Piece::Local(entry) => records::local(&self.entries[entry]),
            Piece::Content(_) => Vec::new(),
            Piece::Central(entry) => records::central(&self.entries[entry], self.local_at[entry]),
            Piece::End => records::end(self.entries.len() as u64, self.directory()),
        }
    }

    /// Where the central directory stands.
    fn directory(&self) -> Range<u64> {
        self.local_at[self.entries.len()]..self.central_at[self.entries.len()]
    }
}

/// Which of the spans between the borders, of which the first is not above `at` and the last is, holds `at`.
fn surrounding(borders: &[u64], at: u64) -> (usize, Range<u64>) {
    let next = borders.partition_point(|&border| border <= at);
    (next - 1, borders[next - 1]..borders[next])
}

/// See [`Archive::segments`].
#[derive(Clone, Debug)]
pub struct Segments {
    archive: Archive,
    range: Range<u64>,
}

impl Iterator for Segments {
    type Item = Segment;

    fn next(&mut self) -> Option<Segment> {
        let layout = &self.archive.0;
        let mut bytes = Vec::new();
        while !self.range.is_empty() && bytes.len() < SEGMENT_BYTES {
            let (piece, place) = layout.piece_at(self.range.start);
            let end = place.end.min(self.range.end);
            let cut = self.range.start - place.start..end - place.start;
            if let Piece::Content(entry) = piece {
                if !bytes.is_empty() {
                    break;
                }
                self.range.start = end;
                return Some(Segment::Content { entry, range: cut });
            }
            bytes.extend_from_slice(&layout.encode(&piece)[cut.start as usize..cut.end as usize]);
            self.range.start = end;
        }
        (!bytes.is_empty()).then(|| Segment::Bytes(bytes.into()))
    }
}

#[cfg(test)]
mod tests;
