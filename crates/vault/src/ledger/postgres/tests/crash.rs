//! A server that is killed in the middle of everything.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::AtomicUsize, atomic::Ordering},
};

use tokio::task::JoinHandle;

use procession_domain::{Classified as _, GalleryId, JobId, Kind, Stages, photo::PhotoState};

use super::{Checked as _, Ledger as _, PostgresLedger, Server, open, samples};
use crate::{Error, Result};

pub(super) const TASKS: usize = 16;
pub(super) const PHOTOS: usize = 30;

/// What was acknowledged.
#[derive(Default)]
pub(super) struct Promised {
    stored: Vec<usize>,
    done: Vec<(JobId, i64)>,
}

/// Asks until the server answers.
async fn insist<T, F: Future<Output = Result<T>>>(call: impl Fn() -> F) -> Result<T> {
    loop {
        match call().await {
            Err(error) if error.kind() == Kind::Unavailable => tokio::task::yield_now().await,
            other => return other,
        }
    }
}

/// Stores photos, and claims and completes whatever comes, until it has nothing more to store.
async fn work(ledger: &PostgresLedger, gallery: GalleryId, task: usize, progress: &AtomicUsize) -> Promised {
    let (mut promised, arrival) = (Promised::default(), samples::arrival());
    for number in (0..PHOTOS).map(|number| number * TASKS + task) {
        let photo = samples::photo(gallery, number);
        insist(|| ledger.store_photo(&photo, &arrival)).await.unwrap();
        promised.stored.push(number);
        progress.fetch_add(1, Ordering::Relaxed);
        let worker = samples::worker(&task.to_string());
        let (now, expires_at) = (samples::at(5), samples::at(500));
        let ask = super::super::super::Ask {
            worker: &worker,
            region: None,
            count: 2,
            only: None,
            at: Stages::ALL,
            stages: Stages::ALL,
            now,
            expires_at,
        };
        let claims = insist(|| ledger.claim(&ask)).await.unwrap();
        let done: Vec<_> =
            claims.into_iter().map(|claim| (claim.lease, samples::finished(Some(vec![0.5; 4])))).collect();
        let results = insist(|| ledger.complete_all(&done)).await.unwrap();
        for ((lease, _), result) in done.iter().zip(results) {
            match result {
                Ok(()) => promised.done.push((lease.job, lease.epoch)),
                // Its first answer was lost.
                Err(Error::Conflict { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
    promised
}

/// Sets all tasks to work. Their progress is the number of photos that were stored.
pub(super) async fn at_work(ledger: &Arc<PostgresLedger>) -> (GalleryId, Arc<AtomicUsize>, Vec<JoinHandle<Promised>>) {
    let gallery = ledger.open_gallery(&samples::gallery("killed"), &samples::rank(1.0)).await.unwrap().id;
    let progress = Arc::new(AtomicUsize::new(0));
    let start = |task| {
        let (ledger, progress) = (Arc::clone(ledger), Arc::clone(&progress));
        tokio::spawn(async move { work(&ledger, gallery, task, &progress).await })
    };
    let tasks = (0..TASKS).map(start).collect();
    (gallery, progress, tasks)
}

/// Waits for all tasks, and holds the ledger against what it promised them.
pub(super) async fn nothing_is_lost(ledger: &PostgresLedger, gallery: GalleryId, tasks: Vec<JoinHandle<Promised>>) {
    let (mut stored, mut done) = (Vec::new(), Vec::new());
    for task in tasks {
        let promised = task.await.unwrap();
        stored.extend(promised.stored);
        done.extend(promised.done);
    }
    assert_eq!(ledger.broken().await, 0);
    let photos = ledger.photos(gallery).await.unwrap();
    let there: BTreeSet<_> = photos.iter().map(|(photo, _)| photo.id).collect();
    assert!(stored.iter().all(|number| there.contains(&samples::photo(gallery, *number).id)));
    assert_eq!((photos.len(), there.len()), (TASKS * PHOTOS, TASKS * PHOTOS));
    // No job was acknowledged twice, and what was acknowledged is done.
    let jobs: BTreeSet<JobId> = done.iter().map(|(job, _)| *job).collect();
    assert_eq!(jobs.len(), done.len());
    let finished = photos.iter().filter(|(_, state)| matches!(state, PhotoState::Done(_))).count();
    assert!(finished >= done.len());
    let left: Vec<JobId> = sqlx::query_scalar::<_, i64>("SELECT id FROM job")
        .fetch_all(&ledger.readers)
        .await
        .unwrap()
        .into_iter()
        .map(JobId)
        .collect();
    assert!(left.iter().all(|job| !jobs.contains(job)));
    assert_eq!(left.len() + finished, photos.len());
    assert_eq!(ledger.embeddings(gallery).await.unwrap().len(), finished);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_loses_nothing_that_it_promised() {
    // As in production: what is committed is on the disk.
    let mut server = Server::start(&[]);
    let ledger = Arc::new(open(&server.database("killed")).await);
    let (gallery, progress, tasks) = at_work(&ledger).await;
    let mut kills = 0;
    for quarter in 1..4 {
        while progress.load(Ordering::Relaxed) < TASKS * PHOTOS * quarter / 4 {
            tokio::task::yield_now().await;
        }
        server.kill();
        server.start_again();
        kills += 1;
    }
    assert_eq!(kills, 3);
    nothing_is_lost(&ledger, gallery, tasks).await;
}
