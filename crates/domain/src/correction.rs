//! What a studio corrects by hand in a gallery's guests and moments.
//!
//! The models group faces and photos anew whenever photos arrive, so there is no "guest 3" that a correction could speak of
//! for years. It speaks of faces and photos instead, and means the group that they are in when its turn comes. Corrections
//! are a log: each is kept, [`apply`] makes the corrected album of the models' album and the log, and undoing one is making
//! the album again without it.

mod guests;
mod moments;

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    FaceRef, Invalid, Kind, PhotoId, Timestamp,
    album::{Album, AlbumPhoto, Guest, Moment},
    gallery::TimeZoneName,
    photo::Failure,
};

/// An entry of a gallery's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    /// Its number in the gallery's log. Corrections take their turns in this order.
    pub id: u64,
    /// When it was made.
    pub made_at: Timestamp,
    /// What it changes.
    pub change: Change,
    /// It was taken back, and changes nothing.
    #[serde(default)]
    pub undone: bool,
}

/// What a correction changes. The guest of a face is the one who has it, the moment of a photo the one that holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Change {
    /// The guest of this face has a name.
    NameGuest {
        /// A face of the guest.
        face: FaceRef,
        /// Their name; `None`, or an empty one in a document, goes back to "Guest 3".
        #[serde(default, deserialize_with = "name_unless_empty")]
        name: Option<Name>,
    },
    /// The guests of both faces are one person, hidden if one of them was.
    MergeGuests {
        /// A face of the guest who becomes part of the other.
        face: FaceRef,
        /// A face of the other, whose name stays if somebody gave it.
        with: FaceRef,
    },
    /// These faces are one person, and another than everyone else in their groups, who keep name and hiding. Faces that are
    /// gone by now are passed over.
    SplitGuest {
        /// The faces.
        faces: Vec<FaceRef>,
    },
    /// The guest of this face is not shown to clients.
    HideGuest {
        /// A face of the guest.
        face: FaceRef,
    },
    /// The moment of this photo has a title.
    RenameMoment {
        /// A photo of the moment.
        photo: PhotoId,
        /// The title.
        title: Name,
    },
    /// These photos belong to another moment. Photos that are gone by now are passed over.
    MovePhotos {
        /// The photos.
        photos: Vec<PhotoId>,
        /// A photo of the moment that they go to.
        to: PhotoId,
    },
    /// A new moment begins with this photo, and takes the photos after it in its moment.
    SplitMoment {
        /// The photo.
        at: PhotoId,
    },
    /// The moments of both photos are one.
    MergeMoments {
        /// A photo of the moment that becomes part of the other.
        photo: PhotoId,
        /// A photo of the other, whose title and cover stay.
        with: PhotoId,
    },
}

impl Change {
    /// Whether it speaks of guests: then it needs the consent for faces, and goes with it.
    pub fn is_about_guests(&self) -> bool {
        match self {
            Self::NameGuest { .. } | Self::MergeGuests { .. } | Self::SplitGuest { .. } | Self::HideGuest { .. } => {
                true
            }
            Self::RenameMoment { .. }
            | Self::MovePhotos { .. }
            | Self::SplitMoment { .. }
            | Self::MergeMoments { .. } => false,
        }
    }
}

/// What a person calls a guest or a moment: 1 to 120 characters without space around them, none of them a control character.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// A correction that changed nothing in the album, and why: what it speaks of is gone, or is otherwise grouped by now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ignored {
    /// The correction's number in the log.
    pub id: u64,
    /// As [`check`] would have it.
    pub failure: Failure,
}

/// Makes the corrections that are not undone, in the order given, in the album that the models made. Those that cannot be
/// made are left out and returned.
///
/// Whatever the log says: no photo and no face is lost, every photo stays in one moment and every face with one guest, no
/// moment is empty, moments and the photos in them are in the album's order, nobody is twice on one photo, covers are valid,
/// guests are in the order of [`Guest::rank`]. Applying two logs one after the other is applying them as one.
pub fn apply(album: &mut Album, corrections: &[Correction]) -> Vec<Ignored> {
    let mut draft = Draft::of(album);
    let live = corrections.iter().filter(|correction| !correction.undone);
    let make = |Correction { id, change, .. }: &Correction| {
        draft.make(change).err().map(|failure| Ignored { id: *id, failure })
    };
    let ignored = live.filter_map(make).collect();
    (album.guests, album.moments) = draft.finish();
    ignored
}

