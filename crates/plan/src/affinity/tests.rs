use proptest::prelude::*;

use super::*;

fn pool(device: &str, lanes: usize, reach: f64, stages: [f64; 4]) -> Pool {
    let speeds = Speeds { reach: Some(reach), stages: stages.map(Some) };
    Pool { device: device.to_owned(), lanes, speeds, offers: Stages::ALL }
}

fn decide(pools: &[Pool]) -> Affinity {
    affinity(pools, [0.0; 4], &Affinity::default(), &AffinityPolicy::default())
}

#[test]
fn one_kind_does_all() {
    let one = decide(&[pool("cpu", 8, 0.01, [0.1, 0.1, 0.1, 0.2])]);
    assert_eq!((one.cut, one.preferences.len()), (None, 0));
    assert!(one.reason.contains("one kind"), "{}", one.reason);
    let alike = decide(&[pool("cpu", 8, 0.01, [0.1, 0.1, 0.1, 0.2]), pool("arm", 4, 0.02, [0.2, 0.2, 0.2, 0.4])]);
    assert_eq!((alike.cut, alike.preferences.len()), (None, 0), "{alike:?}");
    assert!(alike.reason.ends_with("divided, 0% more would be finished"), "{}", alike.reason);
}

#[test]
fn each_kind_does_what_it_is_ahead_in() {
    // The GPU looks thirty times as fast and renders twice as fast; one of it, and processors that can render as much.
    let gpu = pool("gpu", 2, 0.005, [0.002, 0.002, 0.002, 0.05]);
    let cpu = pool("cpu", 16, 0.01, [0.06, 0.06, 0.06, 0.1]);
    let divided = decide(&[gpu, cpu]);
    assert_eq!(divided.cut, Some(Stage::Compression), "{divided:?}");
    let [gpu, cpu] = ["gpu", "cpu"].map(|kind| &divided.preferences[kind]);
    assert_eq!(cpu.first, Stages::from_iter([Stage::Compression]));
    assert_eq!(gpu.first, Stages::between(Stage::AiAnalysis, Stage::MomentDetection));
    assert!(cpu.share == 1.0 && gpu.share > 0.5, "{divided:?}");
    assert!(gpu.reason.contains("does ai_analysis, face_recognition, moment_detection alone"), "{}", gpu.reason);
}

#[test]
fn a_difference_that_is_soon_gone_changes_nothing() {
    let policy = AffinityPolicy::default();
    let pools = |render: f64| {
        [pool("gpu", 2, 0.005, [0.002, 0.002, 0.002, render]), pool("cpu", 16, 0.01, [0.06, 0.06, 0.06, 0.1])]
    };
    let gain = |render: f64| {
        let pools = pools(render);
        let pools: Vec<&Pool> = pools.iter().collect();
        let plan = Plan::at(3, &pools, &known(&pools).unwrap());
        plan.finished / plan.undivided
    };
    // Where dividing is worth just enough to stay so, and not enough to begin.
    let render = (1..400).map(|step| f64::from(step) * 0.0001).find(|render| gain(*render) > 1.03).unwrap();
    assert!(gain(render) < policy.begin_at);
    let undivided = decide(&pools(render));
    assert_eq!(undivided.cut, None);
    let divided = decide(&pools(0.05));
    assert!(divided.cut.is_some());
    assert_eq!(affinity(&pools(render), [0.0; 4], &divided, &policy).cut, divided.cut);
}

#[test]
fn nobody_adds_to_what_waits_too_long() {
    let policy = AffinityPolicy::default();
    let pools = [pool("gpu", 2, 0.005, [0.002, 0.002, 0.002, 0.05]), pool("cpu", 16, 0.01, [0.06, 0.06, 0.06, 0.1])];
    let free = decide(&pools);
    // The processors render 145 megapixels a second.
    let held = affinity(&pools, [0.0, 0.0, 0.0, 145.0 * 70.0], &free, &policy);
    assert!(held.is_held_back && !held.preferences.contains_key("gpu") && held.preferences.contains_key("cpu"));
    assert!(held.reason.contains("takes 70 s"), "{}", held.reason);
    let still = affinity(&pools, [0.0, 0.0, 0.0, 145.0 * 20.0], &held, &policy);
    assert!(still.is_held_back);
    let again = affinity(&pools, [0.0, 0.0, 0.0, 145.0 * 10.0], &still, &policy);
    assert_eq!(again, free);
}

#[test]
fn what_is_not_measured_is_not_compared() {
    let mut gpu = pool("gpu", 2, 0.005, [0.002, 0.002, 0.002, 0.05]);
    let mut cpu = pool("cpu", 16, 0.01, [0.06, 0.06, 0.06, 0.1]);
    // No gallery has consent for faces.
    (gpu.speeds.stages[1], cpu.speeds.stages[1]) = (None, None);
    assert_eq!(decide(&[gpu.clone(), cpu.clone()]).cut, Some(Stage::Compression));
    // Only one has met a photo that shows a moment.
    gpu.speeds.stages[2] = None;
    assert_eq!(decide(&[gpu.clone(), cpu.clone()]).cut, Some(Stage::Compression));
    gpu.speeds.stages[3] = None;
    let unknown = decide(&[gpu, cpu]);
    assert_eq!(unknown.cut, None);
    assert!(unknown.reason.contains("too little is measured"), "{}", unknown.reason);
}

