//! A primary that dies, hangs, is cut off, or comes back. Two standbys follow it, and every commit needs one of them.

use std::{
    process::{Command, Stdio},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use procession_domain::{Classified as _, Kind};

use super::{
    Ledger as _, PostgresLedger, PostgresOptions,
    crash::{PHOTOS, TASKS, at_work, nothing_is_lost},
    open, samples,
    server::{Group, Server},
};

/// Sixteen tasks store, claim and complete while the primary is struck and another takes its place. They are never told.
async fn go_on_through(strike: impl FnOnce(&mut Server), afterwards: impl FnOnce(&mut Server)) {
    let mut group = Group::start(&[]);
    let ledger = Arc::new(open(&group.database("moved")).await);
    let (gallery, progress, tasks) = at_work(&ledger).await;
    while progress.load(Ordering::Relaxed) < TASKS * PHOTOS / 3 {
        tokio::task::yield_now().await;
    }
    let old = group.number();
    strike(group.primary_mut());
    group.fail_over();
    let then = progress.load(Ordering::Relaxed);
    while progress.load(Ordering::Relaxed) < then + TASKS {
        tokio::task::yield_now().await;
    }
    afterwards(group.server_mut(old));
    nothing_is_lost(&ledger, gallery, tasks).await;
    // Who sees all three for the first time finds it too, though the old one may write and comes first in the URL.
    let (now, other) = (group.primary().port(), open(&group.url("moved")).await);
    for ledger in [&*ledger, &other] {
        assert_eq!(port(ledger).await, now);
    }
    group.rejoin(old);
    assert_eq!(port(&other).await, now);
}

/// Which server a connection of the pool goes to.
async fn port(ledger: &PostgresLedger) -> u16 {
    let port: i32 = sqlx::query_scalar("SELECT inet_server_port()").fetch_one(&ledger.readers).await.unwrap();
    port.try_into().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_was_killed_and_comes_back() {
    go_on_through(Server::kill, Server::start_again).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_hangs_and_goes_on() {
    go_on_through(|primary| primary.signal("STOP"), |primary| primary.signal("CONT")).await;
}

/// It answers as before, but no standby follows it any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_is_cut_off_acknowledges_nothing() {
    let write = |old: &mut Server| {
        let mut psql = Command::new("timeout");
        let statement = "INSERT INTO migration (version) VALUES (-1)";
        psql.args(["1", "psql", "--no-psqlrc", "--command", statement, &old.url("moved")]);
        let said = psql.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        assert_eq!(said.code(), Some(124), "it waits for ever");
    };
    go_on_through(|_| (), write).await;
}

#[tokio::test]
async fn whoever_waits_for_work_hears_of_it_from_the_new_primary() {
    let mut group = Group::start(&[]);
    let url = group.database("told");
    let (waits, adds) = (open(&url).await, open(&url).await);
    waits.work_arrived().await;
    let gallery = samples::filled(&adds, "told", 1.0, 3).await;
    waits.work_arrived().await;
    group.primary().signal("STOP");
    group.fail_over();
    // It begins to listen anew, and says so.
    waits.work_arrived().await;
    while adds.place_gallery(gallery.id, None, "anywhere").await.is_err() {}
    waits.work_arrived().await;
}

#[tokio::test]
async fn without_a_primary_nothing_is_opened() {
    let mut group = Group::start(&[]);
    let url = group.database("none");
    let unknown = PostgresLedger::open(&group.url("unknown"), PostgresOptions::default()).await.unwrap_err();
    assert_eq!(unknown.kind(), Kind::Invalid, "{unknown}");
    let standby = group.servers()[1].url("none");
    group.primary_mut().kill();
    let options = PostgresOptions { acquire_timeout: Duration::from_secs(1), ..PostgresOptions::default() };
    for nowhere in [&url, &standby] {
        let error = PostgresLedger::open(nowhere, options.clone()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Unavailable, "{error}");
    }
}
