//! What is particular to SQLite, beside the suite that every ledger passes.

mod crash;

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use procession_domain::{
    Classified, Kind, Region, StudioId,
    demand::{Arrivals, Booked},
    gallery::{Gallery, Progress, TimeZoneName, Wedding},
};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row, sqlite::SqliteConnectOptions};

use super::{
    super::MIGRATIONS, SqliteLedger, backlog, claim, demand, dialect, documents, galleries, owing, photos, removal,
};
use crate::documents::{Expect, Record};
use crate::ledger::{
    Ledger,
    conformance::{self, Opener, samples},
    model::{self, Checked},
};
use proptest::prelude::*;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

#[async_trait]
impl Opener for Folder {
    async fn open(&self, name: &'static str) -> Arc<dyn Ledger> {
        Arc::new(SqliteLedger::open(&self.file(name)).await.unwrap())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_a_ledger() {
    conformance::all(&Folder::new()).await;
}

impl Checked for SqliteLedger {
    async fn broken(&self) -> i64 {
        sqlx::query_scalar(model::BROKEN).fetch_one(&self.readers).await.unwrap()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_agrees_with_the_model(steps in model::steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let folder = Folder::new();
            model::run(&SqliteLedger::open(&folder.file("ledger.db")).await.unwrap(), steps).await;
        });
    }
}

/// Every step of the statements' plans begins in one of these ways.
async fn assert_walks(statements: &[&str], walks: &[&str]) {
    let folder = Folder::new();
    let ledger = SqliteLedger::open(&folder.file("ledger.db")).await.unwrap();
    for statement in statements {
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
        for step in sqlx::query(explain).fetch_all(&ledger.writer).await.unwrap() {
            let step: String = step.get("detail");
            assert!(walks.iter().any(|walk| step.starts_with(walk)), "{step}\nin {statement}");
        }
    }
}

#[tokio::test]
async fn a_claim_never_looks_through_all_jobs() {
    // The galleries' indices hold those with waiting jobs alone, in the order of their turn.
    let of_the_ids_given = ["LIST SUBQUERY", "SCAN json_each", "CREATE BLOOM FILTER"];
    let walks = ["SEARCH", "SCALAR SUBQUERY", "SCAN gallery USING"];
    assert_walks(&claim::STATEMENTS, &[&walks[..], &of_the_ids_given].concat()).await;
    let of_the_leases_given = ["SCAN done", "USE TEMP B-TREE"];
    assert_walks(&dialect::STATEMENTS, &[&walks[..], &of_the_ids_given, &of_the_leases_given].concat()).await;
}

#[tokio::test]
async fn documents_are_found_in_their_order() {
    assert_walks(&documents::STATEMENTS, &["SEARCH", "LIST SUBQUERY", "CREATE BLOOM FILTER"]).await;
}

#[tokio::test]
async fn the_history_is_found_by_its_hours_and_days() {
    assert_walks(&demand::STATEMENTS, &["SEARCH"]).await;
}

#[tokio::test]
async fn a_photo_and_a_page_of_photos_are_found_in_their_order() {
    assert_walks(&photos::STATEMENTS, &["SEARCH"]).await;
    assert_walks(&owing::STATEMENTS, &["SEARCH"]).await;
}

#[tokio::test]
async fn galleries_are_found_in_their_order() {
    let of_the_ids_given = ["SCAN given", "CORRELATED SCALAR SUBQUERY", "USE TEMP B-TREE FOR ORDER BY"];
    let walks = ["SEARCH", "SCALAR SUBQUERY", "SCAN CONSTANT ROW"];
    assert_walks(&galleries::STATEMENTS, &[&walks[..], &of_the_ids_given].concat()).await;
}

#[tokio::test]
async fn a_condemned_original_is_found_at_once() {
    assert_walks(&removal::STATEMENTS, &["SEARCH", "SCALAR SUBQUERY", "SCAN CONSTANT ROW"]).await;
}

#[tokio::test]
async fn watching_the_work_looks_at_no_finished_photo() {
    let own = [
        "SEARCH",
        "CORRELATED SCALAR SUBQUERY",
        "SCAN job USING COVERING INDEX job_in_order",
        "SCAN job USING INDEX job_by_wake",
        // What these two made, one row a gallery or a worker.
        "CO-ROUTINE unfinished",
        "SCAN unfinished",
        "USE TEMP B-TREE",
    ];
    assert_walks(&backlog::STATEMENTS, &own).await;
}

#[tokio::test]
async fn erased_embeddings_are_nowhere_in_the_files() {
    for remove_gallery in [false, true] {
        let folder = Folder::new();
        let ledger = SqliteLedger::open(&folder.file("ledger.db")).await.unwrap();
        let gallery = samples::filled(&ledger, "erased", 1.0, 8).await;
        let vector = vec![1.234_567_f32; 128];
        for claim in samples::claim(&ledger, 8, 5).await {
            ledger.complete(&claim.lease, &samples::finished(Some(vector.clone()))).await.unwrap();
        }
        let trace: Vec<u8> = vector[..8].iter().flat_map(|number| number.to_le_bytes()).collect();
        let found = || {
            let files = ["ledger.db", "ledger.db-wal"].map(|name| std::fs::read(folder.file(name)).unwrap());
            files.iter().any(|bytes| bytes.windows(trace.len()).any(|window| window == trace))
        };
        assert!(found());
        if remove_gallery {
            ledger.remove_gallery(gallery.id, samples::at(6), samples::at(60)).await.unwrap();
        } else {
            assert_eq!(ledger.erase_embeddings(gallery.id).await.unwrap(), 8);
        }
        assert!(!found());
    }
}

/// A ledger as the first version left it: its galleries have no studio.
#[tokio::test]
async fn galleries_from_before_there_were_studios_are_the_local_studio_s() {
    let folder = Folder::new();
    let file = folder.file("old.db");
    let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
    let mut old = options.connect().await.unwrap();
    sqlx::raw_sql("CREATE TABLE migration (version BIGINT PRIMARY KEY); INSERT INTO migration VALUES (1)")
        .execute(&mut old)
        .await
        .unwrap();
    sqlx::raw_sql(MIGRATIONS[0]).execute(&mut old).await.unwrap();
    let (gallery, rank) = (samples::gallery("old"), samples::rank(1.0));
    let mut settings = serde_json::to_value(&gallery).unwrap();
    assert!(settings.as_object_mut().unwrap().remove("studio").is_some());
    sqlx::query("INSERT INTO gallery VALUES ($1, $2, $3, 'standard_delivery', 1.0, $4, $5, 0, 0)")
        .bind(gallery.id.to_string())
        .bind(gallery.opened_at.micros())
        .bind(settings.to_string())
        .bind(rank.deadline.micros())
        .bind(rank.critical_at.micros())
        .execute(&mut old)
        .await
        .unwrap();
    old.close().await.unwrap();
    let ledger = SqliteLedger::open(&file).await.unwrap();
    let found = ledger.galleries_of(StudioId::local(), None, 9).await.unwrap();
    assert_eq!(found, [(gallery.clone(), rank, Progress::default())]);
    assert_eq!(ledger.open_gallery(&gallery, &rank).await.unwrap(), gallery);
}

/// A ledger from before arrivals were counted: its photos and weddings are the beginning of the history.
#[tokio::test]
async fn what_was_stored_before_it_was_counted_is_counted() {
    let folder = Folder::new();
    let file = folder.file("old.db");
    let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
    let mut old = options.connect().await.unwrap();
    let counted = MIGRATIONS.iter().position(|statements| statements.contains("CREATE TABLE arrival")).unwrap();
    sqlx::raw_sql("CREATE TABLE migration (version BIGINT PRIMARY KEY)").execute(&mut old).await.unwrap();
    for (statements, version) in MIGRATIONS[..counted].iter().zip(1_i64..) {
        sqlx::raw_sql(*statements).execute(&mut old).await.unwrap();
        let record = sqlx::query("INSERT INTO migration (version) VALUES ($1)").bind(version);
        record.execute(&mut old).await.unwrap();
    }
    let date = "2026-06-20".parse().unwrap();
    for (name, cluster, wedding) in [("a", None, None), ("b", Some("eu-west-1"), Some(date))] {
        let wedding = wedding.map(|date| Wedding { date, time_zone: TimeZoneName::utc() });
        let gallery = Gallery { wedding, ..samples::gallery(name) };
        let insert = "INSERT INTO gallery (id, opened_at, settings, urgency, weight, deadline, critical_at, vtime, waiting, cluster)
             VALUES ($1, $2, $3, 'standard_delivery', 1.0, 0, 0, 0, 0, $4)";
        let insert = sqlx::query(insert).bind(gallery.id.to_string()).bind(gallery.opened_at.micros());
        insert.bind(serde_json::to_string(&gallery).unwrap()).bind(cluster).execute(&mut old).await.unwrap();
        for (number, state) in [(1, "done"), (2, "quarantined"), (3, "staged")] {
            let photo = samples::photo(gallery.id, number);
            let insert = "INSERT INTO photo (id, gallery, original, name, stored_at, state, priority, cost, facts)
                 VALUES ($1, $2, $3, '', $4, $5, 1, 24.0, '{}')";
            let insert = sqlx::query(insert).bind(photo.id.to_string()).bind(gallery.id.to_string());
            let insert = insert.bind(photo.original.to_string()).bind(photo.stored_at.micros()).bind(state);
            insert.execute(&mut old).await.unwrap();
        }
    }
    old.close().await.unwrap();
    let ledger = SqliteLedger::open(&file).await.unwrap();
    let regions = ["eu-west-1", "local"].map(|name| name.parse::<Region>().unwrap());
    let arrived = |region: Region| Arrivals { region, hour: samples::at(0), photos: 2, megapixels: 48.0 };
    assert_eq!(ledger.arrivals(samples::at(0)).await.unwrap(), regions.clone().map(arrived));
    let booked = Booked { region: regions[0].clone(), wedding: date, announced_at: samples::at(0) };
    assert_eq!(ledger.bookings(date).await.unwrap(), [booked]);
}

#[tokio::test]
async fn a_file_that_is_no_ledger_is_refused() {
    let folder = Folder::new();
    let file = folder.file("foreign.db");
    std::fs::write(&file, "no database at all, but long enough to be taken for one ".repeat(100)).unwrap();
    assert_eq!(SqliteLedger::open(&file).await.unwrap_err().kind(), Kind::Corrupt);
    let file = folder.file("newer.db");
    let ledger = SqliteLedger::open(&file).await.unwrap();
    sqlx::query("INSERT INTO migration (version) VALUES (1000)").execute(&ledger.writer).await.unwrap();
    assert_eq!(SqliteLedger::open(&file).await.unwrap_err().kind(), Kind::Invalid);
}

/// A full disk ends with the disk's being full: not with the process.
#[tokio::test]
async fn it_goes_on_when_the_disk_has_room_again() {
    let folder = Folder::new();
    let ledger = SqliteLedger::open(&folder.file("ledger.db")).await.unwrap();
    let fill = || async {
        for number in 0_u32.. {
            let record =
                Record { id: number.to_string(), owner: String::new(), expires_at: None, body: "x".repeat(4_000) };
            if let Err(error) = ledger.put_document("filler", &record, Expect::Anything).await {
                return error;
            }
        }
        unreachable!()
    };
    let limit =
        |pages: u32| sqlx::query(AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"))).execute(&ledger.writer);
    limit(200).await.unwrap();
    assert_eq!(fill().await.kind(), Kind::Limit);
    // Whichever connection writes now: it can.
    limit(1_000_000).await.unwrap();
    let record = Record { id: "after".to_owned(), owner: String::new(), expires_at: None, body: "{}".to_owned() };
    for _ in 0..3 {
        ledger.put_document("filler", &record, Expect::Anything).await.unwrap();
    }
}
