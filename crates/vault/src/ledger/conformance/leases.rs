//! Who holds a job, and until when.

use std::collections::BTreeSet;

use procession_domain::{
    Classified, Kind,
    gallery::{Backlog, Rank},
    job::Holder,
    photo::Photo,
};

use super::{
    super::Arrival,
    Ledger, Opener,
    samples::{arrival, at, claim, claim_as, failure, filled, finished, gallery, photo, progress, rank, worker},
};

pub(super) async fn a_lease_is_good_until_another_claims(ledger: &dyn Ledger) {
    let gallery = filled(ledger, "expiry", 1.0, 3).await;
    let first = claim(ledger, 3, 0).await;
    assert!(claim(ledger, 3, 9).await.is_empty());
    // Expired, but nobody wants it: it can be renewed, and completed.
    let leases: Vec<_> = first.iter().map(|claim| claim.lease.clone()).collect();
    assert!(ledger.renew(&leases[..2], at(30)).await.unwrap().is_empty());
    assert!(claim(ledger, 0, 15).await.is_empty());
    ledger.complete(&leases[2], &finished(None)).await.unwrap();
    assert_eq!(ledger.progress(gallery.id).await.unwrap(), progress(0, 2, 1, 0));
    // Expired, and claimed by another.
    assert!(claim(ledger, 9, 29).await.is_empty());
    let second = claim_as(ledger, "other", 9, None, 30).await;
    assert_eq!(second.len(), 2);
    assert!(second.iter().all(|claim| claim.failures == 1), "its worker may have died of it");
    assert!(second.iter().zip(&first).all(|(new, old)| new.lease.epoch > old.lease.epoch && new.photo == old.photo));
    assert_eq!(ledger.renew(&leases, at(50)).await.unwrap(), leases);
    ledger.release(&leases).await.unwrap();
    for lease in &leases {
        let errors = [
            ledger.complete(lease, &finished(None)).await.unwrap_err(),
            ledger.quarantine(lease, &failure("late"), at(31)).await.unwrap_err(),
            ledger.retry(lease, &failure("late"), at(31)).await.unwrap_err(),
        ];
        assert!(errors.iter().all(|error| error.kind() == Kind::Conflict));
    }
    assert_eq!(ledger.progress(gallery.id).await.unwrap(), progress(0, 2, 1, 0));
    for claim in second {
        ledger.complete(&claim.lease, &finished(None)).await.unwrap();
    }
    assert_eq!(ledger.progress(gallery.id).await.unwrap(), progress(0, 0, 3, 0));
}

pub(super) async fn a_finished_job_is_finished_once(ledger: &dyn Ledger) {
    let gallery = filled(ledger, "finished", 1.0, 1).await;
    let lease = claim(ledger, 1, 0).await.remove(0).lease;
    ledger.complete(&lease, &finished(None)).await.unwrap();
    assert_eq!(ledger.complete(&lease, &finished(None)).await.unwrap_err().kind(), Kind::Conflict);
    assert_eq!(ledger.renew(std::slice::from_ref(&lease), at(90)).await.unwrap(), std::slice::from_ref(&lease));
    ledger.release(&[lease]).await.unwrap();
    assert!(claim(ledger, 1, 100).await.is_empty());
    assert_eq!(ledger.progress(gallery.id).await.unwrap(), progress(0, 0, 1, 0));
}

pub(super) async fn a_retry_waits_for_its_time(ledger: &dyn Ledger) {
    let gallery = filled(ledger, "retry", 1.0, 1).await;
    let first = claim(ledger, 1, 0).await.remove(0);
    ledger.retry(&first.lease, &failure("the disk is busy"), at(50)).await.unwrap();
    assert_eq!(ledger.progress(gallery.id).await.unwrap(), progress(1, 0, 0, 0));
    assert_eq!(ledger.complete(&first.lease, &finished(None)).await.unwrap_err().kind(), Kind::Conflict);
    assert!(claim(ledger, 1, 49).await.is_empty());
    let second = claim(ledger, 1, 50).await.remove(0);
    assert_eq!((first.failures, second.failures), (0, 1));
    ledger.complete(&second.lease, &finished(None)).await.unwrap();
}

pub(super) async fn a_released_job_waits_again(ledger: &dyn Ledger) {
    let gallery = filled(ledger, "release", 1.0, 2).await;
    let leases: Vec<_> = claim(ledger, 2, 0).await.into_iter().map(|claim| claim.lease).collect();
    ledger.release(&leases[..1]).await.unwrap();
    ledger.release(&leases[..1]).await.unwrap();
    assert_eq!(ledger.progress(gallery.id).await.unwrap(), progress(1, 1, 0, 0));
    ledger.complete(&leases[0], &finished(None)).await.unwrap_err();
    let again = claim(ledger, 9, 1).await;
    assert_eq!(again.len(), 1);
    assert_eq!((again[0].lease.job, again[0].failures), (leases[0].job, 0));
    ledger.complete(&again[0].lease, &finished(None)).await.unwrap();
    ledger.complete(&leases[1], &finished(None)).await.unwrap();
}

