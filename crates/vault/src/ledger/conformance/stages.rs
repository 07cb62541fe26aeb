//! Jobs that several workers do one after the other, each its part.

use std::collections::BTreeMap;

use procession_domain::{
    Classified as _, GalleryId, Kind,
    Stage::{self, AiAnalysis, Compression, FaceRecognition, MomentDetection},
    Stages,
    gallery::{Consent, Gallery, Rank},
    job::Claim,
};

use super::{
    super::Ask,
    Ledger, Opener,
    samples::{at, claim, claim_as, claim_at, failure, filled, finished, found, progress, rank, worker},
};

const LOOKING: [Stage; 3] = [AiAnalysis, FaceRecognition, MomentDetection];

/// Passes all of them on to the last stage.
async fn pass_on(ledger: &dyn Ledger, claims: &[Claim]) {
    let passed: Vec<_> = claims.iter().map(|claim| (claim.lease.clone(), Compression, found(None))).collect();
    assert!(ledger.pass_on(&passed).await.unwrap().iter().all(Result::is_ok));
}

pub(super) async fn a_job_is_passed_on_with_what_was_found(ledger: &dyn Ledger) {
    let gallery = filled(ledger, "passed", 1.0, 2).await;
    let first = claim_as(ledger, "w", 1, None, 0).await.remove(0);
    assert_eq!((first.stage, &first.found), (AiAnalysis, &None));
    ledger.retry(&first.lease, &failure("the disk is busy"), at(1)).await.unwrap();
    let first = claim_as(ledger, "w", 1, None, 1).await.remove(0);
    let second = claim_as(ledger, "w", 1, None, 1).await.remove(0);
    assert_eq!((first.failures, second.failures), (1, 0));
    let passed = [(first.lease.clone(), Compression, found(None)), (second.lease, MomentDetection, found(None))];
    assert!(ledger.pass_on(&passed).await.unwrap().iter().all(Result::is_ok));
    assert!(ledger.pass_on(&[]).await.unwrap().is_empty());
    assert_eq!(ledger.progress(gallery.id).await.unwrap(), progress(2, 0, 0, 0));
    let backlog = ledger.backlog().await.unwrap().remove(0);
    assert_eq!((backlog.waiting, backlog.waiting_at), (2, [0, 0, 1, 1]));
    let since = [None, None, Some(second.photo.stored_at), Some(first.photo.stored_at)];
    assert_eq!((backlog.waiting_since_at, backlog.waiting_since()), (since, Some(first.photo.stored_at)));
    let again = claim_as(ledger, "other", 9, None, 2).await;
    let at_stages: Vec<_> = again.iter().map(|claim| (claim.photo.id, claim.stage)).collect();
    assert_eq!(at_stages, [(first.photo.id, Compression), (second.photo.id, MomentDetection)]);
    // Embeddings are not in it, there or anywhere.
    assert!(again.iter().all(|claim| claim.found == Some(found(None)) && claim.failures == 0));
    // A lease that expires costs nothing of it.
    let lost = claim_as(ledger, "third", 1, None, 12).await.remove(0);
    assert_eq!((lost.photo.id, lost.stage, lost.found), (first.photo.id, Compression, Some(found(None))));
    for lease in [&lost.lease, &again[1].lease] {
        ledger.complete(lease, &finished(None)).await.unwrap();
    }
    assert_eq!(ledger.progress(gallery.id).await.unwrap(), progress(0, 0, 2, 0));
    // Whoever does it again begins at the beginning.
    assert_eq!(ledger.redo_photos(&[first.photo.id]).await.unwrap(), 1);
    let redone = claim(ledger, 9, 20).await.remove(0);
    assert_eq!((redone.stage, redone.found), (AiAnalysis, None));
}

pub(super) async fn a_stale_lease_passes_nothing_on(ledger: &dyn Ledger) {
    let gallery = filled(ledger, "stale", 1.0, 3).await;
    let old = claim(ledger, 3, 0).await;
    ledger.release(&[old[2].lease.clone()]).await.unwrap();
    // Expired, but nobody wants it yet: it can be passed on, and is no longer the holder's.
    assert!(claim(ledger, 0, 10).await.is_empty());
    let new = claim(ledger, 1, 10).await.remove(0);
    assert_eq!(new.photo, old[0].photo);
    let mut passed: Vec<_> = old.iter().map(|claim| (claim.lease.clone(), Compression, found(None))).collect();
    passed.push(passed[1].clone());
    let results = ledger.pass_on(&passed).await.unwrap();
    let kinds: Vec<_> = results.into_iter().map(|result| result.map_err(|error| error.kind())).collect();
    let conflict = Err(Kind::Conflict);
    assert_eq!(kinds, [conflict, Ok(()), conflict, conflict]);
    for lease in [&old[1].lease, &old[2].lease] {
        assert_eq!(ledger.complete(lease, &finished(None)).await.unwrap_err().kind(), Kind::Conflict);
    }
    assert_eq!(ledger.progress(gallery.id).await.unwrap(), progress(2, 1, 0, 0));
    assert_eq!(ledger.backlog().await.unwrap()[0].waiting_at, [1, 0, 0, 1]);
}

