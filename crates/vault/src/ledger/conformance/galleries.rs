//! Galleries and refusals.

use std::cmp::Reverse;

use procession_domain::{
    Classified, GalleryId, Kind, StudioId,
    gallery::{Consent, Gallery, Progress, Rank},
    photo::Refusal,
    urgency::Urgency,
};

use super::{
    super::Arrival,
    Ledger,
    samples::{arrival, at, claim, claim_as, failure, filled, finished, gallery, photo, progress, rank},
};
use crate::documents::{Document as _, Expect, Record, Removal};

pub(super) async fn a_gallery_keeps_its_opening(ledger: &dyn Ledger) {
    let first = gallery("anna");
    assert_eq!(ledger.open_gallery(&first, &rank(1.0)).await.unwrap(), first);
    let second = Gallery { title: "Anna & Ben".to_owned(), opened_at: at(99), ..first.clone() };
    let mut sooner = rank(5.0);
    sooner.urgency = Urgency::SameDayWedding;
    let expected = Gallery { opened_at: first.opened_at, ..second.clone() };
    assert_eq!(ledger.open_gallery(&second, &sooner).await.unwrap(), expected);
    assert_eq!(ledger.gallery(first.id).await.unwrap(), (expected, sooner));
}

pub(super) async fn galleries_are_listed_latest_first(ledger: &dyn Ledger) {
    assert!(ledger.galleries().await.unwrap().is_empty());
    for (name, second) in [("early", 1), ("latest", 3), ("late", 2)] {
        let gallery = Gallery { opened_at: at(second), ..gallery(name) };
        ledger.open_gallery(&gallery, &rank(1.0)).await.unwrap();
    }
    let titles: Vec<_> = ledger.galleries().await.unwrap().into_iter().map(|(gallery, _)| gallery.title).collect();
    assert_eq!(titles, ["latest", "late", "early"]);
}

pub(super) async fn a_promise_counts_from_the_latest_photo(ledger: &dyn Ledger) {
    use Urgency::{NextDayDelivery, SameDayWedding, StandardDelivery};
    let gallery = ledger.open_gallery(&gallery("announced"), &rank(1.0)).await.unwrap();
    let class = |urgency, weight, second, seconds| {
        let deadline = at(second + seconds);
        Rank { urgency, weight, since: at(second), deadline, critical_at: at(second + seconds / 2) }
    };
    let same_day = |second| class(Urgency::SameDayWedding, 5.0, second, 1_800);
    let next_day = |second| class(Urgency::NextDayDelivery, 3.0, second, 7_200);
    let standard = |second| class(Urgency::StandardDelivery, 1.0, second, 86_400);
    let mut number = 0;
    let mut store = async |rank| {
        number += 1;
        let stored = ledger.store_photo(&photo(gallery.id, number), &Arrival { rank, ..arrival() }).await.unwrap();
        (stored.unwrap().rank, stored.unwrap().was)
    };
    assert_eq!(store(standard(100_000)).await, (standard(100_000), StandardDelivery));
    assert_eq!(store(same_day(200_000)).await, (same_day(200_000), StandardDelivery));
    // After midnight, and a photo that was overtaken: what is unfinished is still due as before.
    assert_eq!(store(next_day(200_500)).await, (same_day(200_500), SameDayWedding));
    assert_eq!(store(same_day(200_400)).await, (same_day(200_500), SameDayWedding));
    for claim in claim(ledger, 9, 5).await {
        ledger.complete(&claim.lease, &finished(None)).await.unwrap();
    }
    assert_eq!(store(next_day(201_000)).await, (next_day(201_000), SameDayWedding));
    // Whoever changes a gallery as it was before does not take back what it was promised since.
    ledger.update_gallery(&gallery, &next_day(100), &gallery).await.unwrap();
    assert_eq!(ledger.gallery(gallery.id).await.unwrap().1, next_day(201_000));
    assert_eq!(ledger.backlog().await.unwrap()[0].rank, next_day(201_000));
    assert_eq!(store(next_day(201_001)).await, (next_day(201_001), NextDayDelivery));
}

