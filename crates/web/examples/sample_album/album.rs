//! A made-up gallery that has every kind of entry. Also what the crate's tests look at.

use std::time::Duration;

use jiff::civil::date;
use procession_domain::{
    ContentHash, GalleryId, Kind, PhotoId, Timestamp,
    album::{Album, AlbumFailure, AlbumFile, AlbumPhoto, Guest, GuestFace, Moment},
    analysis::{Analysis, Expression, Face, Label, Region, Scene, Sharpness},
    capture::{Capture, CaptureTime},
    gallery::{Consent, TimeZoneName, Wedding},
    photo::{Failure, Format, Timings},
    recipe::OutputFormat,
    urgency::Urgency,
};

/// Different pictures; the photos take turns at them.
pub(super) const PICTURES: usize = 12;

/// Names that a page must survive.
pub(super) const HOSTILE_NAMES: [&str; 3] = [
    "</script><script>document.title='pwned'</script>.jpg",
    "\"><img src=x onerror=document.title='pwned'> & 'co'.jpg",
    "a b#c%2C, d?\u{2028}\u{202e}gpj.jpg",
];

const SHAPES: [(u32, u32); 4] = [(6000, 4000), (4000, 6000), (6000, 4000), (5000, 5000)];
const EDGES: [u32; 3] = [512, 1024, 2048];
const THUMBS: [&str; 3] =
    ["1QcSHQRnh493V4dIh4eXh1h4kJUI", "3PcNNYSFeXh/d3eld0iHZoZgVwh2", "HBkSHYSIeHiPiHh8eJd4eTN0EEQG"];
const MOMENTS: [(&str, usize); 7] = [
    ("Getting ready", 12),
    ("Ceremony", 22),
    ("Congratulations", 10),
    ("Couple portraits", 14),
    ("Dinner", 16),
    ("First dance", 6),
    ("Party", 20),
];

/// The path of a picture's file.
pub(super) fn path_of(picture: usize, edge: u32) -> String {
    // A comma and a space, which a `srcset` would split at.
    format!("{edge}/sample, {picture:02}.jpg")
}

/// Edge, width and height of a picture's files.
pub(super) fn sizes_of(picture: usize) -> [(u32, u32, u32); 3] {
    let (width, height) = SHAPES[picture % SHAPES.len()];
    let scaled = |side: u32, edge: u32| (side * edge + width.max(height) / 2) / width.max(height);
    EDGES.map(|edge| (edge, scaled(width, edge), scaled(height, edge)))
}

/// Red, green and blue of a picture at fractions of its width and height.
#[allow(dead_code, reason = "the crate's tests need no pixels")]
pub(super) fn colour_of(picture: usize, x: f32, y: f32) -> [f32; 3] {
    let phase = picture as f32;
    let wave = |shift: f32| 128.0 + 90.0 * (phase + shift + 3.0 * x + 2.0 * y).sin();
    [wave(0.0), wave(0.9), wave(1.7)]
}

/// A gallery of `count` photos.
pub(super) fn sample(count: usize) -> Album {
    let gallery = GalleryId::named("sample");
    // 2026-06-20T22:10 in Rome.
    let opened_at = Timestamp::from_micros(1_781_986_200_000_000);
    let zone = TimeZoneName::try_from("Europe/Rome".to_owned()).unwrap_or(TimeZoneName::utc());
    let photos: Vec<AlbumPhoto> = (0..count).map(|at| photo(gallery, at, count, &zone)).collect();
    Album {
        schema: 1,
        gallery,
        title: "Anna & Ben <3".to_owned(),
        wedding: Some(Wedding { date: date(2026, 6, 20), time_zone: zone }),
        consent: Consent { faces: true },
        urgency: Urgency::SameDayWedding,
        urgency_reason: "the wedding is today at the venue".to_owned(),
        opened_at,
        deadline: opened_at.after(Duration::from_secs(1800)),
        finished_at: Some(opened_at.after(Duration::from_secs(660))),
        receipt: Some("receipt.json".to_owned()),
        moments: moments(&photos),
        guests: guests(&photos),
        photos,
        failures: failures(),
        notices: vec!["One replica only: give a second --store to survive the loss of a disk.".to_owned()],
        engine: "procession 0.1.0 sample".to_owned(),
    }
}

