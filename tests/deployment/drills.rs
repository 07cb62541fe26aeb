//! The drills. Each breaks something while photos are in work, and measures how long it takes until work goes on.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::machine::{Deployment, Outcome};

const GALLERIES: usize = 3;
const PHOTOS: usize = 36;
/// Something breaks when so many photos are done.
const BEFORE: u64 = 6;

/// So long the ledger is away in one drill.
const OUTAGE: Duration = Duration::from_secs(3);

/// So many photos may have been finished in the moment before the ledger was struck: one of each worker.
const UNDER_WAY: u64 = 2;

/// If this is set, repmgr watches over the ledger in the drills that strike its primary, and otherwise the drill promotes a
/// standby itself. `cargo xtask drill` sets it. A machine that is slow enough has its primary replaced by repmgr for no other
/// reason, and a test should not depend on that.
const WATCHED: &str = "PROCESSION_REPMGR";

/// What a drill measured.
struct Report {
    name: &'static str,
    what: &'static str,
    /// From the fault until work went on, as `what` says.
    recovered_after: Duration,
}

impl Report {
    fn write(&self, outcome: &Outcome) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/drills");
        fs::create_dir_all(&folder).unwrap();
        let report = json!({
            "drill": self.name,
            "what": self.what,
            "recovered_after_seconds": self.recovered_after.as_secs_f64(),
            "photos": outcome.photos,
            "variants": outcome.variants,
        });
        fs::write(folder.join(format!("{}.json", self.name)), report.to_string()).unwrap();
    }
}

/// A deployment in the middle of its work: most photos wait, and each worker holds some.
async fn at_work() -> Deployment {
    put_to_work(Deployment::start(1, false).await).await
}

async fn put_to_work(mut deployment: Deployment) -> Deployment {
    deployment.workers.iter().for_each(|worker| worker.signal("STOP"));
    deployment.upload(GALLERIES, PHOTOS).await;
    deployment.workers.iter().for_each(|worker| worker.signal("CONT"));
    deployment.until_done(BEFORE).await;
    deployment.until_it_holds(1).await;
    deployment
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_worker() {
    let mut deployment = at_work().await;
    deployment.workers[1].kill();
    let recovered_after = deployment.until_taken_back(1).await;
    let outcome = deployment.nothing_is_lost().await;
    let what = "SIGKILL to a worker: its photos are taken up by another";
    Report { name: "kill-worker", what, recovered_after }.write(&outcome);
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_worker() {
    let deployment = at_work().await;
    deployment.workers[1].signal("STOP");
    let recovered_after = deployment.until_taken_back(1).await;
    // It wakes up and believes that it still holds what others have finished.
    deployment.workers[1].signal("CONT");
    let outcome = deployment.nothing_is_lost().await;
    let what = "SIGSTOP to a worker, and SIGCONT after its leases: what it completes late is refused";
    Report { name: "stop-worker", what, recovered_after }.write(&outcome);
}

#[tokio::test(flavor = "multi_thread")]
async fn lose_region() {
    let mut deployment = at_work().await;
    deployment.workers[1].kill();
    deployment.stores[1].kill();
    let before = deployment.done().await;
    let held = deployment.until_taken_back(1);
    let next = deployment.until_done(before + 1);
    let (held, next) = tokio::join!(held, next);
    // It comes back with its disk, and is owed what it missed.
    deployment.until_done(PHOTOS as u64).await;
    deployment.stores[1].restart().await;
    let outcome = deployment.nothing_is_lost().await;
    let what = "SIGKILL to a region's workers and store: the next photo is finished, the held ones are taken back";
    Report { name: "lose-region", what, recovered_after: held.max(next) }.write(&outcome);
}

#[tokio::test(flavor = "multi_thread")]
async fn lose_store() {
    let mut deployment = at_work().await;
    deployment.stores[0].kill();
    let before = deployment.done().await;
    let recovered_after = deployment.until_done(before + 1).await;
    deployment.until_done(PHOTOS as u64).await;
    deployment.stores[0].restart().await;
    let outcome = deployment.nothing_is_lost().await;
    let what = "SIGKILL to the nearest store: the next photo is finished by way of another";
    Report { name: "lose-store", what, recovered_after }.write(&outcome);
}

#[tokio::test(flavor = "multi_thread")]
async fn split_network() {
    let deployment = at_work().await;
    for line in &deployment.lines {
        line.fall_silent();
    }
    let recovered_after = deployment.until_taken_back(1).await;
    deployment.until_done(PHOTOS as u64 - 3).await;
    for line in &deployment.lines {
        line.open();
    }
    let outcome = deployment.nothing_is_lost().await;
    let what = "a region's lines fall silent: its photos are taken back, and the other region goes on alone";
    Report { name: "split-network", what, recovered_after }.write(&outcome);
}

#[tokio::test(flavor = "multi_thread")]
async fn lose_ledger() {
    let what = "SIGKILL to the ledger's primary: a standby is promoted, and the next photo is finished";
    strike_ledger("lose-ledger", what, "KILL").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hang_ledger() {
    let what = "SIGSTOP to the ledger's primary: a standby is promoted, and the next photo is finished";
    strike_ledger("hang-ledger", what, "STOP").await;
}

/// The machine of the ledger's primary is gone, or says nothing: what is beside the primary is struck with it.
async fn strike_ledger(name: &'static str, what: &'static str, signal: &str) {
    let mut deployment = put_to_work(Deployment::start(1, std::env::var_os(WATCHED).is_some()).await).await;
    let before = deployment.done().await;
    let (start, old) = (Instant::now(), deployment.ledger.number());
    deployment.ledger.primary().signal(signal);
    match &deployment.watch {
        Some(watch) => watch.signal(old, signal),
        None => deployment.ledger.fail_over(),
    }
    deployment.until_done(before + 1 + UNDER_WAY).await;
    let recovered_after = start.elapsed();
    if signal == "STOP" {
        // It goes on, and knows nothing of it.
        deployment.ledger.servers()[old].signal("CONT");
    }
    let outcome = deployment.nothing_is_lost().await;
    Report { name, what, recovered_after }.write(&outcome);
}

#[tokio::test(flavor = "multi_thread")]
async fn restart_ledger() {
    let mut deployment = at_work().await;
    let before = deployment.done().await;
    let start = Instant::now();
    deployment.ledger.primary_mut().kill();
    tokio::time::sleep(OUTAGE).await;
    deployment.ledger.primary_mut().start_again();
    deployment.until_done(before + 1 + UNDER_WAY).await;
    let recovered_after = start.elapsed();
    let outcome = deployment.nothing_is_lost().await;
    let what = "SIGKILL to PostgreSQL, started again after 3 s as it was: the next photo is finished";
    Report { name: "restart-ledger", what, recovered_after }.write(&outcome);
}
