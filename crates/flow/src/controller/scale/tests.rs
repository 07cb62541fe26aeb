use procession_domain::urgency::Urgency;
use procession_plan::scale::Cause;

use super::*;
use crate::{
    capacity::{FleetName, capacities, enrol},
    controller::Decision,
    status::tests::Bench,
};

fn fleet() -> FleetName {
    FleetName { region: "eu-west-1".parse().unwrap(), device: "cpu".to_owned() }
}

async fn decide(controller: &Controller, bench: &Bench) -> Vec<Capacity> {
    let decided = controller.decide(&bench.observer).await.unwrap();
    let capacity = |decision| match decision {
        Decision::Capacity(capacity) => Some(*capacity),
        _ => None,
    };
    decided.into_iter().filter_map(capacity).collect()
}

#[tokio::test]
async fn a_fleet_that_somebody_runs_grows_with_its_queue() {
    let bench = Bench::new().await;
    let controller = Controller::new(std::sync::Arc::clone(&bench.system));
    let gallery = bench.open("a", Urgency::SameDayWedding).await;
    bench.store(gallery, 0..10).await;
    bench.register("eu-west-1", 24.0, Standing::Working).await;
    assert_eq!(decide(&controller, &bench).await, [], "nobody runs a fleet");
    enrol(&bench.system, &fleet(), Some(4)).await.unwrap();
    bench.wait(5);
    bench.register("eu-west-1", 24.0, Standing::Working).await;
    let first = decide(&controller, &bench).await.remove(0);
    assert_eq!(first.desired, 3);
    assert_eq!((&first.fleet, first.running), (&fleet(), 1));
    // What stands by the calendar is awaited, and not asked for again.
    assert_eq!((first.cause, first.awaited.len()), (Cause::Season, first.desired as usize - 1));
    bench.wait(5);
    bench.register("eu-west-1", 24.0, Standing::Working).await;
    assert_eq!(decide(&controller, &bench).await, []);
    // 100 minutes of work for one, due in 30.
    bench.store(gallery, 10..6_000).await;
    bench.wait(5);
    bench.register("eu-west-1", 24.0, Standing::Working).await;
    let most = decide(&controller, &bench).await.remove(0);
    assert_eq!((most.desired, most.cause, most.within_reach), (4, Cause::Deadline, true), "{}", most.reason);
    assert_eq!(capacities(&bench.system).await.unwrap(), [most]);
}

#[tokio::test]
async fn a_fleet_does_its_part_of_what_all_share() {
    let bench = Bench::new().await;
    let gallery = bench.open("a", Urgency::SameDayWedding).await;
    bench.store(gallery, 0..90).await;
    for region in ["eu-west-1", "us-east-1", "us-west-2"] {
        bench.register(region, 24.0, Standing::Working).await;
    }
    let expected = bench.observer.expected(&bench.system, Duration::ZERO).await.unwrap();
    let one = Fleet { name: fleet(), most: None };
    let share = Share::of(&one, std::slice::from_ref(&one), &expected.workers);
    let waiting = queue(&expected, &one, &share);
    assert_eq!((waiting.photos, share.running, share.others_in_region), (30, 1, 0));
    assert!((share.of_region - 1.0).abs() < 1e-9 && (share.of_shared - 1.0 / 3.0).abs() < 1e-9);
    // Another region's alone is none of its business.
    bench.system.ledger.place_gallery(gallery, Some(&"us-east-1".parse().unwrap()), "").await.unwrap();
    let expected = bench.observer.expected(&bench.system, Duration::ZERO).await.unwrap();
    assert_eq!(queue(&expected, &one, &share), Queue::default());
}

#[tokio::test]
async fn what_arrives_is_counted_also_if_it_is_finished_by_somebody_whose_rate_is_not_known() {
    let bench = Bench::new().await;
    let controller = Controller::new(std::sync::Arc::clone(&bench.system));
    let rate = async || controller.arriving(bench.now()).await.unwrap();
    let gallery = bench.open("a", Urgency::SameDayWedding).await;
    bench.store(gallery, 0..10).await;
    assert_eq!(rate().await, Some(0.0), "what was there before did not just arrive");
    assert_eq!(rate().await, None, "it is not time yet");
    // 10 photos of 24 megapixels in 10 seconds, and as many are finished meanwhile.
    bench.store(gallery, 10..20).await;
    bench.work(gallery, 10).await;
    assert_eq!(rate().await, Some(24.0));
    // Meanwhile another hour begins: the bench started with one.
    bench.wait(3_400);
    for _ in 0..=60 {
        bench.wait(5);
        rate().await.unwrap();
    }
    bench.wait(5);
    bench.store(gallery, 20..45).await;
    assert_eq!(rate().await, Some(2.0), "25 photos in 300 seconds");
}
