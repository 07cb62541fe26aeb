//! A finished gallery as one document: `gallery.json`. Everything that the pages show, and nothing that must not leave the
//! studio (no GPS, no embeddings).

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use crate::{
    ContentHash, FaceRef, GalleryId, PhotoId, Timestamp,
    analysis::{Analysis, Region},
    capture::Capture,
    gallery::{Consent, TimeZoneName, Wedding},
    photo::{Failure, Format, Timings},
    recipe::OutputFormat,
    urgency::Urgency,
};

/// The document. Paths in it are relative to the folder that it stands in, with `/` between parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Album {
    /// The version of this structure: 1.
    pub schema: u32,
    /// The gallery's id.
    pub gallery: GalleryId,
    /// What people call it.
    pub title: String,
    /// Date and place of the wedding.
    pub wedding: Option<Wedding>,
    /// What the studio recorded consent for.
    pub consent: Consent,
    /// The class that the date gave.
    pub urgency: Urgency,
    /// Why that class.
    pub urgency_reason: String,
    /// When the gallery was opened.
    pub opened_at: Timestamp,
    /// When it is promised.
    pub deadline: Timestamp,
    /// When its last photo was finished.
    pub finished_at: Option<Timestamp>,
    /// The file name of the receipt.
    pub receipt: Option<String>,
    /// The photos in the order of the day, which is that of the moments too.
    pub photos: Vec<AlbumPhoto>,
    /// The moments of the day, in order. Every photo is in exactly one if there are any.
    pub moments: Vec<Moment>,
    /// The guests in the order of [`Guest::rank`]. Empty without consent.
    pub guests: Vec<Guest>,
    /// What could not be processed or was not a photo, by name.
    pub failures: Vec<AlbumFailure>,
    /// What a person should know: a model that was missing, a single replica.
    pub notices: Vec<String>,
    /// Version of Procession and identity of the models.
    pub engine: String,
}

/// A finished photo.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlbumPhoto {
    /// Its id.
    pub id: PhotoId,
    /// What people are shown: the first path that it came under.
    pub name: String,
    /// Every path that it came under.
    pub names: Vec<String>,
    /// The original's hash.
    pub original: ContentHash,
    /// The original's length in bytes.
    pub bytes: u64,
    /// How the original is written.
    pub format: Format,
    /// Width in pixels, upright.
    pub width: u32,
    /// Height in pixels, upright.
    pub height: u32,
    /// The moment of the exposure, where the camera wrote it.
    pub taken_at: Option<Timestamp>,
    /// What the camera wrote, without the place.
    pub capture: Capture,
    /// The pipeline that was taken.
    pub pipeline: String,
    /// Why that one.
    pub pipeline_reason: String,
    /// The outputs.
    pub files: Vec<AlbumFile>,
    /// Placeholder: [ThumbHash](https://evanw.github.io/thumbhash/), base64.
    pub thumbhash: String,
    /// What the models saw.
    pub analysis: Analysis,
    /// Seconds that each stage took.
    pub timings: Timings,
}

/// An output on disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlbumFile {
    /// The variant's name in the recipe.
    pub variant: String,
    /// How it is written.
    pub format: OutputFormat,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Length in bytes.
    pub bytes: u64,
    /// Hash of the file's bytes.
    pub hash: ContentHash,
    /// Where it is: "2048/IMG_0001.jpg".
    pub path: String,
}

/// A part of the day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    /// What it is called: a name for the scene where the evidence carries one ("Couple portraits"), else the time of day.
    pub title: String,
    /// Why it was cut here and called so.
    pub reason: String,
    /// The first exposure.
    pub starts_at: Option<Timestamp>,
    /// The last exposure.
    pub ends_at: Option<Timestamp>,
    /// Its photos in order.
    pub photos: Vec<PhotoId>,
    /// The photo that shows it best.
    pub cover: PhotoId,
}

