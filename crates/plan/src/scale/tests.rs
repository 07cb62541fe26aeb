use std::time::Duration;

use proptest::prelude::*;

use super::*;

mod closed_loop;
mod parts;

const SPEED: f64 = 50.0;

fn at(seconds: f64) -> Timestamp {
    // A Wednesday in November: three instances stand.
    let start: Timestamp = "2026-11-18T00:00:00Z".to_owned().try_into().unwrap();
    start.after(Duration::from_secs_f64(seconds))
}

fn time(text: &str) -> Timestamp {
    text.to_owned().try_into().unwrap()
}

fn fleet(running: u32) -> FleetSeen {
    let instances = Instances { running, ..Instances::default() };
    FleetSeen { instances, megapixels_per_second: Some(SPEED), ..FleetSeen::default() }
}

fn queue(photos: u64) -> Queue {
    Queue { photos, megapixels: photos as f64 * 24.0, oldest_wait: Duration::from_secs(1) }
}

fn due(minutes: f64, megapixels: f64, now: Timestamp) -> Due {
    let deadline = now.after(Duration::from_secs_f64(minutes * 60.0));
    Due { urgency: Urgency::SameDayWedding, deadline, margin: Duration::ZERO, megapixels }
}

/// What was enough for an hour.
fn settled(needed: u32, now: Timestamp) -> Memory {
    let before = Timestamp::from_micros(now.micros() - 3_600_000_000);
    Memory { needed: vec![(before, needed)], ..Memory::default() }
}

fn desired(seen: &FleetSeen, now: Timestamp) -> (u32, Cause) {
    let decision = scale(&ScalePolicy::default(), seen, settled(0, now), now);
    (decision.desired, decision.cause)
}

#[test]
fn the_calendar_keeps_so_many_standing() {
    let standing = |day: &str| ScalePolicy::default().standing(time(&format!("{day}T12:00:00Z")));
    let (wednesdays, saturdays) =
        (["2026-06-17", "2026-04-15", "2026-11-18"], ["2026-06-20", "2026-04-18", "2026-11-21"]);
    assert_eq!(wednesdays.map(standing), [12, 6, 3]);
    assert_eq!(saturdays.map(standing), [24, 12, 6]);
    let months = Seasons::default().southern().months;
    assert_eq!((months[0], months[6], months[9]), (Season::Peak, Season::Off, Season::Moderate));
    // The Saturday is the venues', not universal time's.
    let singapore = ScalePolicy { time_zone: "Asia/Singapore".parse().unwrap(), ..ScalePolicy::default() };
    assert_eq!(singapore.standing(time("2026-06-19T17:00:00Z")), 24);
}

#[test]
fn each_season_has_its_triggers() {
    for (day, depth, minutes) in [("2026-06-17", 200, 5), ("2026-04-15", 500, 15), ("2026-11-18", 1_000, 30)] {
        let now = time(&format!("{day}T12:00:00Z"));
        let with = |queue| desired(&FleetSeen { queue, ..fleet(20) }, now);
        assert_eq!(with(queue(depth - 1)), (20, Cause::Steady), "{day}");
        assert_eq!(with(queue(depth)), (21, Cause::Queue), "{day}");
        let waited = |seconds| Queue { oldest_wait: Duration::from_secs(seconds), ..queue(60) };
        assert_eq!(with(waited(minutes * 60 - 1)), (20, Cause::Steady), "{day}");
        assert_eq!(with(waited(minutes * 60)), (21, Cause::Delay), "{day}");
    }
    let mut policy = ScalePolicy::default();
    policy.seasons.off.grow_at_photos = None;
    let decide =
        |photos| scale(&policy, &FleetSeen { queue: queue(photos), ..fleet(20) }, settled(0, at(0.0)), at(0.0));
    assert_eq!((decide(499).desired, decide(500).desired), (20, 21));
    assert_eq!(decide(500).reason.as_str(), "from 20 to 21 instances: 500 photos wait");
}

#[test]
fn a_fleet_shrinks_only_when_little_waits_and_has_for_a_while() {
    let now = at(7_200.0);
    assert_eq!(desired(&FleetSeen { queue: queue(50), ..fleet(20) }, now), (10, Cause::Quiet));
    assert_eq!(desired(&FleetSeen { queue: queue(51), ..fleet(20) }, now), (20, Cause::Steady));
    let after = |memory| scale(&ScalePolicy::default(), &fleet(20), memory, now).desired;
    assert_eq!(after(Memory::default()), 20, "who has just started has seen no window");
    let recently = Timestamp::from_micros(now.micros() - 599_000_000);
    assert_eq!(after(Memory { grew_at: Some(recently), ..settled(0, now) }), 20);
    assert_eq!(after(Memory { shrank_at: Some(recently), ..settled(0, now) }), 20);
    let mut memory = settled(0, now);
    memory.needed.push((recently, 17));
    assert_eq!(after(memory), 17);
    let starting = Instances { running: 20, ready_at: vec![at(7_300.0)], draining: 0 };
    assert_eq!(desired(&FleetSeen { instances: starting, ..fleet(20) }, now).0, 21);
}

