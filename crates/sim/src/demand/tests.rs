use jiff::civil::{Weekday, date};
use procession_domain::Region;

use super::*;

fn place(region: &str) -> Place {
    Place::of(&region.parse::<Region>().unwrap())
}

fn two_years(region: &str, seed: u64) -> Demand {
    let place = place(region);
    demand(&place, &DemandSpec::of(&place), date(2024, 1, 1), date(2026, 1, 1), seed)
}

fn time(text: &str) -> Timestamp {
    text.to_owned().try_into().unwrap()
}

#[test]
fn the_same_seed_gives_the_same_weddings() {
    assert_eq!(two_years("us-east-1", 7), two_years("us-east-1", 7));
    assert_ne!(two_years("us-east-1", 7).weddings, two_years("us-east-1", 8).weddings);
}

#[test]
fn weddings_are_as_many_and_when_the_statistics_say() {
    let demand = two_years("eu-west-1", 7);
    let part = |is: &dyn Fn(&Wedding) -> bool| {
        demand.weddings.iter().filter(|wedding| is(wedding)).count() as f64 / demand.weddings.len() as f64
    };
    // 2,500 a year, growing by 15% a year.
    assert!((5_000..6_000).contains(&demand.weddings.len()), "{}", demand.weddings.len());
    let saturdays = part(&|wedding| wedding.date.weekday() == Weekday::Saturday);
    assert!((0.38..0.46).contains(&saturdays), "{saturdays}");
    let august = part(&|wedding| wedding.date.month() == 8);
    assert!((0.11..0.18).contains(&august), "{august}");
    let announced = part(&|wedding| wedding.announced_at.is_some());
    assert!((0.70..0.80).contains(&announced), "{announced}");
}

#[test]
fn every_photo_arrives_once_and_not_before_the_wedding() {
    let demand = two_years("ap-southeast-1", 3);
    let arrived: f64 = demand.arrivals(time("2023-12-30T00:30:00Z"), time("2026-03-01T00:00:00Z")).iter().sum();
    let all: u64 = demand.weddings.iter().flat_map(|wedding| &wedding.photos).map(|photos| photos.photos).sum();
    assert!((arrived - all as f64).abs() < 1.0, "{arrived} of {all}");
    let zone = demand.place.time_zone.rules();
    for wedding in &demand.weddings {
        assert!(!wedding.photos.is_empty());
        assert!(
            wedding.photos.iter().all(|photos| zone.to_datetime(photos.begins_at.calendar()).date() >= wedding.date)
        );
        assert!(wedding.announced_at.is_none_or(|at| zone.to_datetime(at.calendar()).date() < wedding.date));
    }
}

#[test]
fn a_shock_takes_its_part() {
    let place = place("us-west-2");
    let calm = DemandSpec::of(&place);
    let shock = Shock { from: date(2025, 3, 1), until: date(2025, 7, 1), factor: 0.1 };
    let struck = DemandSpec { shocks: vec![shock], ..calm.clone() };
    let count = |spec: &DemandSpec| {
        let demand = demand(&place, spec, date(2024, 1, 1), date(2026, 1, 1), 5);
        demand.weddings.iter().filter(|wedding| (shock.from..shock.until).contains(&wedding.date)).count()
    };
    let (before, after) = (count(&calm), count(&struck));
    assert!(after * 5 < before, "{after} of {before}");
}
