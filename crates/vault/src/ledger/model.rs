//! Random sequences of operations against a model in memory.

use std::{cmp::Reverse, collections::BTreeMap};

use procession_domain::{
    Classified, GalleryId, JobId, Kind, PhotoId, Stage, Stages, gallery::Progress, job::Lease, recipe::Priority,
};
use proptest::prelude::*;

use super::{Arrival, Ask, Ledger, conformance::samples};

/// A ledger whose tables can be looked at.
pub(super) trait Checked: Ledger + Sized {
    /// How many rows contradict what must hold between any two operations, whatever happened: the answer to [`BROKEN`].
    async fn broken(&self) -> i64;
}

pub(super) const BROKEN: &str = "SELECT
     (SELECT COUNT(*) FROM photo WHERE (state = 'stored') <> EXISTS (SELECT 1 FROM job WHERE job.photo = photo.id))
     + (SELECT COUNT(*) FROM gallery WHERE waiting <>
        (SELECT COUNT(*) FROM job WHERE job.gallery = gallery.id AND job.state = 'waiting'))
     + (SELECT COUNT(*) FROM photo WHERE (state = 'done') <> (finished IS NOT NULL))
     + (SELECT COUNT(*) FROM job WHERE state = 'held' AND worker IS NULL)
     + (SELECT COUNT(*) FROM embedding JOIN photo ON photo.id = embedding.photo WHERE photo.state <> 'done'
        AND NOT EXISTS (SELECT 1 FROM job WHERE job.photo = photo.id AND job.found IS NOT NULL))";

#[derive(Clone, Debug)]
pub(super) enum Step {
    Store { gallery: usize, number: usize, priority: Priority },
    Claim { worker: usize, count: usize, only: Option<usize>, stages: Stages },
    Wait { seconds: i64 },
    Complete { lease: usize },
    Pass { lease: usize, stage: Stage },
    Quarantine { lease: usize },
    Retry { lease: usize, seconds: i64 },
    Renew { lease: usize },
    Release { lease: usize },
    Redo { gallery: usize, number: usize },
}

const GALLERIES: usize = 3;

/// Any sequence of steps.
pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec(step(), 1..80)
}

fn step() -> impl Strategy<Value = Step> {
    let priority = prop_oneof![Just(Priority::Low), Just(Priority::Medium), Just(Priority::High)];
    let lease = 0..16_usize;
    prop_oneof![
        4 => (0..GALLERIES, 0..6_usize, priority)
            .prop_map(|(gallery, number, priority)| Step::Store { gallery, number, priority }),
        4 => (0..3_usize, 0..4_usize, proptest::option::weighted(0.3, 0..GALLERIES), offered())
            .prop_map(|(worker, count, only, stages)| Step::Claim { worker, count, only, stages }),
        2 => (1..15_i64).prop_map(|seconds| Step::Wait { seconds }),
        3 => lease.clone().prop_map(|lease| Step::Complete { lease }),
        2 => (lease.clone(), stage()).prop_map(|(lease, stage)| Step::Pass { lease, stage }),
        1 => lease.clone().prop_map(|lease| Step::Quarantine { lease }),
        1 => (lease.clone(), 1..20_i64).prop_map(|(lease, seconds)| Step::Retry { lease, seconds }),
        1 => lease.clone().prop_map(|lease| Step::Renew { lease }),
        1 => lease.prop_map(|lease| Step::Release { lease }),
        2 => (0..GALLERIES, 0..6_usize).prop_map(|(gallery, number)| Step::Redo { gallery, number }),
    ]
}

fn stage() -> impl Strategy<Value = Stage> {
    (0..Stage::ALL.len()).prop_map(|place| Stage::ALL[place])
}

/// All stages, or any set of them.
fn offered() -> impl Strategy<Value = Stages> {
    let some = proptest::collection::vec(stage(), 0..4).prop_map(|stages| stages.into_iter().collect());
    prop_oneof![1 => Just(Stages::ALL), 1 => some]
}

#[derive(Clone, Debug, PartialEq)]
enum State {
    Waiting,
    Held { until: i64 },
    Delayed { until: i64 },
    Done,
    Quarantined,
}

#[derive(Debug)]
struct Known {
    gallery: GalleryId,
    priority: Priority,
    state: State,
    /// The order of arrival.
    arrival: usize,
    /// The one lease that is good.
    good: Option<Lease>,
    failures: u32,
    stage: Stage,
    /// It was passed on.
    found: bool,
}