pub(super) async fn an_unknown_gallery_takes_nothing(ledger: &dyn Ledger) {
    let unknown = GalleryId::named("unknown");
    let photo = photo(unknown, 1);
    let refusal = Refusal { name: "a.pdf".to_owned(), failure: failure("no photo") };
    let errors = [
        ledger.gallery(unknown).await.unwrap_err(),
        ledger.stage_photo(&photo).await.unwrap_err(),
        ledger.store_photo(&photo, &arrival()).await.unwrap_err(),
        ledger.refuse_file(unknown, &refusal, at(0)).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), Kind::NotFound);
        assert!(error.to_string().contains(&unknown.to_string()), "{error}");
    }
    assert_eq!(ledger.progress(unknown).await.unwrap().stored(), 0);
    assert_eq!(ledger.progress_of(&[]).await.unwrap(), []);
}

pub(super) async fn a_studio_lists_its_own_galleries_by_page(ledger: &dyn Ledger) {
    let [one, other] = [1, 2].map(|byte| StudioId::from_bytes([byte; 12]));
    let mut expected = Vec::new();
    for (number, second) in [3, 1, 2, 2, 2].into_iter().enumerate() {
        for studio in [one, other] {
            let id = GalleryId::in_studio(studio, &number.to_string());
            let gallery = Gallery { id, studio, opened_at: at(second), ..gallery("of a studio") };
            ledger.open_gallery(&gallery, &rank(1.0)).await.unwrap();
            expected.push((gallery, rank(1.0), Progress::default()));
        }
    }
    expected.retain(|(gallery, ..)| gallery.studio == one);
    expected.sort_by_key(|(gallery, ..)| (Reverse(gallery.opened_at), gallery.id));
    for limit in [1, 2, 5, usize::MAX] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = ledger.galleries_of(one, after, limit).await.unwrap();
            assert!(page.len() <= limit);
            let Some((last, ..)) = page.last() else { break };
            after = Some((last.opened_at, last.id));
            found.extend(page);
        }
        assert_eq!(found, expected, "by {limit}");
    }
    assert!(ledger.galleries_of(StudioId::local(), None, 9).await.unwrap().is_empty());
    assert_eq!(ledger.galleries().await.unwrap().len(), 10);
}

pub(super) async fn a_gallery_never_changes_its_studio(ledger: &dyn Ledger) {
    let gallery = ledger.open_gallery(&gallery("kept"), &rank(1.0)).await.unwrap();
    let moved = Gallery { studio: StudioId::from_bytes([1; 12]), title: "taken".to_owned(), ..gallery.clone() };
    for error in [
        ledger.open_gallery(&moved, &rank(5.0)).await.unwrap_err(),
        ledger.update_gallery(&moved, &rank(5.0), &gallery).await.unwrap_err(),
    ] {
        assert!(error.kind() == Kind::Conflict && error.to_string().contains(&gallery.id.to_string()), "{error}");
    }
    assert_eq!(ledger.galleries().await.unwrap(), [(gallery, rank(1.0))]);
}

pub(super) async fn a_gallery_is_updated_as_expected_or_not_at_all(ledger: &dyn Ledger) {
    let first = gallery("anna");
    let second = Gallery { title: "Anna & Ben".to_owned(), consent: Consent { faces: false }, ..first.clone() };
    let third = Gallery { title: "Anna & Carl".to_owned(), ..first.clone() };
    let update = async |gallery: &Gallery, expected: &Gallery| {
        ledger.update_gallery(gallery, &rank(5.0), expected).await.map_err(|error| error.kind())
    };
    assert_eq!(update(&second, &first).await, Err(Kind::NotFound));
    let first = ledger.open_gallery(&first, &rank(1.0)).await.unwrap();
    // It keeps its opening, so whoever has read it before is still right about it.
    assert_eq!(update(&Gallery { opened_at: at(99), ..second.clone() }, &first).await, Ok(()));
    assert_eq!(ledger.gallery(first.id).await.unwrap(), (second.clone(), rank(5.0)));
    assert_eq!(update(&third, &first).await, Err(Kind::Conflict));
    assert_eq!(ledger.gallery(first.id).await.unwrap(), (second.clone(), rank(5.0)));
    assert_eq!(update(&third, &second).await, Ok(()));
    assert_eq!(ledger.gallery(first.id).await.unwrap(), (third, rank(5.0)));
}