#[test]
fn deadlines_wait_for_no_cool_down() {
    let now = at(0.0);
    // 30 minutes less 5 of warm-up, at 40 megapixels a second; three instances run from the start.
    let seen = FleetSeen { due: vec![due(30.0, 600_000.0, now)], ..fleet(3) };
    let memory = Memory { grew_at: Some(now), ..settled(0, now) };
    let decision = scale(&ScalePolicy::default(), &seen, memory, now);
    assert_eq!((decision.desired, decision.cause, decision.within_reach), (10, Cause::Deadline, true));
    let hopeless = FleetSeen { due: vec![due(4.0, 600_000.0, now)], ..fleet(3) };
    let decision = scale(&ScalePolicy::default(), &hopeless, settled(0, now), now);
    assert_eq!((decision.desired, decision.within_reach), (32, false));
    assert!(decision.reason.as_str().ends_with("not every gallery can be finished in time"), "{}", decision.reason);
}

#[test]
fn the_watched_class_is_finished_with_its_margin_to_spare() {
    let june = time("2026-06-17T12:00:00Z");
    let with = |urgency, now| {
        let margin = Duration::from_secs(1_200);
        let due = Due { urgency, margin, ..due(60.0, 2_000_000.0, now) };
        desired(&FleetSeen { due: vec![due], ..fleet(12) }, now).0
    };
    assert!(with(Urgency::SameDayWedding, june) > with(Urgency::NextDayDelivery, june));
    assert_eq!(with(Urgency::SameDayWedding, june), with(Urgency::StandardDelivery, at(0.0)));
}

#[test]
fn a_trusted_forecast_raises_before_the_hour_comes() {
    let now = at(0.0);
    let ahead = |trusted, seconds, photos| Ahead {
        trusted,
        hours: vec![Expected { from: at(seconds), photos: Quantiles::exactly(photos) }],
        megapixels_per_photo: 24.0,
    };
    let with = |ahead| desired(&FleetSeen { ahead: Some(ahead), ..fleet(3) }, now);
    // 60,000 photos an hour are 400 megapixels a second: eight instances.
    assert_eq!(with(ahead(true, 599.0, 60_000.0)), (8, Cause::Forecast));
    assert_eq!(with(ahead(true, 601.0, 60_000.0)), (3, Cause::Steady));
    assert_eq!(with(ahead(false, 0.0, 60_000.0)), (3, Cause::Steady));
    assert_eq!(with(ahead(true, 0.0, 0.0)), (3, Cause::Steady));
}

#[test]
fn who_leads_decides_what_is_listened_to() {
    // A Wednesday in June with a long queue, a large forecast, and a gallery that two instances finish in time.
    let june = time("2026-06-17T12:00:00Z");
    let hours = vec![Expected { from: june, photos: Quantiles::exactly(120_000.0) }];
    let ahead = Some(Ahead { trusted: true, hours, megapixels_per_photo: 24.0 });
    let seen = FleetSeen { queue: queue(5_000), due: vec![due(60.0, 240_000.0, june)], ahead, ..fleet(0) };
    let with = |lead, seen: &FleetSeen| {
        let decision = scale(&ScalePolicy { lead, ..ScalePolicy::default() }, seen, settled(0, june), june);
        (decision.desired, decision.cause)
    };
    assert_eq!(with(Lead::Forecast, &seen), (16, Cause::Forecast));
    assert_eq!(with(Lead::Calendar, &seen), (12, Cause::Season));
    assert_eq!(with(Lead::Deadlines, &seen), (3, Cause::Season));
    let much = FleetSeen { due: vec![due(60.0, 2_400_000.0, june)], ..seen };
    for lead in [Lead::Forecast, Lead::Calendar, Lead::Deadlines] {
        assert_eq!(with(lead, &much), (19, Cause::Deadline), "deadlines are kept whatever leads");
    }
}

#[test]
fn others_of_the_region_share_its_limit() {
    let now = at(0.0);
    let seen = FleetSeen { others_in_region: 30, ..fleet(3) };
    assert_eq!(desired(&seen, now).0, 2);
    assert_eq!(desired(&FleetSeen { others_in_region: 40, ..fleet(3) }, now).0, 0);
}

#[derive(Clone, Debug)]
struct Case {
    seen: FleetSeen,
    memory: Memory,
    now: Timestamp,
}

