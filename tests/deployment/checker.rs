//! What must be so in the end, whatever happened: a function of what was found.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use procession_domain::ContentHash;

/// What was found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    pub(crate) galleries: Vec<GalleryFacts>,
    /// By the photo that was uploaded and acknowledged.
    pub(crate) photos: Vec<PhotoFacts>,
    /// By so much a gallery may be late because a worker was stopped while it held the gallery's last photo.
    pub(crate) held_back: Duration,
}

/// Of one gallery.
#[derive(Clone, Debug)]
pub(crate) struct GalleryFacts {
    pub(crate) title: String,
    /// 0 for same-day, 1 for next-day, 2 for standard.
    pub(crate) urgency: usize,
    /// Photos that are not finished.
    pub(crate) unfinished: u64,
    /// When it was seen to be complete, after all galleries had begun to wait.
    pub(crate) completed_after: Option<Duration>,
    /// The original of each photo that it lists.
    pub(crate) listed: Vec<ContentHash>,
}

/// Of one photo.
#[derive(Clone, Debug)]
pub(crate) struct PhotoFacts {
    pub(crate) gallery: usize,
    /// The hash of what was sent.
    pub(crate) original: ContentHash,
    /// The hash of what each store has, read from the store itself.
    pub(crate) replicas: Vec<Option<ContentHash>>,
    /// The name of each variant that is listed, and whether its address gives as many bytes as promised.
    pub(crate) variants: Vec<(String, bool)>,
}

/// Everything that is not as it must be; nothing if all is well.
pub(crate) fn complaints(facts: &Facts) -> Vec<String> {
    let mut complaints = Vec::new();
    let names: BTreeSet<&String> =
        facts.photos.iter().flat_map(|photo| &photo.variants).map(|(name, _)| name).collect();
    if facts.photos.is_empty() || names.is_empty() {
        complaints.push("nothing was made".to_owned());
    }
    for photo in &facts.photos {
        let listed =
            facts.galleries[photo.gallery].listed.iter().filter(|original| **original == photo.original).count();
        if listed != 1 {
            complaints.push(format!("{} is listed {listed} times", photo.original));
        }
        for (store, replica) in photo.replicas.iter().enumerate() {
            match replica {
                Some(hash) if *hash == photo.original => {}
                Some(_) => complaints.push(format!("store {store} has other bytes for {}", photo.original)),
                None => complaints.push(format!("store {store} lacks {}", photo.original)),
            }
        }
        for name in &names {
            let found: Vec<_> = photo.variants.iter().filter(|(found, _)| found == *name).collect();
            if found.len() != 1 || !found[0].1 {
                complaints.push(format!("{} has {name} {} times, or not whole", photo.original, found.len()));
            }
        }
    }
    for (number, gallery) in facts.galleries.iter().enumerate() {
        let sent: BTreeSet<_> =
            facts.photos.iter().filter(|photo| photo.gallery == number).map(|photo| photo.original).collect();
        if gallery.listed.iter().any(|original| !sent.contains(original)) {
            complaints.push(format!("{} lists what nobody sent", gallery.title));
        }
        if gallery.unfinished > 0 || gallery.completed_after.is_none() {
            complaints.push(format!("{} has {} unfinished photos", gallery.title, gallery.unfinished));
        }
    }
    complaints.extend(order(facts));
    complaints
}

/// Half the galleries of a class are complete by then.
pub(crate) fn medians(facts: &Facts) -> BTreeMap<usize, Duration> {
    let mut classes: BTreeMap<usize, Vec<Duration>> = BTreeMap::new();
    for gallery in &facts.galleries {
        classes.entry(gallery.urgency).or_default().extend(gallery.completed_after);
    }
    classes.retain(|_, times| !times.is_empty());
    let middle = |mut times: Vec<Duration>| {
        times.sort();
        times[times.len() / 2]
    };
    classes.into_iter().map(|(class, times)| (class, middle(times))).collect()
}

/// All galleries waited from the same moment on, with the same number of photos: half of the more urgent are complete before half
/// of the less urgent.
fn order(facts: &Facts) -> Option<String> {
    let medians: Vec<Duration> = medians(facts).into_values().collect();
    let is_right = medians.windows(2).all(|pair| pair[0] < pair[1] + facts.held_back);
    (!is_right).then(|| format!("the less urgent are complete before the more urgent: {medians:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole() -> Facts {
        let originals: Vec<ContentHash> = (0..6u8).map(|number| ContentHash::of(&[number])).collect();
        let gallery = |number: usize| GalleryFacts {
            title: format!("gallery {number}"),
            urgency: number,
            unfinished: 0,
            completed_after: Some(Duration::from_secs(number as u64 + 1)),
            listed: vec![originals[number * 2], originals[number * 2 + 1]],
        };
        let photo = |number: usize| PhotoFacts {
            gallery: number / 2,
            original: originals[number],
            replicas: vec![Some(originals[number]); 3],
            variants: ["web.jpeg", "web.avif", "print.jpeg"].map(|name| (name.to_owned(), true)).to_vec(),
        };
        Facts {
            galleries: (0..3).map(gallery).collect(),
            photos: (0..6).map(photo).collect(),
            held_back: Duration::ZERO,
        }
    }

    /// What is wrong once one thing was changed.
    fn broken(change: impl FnOnce(&mut Facts)) -> String {
        let mut facts = whole();
        change(&mut facts);
        let complaints = complaints(&facts);
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        complaints[0].clone()
    }

    #[test]
    fn each_broken_promise_is_found() {
        assert_eq!(complaints(&whole()), Vec::<String>::new());
        let other = ContentHash::of(b"another");
        assert!(broken(|facts| facts.photos[3].replicas[2] = None).contains("store 2 lacks"));
        assert!(broken(|facts| facts.photos[3].replicas[0] = Some(other)).contains("other bytes"));
        assert!(broken(|facts| facts.galleries[1].unfinished = 1).contains("unfinished"));
        assert!(broken(|facts| drop(facts.photos[5].variants.pop())).contains("print.jpeg 0 times"));
        assert!(broken(|facts| facts.photos[5].variants[0].1 = false).contains("not whole"));
        assert!(broken(|facts| facts.photos[0].variants.push(("web.jpeg".to_owned(), true))).contains("2 times"));
        assert!(broken(|facts| facts.galleries[0].listed.truncate(1)).contains("listed 0 times"));
        assert!(broken(|facts| facts.galleries[0].listed.push(other)).contains("nobody sent"));
        let twice = |facts: &mut Facts| {
            let one = facts.galleries[0].listed[0];
            facts.galleries[0].listed.push(one);
        };
        assert!(broken(twice).contains("listed 2 times"));
        let inverted = |facts: &mut Facts| {
            let early = facts.galleries[0].completed_after;
            facts.galleries[0].completed_after = facts.galleries[2].completed_after;
            facts.galleries[2].completed_after = early;
        };
        assert!(broken(inverted).contains("less urgent"));
        let inverted_but_held_back = |facts: &mut Facts| {
            inverted(facts);
            facts.held_back = Duration::from_secs(1);
        };
        assert!(broken(inverted_but_held_back).contains("less urgent"));
        assert!(!complaints(&Facts::default()).is_empty());
    }
}