#[derive(Default)]
struct Model {
    second: i64,
    arrivals: usize,
    photos: BTreeMap<PhotoId, Known>,
    /// Every lease that was ever given, with its photo.
    leases: Vec<(Lease, PhotoId)>,
}

impl Model {
    fn arrive(&mut self) -> usize {
        self.arrivals += 1;
        self.arrivals
    }

    /// One of the last leases, and whether it is good.
    fn lease(&self, back: usize) -> Option<(Lease, PhotoId, bool)> {
        let (lease, photo) = self.leases.iter().rev().nth(back)?;
        let same = |good: &Lease| (good.job, good.epoch, &good.worker) == (lease.job, lease.epoch, &lease.worker);
        Some((lease.clone(), *photo, self.photos[photo].good.as_ref().is_some_and(same)))
    }

    fn end(&mut self, photo: PhotoId, state: State) {
        let known = self.photos.get_mut(&photo).unwrap();
        (known.state, known.good) = (state, None);
    }

    fn progress(&self, gallery: GalleryId) -> Progress {
        let mut progress = Progress::default();
        for known in self.photos.values().filter(|known| known.gallery == gallery) {
            match known.state {
                State::Waiting | State::Delayed { .. } => progress.waiting += 1,
                State::Held { .. } => progress.working += 1,
                State::Done => progress.done += 1,
                State::Quarantined => progress.quarantined += 1,
            }
        }
        progress
    }

    /// The photos of a gallery that wait at these stages, in their order.
    fn waiting(&self, gallery: GalleryId, stages: Stages) -> Vec<PhotoId> {
        let waits =
            |known: &Known| known.gallery == gallery && known.state == State::Waiting && stages.contains(known.stage);
        let mut photos: Vec<_> = self.photos.iter().filter(|(_, known)| waits(known)).collect();
        photos.sort_by_key(|(_, known)| (Reverse(known.stage), Reverse(known.priority), known.arrival));
        photos.into_iter().map(|(id, _)| *id).collect()
    }

    fn wake(&mut self) {
        for known in self.photos.values_mut() {
            if matches!(known.state, State::Held { until } | State::Delayed { until } if until <= self.second) {
                known.failures += u32::from(matches!(known.state, State::Held { .. }));
                known.state = State::Waiting;
            }
        }
    }
}

fn gallery(number: usize) -> GalleryId {
    GalleryId::named(&number.to_string())
}

async fn claim(ledger: &impl Ledger, model: &mut Model, step: &Step) {
    let &Step::Claim { worker, count, only, stages } = step else { unreachable!() };
    let (now, until) = (model.second, model.second + 10);
    let worker = samples::worker(&worker.to_string());
    let only = only.map(gallery);
    let (from, expires_at) = (samples::at(now), samples::at(until));
    let ask = Ask { worker: &worker, region: None, count, only, at: stages, stages, now: from, expires_at };
    let claims = ledger.claim(&ask).await.unwrap();
    model.wake();
    let Some(first) = claims.first() else {
        let candidates = (0..GALLERIES).map(gallery).filter(|id| only.is_none_or(|only| only == *id));
        assert!(count == 0 || candidates.into_iter().all(|id| model.waiting(id, stages).is_empty()));
        return;
    };
    assert!(only.is_none_or(|only| only == first.gallery.id));
    let mut expected = model.waiting(first.gallery.id, stages);
    expected.truncate(count);
    assert_eq!(claims.iter().map(|claim| claim.photo.id).collect::<Vec<_>>(), expected);
    for claim in claims {
        let known = model.photos.get_mut(&claim.photo.id).unwrap();
        assert_eq!((claim.failures, claim.stage, claim.found.is_some()), (known.failures, known.stage, known.found));
        known.state = State::Held { until };
        known.good = Some(claim.lease.clone());
        model.leases.push((claim.lease, claim.photo.id));
    }
}

async fn redo(ledger: &impl Ledger, model: &mut Model, photo: PhotoId) {
    let redone = ledger.redo_photos(&[photo]).await.unwrap();
    let arrival = model.arrive();
    let known = model.photos.get_mut(&photo).filter(|known| !matches!(known.state, State::Held { .. }));
    assert_eq!(redone, u64::from(known.is_some()));
    if let Some(known) = known {
        (known.state, known.good, known.failures, known.arrival) = (State::Waiting, None, 0, arrival);
        (known.stage, known.found) = (Stage::AiAnalysis, false);
    }
}

