//! Single decisions, and whole courses of work in which the decisions are taken again and again.

mod course;

use procession_domain::{gallery::Rank, urgency::Urgency};

use super::*;
use crate::default_margin;

const NOW: Timestamp = Timestamp::from_micros(0);

fn region(name: &str) -> Region {
    name.parse().unwrap()
}

fn cluster(name: &str, pace: impl Into<Option<f64>>) -> Cluster {
    Cluster { region: region(name), lanes: 8, megapixels_per_second: pace.into(), is_complete: true }
}

/// Photos of 24 megapixels of which none is worked on, due in so many seconds.
fn gallery(name: &str, place: Place, photos: u64, due: u64) -> Placed {
    let urgency = Urgency::SameDayWedding;
    let deadline = NOW.after(Duration::from_secs(due));
    let rank = Rank { urgency, weight: 5.0, since: NOW, deadline, critical_at: deadline };
    let megapixels = 24.0 * photos as f64;
    let margin = default_margin(procession_domain::urgency::Promises::default().of(urgency));
    let unfinished = Unfinished { gallery: GalleryId::named(name), rank, margin, photos, megapixels };
    Placed { unfinished, waiting_megapixels: megapixels, place }
}

fn decide(galleries: &[Placed], clusters: &[Cluster]) -> Vec<(GalleryId, Place, String)> {
    let placements = place(galleries, clusters, &PlacePolicy::default(), NOW);
    placements.into_iter().map(|of| (of.gallery, of.place, of.reason.into())).collect()
}

fn here(name: &str) -> Place {
    Place::At(region(name))
}

#[test]
fn new_galleries_go_where_they_are_finished_first() {
    let clusters = [cluster("us-east-1", 240.0), cluster("eu-west-1", 480.0)];
    let galleries = [gallery("busy", here("eu-west-1"), 600, 7_200), gallery("new", Place::Undecided, 100, 7_200)];
    let decided = decide(&galleries, &clusters);
    // 100 photos at 10 a second, against 700 at 20.
    assert_eq!(decided.len(), 1);
    assert_eq!(decided[0].1, here("us-east-1"));
    assert_eq!(decided[0].2, "us-east-1 finishes it first, in about 10 s");
}

#[test]
fn galleries_go_where_a_photo_can_be_finished() {
    let looking = Cluster { is_complete: false, ..cluster("us-east-1", 900.0) };
    let whole = [cluster("eu-west-1", 240.0), cluster("us-west-2", 120.0)];
    let [at_specialists, new] = [gallery("a", here("us-east-1"), 9, 7_200), gallery("b", Place::Undecided, 9, 7_200)];
    let galleries = [at_specialists, new];
    let decided = decide(&galleries, &[looking.clone(), whole[0].clone(), whole[1].clone()]);
    assert!(
        decided.iter().all(|(_, place, _)| *place == here("eu-west-1") || *place == here("us-west-2")),
        "{decided:?}"
    );
    assert!(decided[0].2.starts_with("us-east-1 does not do every stage; "), "{decided:?}");
    // Where no cluster does all, they do it together; where nobody works, nothing is decided.
    let decided = decide(&galleries, std::slice::from_ref(&looking));
    assert!(decided.len() == 2 && decided.iter().all(|(_, place, _)| *place == Place::Shared), "{decided:?}");
    assert!(decide(&galleries, &[Cluster { lanes: 0, ..looking }]).is_empty());
}

#[test]
fn what_was_at_a_cluster_that_is_gone_moves_at_once() {
    let clusters = [cluster("us-east-1", 240.0), cluster("eu-west-1", 240.0)];
    let orphan = || gallery("a", here("us-west-2"), 300, 7_200);
    let busy = || gallery("b", here("eu-west-1"), 300, 7_200);
    let decided = decide(&[orphan(), busy()], &clusters);
    assert_eq!(
        decided,
        [(
            orphan().unfinished.gallery,
            here("us-east-1"),
            "nothing is heard of us-west-2; us-east-1 finishes it first, in about 30 s".to_owned()
        )]
    );
    // Where one cluster is left, it has everything.
    let decided = decide(&[orphan(), busy()], &clusters[1..]);
    assert_eq!(decided[0].1, Place::Shared);
    assert_eq!(decided[0].2, "nothing is heard of us-west-2; eu-west-1 is all there is");
    assert_eq!(decided.len(), 1);
    // Where nobody is left, there is nothing to decide.
    assert_eq!(decide(&[orphan(), busy()], &[]), []);
}

