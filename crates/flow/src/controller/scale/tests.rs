use procession_domain::{WorkerId, urgency::Urgency};
use procession_plan::{affinity::Speeds, scale::Cause};

use super::*;
use crate::{
    capacity::{FleetName, capacities, enrol},
    controller::Decision,
    status::tests::Bench,
};

fn fleet() -> FleetName {
    FleetName { region: "eu-west-1".parse().unwrap(), device: "cpu".to_owned(), stages: Stages::ALL }
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
    assert!((share.of_region.arriving() - 1.0).abs() < 1e-9);
    assert!((share.of_shared.arriving() - 1.0 / 3.0).abs() < 1e-9);
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

const LOOKING: [Stage; 3] = [Stage::AiAnalysis, Stage::FaceRecognition, Stage::MomentDetection];

fn specialists(stages: &[Stage]) -> FleetName {
    FleetName { stages: stages.iter().copied().collect(), ..fleet() }
}

/// A worker says that it is there, and offers these stages.
async fn register(bench: &Bench, name: &str, offers: &[Stage]) {
    let speeds = Speeds { reach: Some(0.1), stages: [Some(0.2), None, Some(0.1), Some(0.6)] };
    let registration = Registration {
        worker: WorkerId(name.to_owned()),
        region: fleet().region,
        device: fleet().device,
        lanes: 2,
        since: bench.now(),
        heard_at: bench.now(),
        silent_at: bench.now().after(crate::status::tests::LEASE),
        standing: Standing::Working,
        rate: None,
        offers: offers.iter().copied().collect(),
        speeds,
    };
    bench.system.documents().put(&registration).await.unwrap();
}

#[tokio::test]
async fn specialists_of_one_kind_of_device_scale_apart() {
    let bench = Bench::new().await;
    let controller = Controller::new(std::sync::Arc::clone(&bench.system));
    let (looks, renders) = (specialists(&LOOKING), specialists(&[Stage::Compression]));
    for name in [&looks, &renders] {
        enrol(&bench.system, name, Some(16)).await.unwrap();
    }
    let both = async || {
        register(&bench, "looks", &LOOKING).await;
        register(&bench, "renders", &[Stage::Compression]).await;
    };
    both().await;
    let gallery = bench.open("a", Urgency::StandardDelivery).await;
    bench.store(gallery, 0..2_000).await;
    let decided = decide(&controller, &bench).await;
    let of = |name: &FleetName| decided.iter().find(|of| of.fleet == *name).unwrap();
    // Each has a worker of its own. 2,000 photos wait to be looked at, and nothing to be rendered.
    assert_eq!((of(&looks).running, of(&renders).running), (1, 1));
    assert_eq!((of(&looks).cause, of(&renders).cause), (Cause::Queue, Cause::Season), "{decided:#?}");
    assert!(of(&looks).reason.contains("2000 photos wait"), "{}", of(&looks).reason);
    assert!(of(&looks).desired > of(&renders).desired);
    // Now they wait to be rendered.
    let passed = bench.pass_on(gallery, 2_000, Stage::Compression).await;
    assert_eq!(passed, 2_000);
    // What the queue asks for is so long apart.
    bench.wait(u64::from(bench.system.settings.scale.grow_cool_down_seconds));
    both().await;
    let decided = decide(&controller, &bench).await;
    assert_eq!(decided.iter().map(|of| (&of.fleet, of.cause)).collect::<Vec<_>>(), [(&renders, Cause::Queue)]);
    assert_eq!(capacities(&bench.system).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_fleet_without_stages_has_the_workers_that_no_other_is_named_for() {
    let bench = Bench::new().await;
    register(&bench, "looks", &LOOKING).await;
    register(&bench, "renders", &[Stage::Compression]).await;
    let expected = bench.observer.expected(&bench.system, Duration::ZERO).await.unwrap();
    let named = |name| Fleet { name, most: None };
    let (whole, renders) = (named(fleet()), named(specialists(&[Stage::Compression])));
    let running = |fleet: &Fleet, fleets: &[Fleet]| Share::of(fleet, fleets, &expected.workers).running;
    assert_eq!(running(&whole, std::slice::from_ref(&whole)), 2);
    let both = [whole.clone(), renders.clone()];
    assert_eq!((running(&whole, &both), running(&renders, &both)), (1, 1));
    // A worker that passes every photo on is as fast as its stages: two lanes, 0.4 s a megapixel.
    let looks = named(specialists(&LOOKING));
    let speed = Share::of(&looks, &[looks.clone(), renders], &expected.workers).speed.unwrap();
    assert!((speed - 5.0).abs() < 1e-9, "{speed}");
}

#[test]
fn a_fleet_is_written_as_before_there_were_stages() {
    let old = serde_json::json!({ "region": "eu-west-1", "device": "cpu" });
    assert_eq!(serde_json::to_value(fleet()).unwrap(), old);
    assert_eq!(serde_json::from_value::<FleetName>(old).unwrap(), fleet());
    assert_eq!(fleet().to_string(), "eu-west-1/cpu");
    let looks = specialists(&LOOKING);
    assert_eq!(looks.to_string(), "eu-west-1/cpu/ai_analysis+face_recognition+moment_detection");
    let written = serde_json::to_value(&looks).unwrap();
    assert_eq!(serde_json::from_value::<FleetName>(written.clone()).unwrap(), looks);
    // What an older binary knows of it is its kind of device.
    assert_eq!((&written["region"], &written["device"]), (&"eu-west-1".into(), &"cpu".into()));
}
