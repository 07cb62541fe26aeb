//! Small documents of the service, kept by the ledger: typed access over one generic mechanism.

mod removal;
mod turn;

use std::sync::Arc;

use procession_domain::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

use crate::{Error, Ledger, Result};

pub use removal::Removal;
pub use turn::{Decision, Turn};

/// A type that the ledger keeps as a document.
pub trait Document: Serialize + DeserializeOwned + Send + Sync {
    /// What it is: "studio". Part of the stored data, so it never changes.
    const KIND: &'static str;

    /// Its id, unique within the kind, 1 to 200 bytes. Messages name it: no secret.
    fn id(&self) -> String;

    /// Whose it is: what [`Documents::list`] is asked for. At most 200 bytes, empty for nobody's.
    fn owner(&self) -> String;

    /// From then on the document is due: [`Documents::due`] finds it and [`Documents::sweep`] may remove it.
    fn expires_at(&self) -> Option<Timestamp> {
        None
    }
}

/// Something and how often it was written: 1 when it was new, one more with every replacement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned<D> {
    /// The version.
    pub version: i64,
    /// What was written.
    pub document: D,
}

/// A document as the ledger keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Unique within the kind, 1 to 200 bytes.
    pub id: String,
    /// Whose it is, at most 200 bytes; empty for nobody's.
    pub owner: String,
    /// From then on it is due.
    pub expires_at: Option<Timestamp>,
    /// JSON.
    pub body: String,
}

impl Record {
    /// The longest id and the longest owner, in bytes.
    pub const NAME_BYTES: usize = 200;

    /// A document as a ledger keeps it.
    pub(crate) fn of<D: Document>(document: &D) -> Result<Self> {
        let body = serde_json::to_string(document)
            .map_err(|error| Error::Bug(format!("a {} cannot be written as JSON: {error}", D::KIND)))?;
        Ok(Self { id: document.id(), owner: document.owner(), expires_at: document.expires_at(), body })
    }

    /// What every ledger asks before it writes.
    pub(crate) fn check(&self, kind: &str) -> Result<()> {
        let refused = |why| Err(Error::Refused { place: "ledger".to_owned(), why });
        for (what, name) in [("id", &self.id), ("owner", &self.owner)] {
            if name.len() > Self::NAME_BYTES {
                let (bytes, most) = (name.len(), Self::NAME_BYTES);
                return refused(format!("the {what} of a {kind} has {bytes} bytes; use at most {most}"));
            }
        }
        if self.id.is_empty() { refused(format!("a {kind} has no id; give it one")) } else { Ok(()) }
    }
}

/// What a writer expects to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Whatever is there.
    Anything,
    /// Nothing.
    Absent,
    /// The document in this version.
    Version(i64),
}

/// A document that is to be written with others.
#[derive(Clone, Copy, Debug)]
pub struct Write<'a> {
    /// Its kind.
    pub kind: &'a str,
    /// It.
    pub record: &'a Record,
    /// What must be there.
    pub expect: Expect,
}

/// Typed access to the ledger's documents. A clone is cheap and sees the same documents.
#[derive(Clone, Debug)]
pub struct Documents(Arc<dyn Ledger>);

impl Documents {
    /// The documents of this ledger.
    pub fn new(ledger: Arc<dyn Ledger>) -> Self {
        Self(ledger)
    }

    /// One document, due or not.
    pub async fn get<D: Document>(&self, id: &str) -> Result<Option<Versioned<D>>> {
        self.0.document(D::KIND, id).await?.map(read).transpose()
    }

    /// Up to `limit` documents of an owner, due or not, in the order of their ids' bytes, from the one that follows `after`.
    pub async fn list<D: Document>(&self, owner: &str, after: Option<&str>, limit: usize) -> Result<Vec<Versioned<D>>> {
        self.0.documents(D::KIND, owner, after, limit).await?.into_iter().map(read).collect()
    }

    /// Writes a new document. Returns its version.
    ///
    /// # Errors
    /// `Conflict` if there is one with this id.
    pub async fn create<D: Document>(&self, document: &D) -> Result<i64> {
        self.write(document, Expect::Absent).await
    }

    /// Replaces a document that nobody else has replaced since its `version` was read. Returns the new version.
    ///
    /// # Errors
    /// `Conflict` if somebody has; `NotFound` if it is there no more.
    pub async fn replace<D: Document>(&self, document: &D, version: i64) -> Result<i64> {
        self.write(document, Expect::Version(version)).await
    }

    /// Writes a document, whatever is there. Returns its version.
    pub async fn put<D: Document>(&self, document: &D) -> Result<i64> {
        self.write(document, Expect::Anything).await
    }

    /// Removes a document. Returns false if there was none.
    pub async fn delete<D: Document>(&self, id: &str) -> Result<bool> {
        self.0.delete_document(D::KIND, id, None).await
    }

    /// Removes a document if nobody has replaced it since its `version` was read. Returns false if somebody has, or there was
    /// none.
    pub async fn delete_version<D: Document>(&self, id: &str, version: i64) -> Result<bool> {
        self.0.delete_document(D::KIND, id, Some(version)).await
    }

    /// Up to `limit` documents with `expires_at` ≤ `now`, the earliest first. A kind whose `expires_at` is the time of its
    /// next attempt is a queue: who succeeds to [`replace`](Self::replace) one by a later attempt has claimed it.
    pub async fn due<D: Document>(&self, now: Timestamp, limit: usize) -> Result<Vec<Versioned<D>>> {
        self.0.due_documents(D::KIND, now, limit).await?.into_iter().map(read).collect()
    }

    /// Removes up to `limit` documents with `expires_at` ≤ `now`, the earliest first. Returns how many there were.
    pub async fn sweep<D: Document>(&self, now: Timestamp, limit: usize) -> Result<u64> {
        self.0.sweep_documents(D::KIND, now, limit).await
    }

    async fn write<D: Document>(&self, document: &D, expect: Expect) -> Result<i64> {
        self.0.put_document(D::KIND, &Record::of(document)?, expect).await
    }
}

fn read<D: Document>(stored: Versioned<Record>) -> Result<Versioned<D>> {
    let Versioned { version, document: Record { id, body, .. } } = stored;
    let document = serde_json::from_str(&body).map_err(|error| Error::Corrupt {
        place: "ledger".to_owned(),
        what: format!("{} {id}", D::KIND),
        // Only where: the parser's own words can quote a secret.
        why: format!("its JSON is not that of a {}, at column {}", D::KIND, error.column()),
    })?;
    Ok(Versioned { version, document })
}

#[cfg(test)]
mod tests;
