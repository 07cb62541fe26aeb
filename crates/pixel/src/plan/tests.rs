use procession_domain::{photo::Format, recipe::OutputFormat};

use super::*;
use crate::{ColourProfile, Orientation};

fn probe(width: u32, height: u32, orientation: u32) -> Probe {
    Probe {
        format: Format::Jpeg,
        width,
        height,
        orientation: Orientation::from_exif(orientation),
        colour: ColourProfile::Srgb,
        capture: Capture::default(),
        single_scan: false,
        image: 0..0,
    }
}

fn recipe(fits: &[Fit]) -> Recipe {
    let jpeg = Encoding { format: OutputFormat::Jpeg, quality: 82, full_chroma: false };
    let spec = |(index, fit): (usize, &Fit)| VariantSpec {
        name: format!("v{index}"),
        fit: *fit,
        formats: vec![jpeg],
        sharpen: 0.0,
    };
    Recipe {
        colour: OutputColour::Srgb,
        metadata: MetadataPolicy::Strip,
        variants: fits.iter().enumerate().map(spec).collect(),
    }
}

fn crop(photo: (u32, u32), shape: (u32, u32), long_edge: u32, faces: &[Region]) -> Output {
    let fit = Fit::Crop { width: shape.0, height: shape.1, long_edge };
    Plan::new(&recipe(&[fit]), &probe(photo.0, photo.1, 1), faces).unwrap().outputs.remove(0)
}

fn face(x: f32, y: f32, width: f32, height: f32) -> Region {
    Region { x, y, width, height }
}

fn shows(window: Window, face: Region) -> bool {
    let inside = |start: f32, length: f32, from: f64, part: f64| {
        f64::from(start) >= from - 1e-6 && f64::from(start + length) <= from + part + 1e-6
    };
    inside(face.x, face.width, window.x, window.width) && inside(face.y, face.height, window.y, window.height)
}

#[test]
fn an_output_is_upright_and_never_enlarged() {
    let plan = Plan::new(&recipe(&[Fit::LongEdge(2048), Fit::Full]), &probe(6000, 4000, 6), &[]).unwrap();
    assert_eq!((plan.outputs[0].width, plan.outputs[0].height), (1365, 2048));
    assert_eq!((plan.outputs[1].width, plan.outputs[1].height), (4000, 6000));
    let plan = Plan::new(&recipe(&[Fit::LongEdge(2048)]), &probe(300, 200, 1), &[]).unwrap();
    assert_eq!((plan.outputs[0].width, plan.outputs[0].height), (300, 200));
}

#[test]
fn a_crop_has_its_shape_and_never_grows() {
    let output = crop((6000, 4000), (4, 5), 1350, &[]);
    assert_eq!((output.width, output.height), (1080, 1350));
    let output = crop((300, 200), (1, 1), 1080, &[]);
    assert_eq!((output.width, output.height), (200, 200));
    let output = crop((6000, 4000), (9, 16), 1920, &[]);
    assert_eq!((output.width, output.height), (1080, 1920));
}

#[test]
fn a_crop_without_faces_is_centred_or_above() {
    let wide = crop((6000, 4000), (1, 1), 256, &[]).window;
    assert!((wide.x + wide.width / 2.0 - 0.5).abs() < 1e-9);
    let tall = crop((4000, 6000), (1, 1), 256, &[]).window;
    assert!((tall.y - (1.0 - tall.height) / 3.0).abs() < 1e-9);
}

#[test]
fn faces_stay_in_frame() {
    for x in [0.0, 0.1, 0.45, 0.8, 0.9] {
        let subject = face(x, 0.2, 0.1, 0.15);
        for shape in [(1, 1), (4, 5), (9, 16)] {
            assert!(
                shows(crop((6000, 4000), shape, 1080, &[subject]).window, subject),
                "{shape:?} loses a face at {x}"
            );
        }
    }
}

#[test]
fn the_largest_faces_come_first_where_not_all_fit() {
    let (bride, guest) = (face(0.75, 0.3, 0.2, 0.3), face(0.0, 0.3, 0.05, 0.08));
    let window = crop((6000, 4000), (9, 16), 1920, &[bride, guest]).window;
    assert!(shows(window, bride) && !shows(window, guest));
}

#[test]
fn two_faces_that_fit_are_both_shown() {
    let (left, right) = (face(0.2, 0.3, 0.1, 0.15), face(0.6, 0.3, 0.1, 0.15));
    let window = crop((6000, 4000), (1, 1), 1080, &[left, right]).window;
    assert!(shows(window, left) && shows(window, right));
}

#[test]
fn a_face_larger_than_the_crop_is_shown_by_its_middle() {
    let close = face(0.1, 0.0, 0.8, 1.0);
    let window = crop((6000, 4000), (9, 16), 1920, &[close]).window;
    assert!((window.x + window.width / 2.0 - 0.5).abs() < 1e-6);
}

#[test]
fn the_extent_covers_every_variant() {
    let extent = Plan::extent(&recipe(&[Fit::LongEdge(2048), Fit::Crop { width: 9, height: 16, long_edge: 1920 }]));
    assert_eq!(extent, Extent { long_edge: 2880, full: false });
    assert!(Plan::extent(&recipe(&[Fit::Full])).full);
}
