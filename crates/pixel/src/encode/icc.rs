//! The ICC profiles that outputs carry.

use std::sync::OnceLock;

use moxcms::{LocalizableString, ProfileText};
use procession_domain::recipe::OutputColour;

use crate::colour::space;

/// The profile of a space: matrix and curve, a few hundred bytes.
pub(crate) fn profile(colour: OutputColour) -> &'static [u8] {
    static SRGB: OnceLock<Vec<u8>> = OnceLock::new();
    static DISPLAY_P3: OnceLock<Vec<u8>> = OnceLock::new();
    match colour {
        OutputColour::Srgb => SRGB.get_or_init(|| compact(colour, "sRGB")),
        OutputColour::DisplayP3 => DISPLAY_P3.get_or_init(|| compact(colour, "P3")),
    }
}

fn compact(colour: OutputColour, name: &str) -> Vec<u8> {
    let mut profile = space(colour);
    let text = |value: &str| {
        Some(ProfileText::Localizable(vec![LocalizableString::new("en".into(), "US".into(), value.to_owned())]))
    };
    profile.description = text(name);
    profile.copyright = text("CC0");
    // Encoding fails for profiles with tables alone, and these have none.
    let mut bytes = profile.encode().unwrap_or_default();
    // The encoder writes the present moment as the profile's date. Equal photos must give equal files.
    if let Some(date) = bytes.get_mut(DATE) {
        date.copy_from_slice(&[7, 234, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]);
    }
    bytes
}

/// Where a profile's date stands: six big-endian numbers, year to second (ICC.1:2022, 7.2.8). It is set to 2026-01-01.
const DATE: std::ops::Range<usize> = 24..36;

#[cfg(test)]
mod tests {
    use super::*;
    use moxcms::ColorProfile;

    #[test]
    fn profiles_do_not_depend_on_the_day() {
        for colour in [OutputColour::Srgb, OutputColour::DisplayP3] {
            assert_eq!(profile(colour)[DATE], [7, 234, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]);
        }
    }

    #[test]
    fn profiles_are_small_and_are_what_they_say() {
        for (colour, expected) in
            [(OutputColour::Srgb, ColorProfile::new_srgb()), (OutputColour::DisplayP3, ColorProfile::new_display_p3())]
        {
            let bytes = profile(colour);
            assert!((300..700).contains(&bytes.len()), "{colour:?} has {} bytes", bytes.len());
            let read = ColorProfile::new_from_slice(bytes).unwrap();
            for (a, b) in [
                (read.red_colorant, expected.red_colorant),
                (read.green_colorant, expected.green_colorant),
                (read.blue_colorant, expected.blue_colorant),
            ] {
                assert!((a.x - b.x).abs() < 1e-4 && (a.y - b.y).abs() < 1e-4 && (a.z - b.z).abs() < 1e-4);
            }
        }
    }
}
