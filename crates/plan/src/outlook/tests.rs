use procession_domain::{gallery::Progress, urgency::Urgency};
use proptest::prelude::*;

use super::*;

const NOW: Timestamp = Timestamp::from_micros(0);
const HOUR: u64 = 3_600;
const CAP: f64 = 0.7;

/// A gallery that is due in an hour and some seconds, and becomes critical after `critical_after` seconds.
fn gallery(number: u64, weight: f64, megapixels: f64, critical_after: u64) -> Unfinished {
    let at = |seconds| NOW.after(Duration::from_secs(seconds));
    Unfinished {
        gallery: GalleryId::named(&format!("gallery {number}")),
        rank: Rank {
            urgency: Urgency::StandardDelivery,
            weight,
            since: NOW,
            deadline: at(HOUR + number),
            critical_at: at(critical_after),
        },
        margin: Duration::from_secs(600),
        photos: (megapixels / 24.0) as u64,
        megapixels,
    }
}

fn ends(galleries: &[Unfinished], pace: f64) -> Vec<f64> {
    finish_seconds(galleries, pace, CAP, NOW)
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-6 * b.abs().max(1.0)
}

#[test]
fn shares_follow_the_weights_and_grow_when_another_is_finished() {
    // 5/6 of 10 a second finishes 500 after 60 s; the other has had 100 of its 400 by then.
    let ends = ends(&[gallery(0, 5.0, 500.0, HOUR), gallery(1, 1.0, 400.0, HOUR)], 10.0);
    assert!(near(ends[0], 60.0) && near(ends[1], 90.0), "{ends:?}");
}

#[test]
fn who_is_critical_comes_first_up_to_the_cap() {
    let galleries = [gallery(0, 5.0, 300.0, HOUR), gallery(1, 1.0, 700.0, 0), gallery(2, 1.0, 100.0, 0)];
    // 7 a second for the second, 3 for the first; both end after 100 s, and only then is it the third's turn.
    let ends = ends(&galleries, 10.0);
    assert!(near(ends[0], 100.0) && near(ends[1], 100.0) && near(ends[2], 110.0), "{ends:?}");
}

#[test]
fn who_becomes_critical_on_the_way_gets_more_from_then_on() {
    let galleries = [gallery(0, 9.0, 10_000.0, HOUR), gallery(1, 1.0, 710.0, 90)];
    // A tenth of the work for 100 s (its critical moment moves away as it is worked on), then seven tenths.
    assert!(near(ends(&galleries, 10.0)[1], 100.0 + 610.0 / 7.0));
}

#[test]
fn the_reason_has_the_figures() {
    let one = gallery(0, 5.0, 9_888.0, HOUR);
    let all = [one, gallery(1, 5.0, 24.0, HOUR), gallery(2, 5.0, 24.0, HOUR)];
    let expected = outlook(&all, Some(310.0), CAP, NOW);
    assert_eq!(
        expected[0].reason.as_str(),
        "412 photos (9,888 MP) left at 310 MP/s, shared with 2 galleries; 59 min to spare"
    );
    assert_eq!(expected[0].delivery, Delivery::OnTime);
    assert_eq!(
        expected[1].reason.as_str(),
        "1 photo (24 MP) left at 310 MP/s, shared with 2 galleries; 1 h 0 min to spare"
    );
    let slow = outlook(&[one], Some(2.75), CAP, NOW);
    assert_eq!(slow[0].reason.as_str(), "412 photos (9,888 MP) left at 2.8 MP/s; 4 s to spare");
    assert_eq!((slow[0].delivery, slow[0].slack_seconds), (Delivery::AtRisk, Some(4)));
    let slower = outlook(&[one], Some(2.0), CAP, NOW);
    assert_eq!(slower[0].reason.as_str(), "412 photos (9,888 MP) left at 2.0 MP/s; 22 min too late");
    assert_eq!(slower[0].delivery, Delivery::Late);
    let critical = [gallery(0, 1.0, 48.0, 0), gallery(1, 1.0, 48.0, 0), gallery(2, 1.0, 48.0, HOUR)];
    let reasons: Vec<String> = outlook(&critical, Some(48.0), CAP, NOW).into_iter().map(|o| o.reason.into()).collect();
    assert!(reasons[0].contains("before 2 galleries, because its deadline is near"), "{reasons:?}");
    assert!(reasons[1].contains("behind 1 gallery that is due sooner"), "{reasons:?}");
    assert!(reasons[2].contains("shared with 2 galleries"), "{reasons:?}");
}

