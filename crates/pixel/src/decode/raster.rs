//! Everything that is not JPEG.

use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};
use procession_domain::photo::Format;

use super::{heif, png, tiff, webp};
use crate::{Error, Extent, Source, frame::Raster};

/// Decodes a photo of any format but JPEG to RGB, at its full size: none of these formats can be decoded smaller for less.
/// What is transparent becomes white. Samples of more than 8 bits are cut to 8. CMYK, and grey with a grey profile, become
/// sRGB here, as [`crate::probe()`] said.
///
/// # Errors
/// `Unsupported`, `Damaged`, `TooLarge`, `Missing`.
pub(crate) fn decode(source: &Source, extent: Extent) -> Result<Raster, Error> {
    let _ = extent;
    match source.probe.format {
        Format::Png => png::decode(source),
        Format::Tiff => tiff::decode(source),
        Format::WebP => webp::decode(source),
        Format::Heif | Format::Avif => heif::decode(source),
        Format::Jpeg | Format::Raw => Err(Error::Bug("a JPEG came to the wrong decoder".to_owned())),
    }
}

/// What the 8-bit samples of a pixel are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Samples {
    Grey,
    GreyAlpha,
    Rgb,
    RgbAlpha,
}

/// Appends interleaved pixels as RGB on white.
pub(super) fn append_rgb(rgb: &mut Vec<u8>, pixels: &[u8], samples: Samples) {
    match samples {
        Samples::Grey => rgb.extend(pixels.iter().flat_map(|&grey| [grey; 3])),
        Samples::GreyAlpha => rgb.extend(pixels.chunks_exact(2).flat_map(|pixel| [on_white(pixel[0], pixel[1]); 3])),
        Samples::Rgb => rgb.extend_from_slice(pixels),
        Samples::RgbAlpha => {
            rgb.extend(pixels.chunks_exact(4).flat_map(|pixel| [0, 1, 2].map(|i| on_white(pixel[i], pixel[3]))));
        }
    }
}

/// Straight alpha over white.
fn on_white(value: u8, alpha: u8) -> u8 {
    let alpha = u32::from(alpha);
    ((u32::from(value) * alpha + 255 * (255 - alpha) + 127) / 255) as u8
}

/// What each grey level is in sRGB, if the profile is for grey.
pub(super) fn grey_levels(icc: Option<&[u8]>) -> Option<[u8; 256]> {
    let profile = ColorProfile::new_from_slice(icc?).ok()?;
    if profile.color_space != DataColorSpace::Gray {
        return None;
    }
    let transform = profile
        .create_transform_8bit(Layout::Gray, &ColorProfile::new_srgb(), Layout::Rgb, TransformOptions::default())
        .ok()?;
    let levels: [u8; 256] = std::array::from_fn(|level| level as u8);
    let mut rgb = [0; 768];
    transform.transform(&levels, &mut rgb).ok()?;
    Some(std::array::from_fn(|level| rgb[3 * level + 1]))
}
