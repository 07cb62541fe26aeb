//! The calendar of a running service: photos are counted where they arrive, a history is taken over, and fleets grow by what it
//! says.

use std::{collections::BTreeMap, fs, process::Command, sync::Arc, time::Duration};

use futures::future::join_all;
use jiff::{Span, civil::Date, tz::TimeZone};
use procession_domain::{
    Clock as _, ManualClock, Region, Timestamp,
    demand::{Arrivals, Booked},
};
use procession_flow::{
    Controller, Decision, System,
    capacity::{Capacity, FleetName, capacities, enrol},
    forecast::prospects,
    status::Observer,
};
use procession_pixel::CpuDevice;
use procession_plan::scale::Cause;
use procession_vault::{Ledger, MemoryBlobs, PostgresLedger, PostgresOptions};
use reqwest::Method;
use serde_json::json;

use crate::{
    bench::{real_photos, told_apart},
    postgres::Server,
    prepared,
    running::Running,
    sample::{until, upload},
};

/// A file of half a year in which every hour had 36,000 photos, up to the present one.
fn busy(service: &Running, region: &str) -> String {
    let now = procession_flow::SystemClock::default().now().micros().div_euclid(3_600_000_000);
    let mut lines = "hour,region,photos,megapixels\n".to_owned();
    for hour in now - 24 * 182..now {
        let from = Timestamp::from_micros(hour * 3_600_000_000);
        lines += &format!("{from},{region},36000,864000\n");
    }
    let file = service.path("history.csv");
    fs::write(&file, lines).unwrap();
    file.display().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_that_was_taken_over_starts_workers() {
    let scaled = |command: &mut Command, follow: &str| {
        command.env("PROCESSION__SCALE__LOCAL_WORKERS", "3").env("PROCESSION__SCALE__BASE_INSTANCES", "0");
        command.env("PROCESSION__FORECAST__FOLLOW", follow).args(["--log", "info"]);
    };
    let mut service = Running::start_with(|command| {
        scaled(command, "false");
        command
    });
    let path = "/api/v1/operations/forecast";
    let unknown = until(&service, path, |_, seen| !seen["regions"][0]["made_at"].is_null()).await;
    assert_eq!(unknown["regions"][0]["region"], "local");
    let why = "nothing is forecast: there are 0 whole days of history, and 56 are needed";
    assert_eq!(unknown["regions"][0]["standing"], why);
    let history = busy(&service, "local");
    let told = service.command(&["forecast", "import", &history]);
    assert!(told.starts_with("Took over 4368 hours with 157248000 photos, and 0 weddings.\n"), "{told}");
    let again = service.command(&["forecast", "import", &history]);
    assert!(again.starts_with("Took over 0 hours with 0 photos, and 0 weddings; 4368 hours were known"), "{again}");
    assert_eq!(service.command(&["forecast", "export"]), fs::read_to_string(&history).unwrap());
    // It is made anew at the start of a controller.
    service.terminate();
    service.restart_with(|command| {
        scaled(command, "false");
        command
    });
    let shown =
        until(&service, path, |_, seen| seen["regions"][0]["hours"].as_array().is_some_and(|hours| hours.len() == 168))
            .await;
    let shown = &shown["regions"][0];
    assert_eq!(
        (&shown["followed"], shown["standing"].as_str()),
        (&json!(false), Some("only shown: `forecast.follow` is off"))
    );
    assert_eq!((&shown["megapixels_per_photo"], &shown["hours"][0]["photos"]["p50"]), (&json!(24.0), &json!(36000.0)));
    assert!(shown["arrived"].as_array().unwrap().len() >= 72);
    let fleets = until(&service, "/api/v1/operations", |_, seen| seen["fleets"][0]["desired"].is_u64()).await;
    assert!(!fleets["fleets"][0]["reason"].as_str().unwrap().contains("forecast"), "{fleets:#}");
    service.terminate();
    service.restart_with(|command| {
        scaled(command, "true");
        command
    });
    let grown = until(&service, "/api/v1/operations", |_, seen| {
        seen["fleets"][0]["reason"].as_str().is_some_and(|why| why.contains("forecast"))
    })
    .await;
    assert_eq!(grown["fleets"][0]["desired"], 3);
    let why = grown["fleets"][0]["reason"].as_str().unwrap();
    assert!(why.contains("are needed for the 36000 photos that are forecast for the hour from"), "{why}");
    let decisions = grown["decisions"].as_array().unwrap();
    let told = decisions.iter().find(|decision| decision["kind"] == "forecast").unwrap();
    assert_eq!(told["reason"], "local: followed: it was 0.0% wrong by days in the last weeks, and 35% is allowed");
    let log = fs::read_to_string(service.path("stderr.txt")).unwrap();
    assert!(log.contains("followed: it was 0.0% wrong"), "{log}");
}

#[tokio::test]
async fn two_processes_count_a_photo_once_and_where_it_arrived() {
    let (server, store) = (Server::start(&["fsync=off"]), tempfile::tempdir().unwrap());
    let url = server.database("procession");
    let start = |region: &str| {
        Running::start_with(|command| {
            command.env("PROCESSION__LEDGER", &url).env("PROCESSION__STORES", store.path());
            command.env("PROCESSION__REGION", region).args(["--roles", "api"])
        })
    };
    let nodes = [start("eu-west-1"), start("us-east-1")];
    let gallery = nodes[0].open_gallery("both").await;
    let photo = fs::read(&real_photos()[0]).unwrap();
    let photos: Vec<Vec<u8>> = (0..12).map(|number| told_apart(&photo, number)).collect();
    // Each process is sent every photo, all at the same moment.
    let key = nodes[0].key.clone();
    let sent = nodes.iter().flat_map(|node| photos.iter().map(move |photo| (node, photo.clone())));
    let answers = join_all(sent.map(|(node, photo)| upload(node, &key, &gallery, "a.jpg", photo))).await;
    assert!(answers.iter().all(|answer| answer.status().is_success()), "{answers:?}");
    let ledger = PostgresLedger::open(&url, PostgresOptions::default()).await.unwrap();
    let by_region = async || {
        let mut sums: BTreeMap<String, u64> = BTreeMap::new();
        for of in ledger.arrivals(Timestamp::from_micros(0)).await.unwrap() {
            *sums.entry(of.region.to_string()).or_default() += of.photos;
        }
        sums
    };
    let counted = by_region().await;
    assert_eq!(counted.values().sum::<u64>(), 12, "{counted:?}");
    assert!(counted.keys().all(|region| ["eu-west-1", "us-east-1"].contains(&region.as_str())), "{counted:?}");
    let removed = nodes[0].request(Method::DELETE, &format!("/api/v1/galleries/{gallery}")).send().await.unwrap();
    assert!(removed.status().is_success());
    assert_eq!(by_region().await, counted, "what was removed has arrived nevertheless");
}

/// 2027-01-15T08:00:00Z, a Friday, and the Saturday after it.
const START: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
const SATURDAY: Date = jiff::civil::date(2027, 1, 16);

fn region() -> Region {
    "us-east-1".parse().unwrap()
}

fn at(day: Date, hour: i8) -> Timestamp {
    TimeZone::get("America/New_York").unwrap().to_timestamp(day.at(hour, 0, 0, 0)).unwrap().into()
}

/// Two years of Saturdays with their bookings: 4,000 photos a wedding on its evening, and 80 weddings on the next one.
async fn two_years(ledger: &dyn Ledger) {
    let (mut arrivals, mut bookings) = (Vec::new(), Vec::new());
    let weddings = |week: i64| 10 + (week.unsigned_abs() * 7_919) % 31;
    for days in 0..=730 {
        let day = SATURDAY.checked_sub(Span::new().days(days)).unwrap();
        let count = match days {
            0 => 80,
            _ if days % 7 == 0 => weddings(days / 7),
            _ => 0,
        };
        let announced_at = at(day.checked_sub(Span::new().days(60)).unwrap(), 9);
        let booked = Booked { region: region(), wedding: day, announced_at };
        bookings.extend((0..count).map(|number| (format!("{day} {number}"), booked.clone())));
        let photos = 10 + count * 1_000;
        let hour = |hour| Arrivals { region: region(), hour: at(day, hour), photos, megapixels: 24.0 * photos as f64 };
        if days > 1 {
            arrivals.extend((20..24).map(hour));
        }
    }
    for rows in arrivals.chunks(500) {
        ledger.set_arrivals(rows).await.unwrap();
    }
    for rows in bookings.chunks(500) {
        ledger.import_bookings(rows).await.unwrap();
    }
}

#[tokio::test]
async fn over_postgresql_capacity_is_there_before_a_booked_saturday() {
    let server = Server::start(&["fsync=off"]);
    let url = server.database("procession");
    let clock = Arc::new(ManualClock::new(START));
    let process = async || {
        let ledger = PostgresLedger::open(&url, PostgresOptions::default()).await.unwrap();
        let (blobs, device) = (Arc::new(MemoryBlobs::default()), Arc::new(CpuDevice::new(1)));
        let clock = Arc::clone(&clock);
        Arc::new(System::new(Arc::new(ledger), blobs, device, None, clock as _, prepared::settings()))
    };
    let (first, second) = (process().await, process().await);
    two_years(first.ledger.as_ref()).await;
    let decide = async |system: &System, controller: &Controller| -> Option<Capacity> {
        let fleet = FleetName { region: region(), device: "cpu".to_owned(), stages: procession_domain::Stages::ALL };
        enrol(system, &fleet, None).await.unwrap();
        controller.decide(&Observer::default()).await.unwrap();
        capacities(system).await.unwrap().pop()
    };
    let controllers = [Controller::new(Arc::clone(&first)), Controller::new(Arc::clone(&second))];
    decide(&first, &controllers[0]).await;
    let decided = controllers[0].foresee().await.unwrap();
    assert!(matches!(decided.as_slice(), [Decision::Forecast(_, true, _)]), "{decided:?}");
    assert_eq!(controllers[1].foresee().await.unwrap(), [], "one of them is in office");
    let hours = at(SATURDAY, 19).since(START).as_secs() / 3_600;
    for _ in 0..hours {
        clock.advance(Duration::from_secs(3_600));
        decide(&first, &controllers[0]).await;
        controllers[0].foresee().await.unwrap();
    }
    let before = decide(&first, &controllers[0]).await.unwrap();
    assert_eq!((before.desired, before.cause), (6, Cause::Steady), "{}", before.reason);
    let made = prospects(&second).await.unwrap();
    assert_eq!((made.len(), made[0].made_at), (1, clock.now()));
    // The controller is lost; another takes over nine minutes before the hour for which 80,000 photos are booked.
    clock.advance(Duration::from_secs(51 * 60));
    let raised = decide(&second, &controllers[1]).await.unwrap();
    assert_eq!(raised.cause, Cause::Forecast, "{}", raised.reason);
    assert!(raised.reason.contains(&at(SATURDAY, 20).to_string()) && raised.desired > 6, "{}", raised.reason);
}
