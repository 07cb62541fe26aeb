//! A watcher that does not keep up, against the service in this process: nothing else can be told as fast as is needed here.

use std::time::Duration;

use procession_domain::{ContentHash, PhotoId, StudioId};
use procession_flow::Event;
use procession_web::access::{Scope, create_key};

use crate::prepared::Prepared;

/// More than the service keeps for anybody, and with their names more than fits into all buffers on the way.
const EVENTS: u64 = 40_000;
const NAME_BYTES: usize = 2_000;

#[tokio::test]
async fn who_lags_behind_misses_events_and_is_right_again() {
    let (bench, _stores) = Prepared::start().await;
    let (service, gallery) = (&bench.service, &bench.gallery);
    let now = service.system.clock.now();
    let (_, key) = create_key(&service.documents, StudioId::local(), "watcher", [Scope::Read], now).await.unwrap();
    let url = format!("{}/api/v1/galleries/{}/events", bench.url, gallery.id);
    let mut answer = bench.http.get(url).bearer_auth(key).send().await.unwrap();
    let first = answer.chunk().await.unwrap().unwrap();
    assert!(first.starts_with(b"event: status\n"), "{first:?}");
    let mut all = service.hub.watch();
    for number in 0..EVENTS {
        let original = ContentHash::of(&number.to_le_bytes());
        let (photo, name) = (PhotoId::of(gallery.id, &original), "n".repeat(NAME_BYTES));
        service.events.tell(gallery.id, Event::PhotoStored { photo, name, original, bytes: 1, new: true });
    }
    // What is told last comes after everything that was missed.
    service.events.tell(gallery.id, Event::ReceiptRefused { why: "the end".to_owned() });
    // Until then the watcher reads nothing.
    while !matches!(all.recv().await, Ok(dated) if dated.told.event.name() == "receipt_refused") {}
    let (mut text, mut stored, mut statuses, mut is_over) = (String::new(), 0, 0, false);
    bench.clock.advance(Duration::from_secs(1));
    while !is_over || statuses == 0 {
        text.push_str(std::str::from_utf8(&answer.chunk().await.unwrap().unwrap()).unwrap());
        while let Some((event, rest)) = text.split_once("\n\n") {
            stored += u64::from(event.starts_with("event: photo_stored"));
            statuses += u64::from(event.starts_with("event: status"));
            is_over |= event.starts_with("event: receipt_refused");
            text = rest.to_owned();
        }
    }
    assert!(stored < EVENTS, "all {stored} events fitted somewhere: nothing was shown");
}
