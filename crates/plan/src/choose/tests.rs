use procession_domain::analysis::Region;

use super::*;
use crate::pipelines;

fn face(area: f32) -> Face {
    let side = area.sqrt();
    let region = Region { x: 0.0, y: 0.0, width: side, height: side };
    Face { region, score: 0.9, landmarks: [[0.0; 2]; 5], expression: None, embedding: None }
}

fn camera(make: &str, model: &str) -> Capture {
    Capture { camera_make: Some(make.to_owned()), camera_model: Some(model.to_owned()), ..Capture::default() }
}

fn lens(focal_length_mm: f64, aperture: f64) -> Capture {
    Capture { focal_length_mm: Some(focal_length_mm), aperture: Some(aperture), ..camera("Canon", "EOS R5") }
}

fn chosen(size: (u32, u32), capture: &Capture, faces: Option<&[f32]>) -> (String, String) {
    let faces: Option<Vec<Face>> = faces.map(|areas| areas.iter().copied().map(face).collect());
    let evidence = Evidence { width: size.0, height: size.1, capture, faces: faces.as_deref() };
    let (name, reason) = choose_pipeline(&evidence, &PipelineChoice::Auto, &pipelines()).unwrap();
    (name, reason.into())
}

const FULL: (u32, u32) = (6000, 4000);

#[test]
fn the_rules_decide_as_the_table_says() {
    let iphone = camera("Apple", "iPhone 15 Pro");
    let galaxy = camera("samsung", "SM-S918B");
    let nx = camera("SAMSUNG", "NX500");
    let sent = Capture { software: Some("WhatsApp".to_owned()), ..Capture::default() };
    let crop_85 = Capture { focal_length_35mm: Some(85.0), ..lens(56.0, 4.0) };
    let (long, wide, normal) = (lens(135.0, 2.8), lens(35.0, 1.4), lens(35.0, 5.6));
    type Row<'a> = (&'a str, (u32, u32), &'a Capture, Option<&'a [f32]>, &'a str);
    let table: &[Row<'_>] = &[
        ("small", (1600, 1200), &normal, Some(&[0.1]), SOCIAL),
        ("just larger than small", (2000, 1300), &normal, Some(&[]), RECEPTION),
        ("phone", FULL, &iphone, Some(&[0.1]), SOCIAL),
        ("Samsung phone", FULL, &galaxy, None, SOCIAL),
        ("Samsung camera", FULL, &nx, None, RECEPTION),
        ("messenger", FULL, &sent, None, SOCIAL),
        ("one large face, any lens", FULL, &normal, Some(&[0.05]), PORTRAITS),
        ("two large faces", FULL, &normal, Some(&[0.05, 0.04]), PORTRAITS),
        ("three large faces", FULL, &long, Some(&[0.05, 0.04, 0.04]), RECEPTION),
        ("couple in full, long lens", FULL, &long, Some(&[0.01, 0.008]), PORTRAITS),
        ("couple in full, wide open", FULL, &wide, Some(&[0.01, 0.008]), PORTRAITS),
        ("couple in full, long for its sensor", FULL, &crop_85, Some(&[0.01]), PORTRAITS),
        ("couple in full, normal lens", FULL, &normal, Some(&[0.01, 0.008]), RECEPTION),
        ("tiny face, long lens", FULL, &long, Some(&[0.001]), RECEPTION),
        ("no face, long lens wide open", FULL, &lens(85.0, 1.4), Some(&[]), RECEPTION),
        ("nobody looked, long lens wide open", FULL, &lens(85.0, 1.4), None, PORTRAITS),
        ("nobody looked, wide open only", FULL, &wide, None, RECEPTION),
        ("nothing known", FULL, &Capture::default(), None, RECEPTION),
    ];
    for (what, size, capture, faces, expected) in table {
        let (name, reason) = chosen(*size, capture, *faces);
        assert_eq!(name, *expected, "{what}: {reason}");
    }
}

#[test]
fn the_reason_has_the_numbers() {
    let reason = |capture: &Capture, faces: Option<&[f32]>| chosen(FULL, capture, faces).1;
    assert_eq!(
        reason(&lens(85.0, 1.8), Some(&[0.01, 0.008])),
        "2 faces before a lens of 85 mm at f/1.8, the largest on 1.0% of the photo"
    );
    assert_eq!(
        reason(&lens(35.0, 5.6), Some(&[])),
        "neither a portrait nor a small picture: 24.0 megapixels, no faces"
    );
    assert_eq!(reason(&camera("Google", "Pixel 8"), None), "taken with a phone: Google Pixel 8");
}

#[test]
fn a_named_pipeline_is_taken_if_it_is_there() {
    let capture = Capture::default();
    let evidence = Evidence { width: 6000, height: 4000, capture: &capture, faces: None };
    let choose = |name: &str| choose_pipeline(&evidence, &PipelineChoice::Named(name.to_owned()), &pipelines());
    assert_eq!(choose(SOCIAL).unwrap().0, SOCIAL);
    assert_eq!(choose("prints"), None);
}

#[test]
fn auto_passes_over_what_is_not_configured() {
    let capture = Capture::default();
    let evidence = Evidence { width: 100, height: 100, capture: &capture, faces: None };
    let mut available = pipelines();
    available.remove(SOCIAL);
    assert_eq!(choose_pipeline(&evidence, &PipelineChoice::Auto, &available).unwrap().0, RECEPTION);
    available.clear();
    assert_eq!(choose_pipeline(&evidence, &PipelineChoice::Auto, &available), None);
}
