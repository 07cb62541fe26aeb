use std::{collections::BTreeSet, sync::Arc};

use procession_domain::StudioId;
use procession_vault::SqliteLedger;

use super::*;

struct Bench {
    _folder: tempfile::TempDir,
    documents: Documents,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = SqliteLedger::open(&folder.path().join("ledger.db")).await.unwrap();
        Self { _folder: folder, documents: Documents::new(Arc::new(ledger)) }
    }

    async fn claim(&self, asked: &Asked, now: Timestamp) -> Result<Standing> {
        claim(&self.documents, asked, now).await
    }

    async fn claimed(&self, asked: &Asked, now: Timestamp) -> Claim {
        match self.claim(asked, now).await.unwrap() {
            Standing::Claimed(claim) => claim,
            Standing::Settled(outcome) => panic!("{outcome:?}"),
        }
    }
}

fn caller(key: &str) -> Caller {
    Caller { key: key.to_owned(), studio: StudioId::local(), scopes: BTreeSet::new() }
}

fn asked(body: &str) -> Asked {
    Asked::new("k", &caller("a"), &Method::POST, "/api/v1/galleries", body.as_bytes())
}

fn told() -> Outcome {
    Outcome::Told { status: 201, content_type: "application/json".to_owned(), body: "{}".to_owned() }
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_micros(0).after(Duration::from_secs(seconds))
}

#[tokio::test]
async fn a_claim_is_one_callers_until_it_ends() {
    let bench = Bench::new().await;
    let mut first = bench.claimed(&asked("x"), at(0)).await;
    assert_eq!(bench.claim(&asked("x"), at(59)).await.unwrap_err().code, "in_progress");
    assert_eq!(bench.claim(&asked("y"), at(59)).await.unwrap_err().code, "idempotency_mismatch");
    first.renew(&bench.documents, at(40)).await.unwrap();
    assert_eq!(bench.claim(&asked("x"), at(99)).await.unwrap_err().code, "in_progress");
    // It crashed: the next takes over, and should it live after all, it cannot speak for the key any more.
    let second = bench.claimed(&asked("x"), at(100)).await;
    first.renew(&bench.documents, at(100)).await.unwrap_err();
    first.settle(&bench.documents, Outcome::Done { made: None }, None, at(100)).await.unwrap_err();
    second.settle(&bench.documents, told(), None, at(101)).await.unwrap();
    let day = 24 * 60 * 60;
    let known = bench.claim(&asked("x"), at(100 + day)).await.unwrap();
    assert!(matches!(known, Standing::Settled(outcome) if outcome == told()));
    bench.claimed(&asked("y"), at(101 + day)).await;
}

#[tokio::test]
async fn a_key_that_was_given_back_is_free_at_once() {
    let bench = Bench::new().await;
    bench.claimed(&asked("x"), at(0)).await.release(&bench.documents, at(1)).await.unwrap();
    let second = bench.claimed(&asked("y"), at(1)).await;
    second.settle(&bench.documents, told(), Some("gallery".to_owned()), at(2)).await.unwrap();
    assert_eq!(bench.documents.list::<Answer>("gallery", None, 9).await.unwrap().len(), 1);
    assert_eq!(bench.documents.sweep::<Answer>(at(2), 9).await.unwrap(), 0);
}

#[tokio::test]
async fn of_many_one_claims() {
    let bench = Bench::new().await;
    let same = asked("x");
    let all = futures::future::join_all((0..8).map(|_| bench.claim(&same, at(0)))).await;
    assert_eq!(all.iter().filter(|one| matches!(one, Ok(Standing::Claimed(_)))).count(), 1);
    assert!(all.iter().filter_map(|one| one.as_ref().err()).all(|problem| problem.code == "in_progress"));
}

#[test]
fn each_part_of_a_request_counts() {
    let one = asked("x");
    let others = [
        Asked::new("k", &caller("b"), &Method::POST, "/api/v1/galleries", b"x"),
        Asked::new("k", &caller("a"), &Method::PUT, "/api/v1/galleries", b"x"),
        Asked::new("k", &caller("a"), &Method::POST, "/api/v1/gallerie", b"sx"),
        asked("y"),
    ];
    for other in &others {
        assert_eq!(one.id, other.id);
        assert_ne!(one.fingerprint, other.fingerprint, "{other:?}");
    }
    assert_ne!(one.id, Asked::new("l", &caller("a"), &Method::POST, "/api/v1/galleries", b"x").id);
}
