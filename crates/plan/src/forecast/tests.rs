use std::time::Duration;

use proptest::prelude::*;

use super::*;

const DAY: u64 = 86_400;

fn start() -> Timestamp {
    "2024-01-01T00:00:00Z".to_owned().try_into().unwrap()
}

fn day(number: u64) -> Timestamp {
    start().after(Duration::from_secs(number * DAY))
}

fn date(number: u64) -> Date {
    Place::of(&"x".parse().unwrap()).time_zone.rules().to_datetime(day(number).calendar()).date()
}

fn nowhere() -> Place {
    Place::of(&"x".parse().unwrap())
}

/// A history in which each day has as much as this says, a quarter of it at noon and the rest at eight in the evening.
fn history(days: u64, photos: impl Fn(u64) -> f64) -> Series {
    let mut hours = vec![0.0; days as usize * 24];
    for day in 0..days {
        hours[day as usize * 24 + 12] = photos(day) / 4.0;
        hours[day as usize * 24 + 20] = photos(day) * 3.0 / 4.0;
    }
    Series::new(start(), hours).unwrap()
}

/// 2024-01-01 was a Monday.
fn on_saturdays(day: u64) -> f64 {
    if day % 7 == 5 { 1_000.0 } else { 100.0 }
}

/// From −1 to 1, another for each day (the last step of SplitMix64).
fn noise(day: u64) -> f64 {
    let mixed = (day ^ (day >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

/// From 0 up to this, another for each day.
fn some(day: u64, most: u64) -> u64 {
    ((noise(day) + 1.0) / 2.0 * most as f64) as u64
}

fn made(place: &Place, history: &Series, bookings: &[Booking], now: Timestamp) -> Forecast {
    forecast(&Known { place, history, bookings }, &ForecastPolicy::default(), now).unwrap()
}

#[test]
fn what_is_the_same_every_week_is_forecast_exactly_and_simply() {
    let forecast = made(&nowhere(), &history(728, on_saturdays), &[], day(728));
    assert!(forecast.model.is_naive(), "nothing is better than what is exact: {}", forecast.reason);
    assert!(forecast.trust.trusted, "{}", forecast.trust.reason);
    assert_eq!(forecast.hours.len(), 168);
    let evening = &forecast.hours[5 * 24 + 20];
    assert_eq!(evening.from, day(733).after(Duration::from_secs(20 * 3_600)));
    assert!((evening.photos.mean - 750.0).abs() < 10.0, "{evening:?}");
    assert!(evening.photos.p10 > 700.0 && evening.photos.p99 < 800.0, "{evening:?}");
    assert_eq!(forecast.hours[0].photos.p99, 0.0);
}

#[test]
fn the_hours_begin_with_the_present_one() {
    let now = day(100).after(Duration::from_secs(12 * 3_600 + 1_800));
    let forecast = made(&nowhere(), &history(101, on_saturdays), &[], now);
    assert_eq!(forecast.hours[0].from, day(100).after(Duration::from_secs(12 * 3_600)));
    assert!(forecast.hours[0].photos.mean > 0.0);
    assert_eq!((forecast.hours.len(), forecast.days.len()), (168, 8));
}

#[test]
fn a_season_is_learnt_and_told() {
    let seasonal = |day: u64| {
        let season = 1.0 + 0.6 * (std::f64::consts::TAU * (day as f64 - 172.0 + 91.3) / 365.25).sin();
        on_saturdays(day) * season * (1.0 + 0.3 * noise(day))
    };
    // Two years and up to the steepest time of spring.
    let forecast = made(&nowhere(), &history(730 + 75, seasonal), &[], day(805));
    assert_eq!(forecast.model, Model::Calendar, "{}", forecast.reason);
    let saturday = forecast.days.iter().find(|day| day.reason.as_str().starts_with("Saturday")).unwrap();
    let part = |what: &str| saturday.parts.iter().find(|part| part.what == what).unwrap().percent;
    assert!(part("Saturday") > 500.0, "{saturday:?}");
    assert!(saturday.reason.as_str().contains("Saturday × "), "{}", saturday.reason);
}

#[test]
fn a_holiday_is_learnt_from_the_years_before() {
    let place = Place { time_zone: nowhere().time_zone, ..Place::of(&"us-east-1".parse().unwrap()) };
    let holidays = place.holidays();
    let photos = |day: u64| match holidays.name(date(day)) {
        Some(_) => 5.0 * on_saturdays(day),
        None => on_saturdays(day) * (1.0 + 0.1 * noise(day)),
    };
    // The next Labor Day is 2026-09-07.
    let forecast = made(&place, &history(976, photos), &[], day(976));
    let labor_day = forecast.days.iter().find(|day| day.date == "2026-09-07".parse().unwrap()).unwrap();
    assert!(labor_day.photos.mean > 300.0, "{labor_day:?}");
    assert!(labor_day.reason.as_str().contains("Labor Day"), "{}", labor_day.reason);
}

/// As many weddings on each day as this says, each announced this long before.
fn booked(days: u64, weddings: impl Fn(u64) -> u64, announced: impl Fn(u64) -> u64) -> Vec<Booking> {
    let each = |day: u64| (0..weddings(day)).map(move |number| (day, number));
    let booking =
        |(at, number): (u64, u64)| Booking { wedding: date(at), announced_at: day(at - announced(number).min(at)) };
    (0..days).flat_map(each).map(booking).collect()
}

#[test]
fn what_is_booked_is_known_before_it_comes() {
    // Weeks differ in a way that no calendar knows; each wedding brings 100 photos on its day and 50 on the next.
    let weddings = |day: u64| if day % 7 == 5 { 2 + some(day, 23) } else { 0 };
    let photos =
        |day: u64| 100.0 * weddings(day) as f64 + 50.0 * day.checked_sub(1).map_or(0.0, |day| weddings(day) as f64);
    let bookings = booked(740, weddings, |number| 20 + number % 200);
    let forecast = made(&nowhere(), &history(730, photos), &bookings, day(730));
    assert_eq!(forecast.model, Model::Bookings, "{}", forecast.reason);
    for (day, told) in (730..).zip(&forecast.days).take(7) {
        assert!(
            (told.photos.mean - photos(day)).abs() < 60.0,
            "{}: {} and not {}",
            told.reason,
            told.photos.mean,
            photos(day)
        );
    }
}

#[test]
fn bookings_that_are_still_to_come_are_counted_on() {
    // Every second booking comes on the last two days.
    let weddings = |day: u64| if day % 7 == 5 { 4 + 2 * some(day, 11) } else { 0 };
    let photos = |day: u64| 100.0 * weddings(day) as f64;
    let bookings = booked(740, weddings, |number| if number % 2 == 0 { 30 } else { 2 });
    let forecast = made(&nowhere(), &history(730, photos), &bookings, day(730));
    let saturday = (730..).zip(&forecast.days).find(|(day, _)| day % 7 == 5).unwrap();
    let (expected, told) = (photos(saturday.0), saturday.1);
    assert!((told.photos.mean / expected - 1.0).abs() < 0.1, "{}: {expected}", told.reason);
    assert_eq!(u64::from(told.booked), weddings(saturday.0) / 2);
}

#[test]
fn nobody_is_trusted_who_was_wrong() {
    let wild = |day: u64| if some(day, 13) == 0 { 5_000.0 } else { 1.0 };
    let forecast = made(&nowhere(), &history(728, wild), &[], day(728));
    assert!(!forecast.trust.trusted);
    assert!(forecast.trust.reason.as_str().contains("at most 35% is trusted"), "{}", forecast.trust.reason);
    assert!(!forecast.ahead(24.0).trusted);
}

#[test]
fn too_little_or_too_old_history_is_said() {
    let words = |days, now| {
        let (place, history) = (nowhere(), history(days, on_saturdays));
        let known = Known { place: &place, history: &history, bookings: &[] };
        forecast(&known, &ForecastPolicy::default(), now).unwrap_err().0.to_string()
    };
    assert_eq!(words(55, day(55)), "there are 55 whole days of history, and 56 are needed");
    assert_eq!(words(0, day(0)), "there are 0 whole days of history, and 56 are needed");
    assert_eq!(words(100, day(103)), "the history ends 3 days before today");
}

#[test]
fn days_are_those_of_the_venues() {
    // All photos of a Saturday in Singapore arrive from 12:00 to 14:00 there; in universal time that is 04:00 to 06:00.
    let place = Place::of(&"ap-southeast-1".parse().unwrap());
    let mut hours = vec![0.0; 100 * 24];
    for saturday in (5..100).step_by(7) {
        hours[saturday * 24 + 4] = 500.0;
        hours[saturday * 24 + 5] = 500.0;
    }
    let history = Series::new(start(), hours).unwrap();
    let forecast = made(&place, &history, &[], day(99).after(Duration::from_secs(16 * 3_600)));
    for hour in forecast.hours.iter().filter(|hour| hour.photos.mean > 100.0) {
        let at = place.time_zone.rules().to_datetime(hour.from.calendar());
        assert_eq!((at.weekday(), (12..14).contains(&at.hour())), (jiff::civil::Weekday::Saturday, true), "{at}");
    }
}

#[test]
fn the_backtest_knows_only_what_was_known() {
    let steps = |day: u64| on_saturdays(day) * if day < 700 { 1.0 } else { 3.0 };
    let (place, history) = (nowhere(), history(728, steps));
    let known = Known { place: &place, history: &history, bookings: &[] };
    let result = backtest(&known, &ForecastPolicy::default(), 8, day(728)).unwrap();
    assert_eq!((result.weeks, result.days.len()), (8, 56));
    assert_eq!(result.days[0].date, date(672));
    // The week that begins on day 700 could not know that everything is threefold from then on.
    let before = result.days.iter().find(|day| day.date == date(700)).unwrap();
    assert!(before.expected.mean < 150.0 && before.arrived == 300.0, "{before:?}");
    let again = backtest(&known, &ForecastPolicy::default(), 8, day(728)).unwrap();
    assert_eq!(result, again);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn quantiles_never_fall_and_are_never_negative(
        photos in prop::collection::vec(prop_oneof![Just(0.0), 0.0..50_000.0_f64], 60 * 24..120 * 24),
        announced in prop::collection::vec((0_u64..130, 0_u64..130), 0..200),
        now_hours in 0_u64..24,
    ) {
        let days = photos.len() as u64 / 24;
        let history = Series::new(start(), photos).unwrap();
        let bookings: Vec<Booking> = announced.into_iter().map(|(at, said)| Booking { wedding: date(at), announced_at: day(said) }).collect();
        let forecast = made(&nowhere(), &history, &bookings, day(days).after(Duration::from_secs(3_600 * now_hours)));
        for photos in forecast.hours.iter().map(|hour| hour.photos).chain(forecast.days.iter().map(|day| day.photos)) {
            prop_assert!(photos.mean >= 0.0 && photos.mean.is_finite());
            let levels = Level::ALL.map(|level| photos.at(level));
            prop_assert!(levels[0] >= 0.0 && levels.is_sorted() && levels[3].is_finite(), "{photos:?}");
        }
    }

    #[test]
    fn the_future_changes_nothing(later in prop::collection::vec(0.0..9_000.0_f64, 48)) {
        let known = history(100, on_saturdays);
        let mut more = known.photos().to_vec();
        more.extend(later);
        let more = Series::new(start(), more).unwrap();
        let bookings = [Booking { wedding: date(103), announced_at: day(101) }];
        prop_assert_eq!(made(&nowhere(), &known, &[], day(100)), made(&nowhere(), &more, &bookings, day(100)));
    }
}
