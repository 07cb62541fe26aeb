//! Documents: versions, pages, what is due.

use procession_domain::{Classified, Kind};
use serde::{Deserialize, Serialize};

use super::{Ledger, Opener, samples::at};
use crate::documents::{Decision, Document, Documents, Expect, Record, Turn, Versioned, Write};

const KIND: &str = "note";

fn record(id: &str, owner: &str, due: Option<i64>) -> Record {
    Record { id: id.to_owned(), owner: owner.to_owned(), expires_at: due.map(at), body: format!(r#"{{"of":"{id}"}}"#) }
}

async fn put(ledger: &dyn Ledger, records: &[Record]) {
    for record in records {
        ledger.put_document(KIND, record, Expect::Absent).await.unwrap();
    }
}

fn ids(found: &[Versioned<Record>]) -> Vec<&str> {
    found.iter().map(|found| found.document.id.as_str()).collect()
}

pub(super) async fn a_document_is_written_as_expected_or_not_at_all(ledger: &dyn Ledger) {
    let first = record("a", "anna", Some(5));
    let second = Record { body: "{}".to_owned(), ..record("a", "ben", None) };
    let write =
        async |record: &Record, expect| ledger.put_document(KIND, record, expect).await.map_err(|error| error.kind());
    assert_eq!(ledger.document(KIND, "a").await.unwrap(), None);
    assert_eq!(write(&first, Expect::Version(1)).await, Err(Kind::NotFound));
    assert_eq!(write(&first, Expect::Absent).await, Ok(1));
    assert_eq!(write(&second, Expect::Absent).await, Err(Kind::Conflict));
    for stale in [0, 2] {
        assert_eq!(write(&second, Expect::Version(stale)).await, Err(Kind::Conflict));
    }
    assert_eq!(ledger.document(KIND, "a").await.unwrap(), Some(Versioned { version: 1, document: first.clone() }));
    assert_eq!(write(&second, Expect::Version(1)).await, Ok(2));
    assert_eq!(write(&first, Expect::Version(1)).await, Err(Kind::Conflict));
    assert_eq!(ledger.document(KIND, "a").await.unwrap(), Some(Versioned { version: 2, document: second }));
    assert_eq!(write(&first, Expect::Anything).await, Ok(3));
    assert_eq!(write(&record("b", "", None), Expect::Anything).await, Ok(1));
    // Another kind is another document.
    assert_eq!(ledger.document("another", "a").await.unwrap(), None);
    assert!(!ledger.delete_document("another", "a", None).await.unwrap());
    assert!(ledger.delete_document(KIND, "a", None).await.unwrap());
    assert!(!ledger.delete_document(KIND, "a", None).await.unwrap());
    assert_eq!(ledger.document(KIND, "a").await.unwrap(), None);
    assert_eq!(write(&first, Expect::Absent).await, Ok(1));
}

pub(super) async fn documents_are_written_together_or_not_at_all(ledger: &dyn Ledger) {
    let [a, b] = [record("a", "anna", None), record("b", "anna", None)];
    let write = async |first: Expect, second: Expect| {
        let first = Write { kind: KIND, record: &a, expect: first };
        let writes = [first, Write { kind: "another", record: &b, expect: second }];
        ledger.put_documents(&writes).await.map_err(|error| error.kind())
    };
    assert_eq!(write(Expect::Absent, Expect::Version(1)).await, Err(Kind::NotFound));
    assert_eq!(ledger.document(KIND, "a").await.unwrap(), None);
    assert_eq!(write(Expect::Absent, Expect::Absent).await, Ok(vec![1, 1]));
    assert_eq!(write(Expect::Version(1), Expect::Absent).await, Err(Kind::Conflict));
    assert_eq!(write(Expect::Version(1), Expect::Anything).await, Ok(vec![2, 2]));
    assert!(ledger.put_documents(&[]).await.unwrap().is_empty());
}

pub(super) async fn a_version_is_deleted_or_nothing(ledger: &dyn Ledger) {
    put(ledger, &[record("a", "anna", None)]).await;
    ledger.put_document(KIND, &record("a", "anna", None), Expect::Version(1)).await.unwrap();
    assert!(!ledger.delete_document(KIND, "a", Some(1)).await.unwrap());
    assert!(!ledger.delete_document("another", "a", Some(2)).await.unwrap());
    assert!(ledger.delete_document(KIND, "a", Some(2)).await.unwrap());
    assert!(!ledger.delete_document(KIND, "a", Some(2)).await.unwrap());
}

pub(super) async fn documents_are_listed_by_owner_and_page(ledger: &dyn Ledger) {
    // By bytes: upper case before lower case, and what is not ASCII last.
    let order = ["B", "a", "aa", "b", "ä"];
    for id in ["ä", "b", "B", "aa", "a"] {
        put(ledger, &[record(id, "anna", None), record(&format!("{id}, Ben's"), "ben", None)]).await;
    }
    let list = async |owner, after, limit| ledger.documents(KIND, owner, after, limit).await.unwrap();
    assert_eq!(ids(&list("anna", None, 99).await), order);
    assert_eq!(ids(&list("anna", None, usize::MAX).await), order);
    assert_eq!(list("anna", None, 1).await, [Versioned { version: 1, document: record("B", "anna", None) }]);
    for (at, after) in order.into_iter().enumerate() {
        let expected: Vec<_> = order[at + 1..].iter().copied().take(2).collect();
        assert_eq!(ids(&list("anna", Some(after), 2).await), expected);
    }
    assert_eq!(ids(&list("anna", Some("aaa"), 1).await), ["b"]);
    assert!(list("", None, 9).await.is_empty() && list("anna", None, 0).await.is_empty());
    assert!(ledger.documents("another", "anna", None, 9).await.unwrap().is_empty());
    // It goes with its owner.
    ledger.put_document(KIND, &record("a", "ben", None), Expect::Version(1)).await.unwrap();
    assert_eq!(ids(&list("anna", None, 2).await), ["B", "aa"]);
    assert_eq!(list("ben", None, 99).await.len(), 6);
}

pub(super) async fn due_documents_come_earliest_first(ledger: &dyn Ledger) {
    let records = [("late", Some(9)), ("b", Some(3)), ("a", Some(3)), ("first", Some(1)), ("never", None)];
    put(ledger, &records.map(|(id, due)| record(id, "anna", due))).await;
    ledger.put_document("another", &record("other", "anna", Some(0)), Expect::Absent).await.unwrap();
    let due = async |second, limit| ledger.due_documents(KIND, at(second), limit).await.unwrap();
    assert!(due(0, 9).await.is_empty());
    assert_eq!(ids(&due(1, 9).await), ["first"]);
    assert_eq!(ids(&due(3, 9).await), ["first", "a", "b"]);
    assert_eq!(ids(&due(99, 2).await), ["first", "a"]);
    // Its next attempt is later: who replaced it has claimed it.
    ledger.put_document(KIND, &record("first", "anna", Some(4)), Expect::Version(1)).await.unwrap();
    ledger.put_document(KIND, &record("first", "anna", Some(5)), Expect::Version(1)).await.unwrap_err();
    assert_eq!(ids(&due(99, 9).await), ["a", "b", "first", "late"]);
    assert_eq!(ledger.sweep_documents(KIND, at(8), 2).await.unwrap(), 2);
    assert_eq!(ids(&due(99, 9).await), ["first", "late"]);
    assert_eq!(ledger.sweep_documents(KIND, at(8), 9).await.unwrap(), 1);
    assert_eq!(ledger.sweep_documents(KIND, at(8), 9).await.unwrap(), 0);
    assert_eq!(ids(&ledger.documents(KIND, "anna", None, 9).await.unwrap()), ["late", "never"]);
    assert!(ledger.document("another", "other").await.unwrap().is_some());
}

pub(super) async fn an_owner_takes_its_documents_along(ledger: &dyn Ledger) {
    put(ledger, &[record("a", "anna", None), record("b", "anna", Some(1)), record("c", "", None)]).await;
    ledger.put_document("another", &record("a", "anna", None), Expect::Absent).await.unwrap();
    ledger.put_document("another", &record("b", "ben", None), Expect::Absent).await.unwrap();
    assert_eq!(ledger.delete_documents("").await.unwrap_err().kind(), Kind::Invalid);
    assert_eq!(ledger.delete_documents("anna").await.unwrap(), 3);
    assert_eq!(ledger.delete_documents("anna").await.unwrap(), 0);
    assert!(ledger.document(KIND, "c").await.unwrap().is_some());
    assert!(ledger.document("another", "b").await.unwrap().is_some());
}

pub(super) async fn names_have_their_limits(ledger: &dyn Ledger) {
    let (long, longer) = ("ä".repeat(100), "ä".repeat(101));
    put(ledger, &[record(&long, &long, None)]).await;
    assert_eq!(ids(&ledger.documents(KIND, &long, None, 9).await.unwrap()), [&long]);
    for refused in [record(&longer, "anna", None), record("a", &longer, None), record("", "anna", None)] {
        let error = ledger.put_document(KIND, &refused, Expect::Anything).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Invalid);
        assert!(error.to_string().contains(KIND), "{error}");
    }
}

/// Many count up in one document at once, through two handles on one ledger.
pub(super) async fn no_replacement_is_lost(opener: &dyn Opener) {
    let [one, two] = [opener.open("no_replacement_is_lost").await, opener.open("no_replacement_is_lost").await];
    let count = |count: u64| Record { body: count.to_string(), ..record("count", "", None) };
    one.put_document(KIND, &count(0), Expect::Absent).await.unwrap();
    let writers = (0..6).map(|number| {
        let ledger = if number % 2 == 0 { one.clone() } else { two.clone() };
        tokio::spawn(async move {
            let mut done = 0;
            while done < 10 {
                let found = ledger.document(KIND, "count").await.unwrap().unwrap();
                let next = count(found.document.body.parse::<u64>().unwrap() + 1);
                match ledger.put_document(KIND, &next, Expect::Version(found.version)).await {
                    Ok(version) => {
                        assert_eq!(version, found.version + 1);
                        done += 1;
                    }
                    Err(error) => assert_eq!(error.kind(), Kind::Conflict),
                }
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let counted = one.document(KIND, "count").await.unwrap().unwrap();
    assert_eq!((counted.version, counted.document.body.as_str()), (61, "60"));
}

#[derive(Debug, Serialize, Deserialize)]
struct Seat(String);

impl Document for Seat {
    const KIND: &'static str = "seat";

    fn id(&self) -> String {
        self.0.clone()
    }

    fn owner(&self) -> String {
        "anna".to_owned()
    }
}

/// Many who count first what is there write at once, through two handles on one ledger: no more than there is room for.
pub(super) async fn no_limit_is_exceeded(opener: &dyn Opener) {
    const ROOM: usize = 5;
    let ledgers = [opener.open("no_limit_is_exceeded").await, opener.open("no_limit_is_exceeded").await];
    let writers: Vec<_> = (0..24_usize)
        .map(|number| {
            let documents = Documents::new(ledgers[number % 2].clone());
            tokio::spawn(async move {
                let decide = || async {
                    let taken = documents.list::<Seat>("anna", None, ROOM).await?;
                    let seat = Decision { document: Seat(format!("seat {number}")), expect: Expect::Absent };
                    Ok::<_, crate::Error>((taken.len() < ROOM).then_some(seat))
                };
                documents.in_turn(&Turn::new(&"anna", "seats"), decide).await.unwrap().is_some()
            })
        })
        .collect();
    let mut written = 0;
    for writer in writers {
        written += usize::from(writer.await.unwrap());
    }
    assert_eq!(written, ROOM);
    assert_eq!(Documents::new(ledgers[0].clone()).list::<Seat>("anna", None, 99).await.unwrap().len(), ROOM);
    // Its documents take the turn along.
    ledgers[1].delete_documents("anna").await.unwrap();
    assert_eq!(ledgers[0].document(Turn::KIND, "seats of anna").await.unwrap(), None);
}
