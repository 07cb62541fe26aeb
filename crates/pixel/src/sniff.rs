//! What bytes are, by their first few.

use procession_domain::photo::Format;

/// Finds the format from the start of a file (the first 64 bytes, or all if it has fewer). `None`: not a photo.
///
/// A RAW whose header is an ordinary TIFF's (NEF, ARW, DNG, PEF, SRW) looks like a TIFF here; [`crate::probe`] reads on and
/// says which it is.
pub fn sniff(head: &[u8]) -> Option<Format> {
    if head.starts_with(&[0xff, 0xd8, 0xff]) {
        return Some(Format::Jpeg);
    }
    if head.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Some(Format::Png);
    }
    if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
        return Some(Format::WebP);
    }
    if head.starts_with(b"FUJIFILMCCD-RAW ") {
        return Some(Format::Raw);
    }
    tiff(head).or_else(|| boxes(head))
}

fn tiff(head: &[u8]) -> Option<Format> {
    match head.get(..4)? {
        b"II*\0" if head.get(8..10) == Some(b"CR") => Some(Format::Raw),
        b"II*\0" | b"MM\0*" | b"II+\0" | b"MM\0+" => Some(Format::Tiff),
        // Panasonic, Olympus.
        b"IIU\0" | b"IIRO" | b"IIRS" | b"MMOR" => Some(Format::Raw),
        _ => None,
    }
}

/// ISO 14496-12 `ftyp`: the major brand, then the compatible ones.
fn boxes(head: &[u8]) -> Option<Format> {
    if head.get(4..8)? != b"ftyp" {
        return None;
    }
    let length = u32::from_be_bytes(head.get(..4)?.try_into().ok()?) as usize;
    let end = length.min(head.len());
    let major = head.get(8..12)?;
    let compatible = head.get(16..end).unwrap_or_default();
    let mut brands = std::iter::once(major).chain(compatible.chunks_exact(4));
    if major == b"crx " {
        return Some(Format::Raw);
    }
    // Two passes: an AVIF may call itself a general "mif1" first.
    if brands.clone().any(|brand| matches!(brand, b"avif" | b"avis")) {
        return Some(Format::Avif);
    }
    brands
        .any(|brand| {
            matches!(brand, b"heic" | b"heix" | b"hevc" | b"hevx" | b"heim" | b"heis" | b"hevm" | b"hevs" | b"mif1")
        })
        .then_some(Format::Heif)
}

/// What a file that is not a photo is, for the message: "a PDF document".
pub(crate) fn describe(head: &[u8]) -> &'static str {
    const KNOWN: &[(&[u8], &str)] = &[
        (b"%PDF", "a PDF document"),
        (b"GIF8", "a GIF"),
        (b"BM", "a Windows bitmap"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"8BPS", "a Photoshop document"),
        (b"\x00\x00\x00\x0cJXL ", "a JPEG XL"),
        (b"\xff\x0a", "a JPEG XL"),
        (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000"),
        (b"<", "a text with markup"),
        (b"\x1f\x8b", "a gzip archive"),
    ];
    if head.is_empty() {
        return "an empty file";
    }
    if head.iter().take(64).all(|&byte| byte == 0) {
        return "a file of zero bytes, as a failed copy leaves it";
    }
    if head.get(4..8) == Some(b"ftyp") {
        return "a film";
    }
    KNOWN.iter().find(|(start, _)| head.starts_with(start)).map_or("of no known format", |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn photos_are_known_by_their_content() {
        for (head, format) in [
            (&b"\xff\xd8\xff\xe0\0\x10JFIF\0"[..], Format::Jpeg),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Format::Png),
            (b"II*\0\x08\0\0\0\0\0\0\0", Format::Tiff),
            (b"MM\0*\0\0\0\x08", Format::Tiff),
            (b"II*\0\x10\0\0\0CR\x02\0", Format::Raw),
            (b"IIU\0\x18\0\0\0", Format::Raw),
            (b"IIRO\x08\0\0\0", Format::Raw),
            (b"FUJIFILMCCD-RAW 0201", Format::Raw),
            (b"RIFF\x10\0\0\0WEBPVP8 ", Format::WebP),
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", Format::Heif),
            (b"\0\0\0\x18ftypmif1\0\0\0\0avifmif1", Format::Avif),
            (b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom", Format::Raw),
        ] {
            assert_eq!(sniff(head), Some(format), "{:?}", head.escape_ascii().to_string());
        }
    }

    #[test]
    fn others_are_not_photos_whatever_their_name() {
        for (head, what) in [
            (&b"%PDF-1.7"[..], "a PDF document"),
            (b"", "an empty file"),
            (&[0; 64], "a file of zero bytes, as a failed copy leaves it"),
            (b"\0\0\0\x18ftypisom\0\0\0\0mp42", "a film"),
            (b"hello, world", "of no known format"),
        ] {
            assert_eq!(sniff(head), None);
            assert_eq!(describe(head), what);
        }
    }
}
