use super::*;
use crate::{Orientation, frame::Raster, resize::Window, ycc};

fn icc(profile: &ColorProfile) -> ColourProfile {
    ColourProfile::Icc(Arc::new(profile.encode().unwrap()))
}

fn converted(conversion: &Conversion, colour: [u8; 3], chroma: Chroma) -> [u8; 3] {
    let raster = Raster { width: 9, height: 7, rgb: colour.repeat(63) };
    let target = Target { window: Window::ALL, orientation: Orientation::UPRIGHT, width: 9, height: 7 };
    let frame = conversion.resized(&ycc::from_raster(&raster), target, chroma).unwrap();
    let [y, cb, cr] = [0, 1, 2].map(|plane: usize| frame.planes[plane].row(2)[3]);
    ycc::pixel_to_rgb(y, cb, cr)
}

fn assert_near(a: [u8; 3], b: [u8; 3], what: &str) {
    assert!(a.iter().zip(b).all(|(x, y)| x.abs_diff(y) <= 3), "{what}: {a:?} is not {b:?}");
}

#[test]
fn srgb_is_left_alone() {
    assert!(matches!(Conversion::new(&ColourProfile::Srgb, OutputColour::Srgb), Conversion::None));
}

#[test]
fn wide_colours_become_what_srgb_calls_them() {
    let p3 = icc(&ColorProfile::new_display_p3());
    for chroma in [Chroma::Full, Chroma::Half] {
        let conversion = Conversion::new(&p3, OutputColour::Srgb);
        // Display P3 (0.6, 0.4, 0.4) in sRGB, by the matrices of both spaces.
        assert_near(converted(&conversion, [153, 102, 102], chroma), [161, 101, 102], "P3 to sRGB");
        assert_near(converted(&conversion, [255, 255, 255], chroma), [255, 255, 255], "white");
    }
    let adobe = icc(&ColorProfile::new_adobe_rgb());
    assert_near(
        converted(&Conversion::new(&adobe, OutputColour::Srgb), [128, 128, 128], Chroma::Full),
        [128, 128, 128],
        "Adobe grey",
    );
    let same = Conversion::new(&p3, OutputColour::DisplayP3);
    assert_near(converted(&same, [153, 102, 102], Chroma::Full), [153, 102, 102], "P3 to P3");
}

#[test]
fn grey_profiles_are_applied() {
    let linear = icc(&ColorProfile::new_gray_with_gamma(1.0));
    // Half of the light is 188 in sRGB.
    let seen = converted(&Conversion::new(&linear, OutputColour::Srgb), [128; 3], Chroma::Half);
    assert_near(seen, [188; 3], "linear grey");
}

#[test]
fn a_broken_profile_is_taken_for_srgb() {
    let broken = ColourProfile::Icc(Arc::new(vec![7; 200]));
    assert!(matches!(Conversion::new(&broken, OutputColour::Srgb), Conversion::None));
    assert_eq!(output_space(OutputColour::DisplayP3, &broken), OutputColour::Srgb);
}

#[test]
fn p3_is_for_photos_that_are_wider_than_srgb() {
    let wanted = OutputColour::DisplayP3;
    assert_eq!(output_space(wanted, &icc(&ColorProfile::new_display_p3())), OutputColour::DisplayP3);
    assert_eq!(output_space(wanted, &icc(&ColorProfile::new_adobe_rgb())), OutputColour::DisplayP3);
    assert_eq!(output_space(wanted, &icc(&ColorProfile::new_srgb())), OutputColour::Srgb);
    assert_eq!(output_space(wanted, &ColourProfile::Srgb), OutputColour::Srgb);
    assert_eq!(output_space(OutputColour::Srgb, &icc(&ColorProfile::new_display_p3())), OutputColour::Srgb);
}
