//! The album as the page's scripts read it: numbers instead of ids. The sample of 10,000 photos is 4.3 MB so, and 28 MB as
//! `gallery.json`.

use std::collections::{BTreeSet, HashMap};

use jiff::tz::TimeZone;
use procession_domain::{
    PhotoId, Timestamp,
    album::{Album, AlbumPhoto, Guest, GuestFace},
    analysis::Region,
};
use serde::Serialize;

use super::details::{Details, Files, Look};

/// What the scripts of a page get that stands on its own. Times are milliseconds of the venue's wall clock, counted as if it
/// were UTC.
#[derive(Debug, Serialize)]
pub(super) struct PageData<'a> {
    #[serde(flatten)]
    pub(super) details: Details<'a>,
    pub(super) moments: Vec<PageMoment<'a>>,
    pub(super) guests: Vec<PageGuest<'a>>,
}

/// What a page has to know of a photo before anybody looks at it: id, width, height, when it was taken, and whether it is
/// among the best.
#[derive(Debug, Serialize)]
pub(crate) struct Place(PhotoId, u32, u32, Option<i64>, u8);

#[derive(Debug, Serialize)]
pub(crate) struct PageMoment<'a> {
    pub(crate) title: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    starts: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ends: Option<i64>,
    pub(crate) photos: Vec<usize>,
    pub(crate) cover: usize,
}

#[derive(Debug, Serialize)]
pub(crate) struct PageGuest<'a> {
    name: &'a str,
    #[serde(skip)]
    pub(crate) named: bool,
    pub(crate) photos: Vec<usize>,
    /// The best portrait: photo and the face's left, top, width and height as fractions.
    pub(crate) cover: (usize, f32, f32, f32, f32),
}

/// An album's photos, numbered as the scripts know them.
pub(crate) struct Numbered<'a> {
    album: &'a Album,
    pub(crate) photos: Vec<&'a AlbumPhoto>,
    numbers: HashMap<PhotoId, usize>,
    look: Look,
}

impl<'a> Numbered<'a> {
    /// Numbers an album's photos, and after them `more` that it does not hold yet.
    pub(crate) fn of(album: &'a Album, more: &'a [AlbumPhoto]) -> Self {
        let photos: Vec<&AlbumPhoto> = album.photos.iter().chain(more).collect();
        let numbers = photos.iter().enumerate().map(|(at, photo)| (photo.id, at)).collect();
        Self { album, photos, numbers, look: Look::of(album) }
    }

    pub(crate) fn album(&self) -> &'a Album {
        self.album
    }

    pub(crate) fn look(&self) -> &Look {
        &self.look
    }

    /// All photos by id.
    pub(crate) fn into_numbers(self) -> HashMap<PhotoId, usize> {
        self.numbers
    }

    /// What is known of all photos at first.
    pub(crate) fn places(&self) -> Vec<Place> {
        let place = |photo: &&AlbumPhoto| {
            let taken = photo.taken_at.map(|time| self.look.wall_ms(time));
            let best = self.look.is_best(&photo.analysis);
            Place(photo.id, photo.width, photo.height, taken, best.into())
        };
        self.photos.iter().map(place).collect()
    }

    /// The guests but for hidden ones, with those of their photos that are here.
    pub(crate) fn guests(&self) -> Vec<PageGuest<'a>> {
        let seen = |guest: &'a Guest| {
            let photos: Vec<usize> =
                guest.faces.iter().filter_map(|face| self.numbers.get(&face.photo).copied()).collect();
            let is_here = |face: &&GuestFace| self.numbers.contains_key(&face.photo);
            let cover = guest.faces.get(guest.cover).filter(is_here).or(guest.faces.iter().find(is_here))?;
            let cover = page_face(self.numbers[&cover.photo], cover.region);
            Some(PageGuest { name: &guest.name, named: guest.named, photos, cover })
        };
        self.album.guests.iter().filter(|guest| !guest.hidden).filter_map(seen).collect()
    }

    /// The moments that have photos, at least one if there are photos. A photo that no moment holds is in one after them.
    pub(crate) fn moments(&self) -> Vec<PageMoment<'a>> {
        let mut left: BTreeSet<usize> = (0..self.photos.len()).collect();
        let mut moments = Vec::with_capacity(self.album.moments.len() + 1);
        for moment in &self.album.moments {
            let held = moment.photos.iter().filter_map(|id| self.numbers.get(id).copied());
            let photos: Vec<usize> = held.filter(|at| left.remove(at)).collect();
            let times = [moment.starts_at, moment.ends_at];
            let cover = self.numbers.get(&moment.cover).copied();
            moments.extend(self.moment(&moment.title, &moment.reason, times, photos, cover));
        }
        let title = if moments.is_empty() { "All photos" } else { "More photos" };
        let times = left.iter().filter_map(|&at| self.photos[at].taken_at);
        let times = [times.clone().min(), times.max()];
        moments.extend(self.moment(title, "", times, left.into_iter().collect(), None));
        moments
    }

    fn moment(
        &self,
        title: &'a str,
        reason: &'a str,
        times: [Option<Timestamp>; 2],
        photos: Vec<usize>,
        cover: Option<usize>,
    ) -> Option<PageMoment<'a>> {
        let [starts, ends] = times.map(|time| time.map(|time| self.look.wall_ms(time)));
        let cover = cover.or(photos.first().copied())?;
        (!photos.is_empty()).then_some(PageMoment { title, reason, starts, ends, photos, cover })
    }

    /// Whether a page can offer the best photos: somebody judged sharpness.
    pub(crate) fn knows_best(&self) -> bool {
        self.photos.iter().any(|photo| self.look.is_best(&photo.analysis))
    }
}

impl<'a> PageData<'a> {
    /// An album for a page that stands beside its files.
    pub(super) fn of(numbered: &Numbered<'a>) -> Self {
        let details = Details::of(numbered.photos.iter().copied(), numbered.look(), Files::Beside);
        Self { details, moments: numbered.moments(), guests: numbered.guests() }
    }
}

/// The time zone that the page's times are shown in.
pub(crate) fn zone_of(album: &Album) -> TimeZone {
    album.wedding.as_ref().map_or(TimeZone::UTC, |wedding| wedding.time_zone.rules())
}

fn page_face(photo: usize, region: Region) -> (usize, f32, f32, f32, f32) {
    // Four decimals are a quarter of a pixel at 2048.
    let short = |value: f32| (value * 1e4).round() / 1e4;
    (photo, short(region.x), short(region.y), short(region.width), short(region.height))
}
