//! Photos, from staged to done, and embeddings.

use procession_domain::{
    Classified, Kind,
    gallery::{Consent, Gallery},
    photo::{Photo, PhotoState},
};

use super::{
    Ledger, Opener,
    samples::{arrival, at, claim, claim_as, failure, filled, finished, gallery, photo, progress, rank},
};

pub(super) async fn a_staged_photo_is_nobodys_until_it_is_stored(ledger: &dyn Ledger) {
    let gallery = ledger.open_gallery(&gallery("staged"), &rank(1.0)).await.unwrap();
    let [first, second] = [1, 2].map(|number| photo(gallery.id, number));
    ledger.stage_photo(&first).await.unwrap();
    ledger.stage_photo(&second).await.unwrap();
    assert!(ledger.photos(gallery.id).await.unwrap().is_empty());
    assert!(claim(ledger, 9, 5).await.is_empty());
    assert_eq!(ledger.redo_photos(&[first.id]).await.unwrap(), 0);
    assert!(ledger.abandoned(first.stored_at).await.unwrap().is_empty());
    assert_eq!(ledger.abandoned(at(2)).await.unwrap().len(), 2);
    // Staged again later, it is not abandoned.
    ledger.stage_photo(&Photo { stored_at: at(3), ..second.clone() }).await.unwrap();
    assert_eq!(ledger.abandoned(at(2)).await.unwrap(), std::slice::from_ref(&first));
    assert!(ledger.store_photo(&second, &arrival()).await.unwrap().is_some());
    ledger.stage_photo(&second).await.unwrap();
    ledger.unstage(first.id).await.unwrap();
    ledger.unstage(second.id).await.unwrap();
    assert!(ledger.abandoned(at(9)).await.unwrap().is_empty());
    assert_eq!(ledger.photos(gallery.id).await.unwrap(), [(second, PhotoState::Stored)]);
    assert_eq!(claim(ledger, 9, 5).await.len(), 1);
}

pub(super) async fn a_photo_is_stored_once(ledger: &dyn Ledger) {
    let gallery = ledger.open_gallery(&gallery("once"), &rank(1.0)).await.unwrap();
    let first = photo(gallery.id, 1);
    assert!(ledger.store_photo(&first, &arrival()).await.unwrap().is_some());
    assert_eq!(ledger.store_photo(&first, &arrival()).await.unwrap(), None);
    let again = Photo { names: vec!["a.jpg".to_owned(), "z.jpg".to_owned()], stored_at: at(50), ..first.clone() };
    assert_eq!(ledger.store_photo(&again, &arrival()).await.unwrap(), None);
    let names = vec!["a.jpg".to_owned(), first.names[0].clone(), "z.jpg".to_owned()];
    let expected = Photo { names, ..first };
    assert_eq!(ledger.photos(gallery.id).await.unwrap(), [(expected.clone(), PhotoState::Stored)]);
    let claims = claim(ledger, 9, 5).await;
    assert_eq!(claims.len(), 1);
    assert_eq!((&claims[0].photo, &claims[0].gallery), (&expected, &gallery));
    ledger.complete(&claims[0].lease, &finished(None)).await.unwrap();
    assert_eq!(ledger.store_photo(&again, &arrival()).await.unwrap(), None);
    assert_eq!(ledger.progress(gallery.id).await.unwrap(), progress(0, 0, 1, 0));
}

pub(super) async fn a_photo_that_is_finished_keeps_what_was_found(ledger: &dyn Ledger) {
    let gallery = filled(ledger, "finished", 1.0, 3).await;
    let claims = claim(ledger, 2, 5).await;
    assert_eq!(ledger.progress(gallery.id).await.unwrap(), progress(1, 2, 0, 0));
    ledger.complete(&claims[0].lease, &finished(Some(vec![0.5; 128]))).await.unwrap();
    ledger.quarantine(&claims[1].lease, &failure("truncated"), at(6)).await.unwrap();
    let progress_now = ledger.progress(gallery.id).await.unwrap();
    assert_eq!(progress_now, progress(1, 0, 1, 1));
    assert!(!progress_now.is_finished());
    let photos = ledger.photos(gallery.id).await.unwrap();
    let names: Vec<_> = photos.iter().map(|(photo, _)| photo.name()).collect();
    assert_eq!(names, ["day/0000.jpg", "day/0001.jpg", "day/0002.jpg"]);
    // The embedding stands apart from the rest.
    assert_eq!(photos[0].1, PhotoState::Done(Box::new(finished(None))));
    assert_eq!(photos[1].1, PhotoState::Quarantined(failure("truncated")));
    assert_eq!(photos[2].1, PhotoState::Stored);
}

pub(super) async fn embeddings_need_consent_and_are_erased(ledger: &dyn Ledger) {
    let vector: Vec<f32> = (0..128_u8).map(|n| f32::from(n) / 1_000.0).collect();
    let (one, two) = (filled(ledger, "one", 1.0, 2).await, filled(ledger, "two", 1.0, 1).await);
    for job in claim(ledger, 2, 5).await.into_iter().chain(claim(ledger, 2, 5).await) {
        ledger.complete(&job.lease, &finished(Some(vector.clone()))).await.unwrap();
    }
    let found = ledger.embeddings(one.id).await.unwrap();
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|(_, face, found)| (*face, found) == (0, &vector)));
    assert_eq!(ledger.erase_embeddings(one.id).await.unwrap(), 2);
    assert_eq!(ledger.erase_embeddings(one.id).await.unwrap(), 0);
    assert!(ledger.embeddings(one.id).await.unwrap().is_empty());
    assert_eq!(ledger.embeddings(two.id).await.unwrap().len(), 1);
    // Consent is withdrawn while a worker has the photo.
    ledger.store_photo(&photo(one.id, 7), &arrival()).await.unwrap();
    let held = claim(ledger, 1, 5).await.remove(0);
    let withdrawn = Gallery { consent: Consent { faces: false }, ..one.clone() };
    ledger.open_gallery(&withdrawn, &rank(1.0)).await.unwrap();
    ledger.complete(&held.lease, &finished(Some(vector))).await.unwrap();
    assert!(ledger.embeddings(one.id).await.unwrap().is_empty());
    assert_eq!(ledger.progress(one.id).await.unwrap(), progress(0, 0, 3, 0));
}

