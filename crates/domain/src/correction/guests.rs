//! Who is who.

use std::collections::HashSet;

use super::{Draft, Name, Photos, failure};
use crate::{
    FaceRef, Kind, PhotoId,
    album::{Guest, GuestFace},
    photo::Failure,
};

impl Draft<'_> {
    /// The index of the guest who has this face.
    pub(super) fn guest_of(&self, face: FaceRef) -> Result<usize, Failure> {
        let at = self.guests.iter().position(|guest| guest.has(face));
        at.ok_or_else(|| {
            let why = "its photo is not in the gallery, or its faces are not grouped";
            failure(Kind::NotFound, format!("No guest has the face {face}: {why}."))
        })
    }

    pub(super) fn name_guest(&mut self, face: FaceRef, name: Option<&Name>) -> Result<(), Failure> {
        let at = self.guest_of(face)?;
        let guest = &mut self.guests[at];
        // Without a name, `Guest::rank` gives one.
        guest.name = name.map_or_else(String::new, |name| name.as_str().to_owned());
        guest.named = name.is_some();
        Ok(())
    }

    pub(super) fn hide_guest(&mut self, face: FaceRef) -> Result<(), Failure> {
        let at = self.guest_of(face)?;
        self.guests[at].hidden = true;
        Ok(())
    }

    pub(super) fn merge_guests(&mut self, face: FaceRef, with: FaceRef) -> Result<(), Failure> {
        let (from, into) = (self.guest_of(face)?, self.guest_of(with)?);
        if from == into {
            return Ok(());
        }
        let faces = [self.guests[from].faces.as_slice(), &self.guests[into].faces].concat();
        self.nobody_twice(&faces)?;
        let mut merged = Guest { faces: Vec::new(), ..self.guests[into].clone() };
        inherit(&mut merged, &self.guests[from]);
        self.guests[into] = with_faces(&merged, faces, &self.photos);
        self.guests.remove(from);
        Ok(())
    }

    pub(super) fn split_guest(&mut self, faces: &[FaceRef]) -> Result<(), Failure> {
        let leaving: HashSet<FaceRef> = faces.iter().copied().collect();
        let is_leaving = |face: &GuestFace| leaving.contains(&face.key());
        let taken: Vec<GuestFace> =
            self.guests.iter().flat_map(|guest| &guest.faces).copied().filter(is_leaving).collect();
        if taken.is_empty() {
            return Err(failure(Kind::NotFound, "None of these faces is a guest's: choose faces of one guest."));
        }
        self.nobody_twice(&taken)?;
        // Of several guests who go over whole, the first in order gives the name.
        Guest::rank(&mut self.guests);
        let mut split = with_faces(&Guest::of(Vec::new()), taken, &self.photos);
        for guest in &mut self.guests {
            let (left, stay): (Vec<GuestFace>, Vec<GuestFace>) = guest.faces.iter().partition(|face| is_leaving(face));
            if left.is_empty() {
                continue;
            }
            if stay.is_empty() {
                inherit(&mut split, guest);
            }
            *guest = with_faces(guest, stay, &self.photos);
        }
        self.guests.retain(|guest| !guest.faces.is_empty());
        self.guests.push(split);
        Ok(())
    }

    /// Refuses faces that cannot be one person's.
    fn nobody_twice(&self, faces: &[GuestFace]) -> Result<(), Failure> {
        let mut seen: HashSet<PhotoId> = HashSet::new();
        match faces.iter().find(|face| !seen.insert(face.photo)) {
            None => Ok(()),
            Some(face) => {
                let photo = self.photos.name(face.photo);
                let why = "two faces on one photo are never the same guest";
                Err(failure(Kind::Conflict, format!("Both are on the photo {photo}: {why}.")))
            }
        }
    }
}

/// Gives a guest the name that they lack, and the hiding.
fn inherit(guest: &mut Guest, from: &Guest) {
    if !guest.named {
        (guest.name, guest.named) = (from.name.clone(), from.named);
    }
    guest.hidden |= from.hidden;
}

/// The guest with these faces instead of theirs.
fn with_faces(guest: &Guest, faces: Vec<GuestFace>, photos: &Photos<'_>) -> Guest {
    let portrait = |face: GuestFace| {
        let seen = photos.get(face.photo).and_then(|photo| photo.analysis.faces.as_ref()?.get(face.face));
        (face, seen.map_or(0.0, |face| face.portrait()))
    };
    let Guest { faces, cover, .. } = Guest::of(faces.into_iter().map(portrait).collect());
    Guest { faces, cover, ..guest.clone() }
}