fn case() -> impl Strategy<Value = Case> {
    let due = (0_u8..3, -2_000.0..40_000.0_f64, 0_u64..3_000, 0.0..300_000.0_f64);
    let hour = (-4_000.0..4_000.0_f64, 0.0..100_000.0_f64);
    let instances = (0_u32..34, prop::collection::vec(-300.0..600.0_f64, 0..5), 0_u32..5, 0_u32..20);
    let load = (0_u64..3_000, 0_u64..4_000, 0.0..2_000.0_f64, prop::option::of(0.0..100.0_f64));
    let memory = (
        prop::option::of(0.0..1_500.0_f64),
        prop::option::of(0.0..1_500.0_f64),
        prop::collection::vec((0.0..1_500.0_f64, 0_u32..33), 0..5),
    );
    let day = 0.0..365.0 * 86_400.0_f64;
    (
        prop::collection::vec(due, 0..6),
        prop::option::of((any::<bool>(), prop::collection::vec(hour, 0..4))),
        instances,
        load,
        memory,
        day,
    )
        .prop_map(
            |(
                due,
                ahead,
                (running, ready, draining, others),
                (photos, wait, rate, speed),
                (grew, shrank, needed),
                day,
            )| {
                let now = at(day);
                let offset = |seconds: f64| Timestamp::from_micros(now.micros() + (seconds * 1e6) as i64);
                let due = due.into_iter().map(|(class, seconds, margin, megapixels)| Due {
                    urgency: Urgency::ALL[usize::from(class)],
                    deadline: offset(seconds),
                    margin: Duration::from_secs(margin),
                    megapixels,
                });
                let ahead = ahead.map(|(trusted, hours)| Ahead {
                    trusted,
                    hours: hours
                        .into_iter()
                        .map(|(from, photos)| Expected { from: offset(from), photos: Quantiles::exactly(photos) })
                        .collect(),
                    megapixels_per_photo: 24.0,
                });
                let mut needed: Vec<_> = needed.into_iter().map(|(ago, needed)| (offset(-ago), needed)).collect();
                needed.sort_unstable();
                Case {
                    seen: FleetSeen {
                        instances: Instances { running, ready_at: ready.into_iter().map(offset).collect(), draining },
                        others_in_region: others,
                        queue: Queue {
                            photos,
                            megapixels: photos as f64 * 24.0,
                            oldest_wait: Duration::from_secs(wait),
                        },
                        arriving_megapixels_per_second: rate,
                        due: due.collect(),
                        megapixels_per_second: speed,
                        ahead,
                    },
                    memory: Memory {
                        grew_at: grew.map(|ago| offset(-ago)),
                        shrank_at: shrank.map(|ago| offset(-ago)),
                        needed,
                    },
                    now,
                }
            },
        )
}

fn decide(case: &Case, seen: &FleetSeen) -> Decision {
    scale(&ScalePolicy::default(), seen, case.memory.clone(), case.now)
}

proptest! {
    #[test]
    fn never_more_than_the_region_may_have(case in case()) {
        let decision = decide(&case, &case.seen);
        prop_assert!(decision.desired + case.seen.others_in_region.min(32) <= 32);
    }

    #[test]
    fn never_fewer_than_stand_or_deadlines_need(case in case()) {
        let limit = 32_u32.saturating_sub(case.seen.others_in_region);
        let decision = decide(&case, &case.seen);
        prop_assert!(decision.desired >= ScalePolicy::default().standing(case.now).min(limit));
    }

    #[test]
    fn more_load_never_means_fewer(case in case(), more in (0_u64..500, 0.0..500.0_f64, 0_u64..500, 0.0..50_000.0_f64)) {
        let mut loaded = case.seen.clone();
        loaded.queue.photos += more.0;
        loaded.queue.megapixels += more.0 as f64 * 24.0;
        loaded.queue.oldest_wait += Duration::from_secs(more.2);
        loaded.arriving_megapixels_per_second += more.1;
        if let Some(first) = loaded.due.first_mut() {
            first.megapixels += more.3;
        }
        loaded.due.push(due(30.0, more.3, case.now));
        prop_assert!(decide(&case, &loaded).desired >= decide(&case, &case.seen).desired);
    }

    #[test]
    fn a_forecast_only_raises(case in case()) {
        let without = FleetSeen { ahead: None, ..case.seen.clone() };
        prop_assert!(decide(&case, &case.seen).desired >= decide(&case, &without).desired);
    }

    #[test]
    fn nothing_shrinks_while_work_waits(case in case()) {
        let limit = 32_u32.saturating_sub(case.seen.others_in_region);
        prop_assume!(case.seen.queue.photos > 50 && case.seen.instances.wanted() <= limit);
        prop_assert!(decide(&case, &case.seen).desired >= case.seen.instances.wanted());
    }

    #[test]
    fn who_decides_again_at_once_decides_the_same(case in case()) {
        let first = decide(&case, &case.seen);
        let again = scale(&ScalePolicy::default(), &case.seen, first.memory.clone(), case.now);
        prop_assert!(again.desired <= first.desired || first.desired < case.seen.instances.wanted());
    }
}
