//! What stores are owed, as documents in the ledger.

use std::{sync::Arc, time::Duration};

use procession_domain::{Classified, Clock, ContentHash, Key, Kind, Timestamp};
use serde::{Deserialize, Serialize};

use super::Owed;
use crate::{Document, Documents, Error, Result, Versioned};

/// Who pays a debt has so long until another may try.
const CLAIM: Duration = Duration::from_secs(120);
/// How often a debt is recorded anew because somebody else was at it in the same moment.
const ATTEMPTS: usize = 16;
/// Debts that are read at a time.
const PAGE: usize = 256;

/// An object that was acknowledged, and that one store does not hold yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Debt {
    /// The store's identity.
    pub store: String,
    /// The object.
    pub key: Key,
    /// What its bytes hash to, where that is known.
    pub hash: Option<ContentHash>,
    /// Whatever the store has there is written over: the object was repaired in the others.
    pub replace: bool,
    /// When it was acknowledged.
    pub since: Timestamp,
    /// Until then somebody is paying it.
    pub claimed_until: Option<Timestamp>,
}

impl Document for Debt {
    const KIND: &'static str = "debt";

    fn id(&self) -> String {
        id(&self.store, &self.key.to_string())
    }

    fn owner(&self) -> String {
        self.store.clone()
    }
}

/// What became of a debt that was paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// Nothing is owed any more.
    Paid,
    /// It was recorded again meanwhile.
    StillOwed,
    /// It was there no more: the object was deleted meanwhile.
    Forgotten,
}

/// Objects of a store are together, in the order of their paths.
fn id(store: &str, path: &str) -> String {
    format!("{}/{path}", &ContentHash::of(store.as_bytes()).to_string()[..16])
}

/// The debts of all stores. A clone is a handle on the same ones.
#[derive(Clone, Debug)]
pub struct Debts {
    documents: Documents,
    clock: Arc<dyn Clock>,
}

