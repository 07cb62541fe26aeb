//! The galleries that are sent: folders of photos that are all different to the vault.

use std::{
    fs,
    path::{Path, PathBuf},
};

use procession_domain::{ContentHash, urgency::Urgency};

use crate::bench::told_apart;

/// Days since the wedding, by urgency.
const DAYS: [i64; 3] = [0, 1, 10];
/// Room for the number of a photo in its gallery.
const MOST_PHOTOS: usize = 100_000;

/// A gallery before it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Card {
    pub(crate) folder: PathBuf,
    pub(crate) urgency: Urgency,
    /// The day of the wedding that gives the urgency, in UTC.
    pub(crate) wedding: String,
    pub(crate) photos: Vec<Sent>,
}

/// A photo that is sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) name: String,
    pub(crate) original: ContentHash,
    pub(crate) bytes: u64,
}

/// Fills so many folders with so many photos each, of each urgency as many as of the others. The photos are the sources in turns,
/// told apart by a comment.
pub(crate) fn cards(folder: &Path, sources: &[PathBuf], galleries: usize, photos: usize) -> Vec<Card> {
    assert!(photos < MOST_PHOTOS && !sources.is_empty(), "{photos} photos of {} sources", sources.len());
    let today = jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::now()).date();
    let mut cards: Vec<Card> = Vec::new();
    for number in 0..galleries {
        let class = number % DAYS.len();
        let wedding = today.checked_sub(jiff::Span::new().days(DAYS[class])).unwrap().to_string();
        let folder = folder.join(format!("card-{number:03}"));
        fs::create_dir_all(&folder).unwrap();
        cards.push(Card { folder, urgency: Urgency::ALL[class], wedding, photos: Vec::new() });
    }
    // Each source is read once, and is in memory no longer than it is copied.
    for (place, source) in sources.iter().enumerate() {
        let jpeg = fs::read(source).unwrap();
        for (number, card) in cards.iter_mut().enumerate() {
            for photo in (0..photos).filter(|photo| (number + photo) % sources.len() == place) {
                let bytes = told_apart(&jpeg, number * MOST_PHOTOS + photo);
                let name = format!("IMG_{photo:05}.jpg");
                fs::write(card.folder.join(&name), &bytes).unwrap();
                card.photos.push(Sent { name, original: ContentHash::of(&bytes), bytes: bytes.len() as u64 });
            }
        }
    }
    cards
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::bench::{files_below, real_photos};

    #[test]
    fn no_two_photos_are_the_same_and_no_gallery_lacks_one() {
        let folder = tempfile::tempdir().unwrap();
        let cards = cards(folder.path(), &real_photos(), 4, 5);
        let all: BTreeSet<ContentHash> =
            cards.iter().flat_map(|card| &card.photos).map(|photo| photo.original).collect();
        assert_eq!((cards.len(), all.len(), files_below(folder.path()).len()), (4, 20, 20));
        assert!(cards.iter().all(|card| card.photos.len() == 5));
        let classes: Vec<&str> = cards.iter().map(|card| card.urgency.name()).collect();
        assert_eq!(classes, ["same_day_wedding", "next_day_delivery", "standard_delivery", "same_day_wedding"]);
    }
}
