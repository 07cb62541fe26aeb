use std::time::Duration;

use procession_domain::{
    ContentHash, GalleryId,
    analysis::{Label, Scene},
};
use proptest::prelude::*;

use super::*;

struct Shot {
    id: PhotoId,
    name: String,
    taken_at: Option<Timestamp>,
    analysis: Analysis,
}

/// Photo `number`, taken so many seconds after 13:00 UTC on a day in June, of one of eight unlike scenes.
fn shot(number: usize, seconds: Option<u64>, scene: usize) -> Shot {
    let noon = Timestamp::from_micros(1_782_046_800_000_000);
    let mut features = vec![0.0; 8];
    features[scene] = 1.0;
    Shot {
        id: PhotoId::of(GalleryId::named("day"), &ContentHash::of(&number.to_le_bytes())),
        name: format!("IMG_{number}.jpg"),
        taken_at: seconds.map(|seconds| noon.after(Duration::from_secs(seconds))),
        analysis: Analysis { scene: Some(Scene { labels: Vec::new(), features }), ..Analysis::default() },
    }
}

fn moments(shots: &[Shot]) -> Vec<Moment> {
    let evidence: Vec<_> = shots
        .iter()
        .map(|shot| MomentEvidence {
            photo: shot.id,
            name: &shot.name,
            taken_at: shot.taken_at,
            analysis: &shot.analysis,
        })
        .collect();
    find_moments(&evidence, &"Europe/Rome".parse().unwrap())
}

fn lengths(shots: &[Shot]) -> Vec<usize> {
    moments(shots).iter().map(|moment| moment.photos.len()).collect()
}

#[test]
fn a_long_pause_cuts_even_where_the_scene_stays() {
    let shots: Vec<_> = (0..10).map(|n| shot(n, Some(n as u64 * 20 + if n < 4 { 0 } else { 7_000 }), 0)).collect();
    assert_eq!(lengths(&shots), [4, 6]);
    let found = moments(&shots);
    assert_eq!(found[0].title, "Afternoon, 15:00");
    assert!(found[1].reason.contains("pause of 1 h 57 min"), "{}", found[1].reason);
}

#[test]
fn a_change_of_scene_cuts_and_a_single_odd_photo_does_not() {
    let scene = |n| if n < 20 { 0 } else { 1 };
    let shots: Vec<_> = (0..40).map(|n| shot(n, Some(n as u64 * 15), if n == 7 { 3 } else { scene(n) })).collect();
    assert_eq!(lengths(&shots), [20, 20]);
}

#[test]
fn photos_without_a_time_stand_by_their_names() {
    let mut shots: Vec<_> = (0..12).map(|n| shot(n, Some(n as u64 * 20), 0)).collect();
    shots[5].taken_at = None;
    let found = moments(&shots);
    let order: Vec<_> = shots.iter().map(|shot| shot.id).collect();
    assert_eq!(found.iter().flat_map(|moment| moment.photos.clone()).collect::<Vec<_>>(), order);
    let timeless: Vec<_> = (0..12).map(|n| shot(n, None, 0)).collect();
    let found = moments(&timeless);
    assert_eq!(found.iter().flat_map(|moment| moment.photos.clone()).collect::<Vec<_>>(), order);
    assert_eq!((found[0].starts_at, found[0].title.as_str()), (None, "Photos without a time"));
}

#[test]
fn a_title_needs_evidence() {
    let mut shots: Vec<_> = (0..6).map(|n| shot(n, Some(n as u64 * 10), 0)).collect();
    for shot in shots.iter_mut().take(4) {
        let labels = vec![Label { name: "altar".to_owned(), probability: 0.5 }];
        shot.analysis.scene.as_mut().unwrap().labels = labels;
    }
    let found = moments(&shots);
    assert_eq!(found[0].title, "Ceremony");
    assert!(found[0].reason.contains("4 of 6 show altar"), "{}", found[0].reason);
    shots[0].analysis.scene.as_mut().unwrap().labels.clear();
    shots[1].analysis.scene.as_mut().unwrap().labels.clear();
    assert_eq!(moments(&shots)[0].title, "Afternoon, 15:00");
}

#[test]
fn the_cheapest_cuts_are_found() {
    // Against trying every way to cut.
    let rows: Vec<Vec<f32>> =
        [0, 0, 1, 1, 1, 2, 0, 0, 0, 2].map(|scene| shot(0, None, scene).analysis).map(|a| row(&a)).to_vec();
    let prices = [5.0, 0.3, 5.0, 5.0, 0.9, 0.2, 5.0, 5.0, 0.4];
    let sums = Sums::of(&rows);
    let cost = |ends: &[usize]| {
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let spreads: f64 = starts.zip(ends).map(|(start, &end)| sums.spread(start, end)).sum();
        spreads + ends[..ends.len() - 1].iter().map(|end| prices[end - 1]).sum::<f64>()
    };
    let all =
        (0_u32..1 << 9).map(|mask| (1..10).filter(|end| mask >> (end - 1) & 1 == 1).chain([10]).collect::<Vec<_>>());
    let least = all.map(|ends| cost(&ends)).min_by(f64::total_cmp).unwrap();
    assert!((cost(&cuts(&rows, &prices)) - least).abs() < 1e-9);
}

proptest! {
    #[test]
    fn every_photo_is_in_one_moment_in_the_order_of_the_day(
        day in prop::collection::vec((prop::option::of(0_u64..40_000), 0_usize..8), 0..60),
        turn in 0_usize..60,
    ) {
        let mut shots: Vec<_> = day.iter().enumerate().map(|(n, (seconds, scene))| shot(n, *seconds, *scene)).collect();
        let found = moments(&shots);
        let mut photos: Vec<_> = found.iter().flat_map(|moment| moment.photos.clone()).collect();
        let times: Vec<_> = photos.iter().filter_map(|id| shots.iter().find(|shot| shot.id == *id)?.taken_at).collect();
        prop_assert!(times.is_sorted());
        prop_assert!(found.iter().all(|moment| moment.photos.contains(&moment.cover) && !moment.title.is_empty()));
        let turn = turn % shots.len().max(1);
        shots.rotate_left(turn);
        prop_assert_eq!(moments(&shots), found);
        photos.sort();
        let mut all: Vec<_> = shots.iter().map(|shot| shot.id).collect();
        all.sort();
        prop_assert_eq!(photos, all);
    }
}

#[test]
fn every_class_in_a_title_is_one_that_the_scene_model_names() {
    let classes = crate::Cache::new(crate::Cache::default_dir()).model("imagenet-classes");
    let classes = classes.unwrap_or_else(|error| panic!("{error}\nRun the tests with `cargo xtask test`")).bytes;
    let classes = String::from_utf8(classes).unwrap();
    for (title, names) in title::SCENES {
        for name in names {
            assert!(classes.lines().any(|class| class.split(" (").next() == Some(name)), "{title}: {name}");
        }
    }
}
