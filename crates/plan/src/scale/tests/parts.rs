//! Fleets that offer different stages.

use procession_domain::{Stage, Stages};

use super::*;

/// What each fleet offers, and how many of its workers take work.
fn fleets() -> impl Strategy<Value = Vec<(Stages, usize)>> {
    let stages = proptest::sample::subsequence(Stage::ALL.to_vec(), 1..=4).prop_map(Stages::from_iter);
    proptest::collection::vec((stages, 0..4_usize), 1..6)
}

fn parts(fleets: &[(Stages, usize)]) -> Vec<Parts> {
    let workers = |(stages, workers): &(Stages, usize)| vec![*stages; *workers];
    let all: Vec<Stages> = fleets.iter().flat_map(workers).collect();
    let offered: Vec<Stages> = fleets.iter().map(|(stages, _)| *stages).collect();
    fleets.iter().map(|fleet| Parts::of(fleet.0, &workers(fleet), &all, &offered)).collect()
}

/// So many photos at one stage.
fn at_stage(stage: Stage, photos: f64) -> [f64; 4] {
    Stage::ALL.map(|other| if other == stage { photos } else { 0.0 })
}

fn stage() -> impl Strategy<Value = Stage> {
    proptest::sample::select(Stage::ALL.to_vec())
}

proptest! {
    #[test]
    fn a_queue_grows_only_those_who_offer_its_stage(fleets in fleets(), stage in stage(), photos in 1_000..9_000_u64) {
        let now = time("2026-06-17T12:00:00Z");
        for ((offers, running), parts) in fleets.iter().zip(parts(&fleets)) {
            let queue = |at: [f64; 4]| Queue {
                photos: parts.waiting(at).round() as u64,
                megapixels: parts.waiting(at) * 24.0,
                oldest_wait: Duration::from_secs(if parts.has(stage) { 3_600 } else { 0 }),
            };
            // More than the twelve that stand in June.
            let with = |queue| desired(&FleetSeen { queue, ..fleet(12 + *running as u32) }, now);
            let (before, after) = (with(Queue::default()).0, with(queue(at_stage(stage, photos as f64))));
            if offers.contains(stage) && parts.has(stage) {
                prop_assert!(after.0 > before && after.1 == Cause::Delay, "{offers:?}: {after:?}");
            } else {
                prop_assert_eq!(queue(at_stage(stage, photos as f64)), Queue::default());
            }
            if !offers.contains(stage) {
                prop_assert!(!parts.has(stage));
                // Until the deadline it comes to those who render; to others perhaps, and to nobody for a second time.
                let left = parts.left(at_stage(stage, 1.0), 0.0);
                prop_assert!(left <= 0.0 || offers.contains(Stage::Compression), "{offers:?}: {left}");
            }
        }
    }

    #[test]
    fn nothing_is_anybodys_twice_or_nobodys(fleets in fleets(), stage in stage()) {
        let sum: f64 = parts(&fleets).iter().map(|parts| parts.waiting(at_stage(stage, 1.0))).sum();
        let is_offered = fleets.iter().any(|(stages, _)| stages.contains(stage));
        prop_assert!((sum - f64::from(u8::from(is_offered))).abs() < 1e-9, "{sum}");
        let rendered: f64 = parts(&fleets).iter().map(|parts| parts.left([0.0; 4], 1.0)).sum();
        let renders = fleets.iter().any(|(stages, _)| stages.contains(Stage::Compression));
        prop_assert!((rendered - f64::from(u8::from(renders))).abs() < 1e-9, "{rendered}");
    }

    #[test]
    fn who_offers_all_beside_others_who_do_has_its_part_of_everything(
        workers in proptest::collection::vec(0..9_usize, 1..6), at in proptest::array::uniform4(0..999_u32), working in 0..99_u32,
    ) {
        let fleets: Vec<_> = workers.iter().map(|workers| (Stages::ALL, *workers)).collect();
        let (all, at, working) = (workers.iter().sum::<usize>(), at.map(f64::from), f64::from(working));
        for (own, parts) in workers.iter().zip(parts(&fleets)) {
            let part = if all == 0 { 1.0 / workers.len() as f64 } else { *own as f64 / all as f64 };
            let waiting: f64 = at.iter().sum();
            prop_assert!((parts.waiting(at) - waiting * part).abs() < 1e-6);
            prop_assert!((parts.left(at, working) - (waiting + working) * part).abs() < 1e-6);
            prop_assert!((parts.arriving() - part).abs() < 1e-12);
        }
    }
}

#[test]
fn those_who_render_get_ready_for_what_is_looked_at_and_not_the_other_way_around() {
    let looking = Stages::between(Stage::AiAnalysis, Stage::MomentDetection);
    let fleets = [(looking, 2), (Stages::from_iter([Stage::Compression]), 4)];
    let [looks, renders] = parts(&fleets).try_into().unwrap();
    let (new, looked_at) = (at_stage(Stage::AiAnalysis, 1_000.0), at_stage(Stage::Compression, 1_000.0));
    assert_eq!((looks.waiting(new), renders.waiting(new)), (1_000.0, 0.0));
    assert_eq!((looks.left(new, 10.0), renders.left(new, 10.0)), (1_000.0, 1_010.0));
    assert_eq!((looks.left(looked_at, 10.0), renders.left(looked_at, 10.0)), (0.0, 1_010.0));
    assert_eq!((looks.arriving(), renders.arriving()), (1.0, 1.0));
    // Nobody knows who will have consented.
    let [faces] = parts(&[(Stages::from_iter([Stage::FaceRecognition]), 1)]).try_into().unwrap();
    assert_eq!((faces.arriving(), faces.left(new, 10.0)), (0.0, 0.0));
}