/// Whether a new correction can be made in the album as it is after all others.
///
/// # Errors
/// `NotFound` names a face or photo that no guest or moment has; `Conflict` says why it cannot be, or that it is so already.
pub fn check(album: &Album, change: &Change) -> Result<(), Failure> {
    let mut draft = Draft::of(album);
    draft.find_all(change)?;
    draft.make(change)?;
    let (guests, moments) = draft.finish();
    if guests == album.guests && moments == album.moments {
        return Err(failure(Kind::Conflict, "The gallery is so already: this changes nothing."));
    }
    Ok(())
}

/// Guests and moments at work, beside the album that they are of.
struct Draft<'a> {
    photos: Photos<'a>,
    guests: Vec<Guest>,
    moments: Vec<Moment>,
}

/// The album's photos with their places in the day.
struct Photos<'a> {
    by_id: HashMap<PhotoId, (usize, &'a AlbumPhoto)>,
    zone: TimeZoneName,
}

impl<'a> Draft<'a> {
    fn of(album: &'a Album) -> Self {
        let by_id = album.photos.iter().enumerate().map(|(place, photo)| (photo.id, (place, photo))).collect();
        let zone = album.wedding.as_ref().map_or_else(TimeZoneName::utc, |wedding| wedding.time_zone.clone());
        Self { photos: Photos { by_id, zone }, guests: album.guests.clone(), moments: album.moments.clone() }
    }

    /// Makes one change, wholly or not at all.
    fn make(&mut self, change: &Change) -> Result<(), Failure> {
        match change {
            Change::NameGuest { face, name } => self.name_guest(*face, name.as_ref()),
            Change::MergeGuests { face, with } => self.merge_guests(*face, *with),
            Change::SplitGuest { faces } => self.split_guest(faces),
            Change::HideGuest { face } => self.hide_guest(*face),
            Change::RenameMoment { photo, title } => self.rename_moment(*photo, title),
            Change::MovePhotos { photos, to } => self.move_photos(photos, *to),
            Change::SplitMoment { at } => self.split_moment(*at),
            Change::MergeMoments { photo, with } => self.merge_moments(*photo, *with),
        }
    }

    /// Finds every face or photo of a list, of which [`Draft::make`] passes over those that are gone.
    fn find_all(&self, change: &Change) -> Result<(), Failure> {
        match change {
            Change::SplitGuest { faces } => faces.iter().try_for_each(|face| self.guest_of(*face).map(drop)),
            Change::MovePhotos { photos, .. } => {
                let held: HashSet<&PhotoId> = self.moments.iter().flat_map(|moment| &moment.photos).collect();
                photos
                    .iter()
                    .find(|photo| !held.contains(photo))
                    .map_or(Ok(()), |photo| Err(moments::no_moment(*photo)))
            }
            _ => Ok(()),
        }
    }

    fn finish(mut self) -> (Vec<Guest>, Vec<Moment>) {
        Guest::rank(&mut self.guests);
        self.moments.sort_by_key(|moment| moment.photos.first().map(|photo| self.photos.place(*photo)));
        (self.guests, self.moments)
    }
}

impl Photos<'_> {
    fn get(&self, photo: PhotoId) -> Option<&AlbumPhoto> {
        self.by_id.get(&photo).map(|(_, photo)| *photo)
    }

    /// The photo's place in the day. One that the album does not have stands at the end.
    fn place(&self, photo: PhotoId) -> usize {
        self.by_id.get(&photo).map_or(usize::MAX, |(place, _)| *place)
    }

    /// What people call the photo.
    fn name(&self, photo: PhotoId) -> String {
        self.get(photo).map_or_else(|| photo.to_string(), |photo| photo.name.clone())
    }
}

impl Name {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = Invalid;

    fn try_from(name: String) -> Result<Self, Invalid> {
        // People's names stay out of messages, which can end in a log.
        let invalid = |why: String| Err(Invalid::new("name", "…", why));
        let name = name.trim();
        match name.chars().count() {
            0 => invalid("is empty; write 1 to 120 characters".to_owned()),
            121.. => invalid(format!("has {} characters; shorten it to 120", name.chars().count())),
            _ if name.chars().any(char::is_control) => invalid("holds a control character; write one line".to_owned()),
            _ => Ok(Self(name.to_owned())),
        }
    }
}

impl std::str::FromStr for Name {
    type Err = Invalid;

    fn from_str(name: &str) -> Result<Self, Invalid> {
        name.to_owned().try_into()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

fn name_unless_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Name>, D::Error> {
    let name = Option::<String>::deserialize(deserializer)?.filter(|name| !name.trim().is_empty());
    name.map(Name::try_from).transpose().map_err(serde::de::Error::custom)
}

fn failure(kind: Kind, message: impl Into<String>) -> Failure {
    Failure { kind, message: message.into() }
}

#[cfg(test)]
mod tests;
