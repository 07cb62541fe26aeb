//! What a moment is called, and why it is one.

use std::collections::BTreeSet;

use procession_domain::{Timestamp, album::Moment, gallery::TimeZoneName};

use super::{END_SECONDS, MomentEvidence};

/// Titles, and the classes of ImageNet that carry them. The order decides between equals.
#[rustfmt::skip]
pub(super) const SCENES: [(&str, &[&str]); 10] = [
    ("Ceremony", &["altar", "church", "mosque", "monastery", "vestment", "pipe organ", "bell tower"]),
    ("Bride and groom", &["bridegroom", "gown", "hoop skirt"]),
    ("Getting ready", &["hair dryer", "hair spray", "hair clip", "lipstick", "face powder", "perfume", "wardrobe",
        "four-poster bed"]),
    ("Suits and ties", &["suit", "bow tie", "Windsor tie", "bolo tie"]),
    ("Details", &["necklace", "chain", "envelope", "vase", "candle", "hook", "buckle"]),
    ("Dinner", &["dining table", "restaurant", "plate", "menu", "wine bottle", "red wine", "goblet", "soup bowl"]),
    ("Cake and sweets", &["bakery", "candy store", "trifle", "ice cream", "chocolate syrup"]),
    ("Music and dancing", &["stage", "electric guitar", "acoustic guitar", "microphone", "drum", "accordion", "spotlight",
        "saxophone", "violin", "maraca"]),
    ("By the water", &["beach", "lakeshore", "sandbar", "promontory", "pier", "fountain"]),
    ("On the way", &["limousine", "convertible", "minivan", "horse-drawn vehicle"]),
];
/// A photo shows a scene if the scene's classes have this much probability together.
const SHOWS: f32 = 0.3;
/// So much of a moment's photos must show the scene that it is named after.
const CARRIES: f32 = 0.4;
/// A moment with this median number of faces is of groups.
const GROUP: usize = 6;

/// The title and the reason of the moment that consists of `part`.
pub(super) fn of(part: &[MomentEvidence<'_>], pause_before: Option<f64>, zone: &TimeZoneName) -> (String, String) {
    let (title, evidence) = match named(part) {
        Some((title, evidence)) => (title.to_owned(), evidence),
        None => {
            let first = part.iter().find_map(|photo| photo.taken_at);
            (Moment::title_by_time(first, zone), "nothing names the scene".to_owned())
        }
    };
    let photos = if part.len() == 1 { "1 photo".to_owned() } else { format!("{} photos", part.len()) };
    let times = span(part, zone).map(|span| format!(" {span}")).unwrap_or_default();
    (title, format!("{photos}{times}; {}; {evidence}", start(pause_before)))
}

fn start(pause_before: Option<f64>) -> String {
    match pause_before {
        None => "the day starts here".to_owned(),
        Some(pause) if pause >= END_SECONDS => format!("cut for a pause of {}", duration(pause)),
        Some(pause) if pause >= 60.0 => format!("cut where the scene changes, after {}", duration(pause)),
        Some(_) => "cut where the scene changes".to_owned(),
    }
}

/// The scene or the number of people that names the moment, with the evidence for it.
fn named(part: &[MomentEvidence<'_>]) -> Option<(&'static str, String)> {
    let shows = |classes: &[&str], photo: &MomentEvidence<'_>| {
        let labels = photo.analysis.scene.iter().flat_map(|scene| &scene.labels);
        let matching = labels.filter(|label| classes.contains(&class(&label.name)));
        matching.map(|label| label.probability).sum::<f32>() >= SHOWS
    };
    let counts =
        SCENES.iter().map(|(title, classes)| (*title, *classes, part.iter().filter(|p| shows(classes, p)).count()));
    // max_by_key takes the last of equals: the list is read backwards.
    let best = counts.rev().max_by_key(|(.., count)| *count)?;
    if best.2 as f32 >= CARRIES * part.len() as f32 {
        let labels = part.iter().filter_map(|photo| photo.analysis.scene.as_ref()).flat_map(|scene| &scene.labels);
        let seen: BTreeSet<&str> =
            labels.map(|label| class(&label.name)).filter(|name| best.1.contains(name)).collect();
        let seen: Vec<&str> = seen.into_iter().take(4).collect();
        return Some((best.0, format!("{} of {} show {}", best.2, part.len(), seen.join(", "))));
    }
    let mut faces: Vec<usize> = part.iter().filter_map(|photo| Some(photo.analysis.faces.as_ref()?.len())).collect();
    faces.sort_unstable();
    match faces.get(faces.len() / 2) {
        Some(&median) if median >= GROUP => Some(("Groups", format!("{median} faces on the middle photo"))),
        _ => None,
    }
}

/// A class without the remark in brackets that tells it from others of its name.
fn class(name: &str) -> &str {
    name.split(" (").next().unwrap_or(name)
}

/// "from 14:05 to 14:31".
fn span(part: &[MomentEvidence<'_>], zone: &TimeZoneName) -> Option<String> {
    let clock = |at: Timestamp| {
        let local = zone.rules().to_datetime(at.calendar());
        format!("{:02}:{:02}", local.hour(), local.minute())
    };
    let (first, last) = (part.iter().filter_map(|p| p.taken_at).min()?, part.iter().filter_map(|p| p.taken_at).max()?);
    let (first, last) = (clock(first), clock(last));
    Some(if first == last { format!("at {first}") } else { format!("from {first} to {last}") })
}

fn duration(seconds: f64) -> String {
    let minutes = (seconds / 60.0).round() as u64;
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}
