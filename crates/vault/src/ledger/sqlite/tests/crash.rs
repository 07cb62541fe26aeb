//! A process that dies in the middle leaves nothing half done. The test runs itself again as the process that dies.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
};

use procession_domain::photo::PhotoState;

use super::{Checked as _, Folder, Ledger, SqliteLedger, samples};

const FILE: &str = "PROCESSION_TEST_LEDGER";
const PHOTOS: usize = 40;

/// The process that dies, if the variable says so. Says each thing that it was promised.
#[tokio::test]
async fn works_until_it_is_killed() {
    let Some(file) = std::env::var_os(FILE) else { return };
    let ledger = SqliteLedger::open(Path::new(&file)).await.unwrap();
    let say = |what: &str| writeln!(std::io::stderr().lock(), "promised {what}").unwrap();
    let gallery = ledger.open_gallery(&samples::gallery("crash"), &samples::rank(1.0)).await.unwrap();
    for number in 0..PHOTOS {
        ledger.store_photo(&samples::photo(gallery.id, number), &samples::arrival()).await.unwrap();
        say("stored");
        let claims = samples::claim(&ledger, 1, 5).await;
        ledger.complete(&claims[0].lease, &samples::finished(Some(vec![0.5; 128]))).await.unwrap();
        say("done");
    }
    // Dies inside a transaction that changed everything, with its pages written to the log already.
    let mut transaction = ledger.write("die").await.unwrap();
    sqlx::raw_sql("PRAGMA cache_size = 1; UPDATE photo SET state = 'stored', finished = NULL; DELETE FROM embedding;")
        .execute(&mut *transaction)
        .await
        .unwrap();
    say("nothing");
    std::process::abort();
}

/// Runs the process until it has said `lines` lines and kills it. Returns how many photos were promised to be stored and
/// to be done.
fn run_and_kill(file: &Path, lines: usize) -> (usize, usize) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "ledger::sqlite::tests::crash::works_until_it_is_killed", "--nocapture"])
        .env(FILE, file)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let promised: Vec<_> = said.filter(|line| line.starts_with("promised")).take(lines).collect();
    // SIGKILL: nothing is tidied up. The longest run ends by itself, inside its transaction.
    if lines <= 2 * PHOTOS {
        child.kill().unwrap();
    }
    assert!(!child.wait().unwrap().success());
    let count = |what| promised.iter().filter(|line| line.ends_with(what)).count();
    (count("stored"), count("done"))
}

#[tokio::test]
async fn a_killed_process_leaves_all_that_it_promised_and_nothing_half_done() {
    for lines in [1, 2, 7, 24, 53, 2 * PHOTOS + 1] {
        let folder = Folder::new();
        let file = folder.file("ledger.db");
        let (stored, done) = run_and_kill(&file, lines);
        let ledger = SqliteLedger::open(&file).await.unwrap();
        let check: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&ledger.writer).await.unwrap();
        assert_eq!(check, "ok");
        let gallery = samples::gallery("crash").id;
        let photos = ledger.photos(gallery).await.unwrap();
        let finished = photos.iter().filter(|(_, state)| matches!(state, PhotoState::Done(_))).count();
        // What it did between its last word and its death may be there too, but whole.
        assert!(photos.len() >= stored && finished >= done, "{stored} {done} {lines}");
        assert_eq!(ledger.embeddings(gallery).await.unwrap().len(), finished);
        assert_eq!(ledger.broken().await, 0);
        let left = samples::claim(&ledger, 99, 1_000).await;
        assert_eq!(left.len(), photos.len() - finished);
        for claim in left {
            ledger.complete(&claim.lease, &samples::finished(None)).await.unwrap();
        }
        assert!(ledger.progress(gallery).await.unwrap().is_finished());
    }
}
