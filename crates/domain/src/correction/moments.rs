//! What belongs together in the day.

use std::collections::HashSet;

use super::{Draft, Name, Photos, failure};
use crate::{Kind, PhotoId, album::Moment, photo::Failure};

impl Draft<'_> {
    /// The index of the moment that holds this photo.
    fn moment_of(&self, photo: PhotoId) -> Result<usize, Failure> {
        self.moments.iter().position(|moment| moment.photos.contains(&photo)).ok_or_else(|| no_moment(photo))
    }

    pub(super) fn rename_moment(&mut self, photo: PhotoId, title: &Name) -> Result<(), Failure> {
        let at = self.moment_of(photo)?;
        let moment = &mut self.moments[at];
        if moment.title != title.as_str() {
            moment.title = title.as_str().to_owned();
            moment.reason = by_hand(moment.photos.len());
        }
        Ok(())
    }

    pub(super) fn move_photos(&mut self, photos: &[PhotoId], to: PhotoId) -> Result<(), Failure> {
        let into = self.moment_of(to)?;
        let moving: HashSet<PhotoId> = photos.iter().copied().collect();
        if !self.moments.iter().flat_map(|moment| &moment.photos).any(|photo| moving.contains(photo)) {
            return Err(failure(Kind::NotFound, "None of these photos is in the gallery: choose photos of a moment."));
        }
        let mut joining = self.moments[into].photos.clone();
        for (_, moment) in self.moments.iter_mut().enumerate().filter(|(at, _)| *at != into) {
            let (left, stay): (Vec<PhotoId>, Vec<PhotoId>) =
                moment.photos.iter().partition(|photo| moving.contains(photo));
            if !left.is_empty() {
                joining.extend(left);
                *moment = with_photos(moment, stay, &self.photos);
            }
        }
        if joining.len() > self.moments[into].photos.len() {
            self.moments[into] = with_photos(&self.moments[into], joining, &self.photos);
        }
        self.moments.retain(|moment| !moment.photos.is_empty());
        Ok(())
    }

    pub(super) fn split_moment(&mut self, at: PhotoId) -> Result<(), Failure> {
        let index = self.moment_of(at)?;
        let whole = &self.moments[index];
        let (head, tail) = whole.photos.split_at(whole.photos.iter().position(|photo| *photo == at).unwrap_or(0));
        if head.is_empty() {
            return Ok(());
        }
        let mut begun = with_photos(whole, tail.to_vec(), &self.photos);
        begun.title = Moment::title_by_time(begun.starts_at, &self.photos.zone);
        self.moments[index] = with_photos(whole, head.to_vec(), &self.photos);
        self.moments.push(begun);
        Ok(())
    }

    pub(super) fn merge_moments(&mut self, photo: PhotoId, with: PhotoId) -> Result<(), Failure> {
        let (from, into) = (self.moment_of(photo)?, self.moment_of(with)?);
        if from != into {
            let photos = [self.moments[from].photos.as_slice(), &self.moments[into].photos].concat();
            self.moments[into] = with_photos(&self.moments[into], photos, &self.photos);
            self.moments.remove(from);
        }
        Ok(())
    }
}

pub(super) fn no_moment(photo: PhotoId) -> Failure {
    failure(Kind::NotFound, format!("No moment has the photo {photo}: it is not in the gallery, or not finished."))
}

/// The moment with these photos instead of its own. Its cover stays if it is among them; a title that was only the time of
/// its first photo stays that.
fn with_photos(moment: &Moment, mut photos: Vec<PhotoId>, album: &Photos<'_>) -> Moment {
    photos.sort_by_key(|photo| album.place(*photo));
    let times = || photos.iter().filter_map(|photo| album.get(*photo)?.taken_at);
    let (starts_at, ends_at) = (times().min(), times().max());
    let appeal = |photo: PhotoId| album.get(photo).map_or(0.0, |photo| photo.analysis.appeal());
    let cover = if photos.contains(&moment.cover) {
        moment.cover
    } else {
        // Of equals, the first.
        let best = photos.iter().rev().max_by(|a, b| appeal(**a).total_cmp(&appeal(**b)));
        best.copied().unwrap_or(moment.cover)
    };
    let title = if moment.title == Moment::title_by_time(moment.starts_at, &album.zone) {
        Moment::title_by_time(starts_at, &album.zone)
    } else {
        moment.title.clone()
    };
    Moment { title, reason: by_hand(photos.len()), starts_at, ends_at, photos, cover }
}

fn by_hand(photos: usize) -> String {
    let photos = if photos == 1 { "1 photo".to_owned() } else { format!("{photos} photos") };
    format!("{photos}; corrected by hand")
}
