//! Which faces are one person's.

use procession_domain::{PhotoId, album::Guest, analysis::Face};

/// A face that may be a guest's.
#[derive(Clone, Copy, Debug)]
pub struct GuestCandidate<'a> {
    /// The photo that it is on.
    pub photo: PhotoId,
    /// Where, and how it looks.
    pub face: &'a Face,
    /// What [`crate::Vision`] made of it: [`Face::embedding`], which the caller keeps apart.
    pub embedding: &'a [f32],
}

/// The guests of one gallery, by the number of their photos. A guest is never twice on one photo, and the order of `faces`
/// changes nothing.
pub fn group_guests(faces: &[GuestCandidate<'_>]) -> Vec<Guest> {
    let _ = faces;
    Vec::new()
}
