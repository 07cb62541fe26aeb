use procession_domain::{Region, gallery::Rank, urgency::Urgency};

use super::*;
use crate::{
    registry::Standing,
    status::tests::{Bench, LEASE},
};

fn controller(bench: &Bench) -> Controller {
    Controller::new(Arc::clone(&bench.system))
}

fn region(name: &str) -> Region {
    name.parse().unwrap()
}

async fn rank(bench: &Bench, gallery: GalleryId) -> Rank {
    bench.system.ledger.gallery(gallery).await.unwrap().1
}

#[tokio::test]
async fn the_schedule_hears_of_what_is_left() {
    let bench = Bench::new().await;
    let controller = controller(&bench);
    let urgent = bench.open("a", Urgency::SameDayWedding).await;
    let other = bench.open("b", Urgency::StandardDelivery).await;
    bench.store(urgent, 0..610).await;
    bench.store(other, 0..1_000).await;
    assert_eq!(controller.decide(&bench.observer).await.unwrap(), [], "nothing is known, so nothing is written");
    bench.work(urgent, 10).await;
    let before = rank(&bench, urgent).await;
    let decided = controller.decide(&bench.observer).await.unwrap();
    let after = rank(&bench, urgent).await;
    assert!(decided.contains(&Decision::Critical(urgent, after.critical_at)), "{decided:?}");
    // 600 photos at 0.7 of a photo a second, and a margin of 5 minutes.
    let expected = before.deadline.micros() - (600.0 / 0.7 * 1e6) as i64 - 300_000_000;
    assert!(after.critical_at.micros().abs_diff(expected) < 1_000, "{}", after.critical_at);
    assert_eq!(Rank { critical_at: before.critical_at, ..after }, before);
    assert_eq!(controller.decide(&bench.observer).await.unwrap(), [], "nothing changed since");
}

#[tokio::test]
async fn galleries_have_places_and_leave_a_cluster_that_is_silent() {
    let bench = Bench::new().await;
    let controller = controller(&bench);
    let gallery = bench.open("a", Urgency::SameDayWedding).await;
    bench.store(gallery, 0..4).await;
    for region in ["eu-west-1", "us-east-1"] {
        bench.register(region, 48.0, Standing::Working).await;
    }
    let decided = controller.decide(&bench.observer).await.unwrap();
    let [Decision::Placed(placed, Place::At(home), why)] = decided.as_slice() else { panic!("{decided:?}") };
    assert_eq!((*placed, home), (gallery, &region("eu-west-1")));
    assert!(why.starts_with("eu-west-1 finishes it first"), "{why}");
    let row = bench.system.ledger.backlog().await.unwrap().remove(0);
    assert_eq!((row.cluster, row.placement.as_ref()), (Some(region("eu-west-1")), Some(why)));
    assert_eq!(controller.decide(&bench.observer).await.unwrap(), [], "it stays");
    // Only the other is heard of.
    bench.wait(LEASE.as_secs() - 1);
    bench.register("us-east-1", 48.0, Standing::Working).await;
    assert_eq!(controller.decide(&bench.observer).await.unwrap(), []);
    bench.wait(1);
    let decided = controller.decide(&bench.observer).await.unwrap();
    let why = "nothing is heard of eu-west-1; us-east-1 is all there is".to_owned();
    assert_eq!(decided, [Decision::Placed(gallery, Place::Shared, why)]);
    let row = bench.system.ledger.backlog().await.unwrap().remove(0);
    assert_eq!(place_of(&row), Place::Shared);
}

#[tokio::test]
async fn a_cluster_that_pauses_or_drains_gets_nothing() {
    for standing in [
        Standing::Draining,
        Standing::Paused { at: Timestamp::from_micros(0), kind: Kind::Limit, why: "the disk is full".to_owned() },
    ] {
        let bench = Bench::new().await;
        let gallery = bench.open("a", Urgency::SameDayWedding).await;
        bench.store(gallery, 0..4).await;
        bench.register("eu-west-1", 480.0, standing).await;
        bench.register("us-east-1", 24.0, Standing::Working).await;
        bench.register("us-west-2", 48.0, Standing::Working).await;
        let decided = controller(&bench).decide(&bench.observer).await.unwrap();
        let [Decision::Placed(_, place, _)] = decided.as_slice() else { panic!("{decided:?}") };
        assert_eq!(*place, Place::At(region("us-west-2")));
    }
}

#[tokio::test]
async fn one_decides_at_a_time() {
    let bench = Bench::new().await;
    let (first, second) = (controller(&bench), controller(&bench));
    assert!(!is_decided(&bench.system).await.unwrap());
    assert!(first.is_in_office().await.unwrap());
    assert!(is_decided(&bench.system).await.unwrap());
    assert!(!second.is_in_office().await.unwrap());
    // It extends its term as long as it lives.
    bench.wait(LEASE.as_secs() - 1);
    assert!(first.is_in_office().await.unwrap());
    bench.wait(LEASE.as_secs() - 1);
    assert!(!second.is_in_office().await.unwrap());
    // It is silent, and another takes over.
    bench.wait(1);
    assert!(!is_decided(&bench.system).await.unwrap());
    assert!(second.is_in_office().await.unwrap());
    assert!(!first.is_in_office().await.unwrap());
    // Whoever resigns makes room at once; resigning from what one does not have changes nothing.
    first.resign().await.unwrap();
    assert!(!first.is_in_office().await.unwrap());
    second.resign().await.unwrap();
    assert!(first.is_in_office().await.unwrap());
}
