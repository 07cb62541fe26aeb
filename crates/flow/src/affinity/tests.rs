use std::time::Duration;

use procession_domain::{GalleryId, Timestamp, WorkerId, gallery::Rank, urgency::Urgency};

use super::*;

const NOW: Timestamp = Timestamp::from_micros(0);

fn region(name: &str) -> Region {
    name.parse().unwrap()
}

fn worker(name: &str, at: &str, device: &str, offers: &[Stage]) -> Registration {
    Registration {
        worker: WorkerId(name.to_owned()),
        region: region(at),
        device: device.to_owned(),
        lanes: 2,
        since: NOW,
        heard_at: NOW,
        silent_at: NOW.after(Duration::from_secs(10)),
        standing: Standing::Working,
        rate: None,
        offers: offers.iter().copied().collect(),
        speeds: Speeds::default(),
    }
}

fn backlog(cluster: Option<&str>, waiting_at: [u64; 4], working: u64) -> Backlog {
    let rank = Rank { urgency: Urgency::StandardDelivery, weight: 1.0, since: NOW, deadline: NOW, critical_at: NOW };
    Backlog {
        gallery: GalleryId::named("a"),
        rank,
        waiting: waiting_at.iter().sum(),
        waiting_at,
        working,
        waiting_megapixels: 0.0,
        working_megapixels: 0.0,
        waiting_since_at: [None; 4],
        cluster: cluster.map(region),
        placement: None,
    }
}

const LOOKING: [Stage; 3] = [Stage::AiAnalysis, Stage::FaceRecognition, Stage::MomentDetection];

#[test]
fn what_nobody_offers_is_said() {
    let looking = worker("a", "eu-west-1", "gpu", &LOOKING);
    let compressing = worker("b", "us-east-1", "cpu", &[Stage::Compression]);
    let here = backlog(Some("eu-west-1"), [1_000, 0, 0, 150], 50);
    let said = |backlog: &Backlog, workers: &[Registration]| gap(backlog, workers).map(|gap| gap.to_string());
    let both = [looking.clone(), compressing.clone()];
    let missing = Some("nobody offers compression in eu-west-1; 1,200 photos wait for it".to_owned());
    assert_eq!(said(&here, &both), missing);
    // What is everybody's is done by both together.
    let shared = backlog(None, [1_000, 0, 0, 150], 50);
    assert_eq!(said(&shared, &both), None);
    let missing = Some("nobody offers ai_analysis; 1,000 photos wait for it".to_owned());
    assert_eq!(said(&shared, std::slice::from_ref(&compressing)), missing);
    // Nobody has to offer what no photo wants.
    let half = worker("c", "eu-west-1", "gpu", &[Stage::AiAnalysis, Stage::Compression]);
    assert_eq!(said(&here, std::slice::from_ref(&half)), None);
    let one = backlog(None, [9, 1, 0, 0], 0);
    assert_eq!(said(&one, &[half]), Some("nobody offers face_recognition; 1 photo waits for it".to_owned()));
    // Where nobody works, something else is wrong.
    let drains = Registration { standing: Standing::Draining, ..compressing };
    assert_eq!(said(&shared, std::slice::from_ref(&drains)), None);
    let all = [here.clone(), here, shared];
    let sums = gaps(all.iter(), &[looking, drains]);
    let of = |cluster: Option<&str>, photos| Gap { stage: Stage::Compression, cluster: cluster.map(region), photos };
    assert_eq!(sums, [of(None, 1_200), of(Some("eu-west-1"), 2_400)]);
}

#[test]
fn a_pool_is_what_its_workers_measured() {
    let measured = |name, reach, render| {
        let speeds = Speeds { reach: Some(reach), stages: [Some(0.1), None, None, render] };
        Registration { speeds, ..worker(name, "eu-west-1", "cpu", &Stage::ALL) }
    };
    let silent = Registration { speeds: Speeds::default(), ..worker("c", "eu-west-1", "cpu", &Stage::ALL) };
    let elsewhere = worker("d", "us-east-1", "cpu", &Stage::ALL);
    let pools = pools(&[measured("a", 0.01, Some(0.2)), measured("b", 0.03, None), silent, elsewhere]);
    assert_eq!(pools.len(), 2);
    let [here] = pools[&region("eu-west-1")].as_slice() else { panic!("{pools:?}") };
    assert_eq!((here.lanes, here.speeds.reach), (6, Some(0.02)));
    assert_eq!(here.speeds.stages, [Some(0.1), None, None, Some(0.2)]);
}

#[test]
fn a_cluster_is_whole_if_its_workers_are_together() {
    let parts = [worker("a", "eu-west-1", "gpu", &LOOKING), worker("b", "eu-west-1", "cpu", &[Stage::Compression])];
    assert!(offers_all(&parts, &region("eu-west-1")));
    assert!(!offers_all(&parts[..1], &region("eu-west-1")));
    assert!(!offers_all(&parts, &region("us-east-1")));
}
