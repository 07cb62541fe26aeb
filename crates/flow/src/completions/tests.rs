use std::time::Duration;

use futures::future::join_all;
use procession_domain::{
    Classified, ContentHash, GalleryId, Kind, PhotoId, Stages, StudioId, Timestamp, WorkerId,
    analysis::Analysis,
    capture::Capture,
    gallery::{Consent, Gallery, PipelineChoice},
    photo::{Format, Photo, Timings},
    recipe::{Fingerprint, Priority},
    urgency::{Promises, Urgency},
};
use procession_plan::{default_margin, rank};
use procession_vault::{Arrival, Ask, SqliteLedger};

use super::*;

const START: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

/// A ledger with a gallery, all photos of which are held.
struct Held {
    _folder: tempfile::TempDir,
    ledger: Arc<SqliteLedger>,
    completions: Completions,
    gallery: GalleryId,
    leases: Vec<Lease>,
}

impl Held {
    async fn new(photos: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Arc::new(SqliteLedger::open(&folder.path().join("ledger")).await.unwrap());
        let gallery = gallery();
        let promises = Promises::default();
        let urgency = Urgency::StandardDelivery;
        let margin = default_margin(promises.of(urgency));
        let rank = rank(START, urgency, &promises, margin);
        ledger.open_gallery(&gallery, &rank).await.unwrap();
        let arrival = Arrival { priority: Priority::Medium, cost: 24.0, rank };
        for number in 0..photos {
            ledger.store_photo(&photo(gallery.id, number), &arrival).await.unwrap();
        }
        let worker = WorkerId("worker".to_owned());
        let expires_at = START.after(Duration::from_secs(10));
        let ask = Ask {
            worker: &worker,
            region: None,
            count: photos,
            only: None,
            at: Stages::ALL,
            stages: Stages::ALL,
            now: START,
            expires_at,
        };
        let leases = ledger.claim(&ask).await.unwrap().into_iter().map(|claim| claim.lease).collect();
        let completions = Completions::new(Arc::clone(&ledger) as _);
        Self { _folder: folder, ledger, completions, gallery: gallery.id, leases }
    }

    async fn done(&self) -> u64 {
        self.ledger.progress(self.gallery).await.unwrap().done
    }

    fn waiting(&self) -> usize {
        lock(&self.completions.queue).waiting.len()
    }
}

fn gallery() -> Gallery {
    Gallery {
        id: GalleryId::named("a"),
        studio: StudioId::local(),
        title: "a".to_owned(),
        wedding: None,
        consent: Consent::default(),
        pipeline: PipelineChoice::Auto,
        opened_at: START,
    }
}

fn photo(gallery: GalleryId, number: usize) -> Photo {
    let original = ContentHash::of(&number.to_le_bytes());
    Photo {
        id: PhotoId::of(gallery, &original),
        gallery,
        original,
        bytes: 8,
        crc32: None,
        format: Format::Jpeg,
        width: 6_000,
        height: 4_000,
        single_scan: true,
        names: vec![format!("{number}.jpg")],
        capture: Capture::default(),
        stored_at: START,
    }
}

fn finished() -> Finished {
    Finished {
        pipeline: "reception_photos".to_owned(),
        pipeline_reason: "the default".to_owned(),
        fingerprint: Fingerprint::of(&procession_plan::pipelines()["reception_photos"], "test"),
        variants: Vec::new(),
        owed: None,
        thumbhash: String::new(),
        analysis: Analysis::default(),
        timings: Timings::default(),
        finished_at: START,
    }
}

#[tokio::test]
async fn all_who_arrive_together_are_written_and_each_hears_of_itself() {
    let held = Held::new(MOST + 10).await;
    let mut leases = held.leases.clone();
    leases[3].epoch -= 1;
    let finished = finished();
    let calls = leases.iter().map(|lease| held.completions.complete(lease, &finished));
    let mut calls: Vec<_> = calls.map(Box::pin).collect();
    for call in &mut calls {
        assert!(futures::poll!(call).is_pending());
    }
    assert_eq!(held.waiting(), MOST + 10, "the first transaction takes as many as may be in one");
    for (index, result) in join_all(calls).await.into_iter().enumerate() {
        match index {
            3 => assert_eq!(result.unwrap_err().kind(), Kind::Conflict),
            _ => result.unwrap(),
        }
    }
    assert_eq!(held.done().await, MOST as u64 + 9);
    held.completions.complete(&held.leases[3], &finished).await.unwrap();
    assert_eq!(held.completions.complete(&held.leases[3], &finished).await.unwrap_err().kind(), Kind::Conflict);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_forgotten_between_two_transactions() {
    let held = Held::new(200).await;
    let calls = held.leases.iter().cloned().map(|lease| {
        let completions = held.completions.clone();
        tokio::spawn(async move { completions.complete(&lease, &finished()).await })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap().unwrap();
    }
    assert_eq!(held.done().await, 200);
    assert!(!lock(&held.completions.queue).is_writing);
}

#[tokio::test]
async fn who_does_not_wait_is_in_nobody_s_way() {
    let held = Held::new(3).await;
    let finished = finished();
    let mut calls: Vec<_> =
        held.leases.iter().map(|lease| Box::pin(held.completions.complete(lease, &finished))).collect();
    for call in &mut calls {
        assert!(futures::poll!(call).is_pending());
    }
    // The first one began the writing.
    drop(calls.remove(0));
    for result in join_all(calls).await {
        result.unwrap();
    }
    assert_eq!(held.done().await, 3);
}

#[tokio::test]
async fn what_fails_as_a_whole_fails_for_each() {
    let held = Held::new(3).await;
    held.ledger.close().await;
    let finished = finished();
    for result in join_all(held.leases.iter().map(|lease| held.completions.complete(lease, &finished))).await {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), Kind::Unavailable);
        assert_eq!(error.to_string(), "ledger: cannot complete jobs");
    }
    // And the next is tried again.
    assert_eq!(held.completions.complete(&held.leases[0], &finished).await.unwrap_err().kind(), Kind::Unavailable);
}
