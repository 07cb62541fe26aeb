//! JPEG (ITU-T T.81) with JFIF, EXIF, Adobe and ICC segments.

use procession_domain::photo::Format;

use super::{ColourProfile, Header, colour};
use crate::{Error, exif::read::Exif};

/// What stands before the first scan.
#[derive(Debug, Default)]
pub(super) struct Segments<'a> {
    pub(super) width: u32,
    pub(super) height: u32,
    /// See [`crate::Probe::single_scan`].
    pub(super) single_scan: bool,
    components: u8,
    sequential: bool,
    exif: Option<&'a [u8]>,
    /// The pieces of the ICC profile: number, of how many, bytes.
    icc: Vec<(u8, u8, &'a [u8])>,
}

pub(super) fn probe(bytes: &[u8]) -> Result<Header, Error> {
    let segments = Segments::read(bytes)?;
    let exif = segments.exif();
    Ok(Header {
        format: Format::Jpeg,
        width: segments.width,
        height: segments.height,
        orientation: exif.orientation,
        colour: segments.colour(exif.adobe_rgb),
        capture: exif.capture,
        single_scan: segments.single_scan,
        image: 0..bytes.len(),
    })
}

impl<'a> Segments<'a> {
    /// Reads up to the first scan.
    ///
    /// # Errors
    /// `Damaged`, `Unsupported` (12 bits, lossless, hierarchical).
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut found = Self::default();
        let mut at = 2;
        loop {
            // Fill bytes may stand before a marker.
            let marker = match bytes.get(at..at + 2) {
                Some(&[0xff, 0xff]) => {
                    at += 1;
                    continue;
                }
                Some(&[0xff, marker]) => marker,
                // Junk between segments: some editors leave it, every decoder skips it.
                Some(_) => {
                    at += 1;
                    continue;
                }
                None => return Err(damaged("it is cut off before its pixels")),
            };
            at += 2;
            if matches!(marker, 0x00 | 0x01 | 0xd0..=0xd8) {
                continue;
            }
            if marker == 0xd9 {
                return Err(damaged("it ends before its pixels"));
            }
            let length = bytes.get(at..at + 2).map_or(0, |length| usize::from(length[0]) << 8 | usize::from(length[1]));
            let Some(segment) = bytes.get(at + 2..at + length.max(2)) else {
                return Err(damaged("it is cut off before its pixels"));
            };
            match marker {
                0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => found.frame(marker, segment)?,
                0xe1 if found.exif.is_none() && segment.starts_with(b"Exif\0") => found.exif = segment.get(6..),
                0xe2 => found.icc.extend(icc_piece(segment)),
                0xda if found.width == 0 => return Err(damaged("its pixels have no frame header")),
                0xda => {
                    found.single_scan = found.sequential && segment.first() == Some(&found.components);
                    return Ok(found);
                }
                _ => {}
            }
            at += length.max(2);
        }
    }

    fn frame(&mut self, marker: u8, segment: &[u8]) -> Result<(), Error> {
        let &[precision, y1, y0, x1, x0, components, ..] = segment else {
            return Err(damaged("its frame header is too short"));
        };
        let unsupported =
            |what: &str| Err(Error::Unsupported(format!("a JPEG with {what}: export it as a baseline JPEG")));
        match marker {
            0xc0..=0xc2 | 0xc9 | 0xca => {}
            0xc3 | 0xcb => return unsupported("lossless coding"),
            _ => return unsupported("hierarchical coding"),
        }
        if precision != 8 {
            return unsupported(&format!("{precision} bits a sample"));
        }
        if !matches!(components, 1 | 3 | 4) {
            return unsupported(&format!("{components} channels"));
        }
        (self.components, self.sequential) = (components, matches!(marker, 0xc0 | 0xc1 | 0xc9));
        (self.width, self.height) = (u32::from(u16::from_be_bytes([x1, x0])), u32::from(u16::from_be_bytes([y1, y0])));
        if self.width == 0 || self.height == 0 {
            return Err(damaged(&format!("its header says {} × {} pixels", self.width, self.height)));
        }
        Ok(())
    }

    /// What its EXIF says.
    pub(super) fn exif(&self) -> Exif {
        self.exif.map(Exif::read).unwrap_or_default()
    }

    /// Whether a profile is embedded.
    pub(super) fn has_profile(&self) -> bool {
        !self.icc.is_empty()
    }

    /// The colours of its pixels.
    pub(super) fn colour(&self, adobe_rgb: bool) -> ColourProfile {
        colour::of_any(self.icc().as_deref(), adobe_rgb)
    }

    /// The profile, from pieces in any order. `None` if one is missing or stands there twice.
    fn icc(&self) -> Option<Vec<u8>> {
        let mut pieces = self.icc.clone();
        pieces.sort_by_key(|piece| piece.0);
        let complete = pieces
            .iter()
            .zip(1..)
            .all(|(&(number, of, _), expected)| usize::from(number) == expected && usize::from(of) == pieces.len());
        let length: usize = pieces.iter().map(|piece| piece.2.len()).sum();
        (complete && length > 0 && length <= colour::MAX_ICC)
            .then(|| pieces.iter().flat_map(|piece| piece.2).copied().collect())
    }
}

fn icc_piece(segment: &[u8]) -> Option<(u8, u8, &[u8])> {
    match segment.strip_prefix(b"ICC_PROFILE\0")? {
        [number, of, piece @ ..] => Some((*number, *of, piece)),
        _ => None,
    }
}

fn damaged(why: &str) -> Error {
    Error::Damaged { format: "JPEG", why: why.to_owned() }
}
