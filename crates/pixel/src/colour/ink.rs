//! CMYK to sRGB.

use moxcms::{ColorProfile, DataColorSpace, Layout};

use super::options;
use crate::{ColourProfile, frame::Raster, libjpeg::Picture};

/// Converts ink (0 for none; four bytes a pixel) by the photo's profile, or without one as if inks were perfect.
pub(crate) fn to_srgb(picture: &Picture, photo: &ColourProfile) -> Raster {
    let mut rgb = vec![0; picture.width * picture.height * 3];
    if !by_profile(picture, photo, &mut rgb) {
        for (pixel, ink) in rgb.chunks_exact_mut(3).zip(picture.data.chunks_exact(4)) {
            for (channel, amount) in pixel.iter_mut().zip(ink) {
                *channel = ((255 - u32::from(*amount)) * (255 - u32::from(ink[3])) / 255) as u8;
            }
        }
    }
    Raster { width: picture.width, height: picture.height, rgb }
}

fn by_profile(picture: &Picture, photo: &ColourProfile, rgb: &mut [u8]) -> bool {
    let ColourProfile::Icc(bytes) = photo else { return false };
    let Ok(profile) = ColorProfile::new_from_slice(bytes) else { return false };
    if profile.color_space != DataColorSpace::Cmyk {
        return false;
    }
    let transform = profile.create_transform_8bit(Layout::Rgba, &ColorProfile::new_srgb(), Layout::Rgb, options());
    let Ok(transform) = transform else { return false };
    let rows = rgb.chunks_exact_mut(picture.width * 3).zip(picture.data.chunks_exact(picture.width * 4));
    rows.into_iter().all(|(rgb, ink)| transform.transform(ink, rgb).is_ok())
}
