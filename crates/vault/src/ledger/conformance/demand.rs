//! What arrives and what is announced.

use jiff::civil::Date;
use procession_domain::{
    Region, Timestamp,
    demand::{Arrivals, Booked},
    gallery::{Gallery, TimeZoneName, Wedding},
    photo::Photo,
};

use super::{
    super::Arrival,
    Ledger,
    samples::{arrival, at, gallery, photo, rank},
};

/// 2026-06-21T00:00:00Z, and so many hours after it.
fn hour(number: i64) -> Timestamp {
    at(number * 3_600)
}

fn arrived(number: i64, photos: u64, megapixels: f64) -> Arrivals {
    Arrivals { region: Region::local(), hour: hour(number), photos, megapixels }
}

fn day(date: &str) -> Date {
    date.parse().unwrap()
}

fn wedding(date: &str) -> Option<Wedding> {
    Some(Wedding { date: day(date), time_zone: TimeZoneName::utc() })
}

fn booked(date: &str, announced_at: Timestamp) -> Booked {
    Booked { region: Region::local(), wedding: day(date), announced_at }
}

fn arriving() -> Arrival {
    Arrival { cost: 24.0, ..arrival() }
}

pub(super) async fn a_new_photo_arrives_once(ledger: &dyn Ledger) {
    let gallery = ledger.open_gallery(&gallery("arriving"), &rank(1.0)).await.unwrap();
    let store = async |number: usize, second: i64| {
        let photo = Photo { stored_at: at(second), ..photo(gallery.id, number) };
        ledger.stage_photo(&photo).await.unwrap();
        ledger.store_photo(&photo, &arriving()).await.unwrap().is_some()
    };
    assert!(ledger.arrivals(at(0)).await.unwrap().is_empty());
    for number in 0..9 {
        assert!(store(number, 3_599).await);
        // The same photo again, an hour later, is not new.
        assert!(!store(number, 7_199).await);
    }
    assert!(store(9, 3_600).await);
    let expected = [arrived(0, 9, 216.0), arrived(1, 1, 24.0)];
    assert_eq!(ledger.arrivals(at(0)).await.unwrap(), expected);
    assert_eq!(ledger.arrivals(at(3_599)).await.unwrap(), expected, "the hour that has the moment is whole");
    assert_eq!(ledger.arrivals(at(3_600)).await.unwrap(), expected[1..]);
    // Work that is done again did not arrive again.
    ledger.redo_photos(&[photo(gallery.id, 0).id]).await.unwrap();
    assert_eq!(ledger.arrivals(at(0)).await.unwrap(), expected);
}

pub(super) async fn removed_galleries_stay_in_the_history(ledger: &dyn Ledger) {
    let (past, ahead) = ("2026-06-20", "2026-06-27");
    for (name, date) in [("past", past), ("ahead", ahead)] {
        let gallery = Gallery { wedding: wedding(date), ..gallery(name) };
        ledger.open_gallery(&gallery, &rank(1.0)).await.unwrap();
        ledger.store_photo(&photo(gallery.id, 1), &arriving()).await.unwrap();
    }
    let before = (ledger.arrivals(at(0)).await.unwrap(), ledger.bookings(day(past)).await.unwrap());
    assert_eq!(before, (vec![arrived(0, 2, 48.0)], vec![booked(past, at(0)), booked(ahead, at(0))]));
    assert_eq!(ledger.bookings(day("2026-06-21")).await.unwrap(), [booked(ahead, at(0))]);
    // Whoever opens it again did not announce it again; a date that is moved is moved.
    let moved = Gallery { wedding: wedding("2026-06-28"), opened_at: at(9), ..gallery("ahead") };
    let known = ledger.open_gallery(&moved, &rank(1.0)).await.unwrap();
    assert_eq!(ledger.bookings(day("2026-06-21")).await.unwrap(), [booked("2026-06-28", at(0))]);
    let back = Gallery { wedding: wedding(ahead), ..known.clone() };
    ledger.update_gallery(&back, &rank(1.0), &known).await.unwrap();
    assert_eq!(ledger.bookings(day("2026-06-21")).await.unwrap(), [booked(ahead, at(0))]);
    // The wedding that has been stays known; the one that is to come is called off.
    for name in ["past", "ahead"] {
        ledger.remove_gallery(gallery(name).id, at(99), at(100)).await.unwrap();
    }
    assert_eq!(ledger.arrivals(at(0)).await.unwrap(), before.0);
    assert_eq!(ledger.bookings(day(past)).await.unwrap(), before.1[..1]);
    // A gallery of the same name is another booking.
    let again = Gallery { wedding: wedding(past), opened_at: at(200), ..gallery("past") };
    ledger.open_gallery(&again, &rank(1.0)).await.unwrap();
    assert_eq!(ledger.bookings(day(past)).await.unwrap().len(), 2);
    let undated = Gallery { wedding: None, ..again.clone() };
    ledger.update_gallery(&undated, &rank(1.0), &again).await.unwrap();
    assert_eq!(ledger.bookings(day(past)).await.unwrap(), before.1[..1], "without a date nothing is booked");
}

pub(super) async fn what_another_system_knew_is_taken_over_once(ledger: &dyn Ledger) {
    let gallery = ledger.open_gallery(&gallery("own"), &rank(1.0)).await.unwrap();
    for number in 0..5 {
        ledger.store_photo(&photo(gallery.id, number), &arriving()).await.unwrap();
    }
    let other = Arrivals { region: "eu-west-1".parse().unwrap(), ..arrived(-2, 70, 0.0) };
    let imported = [arrived(-2, 412, 0.0), other.clone(), arrived(-1, 0, 0.0)];
    for _ in 0..2 {
        ledger.set_arrivals(&imported).await.unwrap();
        let expected = [other.clone(), imported[0].clone(), imported[2].clone(), arrived(0, 5, 120.0)];
        assert_eq!(ledger.arrivals(hour(-9)).await.unwrap(), expected);
    }
    ledger.set_arrivals(&[arrived(0, 7, 140.0)]).await.unwrap();
    assert_eq!(ledger.arrivals(hour(0)).await.unwrap(), [arrived(0, 7, 140.0)]);
    let weddings = [("a 1", booked("2026-06-20", at(0))), ("a 2", booked("2026-06-20", at(0)))];
    let weddings = weddings.map(|(name, booked)| (name.to_owned(), booked));
    assert_eq!(ledger.import_bookings(&weddings).await.unwrap(), 2);
    assert_eq!(ledger.import_bookings(&weddings).await.unwrap(), 0);
    assert_eq!(ledger.bookings(day("2026-06-01")).await.unwrap().len(), 2);
}
