//! What is particular to PostgreSQL, beside the suite that every ledger passes.

mod crash;
mod failover;
#[path = "../../../tests/support/postgres.rs"]
mod server;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use procession_domain::{Classified as _, Kind};
use proptest::prelude::*;
use sqlx::{AssertSqlSafe, Row as _};

use super::{PostgresLedger, PostgresOptions, backlog, demand, documents, galleries, owing, photos, removal};
use crate::ledger::{
    Ledger,
    conformance::{self, Opener, samples},
    model::{self, Checked},
};
use server::Server;

/// What is never killed needs no disk.
const FAST: [&str; 3] = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"];

async fn open(url: &str) -> PostgresLedger {
    PostgresLedger::open(url, PostgresOptions::default()).await.unwrap()
}

struct Databases(Server);

#[async_trait]
impl Opener for Databases {
    async fn open(&self, name: &'static str) -> Arc<dyn Ledger> {
        // The second time, it is there.
        let url = match PostgresLedger::open(&self.0.url(name), PostgresOptions::default()).await {
            Ok(ledger) => return Arc::new(ledger),
            Err(_) => self.0.database(name),
        };
        Arc::new(open(&url).await)
    }
}

impl Checked for PostgresLedger {
    async fn broken(&self) -> i64 {
        sqlx::query_scalar(model::BROKEN).fetch_one(&self.readers).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_a_ledger() {
    conformance::all(&Databases(Server::start(&FAST))).await;
}

#[test]
fn any_sequence_agrees_with_the_model() {
    let server = Server::start(&FAST);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() };
    let number = std::cell::Cell::new(0);
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let outcome = runner.run(&model::steps(), |steps| {
        number.set(number.get() + 1);
        runtime.block_on(async {
            let ledger = open(&server.database(&number.get().to_string())).await;
            model::run(&ledger, steps).await;
            ledger.close().await;
        });
        Ok(())
    });
    outcome.unwrap();
}

/// What looks for rows by an index alone does so here too: no statement needs a table from end to end.
#[tokio::test]
async fn rows_are_found_by_index() {
    let server = Server::start(&FAST);
    let ledger = open(&server.database("plans")).await;
    let mut connection = ledger.writer.acquire().await.unwrap();
    // An empty table is read from end to end at no cost; here, whether an index could do is asked.
    sqlx::raw_sql("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan")
        .execute(&mut *connection)
        .await
        .unwrap();
    let galleries = galleries::STATEMENTS.iter().chain(&photos::STATEMENTS).chain(&removal::STATEMENTS);
    let others = documents::STATEMENTS.iter().chain(&backlog::STATEMENTS).chain(&demand::STATEMENTS);
    for statement in galleries.chain(others).chain(&owing::STATEMENTS) {
        let parameters = (1..=9).take_while(|number| statement.contains(&format!("${number}"))).count();
        let nulls = if parameters == 0 { String::new() } else { format!("({})", vec!["NULL"; parameters].join(", ")) };
        let prepare = AssertSqlSafe(format!("PREPARE asked AS {statement}"));
        sqlx::raw_sql(prepare).execute(&mut *connection).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
        let explain = AssertSqlSafe(format!("EXPLAIN EXECUTE asked{nulls}"));
        for step in sqlx::raw_sql(explain).fetch_all(&mut *connection).await.unwrap() {
            let step: String = step.get(0);
            assert!(!step.contains("Seq Scan"), "{step}\nin {statement}");
        }
        sqlx::raw_sql("DEALLOCATE asked").execute(&mut *connection).await.unwrap();
    }
}

/// How many entries of the indices on jobs were read, and rows of jobs without an index.
async fn jobs_read(ledger: &PostgresLedger) -> (i64, i64) {
    let mut connection = ledger.writer.acquire().await.unwrap();
    sqlx::raw_sql("SELECT pg_stat_force_next_flush()").execute(&mut *connection).await.unwrap();
    let sql = "SELECT (SELECT SUM(idx_tup_read)::BIGINT FROM pg_stat_user_indexes WHERE relname = 'job'), seq_tup_read
         FROM pg_stat_user_tables WHERE relname = 'job'";
    sqlx::query_as(sql).fetch_one(&mut *connection).await.unwrap()
}

#[tokio::test]
async fn a_claim_never_looks_through_all_jobs() {
    let server = Server::start(&FAST);
    // One connection: what it has counted is there when it is asked.
    let options = PostgresOptions { max_connections: 1, ..PostgresOptions::default() };
    let ledger = PostgresLedger::open(&server.database("claims"), options).await.unwrap();
    for name in ["one", "two"] {
        let gallery = ledger.open_gallery(&samples::gallery(name), &samples::rank(1.0)).await.unwrap();
        let fill =
            "WITH photos AS (INSERT INTO photo (id, gallery, original, name, stored_at, state, priority, cost, facts)
                 SELECT $1 || number, $1, number::TEXT, number::TEXT, 0, 'stored', 0, 1.0, $2
                 FROM generate_series(1, 20000) AS number RETURNING id, gallery)
             INSERT INTO job (photo, gallery, priority, cost, state, epoch, failures)
                 SELECT id, gallery, 0, 1.0, 'waiting', 0, 0 FROM photos";
        let facts = serde_json::to_string(&samples::photo(gallery.id, 1)).unwrap();
        sqlx::query(fill).bind(gallery.id.to_string()).bind(facts).execute(&ledger.writer).await.unwrap();
        let sql = "UPDATE gallery SET waiting = 20000 WHERE id = $1";
        sqlx::query(sql).bind(gallery.id.to_string()).execute(&ledger.writer).await.unwrap();
    }
    for analyse in [false, true] {
        if analyse {
            sqlx::raw_sql("VACUUM ANALYZE job").execute(&ledger.writer).await.unwrap();
        }
        // Both of those that are planned anew for each call, and those whose plan is kept.
        for _ in 0..12 {
            let before = jobs_read(&ledger).await;
            let claims = samples::claim(&ledger, 32, 5).await;
            let done: Vec<_> = claims.iter().map(|claim| (claim.lease.clone(), samples::finished(None))).collect();
            assert!(done.len() == 32 && ledger.complete_all(&done).await.unwrap().iter().all(Result::is_ok));
            let after = jobs_read(&ledger).await;
            // The jobs themselves, each a few times: to be found, priced, taken and ended.
            assert!(after.0 - before.0 <= 32 * 40 && after.1 == before.1, "{before:?} {after:?}");
        }
    }
}