/// Uses a lease, good or not.
async fn use_lease(ledger: &impl Ledger, model: &mut Model, step: &Step, lease: Lease, photo: PhotoId, good: bool) {
    let failure = samples::failure("failed");
    let second = model.second;
    let result = match step {
        Step::Complete { .. } => ledger.complete(&lease, &samples::finished(Some(vec![0.5; 128]))).await,
        Step::Pass { stage, .. } => {
            let found = samples::found(Some(vec![0.5; 128]));
            ledger.pass_on(&[(lease, *stage, found)]).await.unwrap().remove(0)
        }
        Step::Quarantine { .. } => ledger.quarantine(&lease, &failure, samples::at(second)).await,
        Step::Retry { seconds, .. } => ledger.retry(&lease, &failure, samples::at(second + seconds)).await,
        Step::Renew { .. } => {
            let lost = ledger.renew(std::slice::from_ref(&lease), samples::at(second + 10)).await.unwrap();
            assert_eq!(lost, if good { vec![] } else { vec![lease] });
            if good {
                model.photos.get_mut(&photo).unwrap().state = State::Held { until: second + 10 };
            }
            return;
        }
        _ => {
            ledger.release(&[lease]).await.unwrap();
            if good {
                model.end(photo, State::Waiting);
            }
            return;
        }
    };
    match result {
        Ok(()) => assert!(good, "{step:?}"),
        Err(error) => {
            assert!(!good && error.kind() == Kind::Conflict, "{step:?}: {error}");
            return;
        }
    }
    match step {
        Step::Complete { .. } => model.end(photo, State::Done),
        Step::Pass { stage, .. } => {
            model.end(photo, State::Waiting);
            let known = model.photos.get_mut(&photo).unwrap();
            (known.stage, known.found, known.failures) = (*stage, true, 0);
        }
        Step::Quarantine { .. } => model.end(photo, State::Quarantined),
        Step::Retry { seconds, .. } => {
            model.end(photo, State::Delayed { until: second + seconds });
            model.photos.get_mut(&photo).unwrap().failures += 1;
        }
        _ => unreachable!(),
    }
}

/// Does the steps on a new ledger and on the model, and compares.
pub(super) async fn run(ledger: &impl Checked, steps: Vec<Step>) {
    for number in 0..GALLERIES {
        let gallery = samples::gallery(&number.to_string());
        ledger.open_gallery(&gallery, &samples::rank(1.0 + number as f64)).await.unwrap();
    }
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::Store { gallery: number, number: photo, priority } => {
                let photo = samples::photo(gallery(number), photo);
                let new =
                    ledger.store_photo(&photo, &Arrival { priority, ..samples::arrival() }).await.unwrap().is_some();
                assert_eq!(new, !model.photos.contains_key(&photo.id));
                let arrival = model.arrive();
                let (state, good, failures) = (State::Waiting, None, 0);
                let (stage, found) = (Stage::AiAnalysis, false);
                let known = Known { gallery: photo.gallery, priority, state, arrival, good, failures, stage, found };
                model.photos.entry(photo.id).or_insert(known);
            }
            Step::Claim { .. } => claim(ledger, &mut model, &step).await,
            Step::Wait { seconds } => model.second += seconds,
            Step::Redo { gallery: number, number: photo } => {
                redo(ledger, &mut model, samples::photo(gallery(number), photo).id).await;
            }
            Step::Complete { lease }
            | Step::Pass { lease, .. }
            | Step::Quarantine { lease }
            | Step::Retry { lease, .. }
            | Step::Renew { lease }
            | Step::Release { lease } => {
                let Some((lease, photo, good)) = model.lease(lease) else { continue };
                use_lease(ledger, &mut model, &step, lease, photo, good).await;
            }
        }
        assert_eq!(ledger.broken().await, 0, "after {step:?}");
        for id in (0..GALLERIES).map(gallery) {
            assert_eq!(ledger.progress(id).await.unwrap(), model.progress(id), "after {step:?}");
        }
    }
    let mut epochs: Vec<(JobId, i64)> = model.leases.iter().map(|(lease, _)| (lease.job, lease.epoch)).collect();
    let given = epochs.len();
    epochs.sort_unstable();
    epochs.dedup();
    assert_eq!(epochs.len(), given, "no lease is given twice");
}