pub(super) async fn a_removed_gallery_leaves_nothing(ledger: &dyn Ledger) {
    let (gone, kept) = (filled(ledger, "gone", 1.0, 6).await, filled(ledger, "kept", 1.0, 2).await);
    // Its photos 0 and 1 are the other's too; 7 is staged here alone, 8 there too.
    for (gallery, numbers) in [(&gone, [7, 8]), (&kept, [8, 9])] {
        for number in numbers {
            ledger.stage_photo(&photo(gallery.id, number)).await.unwrap();
        }
        let refusal = Refusal { name: "a.pdf".to_owned(), failure: failure("no photo") };
        ledger.refuse_file(gallery.id, &refusal, at(0)).await.unwrap();
        let (id, owner) = (gallery.title.clone(), gallery.id.to_string());
        let link = Record { id, owner, expires_at: None, body: "{}".to_owned() };
        ledger.put_document("link", &link, Expect::Absent).await.unwrap();
    }
    let claims = claim_as(ledger, "w", 4, Some(gone.id), 5).await;
    ledger.complete(&claims[0].lease, &finished(Some(vec![0.5; 128]))).await.unwrap();
    ledger.quarantine(&claims[1].lease, &failure("truncated"), at(6)).await.unwrap();
    ledger.retry(&claims[2].lease, &failure("later"), at(50)).await.unwrap();

    let mut originals: Vec<_> = (0..=5).chain([7, 8]).map(|number| photo(gone.id, number).original).collect();
    originals.sort();
    let removal = Removal { gallery: gone.id, removed_at: at(7), due_at: at(100), originals };
    assert_eq!(ledger.remove_gallery(gone.id, at(7), at(100)).await.unwrap(), removal);
    let left = ledger.due_documents(Removal::KIND, at(100), 9).await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(serde_json::from_str::<Removal>(&left[0].document.body).unwrap(), removal);
    let missing = [
        ledger.remove_gallery(gone.id, at(7), at(100)).await.unwrap_err(),
        ledger.gallery(gone.id).await.unwrap_err(),
        ledger.photo(claims[0].photo.id).await.unwrap_err(),
        ledger.store_photo(&claims[3].photo, &arrival()).await.unwrap_err(),
    ];
    assert!(missing.iter().all(|error| error.kind() == Kind::NotFound));
    assert_eq!(ledger.complete(&claims[3].lease, &finished(None)).await.unwrap_err().kind(), Kind::Conflict);
    assert_eq!(ledger.renew(&[claims[3].lease.clone()], at(90)).await.unwrap().len(), 1);
    assert!(ledger.photos(gone.id).await.unwrap().is_empty() && ledger.embeddings(gone.id).await.unwrap().is_empty());
    assert!(ledger.refusals(gone.id).await.unwrap().is_empty() && ledger.workers_held().await.unwrap().is_empty());
    assert_eq!(ledger.document("link", "gone").await.unwrap(), None);
    // The other gallery is as it was.
    assert_eq!(ledger.galleries().await.unwrap(), [(kept.clone(), rank(1.0))]);
    assert_eq!(ledger.progress(kept.id).await.unwrap(), Progress { refused: 1, ..progress(2, 0, 0, 0) });
    assert_eq!(ledger.abandoned(at(9)).await.unwrap().len(), 2);
    assert!(ledger.document("link", "kept").await.unwrap().is_some());
    assert_eq!(claim(ledger, 9, 60).await.len(), 2);
    // And the one that is gone can begin anew.
    let anew = filled(ledger, "gone", 1.0, 1).await;
    assert_eq!(ledger.progress(anew.id).await.unwrap(), progress(1, 0, 0, 0));
}