#[tokio::test]
async fn those_who_start_together_make_the_tables_once() {
    let server = Server::start(&FAST);
    let url = server.database("together");
    let started = futures::future::join_all((0..6).map(|_| open(&url))).await;
    for ledger in &started {
        assert!(ledger.galleries().await.unwrap().is_empty());
    }
    let insert = "INSERT INTO migration (version) VALUES (1000)";
    sqlx::query(insert).execute(&started[0].writer).await.unwrap();
    let newer = PostgresLedger::open(&url, PostgresOptions::default()).await.unwrap_err();
    assert_eq!(newer.kind(), Kind::Invalid, "{newer}");
    for nowhere in ["no url at all", &server.url("unknown")] {
        let error = PostgresLedger::open(nowhere, PostgresOptions::default()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Invalid, "{error}");
    }
}

#[tokio::test]
async fn whoever_waits_hears_of_work() {
    let server = Server::start(&FAST);
    let url = server.database("told");
    let (waits, adds) = (open(&url).await, open(&url).await);
    // The first answer says that it listens from now on.
    waits.work_arrived().await;
    let gallery = samples::filled(&adds, "told", 1.0, 3).await;
    waits.work_arrived().await;
    let claims = samples::claim(&waits, 9, 5).await;
    assert_eq!(claims.len(), 3);
    adds.place_gallery(gallery.id, None, "anywhere").await.unwrap();
    waits.work_arrived().await;
    adds.release(&[claims[0].lease.clone()]).await.unwrap();
    waits.work_arrived().await;
}

/// A server that hangs is no reason to hang.
#[tokio::test]
async fn a_call_ends_in_time_and_the_next_is_served() {
    let server = Server::start(&FAST);
    let call_timeout = Duration::from_secs(1);
    let options = PostgresOptions { call_timeout, max_connections: 4, ..PostgresOptions::default() };
    let ledger = PostgresLedger::open(&server.database("hangs"), options).await.unwrap();
    let gallery = samples::filled(&ledger, "hangs", 1.0, 2).await;
    server.signal("STOP");
    let photo = samples::photo(gallery.id, 7);
    let arrival = samples::arrival();
    let calls = (0..8).map(|_| ledger.store_photo(&photo, &arrival));
    let ended = futures::future::join_all(calls).await;
    let read = ledger.gallery(gallery.id).await;
    server.signal("CONT");
    assert!(ended.iter().all(|call| call.as_ref().unwrap_err().kind() == Kind::Unavailable), "{ended:?}");
    assert_eq!(read.unwrap_err().kind(), Kind::Unavailable);
    // It may have been stored, or not; it is there once.
    while let Err(error) = ledger.store_photo(&photo, &samples::arrival()).await {
        assert_eq!(error.kind(), Kind::Unavailable, "{error}");
    }
    assert_eq!(ledger.progress(gallery.id).await.unwrap(), samples::progress(3, 0, 0, 0));
    assert_eq!(ledger.broken().await, 0);
}

#[tokio::test]
async fn erased_embeddings_leave_room_that_is_written_over() {
    let server = Server::start(&FAST);
    let ledger = open(&server.database("erased")).await;
    let gallery = samples::filled(&ledger, "erased", 1.0, 8).await;
    for claim in samples::claim(&ledger, 8, 5).await {
        ledger.complete(&claim.lease, &samples::finished(Some(vec![0.5; 128]))).await.unwrap();
    }
    assert_eq!(ledger.erase_embeddings(gallery.id).await.unwrap(), 8);
    // VACUUM cuts off the pages at the end that hold nothing any more.
    let size: i64 =
        sqlx::query_scalar("SELECT pg_relation_size('embedding')").fetch_one(&ledger.readers).await.unwrap();
    assert_eq!(size, 0);
}
