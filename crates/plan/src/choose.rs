//! Which pipeline a photo takes.

use std::collections::BTreeMap;

use procession_domain::{analysis::Face, capture::Capture, gallery::PipelineChoice, recipe::Pipeline};

use crate::Reason;

const PORTRAITS: &str = "high_resolution_portraits";
const RECEPTION: &str = "reception_photos";
const SOCIAL: &str = "social_media_variants";

/// What a photo says about itself for little money.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// What the camera wrote.
    pub capture: &'a Capture,
    /// The faces on it, `None` if nobody looked.
    pub faces: Option<&'a [Face]>,
}

/// A rule: the pipeline, and the evidence for it if there is some.
type Rule = (&'static str, fn(&Evidence<'_>) -> Option<String>);

/// The rules of `auto`. The first that applies, and whose pipeline is configured, decides.
const RULES: &[Rule] = &[
    (SOCIAL, is_small),
    (SOCIAL, is_from_a_messenger),
    (SOCIAL, is_from_a_phone),
    (PORTRAITS, has_large_faces),
    (PORTRAITS, has_a_face_before_a_portrait_lens),
    (PORTRAITS, is_unseen_but_from_a_portrait_lens),
    (RECEPTION, |evidence| Some(summary(evidence))),
];

/// The pipeline of one photo and why, or nothing if the one that was asked for (for `auto`, any of the rules') is not
/// among the `available`.
pub fn choose_pipeline(
    evidence: &Evidence<'_>,
    choice: &PipelineChoice,
    available: &BTreeMap<String, Pipeline>,
) -> Option<(String, Reason)> {
    if let PipelineChoice::Named(name) = choice {
        let reason = Reason::new("chosen for the whole gallery");
        return available.contains_key(name).then(|| (name.clone(), reason));
    }
    RULES
        .iter()
        .filter(|(name, _)| available.contains_key(*name))
        .find_map(|(name, evidence_for)| Some(((*name).to_owned(), Reason::new(evidence_for(evidence)?))))
}

/// Messengers and old phones: nothing to print from.
const SMALL_MEGAPIXELS: f64 = 2.5;
/// The part of the photo that a head-and-shoulders portrait's face covers.
const LARGE_FACE: f32 = 0.03;
/// The part that the face of a person shown in full covers.
const PORTRAIT_FACE: f32 = 0.006;
/// Focal lengths (for 36 × 24 mm) from here on are for people, not for places.
const LONG_LENS_MM: f64 = 70.0;
/// Apertures up to here set a person apart from the background.
const WIDE_APERTURE: f64 = 2.2;
/// Portraits show at most so many people.
const PORTRAIT_PEOPLE: usize = 2;
/// Makers of phones and of nothing that a wedding photographer works with, in lower case.
const PHONE_MAKERS: &[&str] = &[
    "apple", "google", "honor", "huawei", "htc", "infinix", "lge", "motorola", "nokia", "nothing", "oneplus", "oppo",
    "poco", "realme", "redmi", "tecno", "vivo", "xiaomi", "zte",
];
/// Software that sends pictures small, in lower case.
const MESSENGERS: &[&str] = &["facebook", "instagram", "messenger", "snapchat", "telegram", "whatsapp"];

fn is_small(evidence: &Evidence<'_>) -> Option<String> {
    let megapixels = megapixels(evidence);
    (megapixels <= SMALL_MEGAPIXELS)
        .then(|| format!("a small picture: {megapixels:.1} megapixels, at most {SMALL_MEGAPIXELS}"))
}

fn is_from_a_messenger(evidence: &Evidence<'_>) -> Option<String> {
    let software = evidence.capture.software.as_deref()?;
    let lower = software.to_lowercase();
    MESSENGERS.iter().any(|name| lower.contains(name)).then(|| format!("sent through a messenger: {software}"))
}

