//! Galleries and refusals.

use procession_domain::{
    Classified, GalleryId, Kind, gallery::Gallery, photo::Refusal, recipe::Priority, urgency::Urgency,
};

use super::{
    Ledger,
    samples::{at, failure, gallery, photo, rank},
};

pub(super) async fn a_gallery_keeps_its_opening(ledger: &dyn Ledger) {
    let first = gallery("anna");
    assert_eq!(ledger.open_gallery(&first, &rank(1.0)).await.unwrap(), first);
    let second = Gallery { title: "Anna & Ben".to_owned(), opened_at: at(99), ..first.clone() };
    let mut sooner = rank(5.0);
    sooner.urgency = Urgency::SameDayWedding;
    let expected = Gallery { opened_at: first.opened_at, ..second.clone() };
    assert_eq!(ledger.open_gallery(&second, &sooner).await.unwrap(), expected);
    assert_eq!(ledger.gallery(first.id).await.unwrap(), (expected.clone(), sooner));
    ledger.rank_gallery(first.id, &rank(3.0)).await.unwrap();
    assert_eq!(ledger.gallery(first.id).await.unwrap(), (expected, rank(3.0)));
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

pub(super) async fn an_unknown_gallery_takes_nothing(ledger: &dyn Ledger) {
    let unknown = GalleryId::named("unknown");
    let photo = photo(unknown, 1);
    let refusal = Refusal { name: "a.pdf".to_owned(), failure: failure("no photo") };
    let errors = [
        ledger.gallery(unknown).await.unwrap_err(),
        ledger.rank_gallery(unknown, &rank(1.0)).await.unwrap_err(),
        ledger.stage_photo(&photo).await.unwrap_err(),
        ledger.store_photo(&photo, Priority::High, 1.0).await.unwrap_err(),
        ledger.refuse_file(unknown, &refusal, at(0)).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), Kind::NotFound);
        assert!(error.to_string().contains(&unknown.to_string()), "{error}");
    }
    assert_eq!(ledger.progress(unknown).await.unwrap().stored(), 0);
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
    assert!(ledger.refusals(one.id).await.unwrap().is_empty());
    assert_eq!(ledger.refusals(two.id).await.unwrap().len(), 2);
}
