//! Writes EXIF data into a JPEG file without touching its pixels.

use anyhow::{Context, Result, bail};

/// What is written. Text is UTF-8; EXIF asks for ASCII, readers take both.
#[derive(Debug)]
pub(super) struct Exif {
    pub(super) make: String,
    pub(super) model: String,
    pub(super) artist: String,
    pub(super) copyright: String,
    /// `YYYY:MM:DD hh:mm:ss`, local.
    pub(super) taken: String,
    pub(super) subsecond: String,
    /// `+hh:mm`
    pub(super) offset: String,
}

/// The JPEG with this EXIF data in place of what it had.
///
/// # Errors
/// When the bytes are no JPEG, or their own EXIF data turns the picture: the pixels would then stand wrong.
pub(super) fn with_exif(jpeg: &[u8], exif: &Exif) -> Result<Vec<u8>> {
    let Some(mut rest) = jpeg.strip_prefix(&[0xff, 0xd8]) else { bail!("is no JPEG") };
    let body = [b"Exif\0\0".as_slice(), &tiff(exif)].concat();
    let mut file = vec![0xff, 0xd8, 0xff, 0xe1];
    file.extend(u16::try_from(body.len() + 2).context("too much EXIF data")?.to_be_bytes());
    file.extend(body);
    // Segment by segment up to the scan; the old EXIF data is left out.
    while let [0xff, kind, high, low, ..] = *rest
        && kind != 0xda
    {
        let length = 2 + usize::from(u16::from_be_bytes([high, low]));
        let segment = rest.get(..length).context("is cut off")?;
        if kind != 0xe1 || !segment[4..].starts_with(b"Exif\0") {
            file.extend(segment);
        } else if is_turned(&segment[4..]) {
            bail!("is turned by its own EXIF data");
        }
        rest = &rest[length..];
    }
    file.extend(rest);
    Ok(file)
}

/// Whether there is an Orientation entry (tag 0x0112, SHORT, one) with another value than 1, in either byte order.
fn is_turned(exif: &[u8]) -> bool {
    exif.windows(10).any(|entry| match entry {
        [0x01, 0x12, 0, 3, 0, 0, 0, 1, high, low] => (*high, *low) != (0, 1),
        [0x12, 0x01, 3, 0, 1, 0, 0, 0, low, high] => (*high, *low) != (0, 1),
        _ => false,
    })
}

/// A TIFF structure, big-endian: one directory, and the one for EXIF that it points to (EXIF 2.31, section 4.6).
fn tiff(exif: &Exif) -> Vec<u8> {
    let main = [(0x010f, &exif.make), (0x0110, &exif.model), (0x013b, &exif.artist), (0x8298, &exif.copyright)];
    let inner = [(0x9003, &exif.taken), (0x9011, &exif.offset), (0x9291, &exif.subsecond)];
    let header = [b"MM\0*".as_slice(), &8_u32.to_be_bytes()].concat();
    // The first pass finds out how long the first directory is, the second writes where the other begins.
    let length = directory(header.len(), &main, Some(0)).len();
    let start = header.len() + length;
    let first = directory(header.len(), &main, Some(start));
    let second = directory(start, &inner, None);
    [header, first, second].concat()
}

/// A directory that begins at `start`: entries in the order of their tags, the pointer's being the last, then the texts
/// that do not fit into an entry.
fn directory(start: usize, texts: &[(u16, &String)], pointer: Option<usize>) -> Vec<u8> {
    let count = texts.len() + usize::from(pointer.is_some());
    let mut entries = small(count).to_vec();
    let mut values = Vec::new();
    let values_start = start + 2 + 12 * count + 4;
    for (tag, text) in texts {
        let bytes = [text.as_bytes(), b"\0"].concat();
        entries.extend([tag.to_be_bytes(), 2_u16.to_be_bytes()].concat());
        entries.extend(large(bytes.len()));
        if bytes.len() <= 4 {
            let mut field = [0; 4];
            field[..bytes.len()].copy_from_slice(&bytes);
            entries.extend(field);
        } else {
            entries.extend(large(values_start + values.len()));
            values.extend(bytes);
            values.resize(values.len().next_multiple_of(2), 0);
        }
    }
    if let Some(offset) = pointer {
        // ExifIFD, LONG, one.
        entries.extend([0x8769_u16.to_be_bytes().as_slice(), &4_u16.to_be_bytes(), &large(1), &large(offset)].concat());
    }
    entries.extend([0; 4]);
    entries.extend(values);
    entries
}

fn small(value: usize) -> [u8; 2] {
    u16::try_from(value).unwrap_or(u16::MAX).to_be_bytes()
}

fn large(value: usize) -> [u8; 4] {
    u32::try_from(value).unwrap_or(u32::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exif() -> Exif {
        let text = str::to_owned;
        Exif {
            make: text("Make"),
            model: text("Model"),
            artist: text("Ann"),
            copyright: text("Ann; CC0"),
            taken: text("2026:06:20 10:00:00"),
            subsecond: text("05"),
            offset: text("+02:00"),
        }
    }

    /// SOI, a comment, a scan with two bytes.
    const JPEG: [u8; 16] = [0xff, 0xd8, 0xff, 0xfe, 0, 4, b'h', b'i', 0xff, 0xda, 0, 4, 1, 2, 0xff, 0xd9];

    #[test]
    fn what_was_there_stays() {
        let file = with_exif(&JPEG, &exif()).unwrap();
        assert!(file.ends_with(&JPEG[2..]));
        assert!(file.windows(20).any(|bytes| bytes == b"2026:06:20 10:00:00\0"));
    }

    #[test]
    fn older_exif_data_is_replaced() {
        let once = with_exif(&JPEG, &exif()).unwrap();
        assert_eq!(with_exif(&once, &exif()).unwrap(), once);
    }

    #[test]
    fn a_turned_photo_and_no_photo_are_refused() {
        let turned = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0";
        let segment = [&[0xff, 0xe1, 0, u8::try_from(turned.len() + 2).unwrap()], turned.as_slice()].concat();
        assert!(with_exif(&[&JPEG[..2], &segment, &JPEG[2..]].concat(), &exif()).is_err());
        assert!(with_exif(b"%PDF", &exif()).is_err());
    }

    #[test]
    fn both_directories_lie_where_the_pointers_say() {
        let tiff = tiff(&exif());
        let at = |offset: usize| u32::from_be_bytes(tiff[offset..offset + 4].try_into().unwrap()) as usize;
        assert_eq!(at(4), 8);
        assert_eq!(tiff[8..10], [0, 5]);
        let inner = at(10 + 4 * 12 + 8);
        assert_eq!(tiff[inner..inner + 4], [0, 3, 0x90, 0x03]);
        let taken = at(inner + 2 + 8);
        assert_eq!(&tiff[taken..taken + 19], b"2026:06:20 10:00:00");
    }
}