#[test]
fn without_a_pace_no_figure_is_made_up() {
    for pace in [None, Some(0.0), Some(f64::NAN)] {
        let expected = &outlook(&[gallery(0, 1.0, 24.0, HOUR)], pace, CAP, NOW)[0];
        assert_eq!((expected.finishes_at, expected.slack_seconds, expected.delivery), (None, None, Delivery::OnTime));
        let why =
            "1 photo (24 MP) left; too little was finished in the last minute of work to say how fast; 1 h 0 min left";
        assert_eq!(expected.reason.as_str(), why);
    }
    assert_eq!(outlook(&[gallery(0, 1.0, 24.0, 0)], None, CAP, NOW)[0].delivery, Delivery::AtRisk);
    let over = NOW.after(Duration::from_secs(2 * HOUR));
    let late = &outlook(&[gallery(0, 1.0, 24.0, 0)], None, CAP, over)[0];
    assert_eq!(late.delivery, Delivery::Late);
    assert!(late.reason.as_str().ends_with("1 h 0 min over the time"), "{}", late.reason);
}

#[test]
fn what_is_delivered_says_how_it_went() {
    let progress = Progress { done: 1_512, quarantined: 1, ..Progress::default() };
    let deadline = NOW.after(Duration::from_secs(720));
    assert_eq!(delivered(&progress, None, deadline).as_str(), "1,512 photos finished, 1 photo cannot be processed");
    let late = deadline.after(Duration::from_secs(61));
    let progress = Progress { done: 1, ..Progress::default() };
    assert_eq!(delivered(&progress, Some(NOW), deadline).as_str(), "1 photo finished; 12 min to spare");
    assert_eq!(delivered(&progress, Some(late), deadline).as_str(), "1 photo finished; 1 min too late");
}

fn any_gallery() -> impl Strategy<Value = (f64, f64, u64)> {
    (prop_oneof![Just(1.0), Just(3.0), Just(5.0)], 0.0..50_000.0_f64, prop_oneof![Just(0_u64), 0..2 * HOUR])
}

fn any_galleries() -> impl Strategy<Value = Vec<Unfinished>> {
    prop::collection::vec(any_gallery(), 1..9).prop_map(|rows| {
        rows.into_iter().enumerate().map(|(n, (weight, cost, after))| gallery(n as u64, weight, cost, after)).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Nobody idles and nothing is done twice: the last gallery is finished when all the work is done.
    #[test]
    fn work_is_conserved(galleries in any_galleries(), pace in 0.1..2_000.0_f64) {
        let ends = ends(&galleries, pace);
        let work: f64 = galleries.iter().map(|gallery| gallery.megapixels).sum();
        let last = ends.iter().copied().fold(0.0, f64::max);
        prop_assert!(near(last, work / pace), "{last} {}", work / pace);
        // Nobody is finished before all hands could have done it.
        for (gallery, end) in galleries.iter().zip(&ends) {
            prop_assert!(*end >= gallery.megapixels / pace - 1e-6);
        }
    }

    /// Where no deadline is near, more weight never finishes later.
    #[test]
    fn weight_helps(mut galleries in any_galleries(), which in any::<prop::sample::Index>(), more in 1.0..10.0_f64) {
        galleries.iter_mut().for_each(|gallery| gallery.rank.critical_at = Timestamp::from_micros(i64::MAX));
        let index = which.index(galleries.len());
        let before = ends(&galleries, 100.0)[index];
        galleries[index].rank.weight *= more;
        prop_assert!(ends(&galleries, 100.0)[index] <= before + 1e-6);
    }

    /// Another gallery never makes one finish sooner, where no deadline is near; nor does more work.
    #[test]
    fn company_costs(mut galleries in any_galleries(), cost in 0.0..50_000.0_f64) {
        galleries.iter_mut().for_each(|gallery| gallery.rank.critical_at = Timestamp::from_micros(i64::MAX));
        let before = ends(&galleries, 100.0);
        let mut more = galleries.clone();
        more.push(Unfinished { rank: galleries[0].rank, ..gallery(99, 1.0, cost, HOUR) });
        for (before, after) in before.iter().zip(ends(&more, 100.0)) {
            prop_assert!(after >= before - 1e-6);
        }
    }

    /// Of two galleries that are critical, the one that is due sooner is finished first, whatever the rest does.
    #[test]
    fn deadlines_order_the_critical(galleries in any_galleries(), pace in 1.0..1_000.0_f64) {
        let ends = ends(&galleries, pace);
        let critical: Vec<f64> = galleries.iter().zip(&ends)
            .filter(|(gallery, _)| gallery.rank.critical_at <= NOW).map(|(_, end)| *end).collect();
        prop_assert!(critical.is_sorted_by(|a, b| *a <= b + 1e-6), "{critical:?}");
    }

    /// Twice the pace takes half the time, as long as nobody's deadline comes between.
    #[test]
    fn pace_scales(mut galleries in any_galleries(), pace in 1.0..1_000.0_f64) {
        galleries.iter_mut().for_each(|gallery| gallery.rank.critical_at = Timestamp::from_micros(i64::MAX));
        for (slow, fast) in ends(&galleries, pace).iter().zip(ends(&galleries, 2.0 * pace)) {
            prop_assert!(near(*slow, 2.0 * fast));
        }
    }
}
