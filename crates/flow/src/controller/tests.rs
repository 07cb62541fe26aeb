use procession_domain::{Region, Stage, Stages, WorkerId, gallery::Rank, urgency::Urgency};
use procession_plan::affinity::Speeds;

use super::*;
use crate::{
    registry::{Registration, Standing},
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

/// A worker says that it is there, what it offers, and how fast it is.
async fn register(bench: &Bench, device: &str, lanes: usize, offers: Stages, speeds: Speeds) {
    let registration = Registration {
        worker: WorkerId(format!("{device}-1")),
        region: region("eu-west-1"),
        device: device.to_owned(),
        lanes,
        since: bench.now(),
        heard_at: bench.now(),
        silent_at: bench.now().after(LEASE),
        standing: Standing::Working,
        rate: None,
        offers,
        speeds,
    };
    bench.system.documents().put(&registration).await.unwrap();
}

#[tokio::test]
async fn kinds_of_device_divide_the_work_of_a_region() {
    let bench = Bench::new().await;
    let controller = controller(&bench);
    let speeds = |reach: f64, stages: [f64; 4]| Speeds { reach: Some(reach), stages: stages.map(Some) };
    let both = async || {
        register(&bench, "gpu", 2, Stages::ALL, speeds(0.005, [0.002, 0.002, 0.002, 0.05])).await;
        register(&bench, "cpu", 16, Stages::ALL, speeds(0.01, [0.06, 0.06, 0.06, 0.1])).await;
    };
    both().await;
    let decided = controller.decide(&bench.observer).await.unwrap();
    let [Decision::Divided(divided)] = decided.as_slice() else { panic!("{decided:?}") };
    let preferences = &divided.affinity.preferences;
    assert_eq!(preferences["cpu"].first, Stages::from_iter([Stage::Compression]));
    assert_eq!(preferences["gpu"].first, Stages::between(Stage::AiAnalysis, Stage::MomentDetection));
    assert_eq!(crate::affinity::divisions(&bench.system).await.unwrap(), [(**divided).clone()]);
    both().await;
    assert_eq!(controller.decide(&bench.observer).await.unwrap(), [], "it stays");
    // One of them is silent: the other does all.
    bench.wait(LEASE.as_secs() - 1);
    register(&bench, "cpu", 16, Stages::ALL, speeds(0.01, [0.06, 0.06, 0.06, 0.1])).await;
    bench.wait(1);
    let decided = controller.decide(&bench.observer).await.unwrap();
    let [Decision::Divided(whole)] = decided.as_slice() else { panic!("{decided:?}") };
    assert!(whole.affinity.preferences.is_empty() && whole.affinity.cut.is_none(), "{whole:?}");
}

#[tokio::test]
async fn what_nobody_offers_is_promised_to_nobody() {
    let bench = Bench::new().await;
    let controller = controller(&bench);
    let gallery = bench.open("a", Urgency::SameDayWedding).await;
    bench.store(gallery, 0..4).await;
    let looking = Stages::between(Stage::AiAnalysis, Stage::MomentDetection);
    register(&bench, "gpu", 2, looking, Speeds::default()).await;
    let decided = controller.decide(&bench.observer).await.unwrap();
    let [Decision::Placed(_, Place::Shared, why)] = decided.as_slice() else { panic!("{decided:?}") };
    assert_eq!(why, "no cluster alone does every stage; all clusters share it");
    let expected = bench.observer.expected(&bench.system, Duration::ZERO).await.unwrap();
    assert_eq!(expected.gaps.len(), 1);
    let outlook = &expected.of(gallery).unwrap().1;
    assert_eq!((outlook.finishes_at, outlook.slack_seconds), (None, None));
    assert_eq!(outlook.reason.as_str(), "nobody offers compression; 4 photos wait for it");
    register(&bench, "cpu", 2, Stages::from_iter([Stage::Compression]), Speeds::default()).await;
    let expected = bench.observer.expected(&bench.system, Duration::ZERO).await.unwrap();
    assert!(expected.gaps.is_empty(), "between them they offer all");
}
