//! Three servers in three regions as one store.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "support/seaweed.rs"]
mod seaweed;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use procession_domain::{Clock, ContentHash, Key, ManualClock, Region, Timestamp};
use procession_vault::{
    Blobs, Debts, Documents, Placed, Replicated, Replication, S3Blobs, S3Options, Secret, SqliteLedger,
};
use seaweed::{ACCESS_KEY, SECRET_KEY, Seaweed};

/// Longer than a store that hangs is waited for, with room for a machine that is busy; far less than its requests may take.
const BOUND: Duration = Duration::from_secs(15);

#[tokio::test]
async fn a_store_that_hangs_holds_nobody_up_and_gets_what_it_missed() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b, c) =
        futures::join!(Seaweed::start(&["photos"]), Seaweed::start(&["photos"]), Seaweed::start(&["photos"]));
    let mut stores: Vec<Arc<dyn Blobs>> = Vec::new();
    for server in [&a, &b, &c] {
        let keys = [ACCESS_KEY, SECRET_KEY].map(Secret::new);
        let [access_key, secret_key] = keys;
        let limits = S3Options::new(&server.endpoint, "photos", access_key, secret_key);
        let limits = S3Options { request_timeout: Duration::from_secs(60), ..limits };
        stores.push(Arc::new(S3Blobs::open(limits).await.unwrap()));
    }
    let ledger = SqliteLedger::open(&folder.path().join("ledger.db")).await.unwrap();
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(0)));
    let debts = Debts::new(Documents::new(Arc::new(ledger)), Arc::clone(&clock) as Arc<dyn Clock>);
    let regions = ["us-east-1", "eu-west-1", "ap-southeast-1"].map(|name| name.parse::<Region>().unwrap());
    let placed =
        regions.iter().zip(&stores).map(|(region, store)| Placed { region: region.clone(), store: Arc::clone(store) });
    // At home where the hanging store is: it is asked first.
    let how = Replication::new(regions[0].clone(), 2, Some(debts));
    let vault = Replicated::placed(placed.collect(), how).unwrap();
    let photo = |text: &'static str| (Key::Original(ContentHash::of(text.as_bytes())), Bytes::from(text));
    let (before, bytes_before) = photo("before");
    vault.put(&before, bytes_before.clone()).await.unwrap();

    a.stop();
    assert_eq!(tokio::time::timeout(BOUND, vault.get(&before)).await.unwrap().unwrap(), bytes_before);
    // Found away by the read; then as if that were long ago, so that the write finds it out by itself.
    clock.advance(Duration::from_secs(60));
    let (during, bytes_during) = photo("during");
    tokio::time::timeout(BOUND, vault.put(&during, bytes_during.clone())).await.unwrap().unwrap();
    let owed: Vec<u64> = vault.owed().await.unwrap().iter().map(|owed| owed.objects).collect();
    assert_eq!(owed, [1, 0, 0]);
    tokio::time::timeout(BOUND, vault.prove(during.content().unwrap())).await.unwrap().unwrap();

    a.go_on();
    clock.advance(Duration::from_secs(60));
    assert_eq!(vault.pay_debts().await.unwrap(), 1);
    for store in &stores {
        assert_eq!(store.read_back(&during).await.unwrap(), bytes_during, "{}", store.name());
    }
    assert!(vault.owed().await.unwrap().iter().all(|owed| owed.objects == 0));
}