pub(super) async fn a_specialist_gets_its_stages_alone(ledger: &dyn Ledger) {
    let galleries = [filled(ledger, "one", 1.0, 4).await.id, filled(ledger, "two", 1.0, 4).await.id];
    assert!(claim_at(ledger, &[Compression], 9).await.is_empty());
    assert!(claim_at(ledger, &[], 9).await.is_empty());
    let looked = claim_at(ledger, &LOOKING, 2).await;
    let (first, second) = match looked[0].gallery.id == galleries[0] {
        true => (galleries[0], galleries[1]),
        false => (galleries[1], galleries[0]),
    };
    assert_eq!(looked.iter().map(|claim| claim.gallery.id).collect::<Vec<_>>(), [first, first]);
    pass_on(ledger, &looked).await;
    // The second gallery's turn would come first, but nothing waits there that could be compressed.
    let compressed = claim_at(ledger, &[Compression], 9).await;
    assert_eq!(compressed.iter().map(|claim| claim.photo.id).collect::<Vec<_>>(), [0, 1].map(|at| looked[at].photo.id));
    assert!(claim_at(ledger, &[Compression], 9).await.is_empty());
    // Whoever offers what is not next to each other gets both, what is furthest along first.
    pass_on(ledger, &compressed[..1]).await;
    ledger.quarantine(&compressed[1].lease, &failure("broken"), at(6)).await.unwrap();
    for gallery in [second, first] {
        let claims = claim_at(ledger, &[Compression, AiAnalysis], 9).await;
        let stages: Vec<_> = claims.iter().map(|claim| claim.stage).collect();
        match gallery == first {
            true => assert_eq!(stages, [Compression, AiAnalysis, AiAnalysis]),
            false => assert_eq!(stages, [AiAnalysis; 4]),
        }
        assert!(claims.iter().all(|claim| claim.gallery.id == gallery));
    }
    // Critical galleries are looked into in their own order.
    let late = filled(ledger, "late", 1.0, 1).await;
    let critical = Rank { deadline: at(700), critical_at: at(1), ..rank(1.0) };
    ledger.update_gallery(&late, &critical, &late).await.unwrap();
    assert!(claim_at(ledger, &[FaceRecognition, Compression], 9).await.is_empty());
    assert_eq!(claim_at(ledger, &[AiAnalysis], 9).await.remove(0).gallery.id, late.id);
}

pub(super) async fn what_is_furthest_along_comes_first(ledger: &dyn Ledger) {
    filled(ledger, "begun", 1.0, 4).await;
    let last = claim(ledger, 4, 0).await;
    ledger.release(&last[..3].iter().map(|claim| claim.lease.clone()).collect::<Vec<_>>()).await.unwrap();
    pass_on(ledger, &last[3..]).await;
    let order: Vec<_> = claim(ledger, 4, 1).await.into_iter().map(|claim| claim.photo.id).collect();
    assert_eq!(order, [3, 0, 1, 2].map(|at: usize| last[at].photo.id));
}

/// However a gallery's photos are divided among workers, they weigh the same.
pub(super) async fn each_stage_is_charged_once(ledger: &dyn Ledger) {
    let (whole, parts) = (filled(ledger, "whole", 1.0, 60).await.id, filled(ledger, "parts", 1.0, 60).await.id);
    let first = Stages::from_iter([AiAnalysis]);
    for _ in 0..20 {
        // Whoever asks for new photos alone carries them through all stages.
        let taken = claim_at_of(ledger, first, Stages::ALL, whole).await;
        ledger.complete(&taken[0].lease, &finished(None)).await.unwrap();
        let looking = Stages::from_iter(LOOKING);
        let looked = claim_at_of(ledger, looking, looking, parts).await;
        pass_on(ledger, &looked).await;
        let last = Stages::from_iter([Compression]);
        let compressed = claim_at_of(ledger, last, last, parts).await;
        ledger.complete(&compressed[0].lease, &finished(None)).await.unwrap();
    }
    let mut turns = BTreeMap::new();
    for _ in 0..20 {
        *turns.entry(claim(ledger, 1, 5).await[0].gallery.id).or_insert(0_usize) += 1;
    }
    assert!(turns[&whole].abs_diff(10) <= 1, "{turns:?}");
}