pub(super) async fn photos_are_put_back_to_work(ledger: &dyn Ledger) {
    let gallery = filled(ledger, "redo", 1.0, 5).await;
    let claims = claim(ledger, 4, 5).await;
    ledger.complete(&claims[0].lease, &finished(Some(vec![0.5; 128]))).await.unwrap();
    ledger.quarantine(&claims[1].lease, &failure("truncated"), at(6)).await.unwrap();
    ledger.retry(&claims[2].lease, &failure("later"), at(500)).await.unwrap();
    let mut photos: Vec<_> = (0..5).map(|number| photo(gallery.id, number).id).collect();
    photos.push(photo(gallery.id, 99).id);
    // All but the one that is held and the one that nobody knows.
    assert_eq!(ledger.redo_photos(&photos).await.unwrap(), 4);
    assert_eq!(ledger.progress(gallery.id).await.unwrap(), progress(4, 1, 0, 0));
    assert!(ledger.embeddings(gallery.id).await.unwrap().is_empty());
    assert!(ledger.photos(gallery.id).await.unwrap().iter().all(|(_, state)| *state == PhotoState::Stored));
    let again = claim(ledger, 9, 6).await;
    assert_eq!(again.len(), 4);
    assert!(again.iter().all(|claim| claim.failures == 0));
    // The old leases are worth nothing, the held one still is.
    for stale in &claims[..3] {
        ledger.complete(&stale.lease, &finished(None)).await.unwrap_err();
    }
    for claim in again.iter().chain(&claims[3..]) {
        ledger.complete(&claim.lease, &finished(Some(vec![0.25; 128]))).await.unwrap();
    }
    assert_eq!(ledger.embeddings(gallery.id).await.unwrap().len(), 5);
    assert_eq!(ledger.progress(gallery.id).await.unwrap(), progress(0, 0, 5, 0));
}

pub(super) async fn photos_are_found_one_by_one_and_by_page(ledger: &dyn Ledger) {
    let (gallery, other) = (filled(ledger, "paged", 1.0, 7).await, filled(ledger, "other", 1.0, 2).await);
    let staged = photo(gallery.id, 99);
    ledger.stage_photo(&staged).await.unwrap();
    for unknown in [staged.id, photo(gallery.id, 100).id] {
        let error = ledger.photo(unknown).await.unwrap_err();
        assert!(error.kind() == Kind::NotFound && error.to_string().contains(&unknown.to_string()), "{error}");
    }
    let claims = claim_as(ledger, "w", 2, Some(gallery.id), 5).await;
    ledger.complete(&claims[0].lease, &finished(Some(vec![0.5; 128]))).await.unwrap();
    ledger.quarantine(&claims[1].lease, &failure("truncated"), at(6)).await.unwrap();
    let mut all = ledger.photos(gallery.id).await.unwrap();
    all.sort_by_key(|(photo, _)| photo.id);
    assert_eq!(all.len(), 7);
    for photo in &all {
        assert_eq!(&ledger.photo(photo.0.id).await.unwrap(), photo);
    }
    for limit in [1, 3, 7, usize::MAX] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = ledger.photos_page(gallery.id, after, limit).await.unwrap();
            assert!(page.len() <= limit);
            let Some((last, _)) = page.last() else { break };
            after = Some(last.id);
            found.extend(page);
        }
        assert_eq!(found, all, "by {limit}");
    }
    assert_eq!(ledger.photos_page(other.id, None, 9).await.unwrap().len(), 2);
}

pub(super) async fn what_returned_is_durable(opener: &dyn Opener) {
    let name = "what_returned_is_durable";
    let ledger = opener.open(name).await;
    let gallery = filled(ledger.as_ref(), "durable", 1.0, 4).await;
    let claims = claim(ledger.as_ref(), 2, 5).await;
    ledger.complete(&claims[0].lease, &finished(Some(vec![0.5; 128]))).await.unwrap();
    ledger.stage_photo(&photo(gallery.id, 9)).await.unwrap();
    let before = ledger.photos(gallery.id).await.unwrap();
    drop(ledger);

    let ledger = opener.open(name).await;
    assert_eq!(ledger.gallery(gallery.id).await.unwrap(), (gallery.clone(), rank(1.0)));
    assert_eq!(ledger.photos(gallery.id).await.unwrap(), before);
    assert_eq!(ledger.embeddings(gallery.id).await.unwrap().len(), 1);
    assert_eq!(ledger.abandoned(at(9)).await.unwrap().len(), 1);
    assert_eq!(ledger.progress(gallery.id).await.unwrap(), progress(2, 1, 1, 0));
    // A lease outlives the process that gave it.
    assert_eq!(claim(ledger.as_ref(), 9, 6).await.len(), 2);
    ledger.complete(&claims[1].lease, &finished(None)).await.unwrap();
}