pub(super) async fn a_condemned_original_is_nobody_s(ledger: &dyn Ledger) {
    let (gone, kept) = (filled(ledger, "gone", 1.0, 4).await, filled(ledger, "kept", 1.0, 2).await);
    ledger.stage_photo(&photo(kept.id, 2)).await.unwrap();
    let originals = [0, 1, 2, 3].map(|number| photo(gone.id, number).original);
    // Whoever is in a gallery, or about to be, is spared.
    let removal = ledger.remove_gallery(gone.id, at(7), at(100)).await.unwrap();
    assert_eq!(ledger.condemn_originals(&removal, &originals).await.unwrap(), [originals[3]]);
    assert_eq!(ledger.condemn_originals(&removal, &originals).await.unwrap(), [originals[3]]);
    // Another removal has no say, and neither has an attempt that another took over.
    let (another, late) = (Removal { removed_at: at(8), ..removal.clone() }, removal);
    let removal = Removal { due_at: at(200), ..late.clone() };
    assert_eq!(ledger.condemn_originals(&removal, &originals).await.unwrap(), [originals[3]]);
    for without_a_say in [another, late] {
        assert!(ledger.condemn_originals(&without_a_say, &originals).await.unwrap().is_empty());
        ledger.pardon_originals(&without_a_say).await.unwrap();
    }
    let anew = photo(kept.id, 3);
    for error in
        [ledger.stage_photo(&anew).await.unwrap_err(), ledger.store_photo(&anew, &arrival()).await.unwrap_err()]
    {
        assert!(error.kind() == Kind::Unavailable && error.to_string().contains(&originals[3].to_string()), "{error}");
    }
    ledger.pardon_originals(&removal).await.unwrap();
    ledger.stage_photo(&anew).await.unwrap();
    assert!(ledger.condemn_originals(&removal, &originals).await.unwrap().is_empty());
    ledger.store_photo(&anew, &arrival()).await.unwrap();
    assert_eq!(ledger.progress(kept.id).await.unwrap(), progress(3, 0, 0, 0));
}

pub(super) async fn refusals_are_replaced_and_cleared(ledger: &dyn Ledger) {
    let [one, two] = ["one", "two"].map(gallery);
    for gallery in [&one, &two] {
        ledger.open_gallery(gallery, &rank(1.0)).await.unwrap();
        for (name, why) in [("b.jpg", "empty"), ("a.pdf", "no photo"), ("b.jpg", "truncated")] {
            let refusal = Refusal { name: name.to_owned(), failure: failure(why) };
            ledger.refuse_file(gallery.id, &refusal, at(0)).await.unwrap();
        }
    }
    let refusals = ledger.refusals(one.id).await.unwrap();
    let found: Vec<_> = refusals.iter().map(|r| (r.name.as_str(), r.failure.message.as_str())).collect();
    assert_eq!(found, [("a.pdf", "no photo"), ("b.jpg", "truncated")]);
    assert_eq!(ledger.progress(one.id).await.unwrap().refused, 2);
    ledger.clear_refusals(one.id).await.unwrap();
    let refused = ledger.progress_of(&[two.id, one.id, two.id]).await.unwrap();
    assert_eq!(refused.iter().map(|progress| progress.refused).collect::<Vec<_>>(), [2, 0, 2]);
    assert!(ledger.refusals(one.id).await.unwrap().is_empty());
    assert_eq!(ledger.refusals(two.id).await.unwrap().len(), 2);
}