impl Debts {
    /// Debts that are kept there and dated by this clock.
    pub fn new(documents: Documents, clock: Arc<dyn Clock>) -> Self {
        Self { documents, clock }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Makes a debt durable. One that is there already keeps its age, and whoever is paying it finds that it is still owed.
    pub(super) async fn record(&self, store: &str, key: &Key, hash: Option<ContentHash>, replace: bool) -> Result<()> {
        let (store, key, since) = (store.to_owned(), key.clone(), self.now());
        let debt = Debt { store, key, hash, replace, since, claimed_until: None };
        for _ in 0..ATTEMPTS {
            let written = match self.documents.get::<Debt>(&debt.id()).await? {
                None => self.documents.create(&debt).await,
                Some(Versioned { version, document: known }) => {
                    let (hash, replace) = (hash.or(known.hash), replace || known.replace);
                    let still = Debt { hash, replace, claimed_until: None, ..known };
                    self.documents.replace(&still, version).await
                }
            };
            match written {
                Err(error) if matches!(error.kind(), Kind::Conflict | Kind::NotFound) => {}
                other => return other.map(drop),
            }
        }
        Err(Error::Crowded { what: format!("debt {}", debt.id()) })
    }

    pub(super) async fn is_owed(&self, store: &str, key: &Key) -> Result<bool> {
        Ok(self.documents.get::<Debt>(&id(store, &key.to_string())).await?.is_some())
    }

    /// Claims a debt for whoever pays it. `None` if another has it, or it is paid.
    pub(super) async fn claim(&self, debt: Versioned<Debt>) -> Result<Option<Versioned<Debt>>> {
        let Versioned { version, document: mut debt } = debt;
        if debt.claimed_until.is_some_and(|until| until > self.now()) {
            return Ok(None);
        }
        debt.claimed_until = Some(self.now().after(CLAIM));
        match self.documents.replace(&debt, version).await {
            Ok(version) => Ok(Some(Versioned { version, document: debt })),
            Err(error) if matches!(error.kind(), Kind::Conflict | Kind::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives a claim back.
    pub(super) async fn release(&self, debt: Versioned<Debt>) -> Result<()> {
        let Versioned { version, document } = debt;
        match self.documents.replace(&Debt { claimed_until: None, ..document }, version).await {
            Err(error) if matches!(error.kind(), Kind::Conflict | Kind::NotFound) => Ok(()),
            other => other.map(drop),
        }
    }

    /// Removes a debt that was paid. One that was recorded again since it was claimed stays.
    pub(super) async fn settle(&self, paid: &Versioned<Debt>) -> Result<Settled> {
        let id = paid.document.id();
        if self.documents.delete_version::<Debt>(&id, paid.version).await? {
            return Ok(Settled::Paid);
        }
        Ok(match self.documents.get::<Debt>(&id).await? {
            Some(_) => Settled::StillOwed,
            None => Settled::Forgotten,
        })
    }

    /// Forgets what a store is owed at this path.
    pub(super) async fn forget(&self, store: &str, path: &str) -> Result<()> {
        self.documents.delete::<Debt>(&id(store, path)).await.map(drop)
    }

    /// Forgets what a store is owed below this prefix.
    pub(super) async fn forget_below(&self, store: &str, prefix: &str) -> Result<()> {
        let first = id(store, prefix);
        let mut after = first.clone();
        loop {
            let page = self.documents.list::<Debt>(store, Some(&after), PAGE).await?;
            let below = page.iter().map(|debt| debt.document.id()).take_while(|id| id.starts_with(&first));
            let below: Vec<String> = below.collect();
            for id in &below {
                self.documents.delete::<Debt>(id).await?;
            }
            match below.last() {
                Some(last) if below.len() == PAGE => after.clone_from(last),
                _ => return Ok(()),
            }
        }
    }

    /// Debts of a store in the order of their paths, from the one that follows `after`.
    pub(super) async fn page(&self, store: &str, after: Option<&str>) -> Result<Vec<Versioned<Debt>>> {
        self.documents.list(store, after, PAGE).await
    }

    /// What a store is owed.
    pub(super) async fn of(&self, store: &str, name: String) -> Result<Owed> {
        let (mut objects, mut since, mut after) = (0, None::<Timestamp>, None);
        loop {
            let page = self.page(store, after.as_deref()).await?;
            objects += page.len() as u64;
            let first = page.iter().map(|debt| debt.document.since).min();
            since = since.into_iter().chain(first).min();
            match page.last() {
                Some(last) if page.len() == PAGE && objects < Owed::MOST => after = Some(last.document.id()),
                _ => return Ok(Owed { store: name, objects: objects.min(Owed::MOST), since }),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use procession_domain::ManualClock;

    use super::*;
    use crate::SqliteLedger;

    #[tokio::test]
    async fn what_is_owed_again_while_it_is_paid_stays_owed() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = SqliteLedger::open(&folder.path().join("ledger.db")).await.unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(7)));
        let debts = Debts::new(Documents::new(Arc::new(ledger)), Arc::clone(&clock) as Arc<dyn Clock>);
        let hash = ContentHash::of(b"a photo");
        let key = Key::Original(hash);
        let first = async || debts.page("a", None).await.unwrap().pop();
        debts.record("a", &key, None, true).await.unwrap();
        let claimed = debts.claim(first().await.unwrap()).await.unwrap().unwrap();
        assert_eq!(debts.claim(first().await.unwrap()).await.unwrap(), None, "it is claimed");
        clock.advance(Duration::from_secs(1));
        debts.record("a", &key, Some(hash), false).await.unwrap();
        assert_eq!(debts.settle(&claimed).await.unwrap(), Settled::StillOwed);
        let again = first().await.unwrap();
        let since = Timestamp::from_micros(7);
        let both = Debt { hash: Some(hash), replace: true, since, claimed_until: None, ..claimed.document.clone() };
        assert_eq!(again.document, both);
        let claimed = debts.claim(again).await.unwrap().unwrap();
        assert_eq!(debts.settle(&claimed).await.unwrap(), Settled::Paid);
        assert_eq!(debts.settle(&claimed).await.unwrap(), Settled::Forgotten);
        assert_eq!(first().await, None);
    }
}
