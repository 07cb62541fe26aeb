//! A photo's header: everything that is decided before its pixels are touched.

mod bmff;
mod colour;
mod heif;
pub(crate) mod ifd;
mod jpeg;
mod png;
mod raw;
pub(crate) mod tiff;
mod webp;

use std::{ops::Range, sync::Arc};

use procession_domain::{capture::Capture, photo::Format};

use crate::{
    Error, Limits,
    sniff::{describe, sniff},
};

/// How the stored pixels are turned to be upright: EXIF orientation 1 to 8. Upright unless something else is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Orientation(u8);

impl Default for Orientation {
    fn default() -> Self {
        Self::UPRIGHT
    }
}

impl Orientation {
    /// Stored upright.
    pub const UPRIGHT: Self = Self(1);

    /// The orientation of this EXIF value; anything but 1 to 8 is upright, as viewers take it.
    pub fn from_exif(value: u32) -> Self {
        Self(u8::try_from(value).ok().filter(|v| (1..=8).contains(v)).unwrap_or(1))
    }

    /// The EXIF value.
    pub fn exif(self) -> u8 {
        self.0
    }

    /// Width and height change places.
    pub fn swaps_axes(self) -> bool {
        self.0 >= 5
    }
}

/// The colour of the stored pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColourProfile {
    /// sRGB, by an embedded profile that is sRGB, by EXIF, or because nothing else is said.
    Srgb,
    /// An embedded ICC profile.
    Icc(Arc<Vec<u8>>),
}

/// What a header says.
#[derive(Clone, Debug)]
pub struct Probe {
    /// How the bytes are written.
    pub format: Format,
    /// Width of the stored pixels (of a RAW: of the preview that will be decoded).
    pub width: u32,
    /// Height of the stored pixels.
    pub height: u32,
    /// How they are turned.
    pub orientation: Orientation,
    /// Their colour.
    pub colour: ColourProfile,
    /// What the camera wrote.
    pub capture: Capture,
    /// It is a JPEG, or a RAW's, whose first scan has all its channels and is not progressive: no decoder holds the coefficients
    /// of all of it. `false` where nothing is known.
    pub single_scan: bool,
    /// Where the image to decode starts and ends in the file: all of it, but for a RAW's preview
    /// and for an animated WebP's first picture.
    pub image: Range<usize>,
}

impl Probe {
    /// Width and height, upright.
    pub fn upright(&self) -> (u32, u32) {
        if self.orientation.swaps_axes() { (self.height, self.width) } else { (self.width, self.height) }
    }
}

/// What the reader of one format found.
struct Header {
    format: Format,
    width: u32,
    height: u32,
    orientation: Orientation,
    colour: ColourProfile,
    capture: Capture,
    single_scan: bool,
    image: Range<usize>,
}

/// Reads the header of a photo and holds it against the limits. Allocates no more than the metadata needs: at most 8 MB for
/// a colour profile.
///
/// `format` of the result is what the photo is: a RAW that [`crate::sniff()`] took for a TIFF is a RAW here. A photo with several
/// pictures (MPO, Ultra HDR, animations, pages) is its first one. Of a HEIF and AVIF `width` and `height` are those of the
/// decoded picture, which is upright.
///
/// # Errors
/// `Unrecognised`, `Unsupported`, `Damaged`, `TooLarge`.
pub fn probe(bytes: &[u8], limits: &Limits) -> Result<Probe, Error> {
    limits.check_bytes(bytes.len())?;
    let head = &bytes[..bytes.len().min(64)];
    let Some(format) = sniff(head) else {
        return Err(Error::Unrecognised(format!("it is {}", describe(head))));
    };
    let header = match format {
        Format::Jpeg => jpeg::probe(bytes),
        Format::Png => png::probe(bytes, limits),
        Format::WebP => webp::probe(bytes),
        Format::Tiff => tiff::probe(bytes),
        Format::Raw => raw::probe(bytes),
        Format::Heif | Format::Avif => heif::probe(bytes, format),
    }?;
    limits.check_size(name(header.format), header.width, header.height)?;
    let Header { format, width, height, orientation, colour, capture, single_scan, image } = header;
    Ok(Probe { format, width, height, orientation, colour, capture, single_scan, image })
}

/// What people call a format.
pub(crate) fn name(format: Format) -> &'static str {
    match format {
        Format::Jpeg => "JPEG",
        Format::Png => "PNG",
        Format::Tiff => "TIFF",
        Format::WebP => "WebP",
        Format::Heif => "HEIF",
        Format::Avif => "AVIF",
        Format::Raw => "RAW",
    }
}

/// A size as headers have it, for `Probe`. What does not fit is refused by the limits afterwards.
fn edge(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
