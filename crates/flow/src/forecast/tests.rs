use std::sync::Arc;

use jiff::{Span, civil::Date};
use procession_domain::demand::{Arrivals, Booked};
use procession_plan::scale::Cause;

use super::*;
use crate::{
    Controller, Decision,
    capacity::{Capacity, FleetName, capacities, enrol},
    registry::Standing,
    status::tests::Bench,
};

/// The bench begins on a Friday in January, at eight. The Saturday after it:
const SATURDAY: Date = jiff::civil::date(2027, 1, 16);
const HOUR: u64 = 3_600;

fn region() -> Region {
    "eu-west-1".parse().unwrap()
}

/// Hour `hour` of a day, in Dublin, in universal time.
fn at(day: Date, hour: i8) -> Timestamp {
    let dublin = jiff::tz::TimeZone::get("Europe/Dublin").unwrap();
    dublin.to_timestamp(day.at(hour, 0, 0, 0)).unwrap().into()
}

/// How many weddings there were on the `week`th Saturday before: nothing that a calendar could know.
fn weddings(week: i64) -> u64 {
    10 + (week.unsigned_abs() * 7_919) % 31
}

/// Two years of Saturdays, whose weddings were announced 60 days ahead and bring photos on the evening of their day. On other
/// days a few arrive.
async fn two_years(bench: &Bench, photos_of: impl Fn(i64, u64) -> u64, to_come: u64) {
    let (mut arrivals, mut bookings) = (Vec::new(), Vec::new());
    let arrived = |day, hour, photos: u64| Arrivals {
        region: region(),
        hour: at(day, hour),
        photos,
        megapixels: 24.0 * photos as f64,
    };
    for days in 1..=730 {
        let day = SATURDAY.checked_sub(Span::new().days(days)).unwrap();
        let photos = if days % 7 == 0 { photos_of(days / 7, weddings(days / 7)) } else { 40 };
        arrivals.extend((20..24).map(|hour| arrived(day, hour, photos / 4)));
    }
    for week in 0..=104 {
        let wedding = SATURDAY.checked_sub(Span::new().weeks(week)).unwrap();
        let announced_at = at(wedding.checked_sub(Span::new().days(60)).unwrap(), 9);
        let booked = Booked { region: region(), wedding, announced_at };
        let count = if week == 0 { to_come } else { weddings(week) };
        bookings.extend((0..count).map(|number| (format!("{week}/{number}"), booked.clone())));
    }
    bench.system.ledger.set_arrivals(&arrivals).await.unwrap();
    bench.system.ledger.import_bookings(&bookings).await.unwrap();
}

/// A fleet that does 0.25 photos a second with each worker; its controller is in office and has made the forecast.
async fn fleet(bench: &Bench) -> (Controller, Vec<Decision>) {
    let fleet = FleetName { region: region(), device: "cpu".to_owned(), stages: procession_domain::Stages::ALL };
    enrol(&bench.system, &fleet, None).await.unwrap();
    let controller = Controller::new(Arc::clone(&bench.system));
    assert_eq!(controller.foresee().await.unwrap(), [], "it is not in office");
    decide(&controller, bench).await;
    let decided = controller.foresee().await.unwrap();
    assert_eq!(controller.foresee().await.unwrap(), [], "once an hour is enough");
    (controller, decided)
}

async fn decide(controller: &Controller, bench: &Bench) -> Capacity {
    let fleet = FleetName { region: region(), device: "cpu".to_owned(), stages: procession_domain::Stages::ALL };
    enrol(&bench.system, &fleet, None).await.unwrap();
    bench.register("eu-west-1", 6.0, Standing::Working).await;
    controller.decide(&bench.observer).await.unwrap();
    capacities(&bench.system).await.unwrap().remove(0)
}

/// Moves the clock to then, through the hours.
async fn until(bench: &Bench, controller: &Controller, then: Timestamp) -> Capacity {
    while then.since(bench.now()).as_secs() > 0 {
        bench.wait(then.since(bench.now()).as_secs().min(HOUR));
        decide(controller, bench).await;
        controller.foresee().await.unwrap();
    }
    bench.wait(5);
    decide(controller, bench).await
}