fn photo(gallery: GalleryId, at: usize, count: usize, zone: &TimeZoneName) -> AlbumPhoto {
    let picture = at * 7 % PICTURES;
    let (width, height) = SHAPES[picture % SHAPES.len()];
    let original = ContentHash::of(format!("sample {at}").as_bytes());
    let name =
        HOSTILE_NAMES.get(at).map_or_else(|| format!("camera-{}/IMG_{:05}.JPG", at % 2, at), ToString::to_string);
    // The day from 10:00 over 13 hours; every 97th camera file has lost its time.
    let seconds = (at as f64 / count.max(1) as f64 * 13.0 * 3600.0) as i64;
    let local = date(2026, 6, 20).at(10, 0, 0, 250_000_000) + jiff::SignedDuration::from_secs(seconds);
    let taken = (at % 97 != 96).then_some(CaptureTime { local, offset_minutes: None });
    AlbumPhoto {
        id: PhotoId::of(gallery, &original),
        names: vec![name.clone(), format!("backup/{at}.jpg")],
        name,
        original,
        bytes: 8_000_000 + at as u64,
        format: Format::Jpeg,
        width,
        height,
        taken_at: taken.map(|time| time.instant(zone)),
        capture: Capture {
            taken,
            camera_make: Some("Canon".to_owned()),
            camera_model: Some("Canon EOS R5".to_owned()),
            lens: Some("RF50mm F1.2 L USM".to_owned()),
            exposure_seconds: Some(1.0 / 250.0),
            aperture: Some(1.8),
            iso: Some(400),
            focal_length_mm: Some(50.0),
            ..Capture::default()
        },
        pipeline: "reception_photos".to_owned(),
        pipeline_reason: "three or more faces <b>".to_owned(),
        files: files(picture),
        thumbhash: THUMBS[picture % THUMBS.len()].to_owned(),
        analysis: analysis(at),
        timings: Timings { decode_seconds: 0.2, render_seconds: 0.1, ..Timings::default() },
    }
}

fn files(picture: usize) -> Vec<AlbumFile> {
    let sizes = sizes_of(picture).into_iter();
    sizes
        .map(|(edge, width, height)| AlbumFile {
            variant: edge.to_string(),
            format: OutputFormat::Jpeg,
            width,
            height,
            bytes: u64::from(width * height / 8),
            hash: ContentHash::of(path_of(picture, edge).as_bytes()),
            path: path_of(picture, edge),
        })
        .collect()
}

fn region(at: usize) -> Region {
    Region { x: 0.2 + (at % 5) as f32 * 0.1, y: 0.25, width: 0.12, height: 0.18 }
}

fn analysis(at: usize) -> Analysis {
    let blink = if at.is_multiple_of(10) { 0.9 } else { 0.1 };
    let face = Face {
        region: region(at),
        score: 0.9,
        landmarks: [[0.3, 0.3]; 5],
        expression: Some(Expression { blink, smile: 0.5 }),
        embedding: Some(vec![0.1; 128]),
    };
    Analysis {
        faces: Some(if at.is_multiple_of(3) { vec![face] } else { Vec::new() }),
        sharpness: Some(Sharpness { score: (at * 37 % 100) as f32 / 100.0 }),
        scene: Some(Scene { labels: vec![Label { name: "groom".to_owned(), probability: 0.7 }], features: Vec::new() }),
    }
}

fn moments(photos: &[AlbumPhoto]) -> Vec<Moment> {
    let mut from = 0;
    let mut part = 0;
    let mut made = Vec::new();
    for (title, share) in MOMENTS {
        part += share;
        let to = photos.len() * part / 100;
        let held = &photos[from..to];
        from = to;
        let Some(cover) = held.get(held.len() / 2) else { continue };
        made.push(Moment {
            title: title.to_owned(),
            reason: "a pause of 12 minutes".to_owned(),
            starts_at: held.iter().filter_map(|photo| photo.taken_at).min(),
            ends_at: held.iter().filter_map(|photo| photo.taken_at).max(),
            photos: held.iter().map(|photo| photo.id).collect(),
            cover: cover.id,
        });
    }
    made
}

/// Guest g is on every (6 + 3 g)th photo.
fn guests(photos: &[AlbumPhoto]) -> Vec<Guest> {
    let on = |guest: usize| photos.iter().enumerate().step_by(6 + 3 * guest);
    let face = |guest, at, photo: &AlbumPhoto| (GuestFace { photo: photo.id, face: guest, region: region(at) }, 0.0);
    let guest = |guest| Guest::of(on(guest).map(|(at, photo)| face(guest, at, photo)).collect());
    let mut guests: Vec<Guest> = (0..8).map(guest).filter(|guest| !guest.faces.is_empty()).collect();
    Guest::rank(&mut guests);
    guests
}

fn failures() -> Vec<AlbumFailure> {
    let failure = |name: &str, stored, kind, message: &str| AlbumFailure {
        name: name.to_owned(),
        stored,
        failure: Failure { kind, message: message.to_owned() },
    };
    vec![
        failure(
            "card 2/IMG_4711.JPG",
            true,
            Kind::Corrupt,
            "ends after 2,113,024 of 8,204,288 bytes; copy it from the card again",
        ),
        failure("contract.jpg", false, Kind::Invalid, "a PDF, not a photo, whatever its name says"),
        failure("<b>empty</b>.jpg", false, Kind::Invalid, "has no bytes"),
    ]
}

/// The moment so many seconds after the sample gallery was opened.
#[allow(dead_code, reason = "for the crate's tests")]
pub(super) fn seconds_after_opening(album: &Album, seconds: u64) -> Timestamp {
    album.opened_at.after(Duration::from_secs(seconds))
}