fn is_from_a_phone(evidence: &Evidence<'_>) -> Option<String> {
    let make = evidence.capture.camera_make.as_deref()?;
    let model = evidence.capture.camera_model.as_deref().unwrap_or_default();
    let first = make.split_whitespace().next().unwrap_or_default().to_lowercase();
    // Samsung made interchangeable-lens cameras too (NX).
    let samsung_phone = first == "samsung" && !model.to_uppercase().starts_with("NX");
    // Sony's phones share the maker of its cameras.
    let sony_phone = first == "sony" && model.to_lowercase().starts_with("xperia");
    (samsung_phone || sony_phone || PHONE_MAKERS.contains(&first.as_str()))
        .then(|| format!("taken with a phone: {make} {model}").trim_end().to_owned())
}

fn has_large_faces(evidence: &Evidence<'_>) -> Option<String> {
    let (count, area) = portrait_faces(evidence)?;
    (area >= LARGE_FACE).then(|| format!("{}, the largest on {:.1}% of the photo", people(count), area * 100.0))
}

fn has_a_face_before_a_portrait_lens(evidence: &Evidence<'_>) -> Option<String> {
    let (count, area) = portrait_faces(evidence)?;
    let lens = portrait_lens(evidence.capture)?;
    (area >= PORTRAIT_FACE)
        .then(|| format!("{} before {lens}, the largest on {:.1}% of the photo", people(count), area * 100.0))
}

fn is_unseen_but_from_a_portrait_lens(evidence: &Evidence<'_>) -> Option<String> {
    let wide_open = evidence.capture.aperture.is_some_and(|f| f <= WIDE_APERTURE);
    let long = focal_length_mm(evidence.capture).is_some_and(|mm| mm >= LONG_LENS_MM);
    let unseen = evidence.faces.is_none();
    (unseen && wide_open && long)
        .then(|| portrait_lens(evidence.capture))?
        .map(|lens| format!("taken with {lens}; nobody looked for faces"))
}

/// How many faces, and the part of the photo that the largest covers, if they are few enough for a portrait.
fn portrait_faces(evidence: &Evidence<'_>) -> Option<(usize, f32)> {
    let faces = evidence.faces.filter(|faces| (1..=PORTRAIT_PEOPLE).contains(&faces.len()))?;
    Some((faces.len(), largest(faces)))
}

/// What makes a lens one for portraits: long, or wide open.
fn portrait_lens(capture: &Capture) -> Option<String> {
    let mm = focal_length_mm(capture).filter(|mm| *mm >= LONG_LENS_MM);
    let aperture = capture.aperture.filter(|f| *f > 0.0 && *f <= WIDE_APERTURE);
    match (mm, aperture) {
        (Some(mm), Some(f)) => Some(format!("a lens of {mm:.0} mm at f/{f}")),
        (Some(mm), None) => Some(format!("a lens of {mm:.0} mm")),
        (None, Some(f)) => Some(format!("a lens at f/{f}")),
        (None, None) => None,
    }
}

/// For a 36 × 24 mm sensor where the camera says so, else as written.
fn focal_length_mm(capture: &Capture) -> Option<f64> {
    capture.focal_length_35mm.filter(|mm| *mm > 0.0).or(capture.focal_length_mm)
}

fn summary(evidence: &Evidence<'_>) -> String {
    let faces = match evidence.faces {
        None => "nobody looked for faces".to_owned(),
        Some([]) => "no faces".to_owned(),
        Some(faces) => {
            format!("{}, the largest on {:.1}% of the photo", people(faces.len()), largest(faces) * 100.0)
        }
    };
    format!("neither a portrait nor a small picture: {:.1} megapixels, {faces}", megapixels(evidence))
}

fn people(count: usize) -> String {
    if count == 1 { "1 face".to_owned() } else { format!("{count} faces") }
}

fn largest(faces: &[Face]) -> f32 {
    faces.iter().map(|face| face.region.area()).fold(0.0, f32::max)
}

fn megapixels(evidence: &Evidence<'_>) -> f64 {
    f64::from(evidence.width) * f64::from(evidence.height) / 1e6
}

#[cfg(test)]
mod tests;