#[tokio::test]
async fn capacity_is_there_before_a_booked_saturday() {
    let bench = Bench::new().await;
    two_years(&bench, |_, weddings| 500 * weddings, 60).await;
    let (controller, decided) = fleet(&bench).await;
    let [Decision::Forecast(of, true, why)] = decided.as_slice() else { panic!("{decided:?}") };
    assert_eq!(*of, region());
    assert!(why.starts_with("followed: it was "), "{why}");
    let made = prospects(&bench.system).await.unwrap().remove(0);
    let forecast = made.forecast.unwrap();
    assert!((made.megapixels_per_photo - 24.0).abs() < 1e-9);
    assert_eq!(forecast.hours.len(), 7 * 24);
    let day = forecast.days.iter().find(|day| day.date == SATURDAY).unwrap();
    assert!(day.reason.as_str().ends_with("; 60 weddings are booked"), "{}", day.reason);
    assert!((25_000.0..35_000.0).contains(&day.photos.mean), "{}", day.reason);
    // The calendar alone: six on a Saturday of the off season.
    let before = until(&bench, &controller, at(SATURDAY, 19)).await;
    assert_eq!((before.desired, before.cause), (6, Cause::Steady), "{}", before.reason);
    // 7,500 photos of 24 megapixels an hour by workers of 6 megapixels a second: 8.3, and there before the hour begins: five minutes,
    // and five to start.
    bench.wait(49 * 60);
    let steady = decide(&controller, &bench).await;
    assert_eq!(steady.desired, 6, "{}", steady.reason);
    bench.wait(60);
    let raised = decide(&controller, &bench).await;
    assert_eq!(raised.cause, Cause::Forecast, "{}", raised.reason);
    assert!((9..12).contains(&raised.desired), "{}", raised.reason);
    assert!(raised.decided_at < at(SATURDAY, 20));
}

#[tokio::test]
async fn a_saturday_with_few_bookings_needs_no_more_than_the_calendar() {
    let bench = Bench::new().await;
    two_years(&bench, |_, weddings| 500 * weddings, 5).await;
    let (controller, _) = fleet(&bench).await;
    let capacity = until(&bench, &controller, at(SATURDAY, 20)).await;
    assert_eq!((capacity.desired, capacity.cause), (6, Cause::Steady), "{}", capacity.reason);
}

#[tokio::test]
async fn a_history_that_nobody_could_have_foreseen_is_only_shown() {
    let bench = Bench::new().await;
    two_years(&bench, |week, _| 20_000 * (week.unsigned_abs() * 7_919 % 5 / 4), 60).await;
    let (controller, decided) = fleet(&bench).await;
    let [Decision::Forecast(_, false, why)] = decided.as_slice() else { panic!("{decided:?}") };
    assert!(why.starts_with("only shown: "), "{why}");
    let shown = prospects(&bench.system).await.unwrap().remove(0);
    assert!(shown.forecast.is_some_and(|forecast| forecast.hours.iter().any(|hour| hour.photos.p90 > 2_000.0)));
    let capacity = until(&bench, &controller, at(SATURDAY, 20)).await;
    assert_eq!((capacity.desired, capacity.cause), (6, Cause::Steady), "{}", capacity.reason);
}

#[tokio::test]
async fn without_a_history_nothing_is_forecast_and_that_is_said() {
    let bench = Bench::new().await;
    let (_, decided) = fleet(&bench).await;
    let why = "nothing is forecast: there are 0 whole days of history, and 56 are needed".to_owned();
    assert_eq!(decided, [Decision::Forecast(region(), false, why)]);
}

#[tokio::test]
async fn a_controller_that_takes_over_finds_what_was_made() {
    let bench = Bench::new().await;
    two_years(&bench, |_, weddings| 500 * weddings, 60).await;
    let (first, _) = fleet(&bench).await;
    until(&bench, &first, at(SATURDAY, 19)).await;
    let kept = prospects(&bench.system).await.unwrap();
    first.resign().await.unwrap();
    bench.wait(50 * 60);
    // It decides before it has made a forecast of its own.
    let second = Controller::new(Arc::clone(&bench.system));
    let raised = decide(&second, &bench).await;
    assert_eq!(raised.cause, Cause::Forecast, "{}", raised.reason);
    assert_eq!(prospects(&bench.system).await.unwrap(), kept);
    assert_eq!(second.foresee().await.unwrap(), [], "it is followed as before");
    assert_eq!(prospects(&bench.system).await.unwrap()[0].made_at, bench.system.clock.now());
    assert_eq!(first.foresee().await.unwrap(), [], "it is not in office any more");
}