pub(super) async fn who_watches_sees_what_is_unfinished_and_who_has_it(ledger: &dyn Ledger) {
    assert!(ledger.backlog().await.unwrap().is_empty() && ledger.workers_held().await.unwrap().is_empty());
    let (later, sooner) = (filled(ledger, "later", 1.0, 2).await, gallery("sooner"));
    let soon = Rank { deadline: at(500), ..rank(5.0) };
    ledger.open_gallery(&sooner, &soon).await.unwrap();
    for number in 0..4 {
        let photo = Photo { stored_at: at(20 + number as i64), ..photo(sooner.id, number) };
        ledger.store_photo(&photo, &Arrival { cost: 1.5, rank: soon, ..arrival() }).await.unwrap();
    }
    let take = async |name, count, gallery, second| claim_as(ledger, name, count, Some(gallery), second).await;
    let first = take("b", 1, sooner.id, 30).await.remove(0);
    let second = take("a", 1, sooner.id, 31).await.remove(0);
    let third = take("b", 1, sooner.id, 32).await.remove(0);
    ledger.retry(&second.lease, &failure("later"), at(900)).await.unwrap();
    let holder = |name, jobs, expires_at| Holder { worker: worker(name), jobs, expires_at: at(expires_at) };
    assert_eq!(ledger.workers_held().await.unwrap(), [holder("b", 2, 40)]);
    let backlog = |id, rank, (waiting, working), waiting_megapixels, since: Option<i64>| Backlog {
        gallery: id,
        rank,
        waiting,
        waiting_at: [waiting, 0, 0, 0],
        working,
        waiting_megapixels,
        // Only the gallery whose photos cost 1.5 has some that are held.
        working_megapixels: 1.5 * working as f64,
        waiting_since_at: [since.map(at), None, None, None],
        cluster: None,
        placement: None,
    };
    // What waits for its next attempt waits too, and it came before the last one.
    let of_later = backlog(later.id, rank(1.0), (2, 0), 2.0, Some(1));
    assert_eq!(ledger.backlog().await.unwrap(), [backlog(sooner.id, soon, (2, 2), 3.0, Some(21)), of_later.clone()]);
    ledger.complete(&first.lease, &finished(None)).await.unwrap();
    let [fourth, fifth] = [take("c", 1, sooner.id, 33).await.remove(0), take("a", 1, sooner.id, 900).await.remove(0)];
    assert_eq!(fourth.photo.stored_at, at(23));
    // The leases of "b" and "c" expired before "a" came, which got the job that was first in the order.
    assert_eq!(fifth.lease.job, second.lease.job);
    assert_eq!(ledger.workers_held().await.unwrap(), [holder("a", 1, 910)]);
    assert_eq!(ledger.backlog().await.unwrap(), [backlog(sooner.id, soon, (2, 1), 3.0, Some(22)), of_later.clone()]);
    for lease in [third.lease, fourth.lease] {
        ledger.complete(&lease, &finished(None)).await.unwrap();
    }
    assert_eq!(ledger.backlog().await.unwrap(), [backlog(sooner.id, soon, (0, 1), 0.0, None), of_later.clone()]);
    ledger.complete(&fifth.lease, &finished(None)).await.unwrap();
    assert!(ledger.workers_held().await.unwrap().is_empty());
    assert_eq!(ledger.backlog().await.unwrap(), [of_later]);
}

pub(super) async fn a_batch_is_completed_each_by_itself(ledger: &dyn Ledger) {
    let gallery = filled(ledger, "batch", 1.0, 4).await;
    assert!(ledger.complete_all(&[]).await.unwrap().is_empty());
    let claims = claim(ledger, 4, 5).await;
    ledger.complete(&claims[1].lease, &finished(None)).await.unwrap();
    let mut done: Vec<_> = claims.iter().map(|claim| (claim.lease.clone(), finished(Some(vec![0.5; 128])))).collect();
    done[2].0.epoch += 1;
    // Twice in one batch: it is finished once.
    done.push(done[0].clone());
    let results = ledger.complete_all(&done).await.unwrap();
    let kinds: Vec<_> = results.into_iter().map(|result| result.map_err(|error| error.kind())).collect();
    let conflict = Err(Kind::Conflict);
    assert_eq!(kinds, [Ok(()), conflict, conflict, Ok(()), conflict]);
    assert_eq!(ledger.progress(gallery.id).await.unwrap(), progress(0, 1, 3, 0));
    assert_eq!(ledger.embeddings(gallery.id).await.unwrap().len(), 2);
    ledger.complete(&claims[2].lease, &finished(None)).await.unwrap();
    assert!(ledger.backlog().await.unwrap().is_empty());
}

/// Many claim and complete at once, through two handles on one ledger.
pub(super) async fn a_job_has_one_holder(opener: &dyn Opener) {
    let [one, two] = [opener.open("a_job_has_one_holder").await, opener.open("a_job_has_one_holder").await];
    let galleries = [filled(one.as_ref(), "a", 5.0, 40).await, filled(two.as_ref(), "b", 1.0, 40).await];
    let workers = (0..6).map(|number| {
        let ledger = if number % 2 == 0 { one.clone() } else { two.clone() };
        tokio::spawn(async move {
            let mut jobs = Vec::new();
            loop {
                let name = format!("worker-{number}");
                let claims = claim_as(ledger.as_ref(), &name, 3, None, 5).await;
                if claims.is_empty() {
                    return jobs;
                }
                for claim in claims {
                    ledger.complete(&claim.lease, &finished(None)).await.unwrap();
                    jobs.push(claim.lease.job);
                }
            }
        })
    });
    let mut all = Vec::new();
    for worker in workers.collect::<Vec<_>>() {
        all.extend(worker.await.unwrap());
    }
    assert_eq!(all.len(), 80);
    assert_eq!(all.into_iter().collect::<BTreeSet<_>>().len(), 80);
    for gallery in galleries {
        assert_eq!(one.progress(gallery.id).await.unwrap(), progress(0, 0, 40, 0));
    }
}