fn any_pools() -> impl Strategy<Value = Vec<Pool>> {
    let seconds = || 0.001..0.5_f64;
    let stages = [seconds(), seconds(), seconds(), seconds()];
    let of = (1..9_usize, 0.001..0.1_f64, stages, 1..4_u8);
    proptest::collection::vec(of, 1..4).prop_map(|all| {
        let kind = |(number, (lanes, reach, stages, offers)): (usize, (usize, f64, [f64; 4], u8))| {
            let looking = Stages::between(Stage::AiAnalysis, Stage::MomentDetection);
            let offers = match offers {
                1 => looking,
                2 => Stages::from_iter([Stage::Compression]),
                _ => Stages::ALL,
            };
            // The first offers all, so that each stage is somebody's.
            let offers = if number == 0 { Stages::ALL } else { offers };
            Pool { offers, ..pool(&format!("kind-{number}"), lanes, reach, stages) }
        };
        all.into_iter().enumerate().map(kind).collect()
    })
}

/// The best of all divisions whose parts of each pool's time are tenths.
fn best_of_many(rates: &[Rates], front: &mut Vec<f64>, back: &mut Vec<f64>) -> f64 {
    let index = front.len();
    if index == rates.len() {
        let sum = |of: &dyn Fn(usize) -> f64| (0..rates.len()).map(of).sum::<f64>();
        let (to, from) = (sum(&|at| front[at] * rates[at].front), sum(&|at| back[at] * rates[at].back));
        return to.min(from) + sum(&|at| (1.0 - front[at] - back[at]) * rates[at].whole);
    }
    let mut best = 0.0_f64;
    for tenths in 0..=10_u8 {
        for others in 0..=(10 - tenths) {
            front.push(f64::from(tenths) / 10.0);
            back.push(f64::from(others) / 10.0);
            best = best.max(best_of_many(rates, front, back));
            front.pop();
            back.pop();
        }
    }
    best
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_less_is_finished_than_undivided(pools in any_pools()) {
        let pools: Vec<&Pool> = pools.iter().collect();
        let known = known(&pools).unwrap();
        for cut in 1..4 {
            let plan = Plan::at(cut, &pools, &known);
            prop_assert!(plan.finished >= plan.undivided * (1.0 - 1e-9), "{plan:?}");
            let part = |index: usize| plan.front[index] + plan.back[index];
            prop_assert!((0..pools.len()).all(|index| (0.0..=1.0 + 1e-9).contains(&part(index))), "{plan:?}");
        }
    }

    #[test]
    fn no_division_finishes_more(pools in any_pools(), cut in 1..4_usize) {
        let pools: Vec<&Pool> = pools.iter().collect();
        let plan = Plan::at(cut, &pools, &known(&pools).unwrap());
        let best = best_of_many(&plan.rates, &mut Vec::new(), &mut Vec::new());
        prop_assert!(plan.finished >= best * (1.0 - 1e-9), "{best} {plan:?}");
    }

    #[test]
    fn the_same_is_decided_again_and_from_then_on(pools in any_pools()) {
        let policy = AffinityPolicy::default();
        let first = decide(&pools);
        prop_assert_eq!(&decide(&pools), &first);
        prop_assert_eq!(&affinity(&pools, [0.0; 4], &first, &policy), &first);
        let mut reversed = pools.clone();
        reversed.reverse();
        prop_assert_eq!(decide(&reversed).cut, first.cut);
        for (device, preference) in &first.preferences {
            let pool = pools.iter().find(|pool| pool.device == *device).unwrap();
            prop_assert!(pool.offers.contains_all(preference.first) && !preference.first.is_empty());
            prop_assert!((0.0..=1.0).contains(&preference.share));
        }
    }
}

fn any_stages() -> impl Strategy<Value = Stages> {
    proptest::collection::vec(0..4_usize, 1..5)
        .prop_map(|places| places.into_iter().map(|place| Stage::ALL[place]).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Nobody is idle while a job waits at a stage that it offers, whatever it prefers; and nobody does what it does not offer.
    #[test]
    fn whoever_asks_gets_as_much_as_it_offers_to_do(
        offers in any_stages(), first in any_stages(), share in 0.0..=1.0_f64, prefers: bool,
        mut waiting in proptest::collection::vec(0..4_usize, 0..40), counts in proptest::collection::vec(0..9_usize, 1..9),
    ) {
        let preference = prefers.then(|| Preference { first, share, reason: String::new() });
        let mut owed = 0.0;
        for count in counts {
            let could = waiting.iter().filter(|stage| offers.contains(Stage::ALL[**stage])).count();
            let mut got = 0;
            for turn in turns(offers, preference.as_ref(), count, &mut owed) {
                prop_assert!(offers.contains_all(turn.stages) && turn.stages.contains_all(turn.at));
                for _ in 0..turn.most.min(count - got) {
                    let Some(found) = waiting.iter().position(|stage| turn.at.contains(Stage::ALL[*stage])) else { break };
                    waiting.swap_remove(found);
                    got += 1;
                }
            }
            prop_assert_eq!(got, count.min(could));
        }
    }

    /// While there is enough of everything, a worker's photos are divided as its preference says.
    #[test]
    fn a_preference_gets_its_share(share in 0.0..=1.0_f64, counts in proptest::collection::vec(1..9_usize, 1..200)) {
        let first = Stages::from_iter([Stage::Compression]);
        let preference = Preference { first, share, reason: String::new() };
        let (mut owed, mut preferred, mut all) = (0.0, 0, 0);
        for count in counts {
            let asked = turns(Stages::ALL, Some(&preference), count, &mut owed);
            preferred += asked.iter().find(|turn| turn.at == first).map_or(0, |turn| turn.most);
            all += count;
        }
        prop_assert!((preferred as f64 - share * all as f64).abs() <= 1.0 + 1e-6, "{preferred} of {all}");
    }
}
