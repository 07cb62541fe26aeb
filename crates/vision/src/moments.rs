//! Where the day falls into parts.

use procession_domain::{PhotoId, Timestamp, album::Moment, analysis::Analysis, gallery::TimeZoneName};

/// What is known of a photo's place in the day.
#[derive(Clone, Copy, Debug)]
pub struct MomentEvidence<'a> {
    /// The photo.
    pub photo: PhotoId,
    /// Its name: orders photos without a time.
    pub name: &'a str,
    /// The exposure, where the camera wrote it.
    pub taken_at: Option<Timestamp>,
    /// What the models saw.
    pub analysis: &'a Analysis,
}

/// The moments of the day, in order: every photo is in exactly one. `zone` is the venue's, for the times in titles.
pub fn find_moments(photos: &[MomentEvidence<'_>], zone: &TimeZoneName) -> Vec<Moment> {
    let _ = (photos, zone);
    Vec::new()
}
