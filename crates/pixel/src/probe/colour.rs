//! What colours a photo's numbers mean.

use std::sync::Arc;

use moxcms::{ColorProfile, DataColorSpace};

use crate::{ColourProfile, Error};

/// The longest profile that is taken. Camera and editor profiles have 0.5 to 560 KB, printers' a few MB.
pub(crate) const MAX_ICC: usize = 8 << 20;

/// The colours of RGB pixels with this profile (if any) and this EXIF. A profile that cannot be read, or that is not for RGB,
/// says nothing: browsers treat it the same.
pub(super) fn of_rgb(icc: Option<&[u8]>, adobe_rgb: bool) -> ColourProfile {
    match icc.and_then(|icc| Some((icc, read(icc)?))) {
        Some((_, profile)) if profile.color_space != DataColorSpace::Rgb || is_srgb(&profile) => ColourProfile::Srgb,
        Some((icc, _)) => ColourProfile::Icc(Arc::new(icc.to_vec())),
        None if adobe_rgb => encoded(&ColorProfile::new_adobe_rgb()),
        None => ColourProfile::Srgb,
    }
}

/// As [`of_rgb`], for a format whose decoder keeps CMYK and grey as they are: their profiles are kept too.
pub(super) fn of_any(icc: Option<&[u8]>, adobe_rgb: bool) -> ColourProfile {
    match icc.and_then(|icc| Some((icc, read(icc)?))) {
        Some((icc, profile)) if profile.color_space != DataColorSpace::Rgb => {
            ColourProfile::Icc(Arc::new(icc.to_vec()))
        }
        _ => of_rgb(icc, adobe_rgb),
    }
}

/// The colours of code points (ITU-T H.273), as PNG's `cICP` and HEIF's `nclx` have them.
pub(super) fn of_code_points(primaries: u8, transfer: u8) -> Result<ColourProfile, Error> {
    if matches!(transfer, 16 | 18) {
        let curve = if transfer == 16 { "PQ" } else { "HLG" };
        return Err(Error::Unsupported(format!(
            "its pixels are high dynamic range ({curve}), which is not tone-mapped yet: export it as standard dynamic range"
        )));
    }
    // BT.709's curve is what phones write when they mean sRGB: every browser shows it so.
    Ok(match primaries {
        12 => encoded(&ColorProfile::new_display_p3()),
        9 => encoded(&ColorProfile::new_bt2020()),
        _ => ColourProfile::Srgb,
    })
}

fn read(icc: &[u8]) -> Option<ColorProfile> {
    if icc.len() > MAX_ICC {
        return None;
    }
    ColorProfile::new_from_slice(icc).ok()
}

fn encoded(profile: &ColorProfile) -> ColourProfile {
    profile.encode().map_or(ColourProfile::Srgb, |icc| ColourProfile::Icc(Arc::new(icc)))
}

/// True if a matrix profile has sRGB's primaries and curve, whoever made it: most cameras' and editors' "sRGB" are not the
/// same bytes. Within 0.002 of each colorant and of linear light at each 8-bit level.
fn is_srgb(profile: &ColorProfile) -> bool {
    let has_table = profile.lut_a_to_b_perceptual.is_some()
        || profile.lut_a_to_b_colorimetric.is_some()
        || profile.lut_a_to_b_saturation.is_some();
    if has_table || profile.pcs != DataColorSpace::Xyz {
        return false;
    }
    let srgb = ColorProfile::new_srgb();
    let near = |a: f64, b: f64| (a - b).abs() < 0.002;
    let colorants = |profile: &ColorProfile| [profile.red_colorant, profile.green_colorant, profile.blue_colorant];
    let same_primaries = std::iter::zip(colorants(profile), colorants(&srgb))
        .all(|(a, b)| near(a.x, b.x) && near(a.y, b.y) && near(a.z, b.z));
    let curve = |profile: &ColorProfile, trc| profile.build_8bit_lin_table(trc).ok();
    let Some(wanted) = curve(&srgb, &srgb.green_trc) else { return false };
    same_primaries
        && [&profile.red_trc, &profile.green_trc, &profile.blue_trc].into_iter().all(|trc| {
            curve(profile, trc).is_some_and(|found| {
                std::iter::zip(found.iter(), wanted.iter()).all(|(&a, &b)| near(f64::from(a), f64::from(b)))
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_that_are_srgb_are_known_and_others_kept() {
        let srgb = ColorProfile::new_srgb().encode().unwrap();
        assert_eq!(of_rgb(Some(&srgb), false), ColourProfile::Srgb);
        for other in [ColorProfile::new_display_p3(), ColorProfile::new_adobe_rgb(), ColorProfile::new_pro_photo_rgb()]
        {
            let icc = other.encode().unwrap();
            assert_eq!(of_rgb(Some(&icc), true), ColourProfile::Icc(Arc::new(icc.clone())));
        }
        assert_eq!(of_rgb(Some(b"not a profile"), false), ColourProfile::Srgb);
        assert_eq!(of_rgb(None, false), ColourProfile::Srgb);
        assert!(matches!(of_rgb(None, true), ColourProfile::Icc(_)));
    }

    #[test]
    fn grey_profiles_are_kept_only_where_grey_is() {
        let grey = ColorProfile::new_gray_with_gamma(1.8).encode().unwrap();
        assert_eq!(of_rgb(Some(&grey), false), ColourProfile::Srgb);
        assert!(matches!(of_any(Some(&grey), false), ColourProfile::Icc(_)));
    }
}
