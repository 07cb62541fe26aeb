//! Bytes to pixels.

pub(crate) mod heif;
pub(crate) mod jpeg;
pub(crate) mod png;
pub(crate) mod raster;
pub(crate) mod tiff;
pub(crate) mod webp;

use crate::{ColourProfile, Error, Extent, Probe, Source, colour::ink, frame::Frame, ycc};
use jpeg::Pixels;

/// Decodes a photo to planes that have what `extent` asks for where the photo has it, as stored, and says in which colours
/// they are.
///
/// # Errors
/// `Damaged`, `Unsupported`, `TooLarge`, `Missing`.
pub(crate) fn decode(source: &Source, extent: Extent) -> Result<(Frame, ColourProfile), Error> {
    let probe = &source.probe;
    let image =
        source.bytes.get(probe.image.clone()).ok_or_else(|| Error::Bug("no image in these bytes".to_owned()))?;
    if !image.starts_with(&[0xff, 0xd8]) {
        let raster = raster::decode(source, extent)?;
        return Ok((ycc::from_raster(&raster), probe.colour.clone()));
    }
    match jpeg::decode(image, (probe.width, probe.height), eighths(probe, extent))? {
        Pixels::Planes(frame) => Ok((frame, probe.colour.clone())),
        Pixels::Rgb(raster) => Ok((ycc::from_raster(&raster), probe.colour.clone())),
        Pixels::Cmyk(picture) => Ok((ycc::from_raster(&ink::to_srgb(&picture, &probe.colour)), ColourProfile::Srgb)),
    }
}

/// What a scale has to have more than is asked for, in parts of a hundred: docs/decisions/0024-margin-of-the-scale.md.
const MARGIN: u64 = 5;

/// The smallest scale of a JPEG, in eighths, that has what `extent` asks for and [`MARGIN`] more: its long edge, and across it
/// two thirds of that, as a photo of 3:2 has, so that a crop of a panorama has all its pixels too.
pub(crate) fn eighths(probe: &Probe, extent: Extent) -> u32 {
    let (width, height) = (probe.width.max(1), probe.height.max(1));
    let scale = |edge: u32, wanted: u32| (u64::from(wanted) * 8 * (100 + MARGIN)).div_ceil(u64::from(edge) * 100);
    let long = scale(width.max(height), extent.long_edge);
    let short = scale(width.min(height), extent.long_edge / 3 * 2);
    if extent.full { 8 } else { long.max(short).clamp(1, 8) as u32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_has_enough_and_no_more() {
        let scale = |width, height, long_edge| {
            let probe = Probe {
                format: procession_domain::photo::Format::Jpeg,
                width,
                height,
                orientation: crate::Orientation::UPRIGHT,
                colour: ColourProfile::Srgb,
                capture: Default::default(),
                single_scan: false,
                image: 0..0,
            };
            eighths(&probe, Extent { long_edge, full: false })
        };
        assert_eq!(scale(6000, 4000, 2048), 3);
        assert_eq!(scale(4000, 6000, 2048), 3);
        assert_eq!(scale(9504, 6336, 2048), 2);
        assert_eq!(scale(5400, 3600, 2048), 4);
        // 3/8 would have 2052 pixels, and 2/8 2064.
        assert_eq!(scale(5472, 3648, 2048), 4);
        assert_eq!(scale(8256, 5504, 2048), 3);
        assert_eq!(scale(2048, 1365, 2048), 8);
        assert_eq!(scale(800, 600, 2048), 8);
        assert_eq!(scale(12_000, 2_000, 2048), 6);
    }
}
