//! Whose turn it is.

use std::collections::BTreeMap;

use procession_domain::{Classified as _, GalleryId, Kind, Region, Stages, gallery::Rank, recipe::Priority};

use super::{
    super::{Arrival, Ask},
    Ledger,
    samples::{arrival, at, claim, claim_as, filled, gallery, photo, rank, worker},
};

/// Who gets the next `turns` single jobs.
async fn served(ledger: &dyn Ledger, turns: usize, second: i64) -> BTreeMap<GalleryId, usize> {
    let mut counts = BTreeMap::new();
    for _ in 0..turns {
        let claims = claim(ledger, 1, second).await;
        assert_eq!(claims.len(), 1);
        *counts.entry(claims[0].gallery.id).or_insert(0) += 1;
    }
    counts
}

pub(super) async fn jobs_come_by_priority_then_arrival(ledger: &dyn Ledger) {
    let gallery = ledger.open_gallery(&gallery("order"), &rank(1.0)).await.unwrap();
    let priorities = [Priority::Low, Priority::Medium, Priority::High, Priority::Medium, Priority::High];
    for (number, priority) in priorities.into_iter().enumerate() {
        ledger.store_photo(&photo(gallery.id, number), &Arrival { priority, ..arrival() }).await.unwrap();
    }
    let mut order = Vec::new();
    for count in [2, 1, 9] {
        order.extend(claim(ledger, count, 5).await.into_iter().map(|claim| claim.photo.id));
    }
    assert_eq!(order, [2, 4, 1, 3, 0].map(|number| photo(gallery.id, number).id));
}

pub(super) async fn a_claim_can_be_kept_to_one_gallery(ledger: &dyn Ledger) {
    let (_, wanted) = (filled(ledger, "first", 5.0, 3).await, filled(ledger, "wanted", 1.0, 3).await);
    let claims = claim_as(ledger, "w", 9, Some(wanted.id), 5).await;
    assert_eq!(claims.len(), 3);
    assert!(claims.iter().all(|claim| claim.gallery == wanted));
    let unknown = GalleryId::named("unknown");
    for empty in [wanted.id, unknown] {
        assert!(claim_as(ledger, "w", 9, Some(empty), 5).await.is_empty());
    }
}

pub(super) async fn a_placed_gallery_is_its_cluster_s(ledger: &dyn Ledger) {
    let region = |name: &str| name.parse::<Region>().unwrap();
    let (here, there) = (region("here"), region("there"));
    let (placed, open) = (filled(ledger, "placed", 5.0, 4).await.id, filled(ledger, "open", 1.0, 2).await.id);
    let unknown = GalleryId::named("unknown");
    assert_eq!(ledger.place_gallery(unknown, None, "nobody").await.unwrap_err().kind(), Kind::NotFound);
    ledger.place_gallery(placed, Some(&there), "its originals are there").await.unwrap();
    let take = async |region, count, only| {
        let worker = worker("w");
        let ask = Ask {
            worker: &worker,
            region,
            count,
            only,
            at: Stages::ALL,
            stages: Stages::ALL,
            now: at(5),
            expires_at: at(15),
        };
        let claims = ledger.claim(&ask).await.unwrap();
        claims.into_iter().map(|claim| claim.gallery.id).collect::<Vec<_>>()
    };
    // The other's turn would come first.
    assert_eq!(take(Some(&here), 9, None).await, [open, open]);
    assert!(take(Some(&here), 9, None).await.is_empty());
    assert_eq!(take(Some(&there), 1, None).await, [placed]);
    assert_eq!(take(None, 1, None).await, [placed]);
    assert_eq!(take(Some(&here), 1, Some(placed)).await, [placed]);
    let place = async || {
        let backlog = ledger.backlog().await.unwrap();
        let found = backlog.into_iter().find(|backlog| backlog.gallery == placed).unwrap();
        (found.cluster, found.placement)
    };
    assert_eq!(place().await, (Some(there.clone()), Some("its originals are there".to_owned())));
    // A gallery that is opened or ranked again stays where it is.
    ledger.open_gallery(&gallery("placed"), &rank(5.0)).await.unwrap();
    assert!(take(Some(&here), 9, None).await.is_empty());
    ledger.place_gallery(placed, None, "the cluster is gone").await.unwrap();
    assert_eq!(place().await, (None, Some("the cluster is gone".to_owned())));
    assert_eq!(take(Some(&here), 9, None).await, [placed]);
}

pub(super) async fn weights_share_the_work(ledger: &dyn Ledger) {
    let mut galleries = Vec::new();
    for (name, weight) in [("same day", 5.0), ("next day", 3.0), ("standard", 1.0)] {
        galleries.push(filled(ledger, name, weight, 60).await.id);
    }
    let counts = served(ledger, 90, 5).await;
    for (gallery, fair) in galleries.iter().zip([50_usize, 30, 10]) {
        assert!(counts[gallery].abs_diff(fair) <= 1, "{counts:?}");
    }
}

pub(super) async fn critical_galleries_come_first_up_to_their_share(ledger: &dyn Ledger) {
    let patient = filled(ledger, "patient", 5.0, 50).await.id;
    let critical = |seconds| Rank { deadline: at(seconds), critical_at: at(100), ..rank(1.0) };
    let (late, early) = (filled(ledger, "late", 1.0, 50).await, filled(ledger, "early", 1.0, 35).await);
    ledger.update_gallery(&late, &critical(900), &late).await.unwrap();
    ledger.update_gallery(&early, &critical(800), &early).await.unwrap();
    let (late, early) = (late.id, early.id);
    // Critical galleries get 70 of 100 turns, the one that is due first before the other.
    let counts = served(ledger, 50, 100).await;
    assert!(counts[&early].abs_diff(35) <= 1 && counts[&patient].abs_diff(15) <= 1, "{counts:?}");
    let counts = served(ledger, 50, 100).await;
    assert!(counts[&late].abs_diff(35) <= 1 && counts[&patient].abs_diff(15) <= 1, "{counts:?}");
    // Where nobody else waits, a share is no limit.
    let others = claim_as(ledger, "w", 50, Some(patient), 100).await;
    assert_eq!(others.len(), 20);
    assert_eq!(served(ledger, 10, 100).await[&late], 10);
}

pub(super) async fn a_new_gallery_starts_at_the_minimum(ledger: &dyn Ledger) {
    let old = filled(ledger, "old", 1.0, 60).await.id;
    served(ledger, 20, 5).await;
    // It does not get 20 turns in a row for having been away.
    let new = filled(ledger, "new", 1.0, 30).await.id;
    let counts = served(ledger, 20, 5).await;
    assert!(counts[&old].abs_diff(10) <= 1 && counts[&new].abs_diff(10) <= 1, "{counts:?}");
}