/// A person who is on one or more photos of this gallery. Known in this gallery alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Guest {
    /// What they are called: "Guest 3" until somebody names them.
    pub name: String,
    /// Somebody named them.
    #[serde(default)]
    pub named: bool,
    /// Not to be shown to clients, who get the album [`Album::for_clients`].
    #[serde(default)]
    pub hidden: bool,
    /// Where they are seen: at least once, never twice on one photo, by photo.
    pub faces: Vec<GuestFace>,
    /// Index into `faces` of the best portrait.
    pub cover: usize,
}

/// A guest on a photo.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GuestFace {
    /// The photo.
    pub photo: PhotoId,
    /// Which of the photo's faces.
    #[serde(default)]
    pub face: usize,
    /// Where on it.
    pub region: Region,
}

impl Album {
    /// The guest who has this face: by their [`Guest::key`], or any other face of theirs.
    pub fn guest_with(&self, face: FaceRef) -> Option<&Guest> {
        self.guests.iter().find(|guest| guest.has(face))
    }

    /// The album that may leave the studio: without the guests who are hidden. The others keep their names.
    #[must_use]
    pub fn for_clients(mut self) -> Self {
        self.guests.retain(|guest| !guest.hidden);
        self
    }
}

impl Moment {
    /// What a moment is called whose scene nothing names: "Evening, 19:05" on the venue's wall clock.
    pub fn title_by_time(starts_at: Option<Timestamp>, zone: &TimeZoneName) -> String {
        let Some(starts_at) = starts_at else { return "Photos without a time".to_owned() };
        let local = zone.rules().to_datetime(starts_at.calendar());
        let part_of_day = match local.hour() {
            5..=11 => "Morning",
            12..=16 => "Afternoon",
            17..=21 => "Evening",
            _ => "Night",
        };
        format!("{part_of_day}, {:02}:{:02}", local.hour(), local.minute())
    }
}

impl Guest {
    /// A guest without a name, who has these faces. With each comes how well it serves as a portrait; the best is the cover.
    pub fn of(mut faces: Vec<(GuestFace, f32)>) -> Self {
        faces.sort_by_key(|(face, _)| face.key());
        let best = (0..faces.len()).max_by(|&a, &b| faces[a].1.total_cmp(&faces[b].1).then(b.cmp(&a)));
        Self {
            name: String::new(),
            named: false,
            hidden: false,
            cover: best.unwrap_or(0),
            faces: faces.into_iter().map(|(face, _)| face).collect(),
        }
    }

    /// What they are known by from outside: their first face. It changes when an earlier face joins or this one leaves, but
    /// [`Album::guest_with`] finds them by it as long as it is theirs.
    ///
    /// # Panics
    /// If they have no face, which no guest of an album does.
    pub fn key(&self) -> FaceRef {
        self.faces[0].key()
    }

    /// Whether this face is theirs.
    pub fn has(&self, face: FaceRef) -> bool {
        self.faces.iter().any(|own| own.key() == face)
    }

    /// Puts guests in order: those on most photos first, equals by their first faces. One whom nobody named is called after
    /// the place, "Guest 3", so that naming one changes no other's name.
    pub fn rank(guests: &mut [Self]) {
        guests.sort_by_key(|guest| (Reverse(guest.faces.len()), guest.faces.first().map(GuestFace::key)));
        for (index, guest) in guests.iter_mut().enumerate().filter(|(_, guest)| !guest.named) {
            guest.name = format!("Guest {}", index + 1);
        }
    }
}

impl GuestFace {
    /// The face's name.
    pub fn key(&self) -> FaceRef {
        FaceRef { photo: self.photo, face: self.face }
    }
}

/// Something that has no variants, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlbumFailure {
    /// Its path, relative to what was given.
    pub name: String,
    /// The original is in the vault (a photo that cannot be processed), or not (a file that is no photo).
    pub stored: bool,
    /// Why.
    pub failure: Failure,
}
