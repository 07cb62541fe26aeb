use std::{collections::BTreeMap, time::Duration};

use procession_domain::urgency::Urgency;
use proptest::prelude::*;

use super::*;

const NOW: Timestamp = Timestamp::from_micros(0);

/// A gallery that waits and what it still needs, for a plain simulation of one worker.
struct Waiting {
    candidate: Candidate,
    jobs: u32,
    cost: f64,
}

fn waiting(number: usize, weight: f64, critical: bool, jobs: u32, cost: f64) -> Waiting {
    let deadline = NOW.after(Duration::from_secs(3_600 + number as u64));
    let critical_at = if critical { NOW } else { deadline };
    let rank = Rank { urgency: Urgency::StandardDelivery, weight, since: NOW, deadline, critical_at };
    let gallery = GalleryId::named(&format!("gallery {number}"));
    Waiting { candidate: Candidate { gallery, rank, virtual_time: 0.0 }, jobs, cost }
}

/// Serves one job at a time until nobody waits or `turns` are over.
fn serve(galleries: &mut [Waiting], turns: usize) -> Vec<Turn> {
    let mut share = CriticalShare::default();
    let mut served = Vec::new();
    for _ in 0..turns {
        let candidates: Vec<_> = galleries.iter().filter(|g| g.jobs > 0).map(|g| g.candidate).collect();
        let Some(turn) = next(&candidates, NOW, &share) else { break };
        let gallery = galleries.iter_mut().find(|g| g.candidate.gallery == turn.gallery).unwrap();
        gallery.jobs -= 1;
        gallery.candidate.virtual_time =
            charge(gallery.candidate.virtual_time, gallery.cost, gallery.candidate.rank.weight);
        share.charge(&turn, gallery.cost);
        served.push(turn);
    }
    served
}

fn counts(turns: &[Turn]) -> BTreeMap<GalleryId, u32> {
    let mut counts = BTreeMap::new();
    turns.iter().for_each(|turn| *counts.entry(turn.gallery).or_default() += 1);
    counts
}

#[test]
fn under_saturation_the_shares_are_five_to_three_to_one() {
    let mut galleries = [5.0, 3.0, 1.0].map(|weight| waiting(weight as usize, weight, false, u32::MAX, 24.0));
    let counts = counts(&serve(&mut galleries, 9_000));
    for gallery in &galleries {
        let share = f64::from(counts[&gallery.candidate.gallery]) / 1_000.0;
        let weight = gallery.candidate.rank.weight;
        assert!((share / weight - 1.0).abs() < 0.05, "weight {weight} had {share}");
    }
}

#[test]
fn critical_galleries_come_first_by_deadline_up_to_their_share() {
    let mut galleries = vec![
        waiting(2, 1.0, true, u32::MAX, 10.0),
        waiting(1, 1.0, true, u32::MAX, 10.0),
        waiting(0, 5.0, false, u32::MAX, 10.0),
    ];
    let turns = serve(&mut galleries, 1_000);
    assert!(turns[0].critical);
    let counts = counts(&turns);
    assert!(!counts.contains_key(&galleries[0].candidate.gallery), "the earliest deadline goes first");
    assert!(counts[&galleries[1].candidate.gallery].abs_diff(700) <= 1, "{counts:?}");
}

#[test]
fn without_contention_the_share_is_not_touched() {
    let mut galleries = [waiting(0, 1.0, true, 50, 10.0)];
    let turns = serve(&mut galleries, 100);
    assert_eq!(turns.len(), 50);
    assert!(turns.iter().all(|turn| turn.critical && !turn.contended));
}

#[test]
fn a_gallery_joins_where_the_others_are() {
    assert!((join(0.0, [7.0, 5.0, 9.0]) - 5.0).abs() < f64::EPSILON);
    assert!((join(6.0, [7.0, 5.0]) - 6.0).abs() < f64::EPSILON);
    assert!(join(0.0, []).abs() < f64::EPSILON);
}

fn any_gallery() -> impl Strategy<Value = (f64, bool, u32, f64)> {
    (prop_oneof![Just(1.0), Just(3.0), Just(5.0)], any::<bool>(), 1_u32..30, 1.0..100.0)
}

fn any_galleries() -> impl Strategy<Value = Vec<(f64, bool, u32, f64)>> {
    prop::collection::vec(any_gallery(), 1..8)
}

fn build(rows: &[(f64, bool, u32, f64)]) -> Vec<Waiting> {
    rows.iter().enumerate().map(|(n, (w, critical, jobs, cost))| waiting(n, *w, *critical, *jobs, *cost)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Somebody is served as long as somebody waits, and in the end everybody was.
    #[test]
    fn work_is_conserved(rows in any_galleries()) {
        let total: u32 = rows.iter().map(|row| row.2).sum();
        let mut galleries = build(&rows);
        let turns = serve(&mut galleries, usize::MAX);
        prop_assert_eq!(turns.len(), total as usize);
        prop_assert!(galleries.iter().all(|gallery| gallery.jobs == 0));
    }

    /// Whoever is critical is served before whoever is not, unless the share is used up.
    #[test]
    fn critical_first(rows in any_galleries(), credit in -1.0..1.0_f64) {
        let candidates: Vec<_> = build(&rows).into_iter().map(|g| g.candidate).collect();
        let share = CriticalShare { credit, ..CriticalShare::default() };
        let turn = next(&candidates, NOW, &share).unwrap();
        let any_critical = rows.iter().any(|row| row.1);
        let any_other = rows.iter().any(|row| !row.1);
        prop_assert_eq!(turn.critical, any_critical && (credit >= 0.0 || !any_other));
    }

    /// Nobody starves: while a gallery that is not critical waits, it gets its weight's part of the part that critical
    /// galleries leave, short of at most a few jobs.
    #[test]
    fn no_gallery_starves(rows in any_galleries(), turns in 50_usize..400) {
        let mut galleries = build(&rows);
        galleries.iter_mut().for_each(|gallery| gallery.jobs = u32::MAX);
        let counts = counts(&serve(&mut galleries, turns));
        let work = |g: &Waiting| f64::from(counts.get(&g.candidate.gallery).copied().unwrap_or(0)) * g.cost;
        let total: f64 = galleries.iter().map(work).sum();
        let others: Vec<_> = galleries.iter().filter(|g| g.candidate.rank.critical_at > NOW).collect();
        let weights: f64 = others.iter().map(|g| g.candidate.rank.weight).sum();
        let contended = others.len() < galleries.len();
        let left = if contended { total * (1.0 - CriticalShare::default().cap) } else { total };
        let largest = galleries.iter().map(|g| g.cost).fold(0.0, f64::max);
        for gallery in others {
            let due = left * gallery.candidate.rank.weight / weights;
            let slack = largest * (1.0 + 2.0 * galleries.len() as f64 * gallery.candidate.rank.weight);
            prop_assert!(work(gallery) >= due - slack, "{} of {due} for {:?}", work(gallery), gallery.candidate);
        }
    }
}