async fn claim_at_of(ledger: &dyn Ledger, at_stages: Stages, stages: Stages, gallery: GalleryId) -> Vec<Claim> {
    let (worker, only) = (worker("w"), Some(gallery));
    let ask =
        Ask { worker: &worker, region: None, count: 1, only, at: at_stages, stages, now: at(5), expires_at: at(15) };
    ledger.claim(&ask).await.unwrap()
}

pub(super) async fn what_was_found_of_faces_is_erased_on_its_way(ledger: &dyn Ledger) {
    let gallery = filled(ledger, "faces", 1.0, 3).await;
    let pass = async |claim: &Claim| {
        let passed = (claim.lease.clone(), Compression, found(Some(vec![0.5; 128])));
        ledger.pass_on(&[passed]).await.unwrap().remove(0).unwrap();
    };
    let claims = claim(ledger, 3, 0).await;
    pass(&claims[0]).await;
    pass(&claims[1]).await;
    assert_eq!(ledger.embeddings(gallery.id).await.unwrap().len(), 2);
    // They stay when the photo is finished, and go when it cannot be.
    let compressed = claim_at(ledger, &[Compression], 9).await;
    ledger.complete(&compressed[0].lease, &finished(None)).await.unwrap();
    assert_eq!(ledger.embeddings(gallery.id).await.unwrap().len(), 2);
    ledger.quarantine(&compressed[1].lease, &failure("broken"), at(6)).await.unwrap();
    assert_eq!(ledger.embeddings(gallery.id).await.unwrap().len(), 1);
    assert_eq!(ledger.erase_embeddings(gallery.id).await.unwrap(), 1);
    // Consent was withdrawn while a worker looked.
    let without = Gallery { consent: Consent { faces: false }, ..gallery.clone() };
    ledger.open_gallery(&without, &rank(1.0)).await.unwrap();
    pass(&claims[2]).await;
    assert!(ledger.embeddings(gallery.id).await.unwrap().is_empty());
    let last = claim_at(ledger, &[Compression], 9).await.remove(0);
    let kept = last.found.unwrap();
    assert!(kept.analysis.faces.unwrap().iter().all(|face| face.embedding.is_none()));
    assert!(!kept.done.contains(FaceRecognition), "it would have to be done again");
    // What was recognised and erased on its way, too.
    ledger.open_gallery(&gallery, &rank(1.0)).await.unwrap();
    ledger.release(std::slice::from_ref(&last.lease)).await.unwrap();
    let again = claim_at(ledger, &[Compression], 9).await.remove(0);
    pass(&again).await;
    assert!(!ledger.embeddings(gallery.id).await.unwrap().is_empty());
    assert_eq!(ledger.erase_embeddings(gallery.id).await.unwrap(), 1);
    let erased = claim_at(ledger, &[Compression], 9).await.remove(0).found.unwrap();
    assert_eq!(erased.done, Stages::from_iter([AiAnalysis, MomentDetection]));
    ledger.remove_gallery(gallery.id, at(7), at(60)).await.unwrap();
    assert!(ledger.embeddings(gallery.id).await.unwrap().is_empty());
}

/// Specialists and others, through two handles on one ledger: each photo is finished once, and each stage done once.
pub(super) async fn specialists_finish_all_between_them(opener: &dyn Opener) {
    let name = "specialists_finish_all_between_them";
    let [one, two] = [opener.open(name).await, opener.open(name).await];
    let gallery = filled(one.as_ref(), "a", 5.0, 60).await;
    let offers: [&[Stage]; 4] =
        [&LOOKING, &[Compression], &[AiAnalysis, Compression], &[FaceRecognition, MomentDetection]];
    let workers = (0..8_usize).map(|number| {
        let ledger = if number % 2 == 0 { one.clone() } else { two.clone() };
        let (offered, gallery) = (offers[number / 2], gallery.id);
        tokio::spawn(async move {
            let mut ended = 0;
            loop {
                let claims = claim_at(ledger.as_ref(), offered, 3).await;
                if claims.is_empty() && ledger.progress(gallery).await.unwrap().is_finished() {
                    return ended;
                }
                for claim in claims {
                    let offered: Stages = offered.iter().copied().collect();
                    match offered.last_from(claim.stage).unwrap() {
                        Compression => {
                            ledger.complete(&claim.lease, &finished(None)).await.unwrap();
                            ended += 1;
                        }
                        last => {
                            let next = Stage::ALL[last.index() + 1];
                            let passed = [(claim.lease, next, found(None))];
                            ledger.pass_on(&passed).await.unwrap().remove(0).unwrap();
                        }
                    }
                }
                tokio::task::yield_now().await;
            }
        })
    });
    let mut ended = 0;
    for worker in workers.collect::<Vec<_>>() {
        ended += worker.await.unwrap();
    }
    assert_eq!(ended, 60);
    assert_eq!(one.progress(gallery.id).await.unwrap(), progress(0, 0, 60, 0));
}
