//! TIFF's structure (TIFF 6.0, BigTIFF): read in place, nothing copied. The ground under TIFF, EXIF and most RAW formats.

/// Directories that are looked at in one file: a camera writes six or seven.
const MAX_DIRECTORIES: usize = 32;
/// Entries that are looked at in one directory.
const MAX_ENTRIES: usize = 1024;

/// Bytes in which offsets count from the start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tiff<'a> {
    bytes: &'a [u8],
    big_endian: bool,
    big: bool,
    first: usize,
}

/// One image file directory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Directory<'a> {
    tiff: Tiff<'a>,
    /// Where the entries start.
    start: usize,
    count: usize,
    next: usize,
}

/// The value of one tag. `data` lies wholly in the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    tiff: Tiff<'a>,
    kind: u16,
    /// How many values there are.
    pub(crate) count: usize,
    /// The values as stored.
    pub(crate) data: &'a [u8],
}

impl<'a> Tiff<'a> {
    /// Reads a TIFF header, also with the magic numbers of Panasonic and Olympus. `None` if there is none.
    pub(crate) fn open(bytes: &'a [u8]) -> Option<Self> {
        let big_endian = match bytes.get(..2)? {
            b"II" => false,
            b"MM" => true,
            _ => return None,
        };
        let mut tiff = Self { bytes, big_endian, big: false, first: 0 };
        tiff.big = match tiff.number(2, 2)? {
            42 | 0x55 | 0x4f52 | 0x5352 => false,
            43 => true,
            _ => return None,
        };
        tiff.first = if tiff.big { tiff.number(8, 8)? } else { tiff.number(4, 4)? };
        Some(tiff)
    }

    /// The bytes that it is in.
    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// An unsigned number of `width` bytes.
    fn number(&self, at: usize, width: usize) -> Option<usize> {
        let field = self.bytes.get(at..at.checked_add(width)?)?;
        self.value(field)
    }

    fn value(&self, field: &[u8]) -> Option<usize> {
        let fold = |total: u64, &byte: &u8| (total << 8) | u64::from(byte);
        let value = if self.big_endian { field.iter().fold(0, fold) } else { field.iter().rev().fold(0, fold) };
        usize::try_from(value).ok()
    }

    /// The directory at an offset, if all of it is in the file.
    pub(crate) fn directory(&self, at: usize) -> Option<Directory<'a>> {
        let (head, entry, offset) = if self.big { (8, 20, 8) } else { (2, 12, 4) };
        let count = self.number(at, head)?;
        if at == 0 || count == 0 || count > MAX_ENTRIES {
            return None;
        }
        let start = at + head;
        let end = start + count * entry;
        if end > self.bytes.len() {
            return None;
        }
        Some(Directory { tiff: *self, start, count, next: self.number(end, offset).unwrap_or(0) })
    }

    /// The first directory.
    pub(crate) fn first(&self) -> Option<Directory<'a>> {
        self.directory(self.first)
    }

    /// Every directory that can be reached through the chain and through SubIFDs, each once, at most 32.
    pub(crate) fn all(&self) -> Vec<Directory<'a>> {
        let mut found: Vec<Directory<'a>> = Vec::new();
        let mut waiting = std::collections::VecDeque::from([self.first]);
        while let Some(at) = waiting.pop_front() {
            let Some(directory) = self.directory(at) else { continue };
            if found.iter().any(|known| known.start == directory.start) {
                continue;
            }
            found.push(directory);
            if found.len() == MAX_DIRECTORIES {
                break;
            }
            if directory.next != 0 {
                waiting.push_back(directory.next);
            }
            if let Some(children) = directory.get(tag::SUB_IFDS) {
                waiting.extend((0..children.count.min(MAX_DIRECTORIES)).filter_map(|index| children.uint(index)));
            }
        }
        found
    }
}

impl<'a> Directory<'a> {
    /// The value of a tag, if it is there and lies in the file.
    pub(crate) fn get(&self, tag: u16) -> Option<Entry<'a>> {
        let tiff = self.tiff;
        let (size, width) = if tiff.big { (20, 8) } else { (12, 4) };
        let at = (0..self.count).map(|i| self.start + i * size).find(|&at| tiff.number(at, 2) == Some(tag.into()))?;
        let kind = u16::try_from(tiff.number(at + 2, 2)?).ok()?;
        let count = tiff.number(at + 4, width)?;
        let length = count.checked_mul(unit(kind)?)?;
        let inline = at + 4 + width;
        let start = if length <= width { inline } else { tiff.number(inline, width)? };
        let data = tiff.bytes.get(start..start.checked_add(length)?)?;
        Some(Entry { tiff, kind, count, data })
    }

    /// Whether the tags of TIFF itself have no more values than an image needs: a library that reads them into memory takes
    /// 32 bytes for each, whether they are in the file or not.
    pub(crate) fn is_modest(&self) -> bool {
        const MAX_VALUES: usize = 1 << 20;
        const FIRST_PRIVATE: usize = 32_768;
        let tiff = self.tiff;
        let (size, width) = if tiff.big { (20, 8) } else { (12, 4) };
        (0..self.count).map(|i| self.start + i * size).all(|at| {
            let is_private = tiff.number(at, 2).is_some_and(|tag| tag >= FIRST_PRIVATE);
            is_private || tiff.number(at + 4, width).is_some_and(|count| count <= MAX_VALUES.min(tiff.bytes.len()))
        })
    }

    /// The first number of a tag.
    pub(crate) fn uint(&self, tag: u16) -> Option<usize> {
        self.get(tag)?.uint(0)
    }

    /// The directory that a tag points to.
    pub(crate) fn child(&self, tag: u16) -> Option<Directory<'a>> {
        self.tiff.directory(self.uint(tag)?)
    }
}

