use procession_domain::{Classified, Kind};
use serde::Deserialize;

use super::*;
use crate::SqliteLedger;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Note {
    name: String,
    studio: String,
    secret: String,
    until: Option<i64>,
}

impl Document for Note {
    const KIND: &'static str = "note";

    fn id(&self) -> String {
        self.name.clone()
    }

    fn owner(&self) -> String {
        self.studio.clone()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        self.until.map(Timestamp::from_micros)
    }
}

fn note(name: &str, until: Option<i64>) -> Note {
    Note { name: name.to_owned(), studio: "anna".to_owned(), secret: "hunter2".to_owned(), until }
}

#[tokio::test]
async fn documents_keep_their_type() {
    let folder = tempfile::tempdir().unwrap();
    let ledger: Arc<dyn Ledger> = Arc::new(SqliteLedger::open(&folder.path().join("ledger.db")).await.unwrap());
    let documents = Documents::new(Arc::clone(&ledger));
    let [a, b] = [note("a", None), note("b", Some(5))];
    assert_eq!(documents.get::<Note>("a").await.unwrap(), None);
    assert_eq!(documents.create(&a).await.unwrap(), 1);
    assert_eq!(documents.create(&a).await.unwrap_err().kind(), Kind::Conflict);
    assert_eq!(documents.put(&b).await.unwrap(), 1);
    assert_eq!(documents.replace(&a, 1).await.unwrap(), 2);
    assert_eq!(documents.replace(&a, 1).await.unwrap_err().kind(), Kind::Conflict);
    let [a, b] = [Versioned { version: 2, document: a }, Versioned { version: 1, document: b }];
    assert_eq!(documents.get("a").await.unwrap(), Some(a.clone()));
    assert_eq!(documents.list("anna", None, 9).await.unwrap(), [a.clone(), b.clone()]);
    assert_eq!(documents.list("anna", Some("a"), 9).await.unwrap(), std::slice::from_ref(&b));
    assert_eq!(documents.due(Timestamp::from_micros(5), 9).await.unwrap(), [b]);
    assert_eq!(documents.sweep::<Note>(Timestamp::from_micros(5), 9).await.unwrap(), 1);
    assert!(documents.delete::<Note>("a").await.unwrap());
    assert!(documents.list::<Note>("anna", None, 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_damaged_document_is_named_and_not_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let ledger: Arc<dyn Ledger> = Arc::new(SqliteLedger::open(&folder.path().join("ledger.db")).await.unwrap());
    let (id, owner, body) = ("a".to_owned(), String::new(), r#"{"name":"a","until":"hunter2"}"#.to_owned());
    ledger.put_document("note", &Record { id, owner, expires_at: None, body }, Expect::Absent).await.unwrap();
    let error = Documents::new(ledger).get::<Note>("a").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Corrupt);
    let text = procession_domain::error::chain(&error);
    assert!(text.contains("note a") && !text.contains("hunter2"), "{text}");
}