#[test]
fn a_deadline_at_risk_is_shared_and_what_is_in_time_stays() {
    let clusters = [cluster("us-east-1", 240.0), cluster("eu-west-1", 240.0)];
    // 20 minutes of work in 22; beside it half as much, for tomorrow; the others have enough to do.
    let risky = gallery("a", here("us-east-1"), 12_000, 1_320);
    let calm = gallery("b", here("us-east-1"), 6_000, 86_400);
    let other = gallery("c", here("eu-west-1"), 18_000, 86_400);
    let decided = decide(&[risky.clone(), calm, other], &clusters);
    assert_eq!(decided.len(), 1, "{decided:?}");
    assert_eq!((&decided[0].0, &decided[0].1), (&risky.unfinished.gallery, &Place::Shared));
    assert!(decided[0].2.starts_with("in us-east-1 alone: 12,000 photos"), "{}", decided[0].2);
}

#[test]
fn workers_with_nothing_to_do_take_part() {
    let clusters = [cluster("us-east-1", 240.0), cluster("eu-west-1", 240.0)];
    let (small, large) = (gallery("a", here("us-east-1"), 60, 7_200), gallery("b", here("us-east-1"), 600, 7_200));
    let decided = decide(&[small.clone(), large.clone()], &clusters);
    assert_eq!(decided.len(), 1, "one is enough: {decided:?}");
    assert_eq!((&decided[0].0, &decided[0].1), (&large.unfinished.gallery, &Place::Shared));
    assert_eq!(decided[0].2, "eu-west-1 has nothing to do, and in us-east-1 work waits for 66 s");
    // What is finished in a moment is not worth reading from afar.
    assert_eq!(decide(&[gallery("a", here("us-east-1"), 40, 7_200)], &clusters), []);
    // Before anything is measured, whatever waits is.
    let unknown = [cluster("us-east-1", None), cluster("eu-west-1", None)];
    assert_eq!(decide(&[small], &unknown)[0].2, "eu-west-1 has nothing to do, and in us-east-1 work waits");
}

#[test]
fn a_cluster_that_was_not_measured_counts_by_its_lanes() {
    let half = Cluster { lanes: 4, ..cluster("eu-west-1", None) };
    let paces = Paces::of(&[cluster("us-east-1", 240.0), half, Cluster { lanes: 0, ..cluster("us-west-2", 100.0) }]);
    assert_eq!(paces.regions, BTreeMap::from([(region("eu-west-1"), 120.0), (region("us-east-1"), 240.0)]));
}

#[test]
fn where_work_waits_for_long_weights_count_among_all() {
    let clusters = [cluster("us-east-1", 240.0), cluster("eu-west-1", 240.0)];
    let weighing = |name: &str, home: &str, weight: f64| {
        let mut gallery = gallery(name, here(home), 6_000, 86_400);
        gallery.unfinished.rank.weight = weight;
        gallery
    };
    let galleries = [weighing("a", "us-east-1", 5.0), weighing("b", "us-east-1", 3.0), weighing("c", "eu-west-1", 1.0)];
    let decided = decide(&galleries, &clusters);
    assert_eq!(decided.len(), 1, "{decided:?}");
    assert_eq!((&decided[0].0, &decided[0].1), (&galleries[0].unfinished.gallery, &Place::Shared));
    assert!(decided[0].2.contains("are 89% by weight of what waits, and it has 50% of the pace"), "{}", decided[0].2);
    let policy = PlacePolicy { fair_after: Duration::from_secs(3_600), ..PlacePolicy::default() };
    assert_eq!(place(&galleries, &clusters, &policy, NOW), []);
}