/// Bytes of one value of a TIFF type.
fn unit(kind: u16) -> Option<usize> {
    match kind {
        1 | 2 | 6 | 7 => Some(1),
        3 | 8 => Some(2),
        4 | 9 | 11 | 13 => Some(4),
        5 | 10 | 12 | 16 | 17 | 18 => Some(8),
        _ => None,
    }
}

impl Entry<'_> {
    fn field(&self, index: usize) -> Option<&[u8]> {
        let size = unit(self.kind)?;
        self.data.get(index.checked_mul(size)?..)?.get(..size)
    }

    /// The number at an index, if the tag holds unsigned whole numbers.
    pub(crate) fn uint(&self, index: usize) -> Option<usize> {
        match self.kind {
            1 | 3 | 4 | 7 | 13 | 16 | 18 => self.tiff.value(self.field(index)?),
            _ => None,
        }
    }

    /// The number at an index: whole, or a fraction with a denominator.
    pub(crate) fn real(&self, index: usize) -> Option<f64> {
        if !matches!(self.kind, 5 | 10) {
            return self.uint(index).map(|value| value as f64);
        }
        let (numerator, denominator) = self.field(index)?.split_at_checked(4)?;
        let part = |bytes: &[u8]| {
            let value = u32::try_from(self.tiff.value(bytes)?).ok()?;
            Some(if self.kind == 10 { f64::from(value.cast_signed()) } else { f64::from(value) })
        };
        let denominator = part(denominator)?;
        (denominator != 0.0).then_some(part(numerator)? / denominator)
    }
}

/// The tags that are read, by the names of their specifications.
pub(crate) mod tag {
    pub(crate) const IMAGE_WIDTH: u16 = 0x0100;
    pub(crate) const IMAGE_LENGTH: u16 = 0x0101;
    pub(crate) const COMPRESSION: u16 = 0x0103;
    pub(crate) const PHOTOMETRIC: u16 = 0x0106;
    pub(crate) const MAKE: u16 = 0x010f;
    pub(crate) const MODEL: u16 = 0x0110;
    pub(crate) const STRIP_OFFSETS: u16 = 0x0111;
    pub(crate) const ORIENTATION: u16 = 0x0112;
    pub(crate) const STRIP_BYTE_COUNTS: u16 = 0x0117;
    pub(crate) const SOFTWARE: u16 = 0x0131;
    pub(crate) const DATE_TIME: u16 = 0x0132;
    pub(crate) const ARTIST: u16 = 0x013b;
    pub(crate) const TILE_OFFSETS: u16 = 0x0144;
    pub(crate) const EXTRA_SAMPLES: u16 = 0x0152;
    pub(crate) const SUB_IFDS: u16 = 0x014a;
    pub(crate) const JPEG_FROM_RAW: u16 = 0x002e;
    pub(crate) const JPEG_OFFSET: u16 = 0x0201;
    pub(crate) const JPEG_LENGTH: u16 = 0x0202;
    pub(crate) const COPYRIGHT: u16 = 0x8298;
    pub(crate) const EXPOSURE_TIME: u16 = 0x829a;
    pub(crate) const F_NUMBER: u16 = 0x829d;
    pub(crate) const EXIF_IFD: u16 = 0x8769;
    pub(crate) const ICC_PROFILE: u16 = 0x8773;
    pub(crate) const GPS_IFD: u16 = 0x8825;
    pub(crate) const SENSITIVITY: u16 = 0x8827;
    pub(crate) const RECOMMENDED_EXPOSURE_INDEX: u16 = 0x8832;
    pub(crate) const DATE_TIME_ORIGINAL: u16 = 0x9003;
    pub(crate) const DATE_TIME_DIGITIZED: u16 = 0x9004;
    pub(crate) const OFFSET_TIME: u16 = 0x9010;
    pub(crate) const OFFSET_TIME_ORIGINAL: u16 = 0x9011;
    pub(crate) const OFFSET_TIME_DIGITIZED: u16 = 0x9012;
    pub(crate) const FLASH: u16 = 0x9209;
    pub(crate) const FOCAL_LENGTH: u16 = 0x920a;
    pub(crate) const SUB_SEC_TIME: u16 = 0x9290;
    pub(crate) const SUB_SEC_TIME_ORIGINAL: u16 = 0x9291;
    pub(crate) const SUB_SEC_TIME_DIGITIZED: u16 = 0x9292;
    pub(crate) const COLOUR_SPACE: u16 = 0xa001;
    pub(crate) const INTEROP_IFD: u16 = 0xa005;
    pub(crate) const FOCAL_LENGTH_35MM: u16 = 0xa405;
    pub(crate) const BODY_SERIAL_NUMBER: u16 = 0xa431;
    pub(crate) const LENS_MODEL: u16 = 0xa434;
    pub(crate) const DNG_VERSION: u16 = 0xc612;
    pub(crate) const CAMERA_SERIAL_NUMBER: u16 = 0xc62f;
    /// In the interoperability directory.
    pub(crate) const INTEROP_INDEX: u16 = 0x0001;
}
