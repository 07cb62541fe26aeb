//! From the photo's colours to the output's.
//!
//! Only the luma and chroma that an output shows are converted, never the photo at its full size. A profile that cannot be
//! read says nothing about the colours, so the photo is taken to be sRGB, as viewers do.

mod convert;
pub(crate) mod ink;

use std::{fmt, sync::Arc};

use moxcms::{ColorProfile, DataColorSpace, Layout, RenderingIntent, Transform8BitExecutor, TransformOptions};
use procession_domain::recipe::OutputColour;

use crate::{
    ColourProfile, Error,
    frame::{Chroma, Frame},
    resize::{self, Target},
};

/// A gamut that is larger than sRGB's by less than this is sRGB in other words.
const WIDER: f32 = 1.05;

/// What is done to a photo's colours.
pub(crate) enum Conversion {
    /// They are the output's already.
    None,
    /// RGB to RGB.
    Colour(Arc<Transform8BitExecutor>),
    /// Grey, which luma is, to RGB.
    Grey(Arc<Transform8BitExecutor>),
}

impl fmt::Debug for Conversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Colour(_) => "Colour",
            Self::Grey(_) => "Grey",
        })
    }
}

impl Conversion {
    /// From a photo's colours to an output's.
    pub(crate) fn new(photo: &ColourProfile, output: OutputColour) -> Self {
        let profile = match photo {
            ColourProfile::Srgb if output == OutputColour::Srgb => return Self::None,
            ColourProfile::Srgb => ColorProfile::new_srgb(),
            ColourProfile::Icc(bytes) => match ColorProfile::new_from_slice(bytes) {
                Ok(profile) => profile,
                Err(_) => return Self::None,
            },
        };
        let transform = |layout| profile.create_transform_8bit(layout, &space(output), Layout::Rgb, options()).ok();
        match profile.color_space {
            DataColorSpace::Rgb => transform(Layout::Rgb).map_or(Self::None, Self::Colour),
            DataColorSpace::Gray => transform(Layout::Gray).map_or(Self::None, Self::Grey),
            _ => Self::None,
        }
    }

    /// Resamples a frame and converts its colours, at the size of the result. Its rows are padded.
    ///
    /// # Errors
    /// `Bug` if the colours cannot be converted.
    pub(crate) fn resized(&self, source: &Frame, target: Target, chroma: Chroma) -> Result<Frame, Error> {
        if matches!(self, Self::None) {
            return Ok(resize::frame(source, target, chroma));
        }
        let mut frame = resize::frame(source, target, Chroma::Full);
        convert::convert(&mut frame, self)?;
        Ok(if chroma == Chroma::Half { convert::halved(frame) } else { frame })
    }
}

/// The space that outputs are in: Display P3 where it is wanted and the photo's own profile is wider than sRGB.
pub(crate) fn output_space(wanted: OutputColour, photo: &ColourProfile) -> OutputColour {
    let volume = |profile: &ColorProfile| profile.profile_volume().unwrap_or(0.0).abs();
    let wider = |bytes: &[u8]| {
        ColorProfile::new_from_slice(bytes).is_ok_and(|profile| {
            profile.color_space == DataColorSpace::Rgb && volume(&profile) > volume(&ColorProfile::new_srgb()) * WIDER
        })
    };
    match (wanted, photo) {
        (OutputColour::DisplayP3, ColourProfile::Icc(bytes)) if wider(bytes) => OutputColour::DisplayP3,
        _ => OutputColour::Srgb,
    }
}

/// The profile of an output's space.
pub(crate) fn space(colour: OutputColour) -> ColorProfile {
    match colour {
        OutputColour::Srgb => ColorProfile::new_srgb(),
        OutputColour::DisplayP3 => ColorProfile::new_display_p3(),
    }
}

fn options() -> TransformOptions {
    TransformOptions { rendering_intent: RenderingIntent::RelativeColorimetric, ..TransformOptions::default() }
}

#[cfg(test)]
mod tests;
