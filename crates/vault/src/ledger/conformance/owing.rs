//! Finished photos that are owed outputs.

use procession_domain::{
    GalleryId,
    gallery::Progress,
    photo::{Finished, Owed, Photo, PhotoState},
    recipe::{Fingerprint, OutputFormat},
    variant::Variant,
};

use super::{
    Ledger,
    samples::{at, claim, claim_as, filled, finished, progress},
};

/// What a photo has that was finished at a second and is owed its WebP.
fn owing(second: i64) -> Finished {
    let owed = Owed { formats: vec![OutputFormat::WebP], models: "test".to_owned() };
    let variants = vec![variant(OutputFormat::Jpeg)];
    Finished { variants, owed: Some(owed), finished_at: at(second), ..finished(None) }
}

fn variant(format: OutputFormat) -> Variant {
    let hash = procession_domain::ContentHash::of(format.extension().as_bytes());
    Variant { name: "2048".to_owned(), format, width: 2048, height: 1365, bytes: 400_000, hash, crc32: Some(7) }
}

/// What was finished at second 10 and 20, and is owed something, and at 30, and is owed nothing.
async fn three(ledger: &dyn Ledger, name: &str) -> (GalleryId, Vec<Photo>) {
    let gallery = filled(ledger, name, 1.0, 3).await;
    let claims = claim_as(ledger, "w", 3, Some(gallery.id), 5).await;
    for (claim, done) in claims.iter().zip([owing(20), owing(10), finished(None)]) {
        ledger.complete(&claim.lease, &done).await.unwrap();
    }
    (gallery.id, claims.into_iter().map(|claim| claim.photo).collect())
}

pub(super) async fn what_is_owed_is_claimed_by_one_at_a_time(ledger: &dyn Ledger) {
    let (gallery, photos) = three(ledger, "owed").await;
    let (other, others) = three(ledger, "other").await;
    assert_eq!(ledger.progress(gallery).await.unwrap(), Progress { owing: 2, ..progress(0, 0, 3, 0) });
    assert_eq!(ledger.owing().await.unwrap(), 4);
    assert!(claim(ledger, 9, 60).await.is_empty());
    // From its end on, and the earliest first.
    assert!(ledger.claim_owing(None, 9, at(9), at(100)).await.unwrap().is_empty());
    let first = ledger.claim_owing(Some(gallery), 1, at(30), at(100)).await.unwrap();
    assert_eq!((&first[0].photo, &first[0].finished, first[0].tries), (&photos[1], &owing(10), 1));
    let mut rest: Vec<_> = ledger.claim_owing(None, 9, at(30), at(90)).await.unwrap();
    rest.sort_by_key(|owing| (owing.photo.gallery == other, owing.finished.finished_at));
    assert_eq!(rest.iter().map(|owing| &owing.photo).collect::<Vec<_>>(), [&photos[0], &others[1], &others[0]]);
    // Whoever claimed it first does not come back; it waits no longer for them.
    assert!(ledger.claim_owing(None, 9, at(89), at(200)).await.unwrap().is_empty());
    assert_eq!(ledger.claim_owing(None, 9, at(95), at(200)).await.unwrap().len(), 3);
    let again = ledger.claim_owing(None, 9, at(100), at(200)).await.unwrap();
    assert_eq!((&again[0].photo, again[0].tries, again.len()), (&photos[1], 2, 1));
}

pub(super) async fn what_is_owed_is_paid_once(ledger: &dyn Ledger) {
    let (gallery, photos) = three(ledger, "paid").await;
    let all = [variant(OutputFormat::Jpeg), variant(OutputFormat::WebP)];
    let (photo, fingerprint) = (photos[1].id, owing(10).fingerprint);
    let stranger = Fingerprint::of(&serde_json::from_str(PIPELINE).unwrap(), "another engine");
    assert!(!ledger.pay_owing(photo, stranger, &all).await.unwrap());
    assert!(!ledger.pay_owing(photos[2].id, fingerprint, &all).await.unwrap(), "it is owed nothing");
    // Also by whoever claimed it too late, or never.
    assert!(ledger.pay_owing(photo, fingerprint, &all).await.unwrap());
    assert!(!ledger.pay_owing(photo, fingerprint, &[]).await.unwrap());
    let (_, state) = ledger.photo(photo).await.unwrap();
    assert_eq!(state, PhotoState::Done(Box::new(Finished { variants: all.to_vec(), owed: None, ..owing(10) })));
    assert_eq!(ledger.progress(gallery).await.unwrap(), Progress { owing: 1, ..progress(0, 0, 3, 0) });
    assert_eq!(ledger.claim_owing(None, 9, at(30), at(100)).await.unwrap().len(), 1);
    // What goes back to work is owed nothing, and may be again.
    assert_eq!(ledger.redo_photos(&[photos[0].id]).await.unwrap(), 1);
    assert!(!ledger.pay_owing(photos[0].id, fingerprint, &all).await.unwrap());
    assert!(ledger.claim_owing(None, 9, at(300), at(400)).await.unwrap().is_empty());
    let claims = claim(ledger, 9, 300).await;
    ledger.complete(&claims[0].lease, &owing(301)).await.unwrap();
    assert_eq!(ledger.claim_owing(None, 9, at(301), at(400)).await.unwrap()[0].tries, 1);
    ledger.remove_gallery(gallery, at(302), at(900)).await.unwrap();
    assert!(ledger.claim_owing(None, 9, at(500), at(600)).await.unwrap().is_empty());
    assert_eq!(ledger.owing().await.unwrap(), 0);
}

const PIPELINE: &str =
    r#"{"preferred_device": "cpu", "priority": "low", "analysis": "basic", "recipe": {"variants": []}}"#;
