//! Several stores as one.
//!
//! A write is acknowledged when enough stores in different regions hold the object. What the others do not hold by then is
//! owed to them: a durable record, written before the acknowledgement, and paid by [`Blobs::pay_debts`].

mod pay;
mod read;
mod write;

use std::{
    collections::{BTreeSet, HashSet},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{
    FutureExt as _,
    future::{join_all, try_join_all},
};
use procession_domain::{Classified, ContentHash, Key, Kind, Region};
use tokio::sync::Semaphore;

use super::{Blobs, Debts, Owed, hash_of};
use crate::{Error, Result};

use read::read_one;

/// Writes that a store may still be busy with after they were acknowledged without it. Each holds an object in memory.
const LATE_WRITES: usize = 8;

/// A store that keeps every object in each of several stores, and reads from the nearest that has it whole.
///
/// Beyond what [`Blobs`] guarantees: `put` asks all stores, and succeeds if [`Replication::awaited`] of them hold the object;
/// a store that turns out to lack an object whose hash is known, or to hold a damaged one, is repaired by the read that found
/// out; a store that is slow or away holds nobody up for long.
#[derive(Clone, Debug)]
pub struct Replicated {
    members: Arc<[Member]>,
    how: Arc<Replication>,
}

/// A store and where it is.
#[derive(Clone, Debug)]
pub struct Placed {
    /// Its region.
    pub region: Region,
    /// It.
    pub store: Arc<dyn Blobs>,
}

/// How stores work together.
#[derive(Clone, Debug)]
pub struct Replication {
    /// The region of this process: its stores are read first.
    pub home: Region,
    /// A write needs so many stores, in different regions if the stores are in so many.
    pub awaited: usize,
    /// Where it is kept what stores are owed. Without it every store is waited for.
    pub debts: Option<Debts>,
    /// When enough stores hold an object the others have so long before it is owed to them.
    pub grace: Duration,
    /// A store that is asked for an object has so long before another is asked too.
    pub hedge: Duration,
    /// A store that was slow or away is so long asked last. Only where debts are kept.
    pub rest: Duration,
}

impl Replication {
    /// With the usual patience: a second for a write that is late, two until a second store is asked, ten for a store that
    /// was away.
    pub fn new(home: Region, awaited: usize, debts: Option<Debts>) -> Self {
        let [grace, hedge, rest] = [1, 2, 10].map(Duration::from_secs);
        Self { home, awaited, debts, grace, hedge, rest }
    }
}

#[derive(Debug)]
struct Member {
    region: Region,
    store: Arc<dyn Blobs>,
    /// In microseconds: until then it is asked last.
    away_until: AtomicI64,
    late: Arc<Semaphore>,
}

impl Replicated {
    /// All of `stores` in one place, `awaited` of which must confirm a write (all, if it is more than there are). All are
    /// waited for.
    ///
    /// # Errors
    /// `Invalid` if there is no store, or two of them are the same.
    pub fn new(stores: Vec<Arc<dyn Blobs>>, awaited: usize) -> Result<Self> {
        let stores = stores.into_iter().map(|store| Placed { region: Region::local(), store }).collect();
        Self::placed(stores, Replication::new(Region::local(), awaited, None))
    }

    /// Stores in their regions.
    ///
    /// # Errors
    /// `Invalid` if there is no store, or two of them are the same.
    pub fn placed(stores: Vec<Placed>, mut how: Replication) -> Result<Self> {
        let mut seen = HashSet::new();
        for Placed { store, .. } in &stores {
            if !seen.insert(store.identity()) {
                let why = "is given twice: two copies on one store are one copy".to_owned();
                return Err(Error::Refused { place: store.name(), why });
            }
        }
        if stores.is_empty() {
            return Err(Error::Refused { place: "vault".to_owned(), why: "no store is given".to_owned() });
        }
        how.awaited = how.awaited.clamp(1, stores.len());
        let member = |Placed { region, store }| {
            let late = Arc::new(Semaphore::new(LATE_WRITES));
            Member { region, store, away_until: AtomicI64::new(i64::MIN), late }
        };
        Ok(Self { members: stores.into_iter().map(member).collect(), how: Arc::new(how) })
    }

    /// True if these stores are enough for an acknowledgement.
    fn enough(&self, held: &[usize]) -> bool {
        let regions = |members: &mut dyn Iterator<Item = &Member>| {
            members.map(|member| &member.region).collect::<BTreeSet<_>>().len()
        };
        let awaited = self.how.awaited;
        if regions(&mut self.members.iter()) < awaited {
            return held.len() >= awaited;
        }
        regions(&mut held.iter().map(|index| &self.members[*index])) >= awaited
    }

    /// So many stores that one of them has whatever was acknowledged.
    fn some_have_it(&self) -> usize {
        self.members.len() - self.how.awaited + 1
    }

    fn is_away(&self, index: usize) -> bool {
        let now = self.how.debts.as_ref().map_or(i64::MIN, |debts| debts.now().micros());
        self.members[index].away_until.load(Ordering::Relaxed) > now
    }

    fn found_away(&self, index: usize) {
        if let Some(debts) = &self.how.debts {
            let until = debts.now().after(self.how.rest).micros();
            self.members[index].away_until.fetch_max(until, Ordering::Relaxed);
        }
    }

    /// All stores, the nearest first, and those that were away last.
    fn nearest_first(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.members.len()).collect();
        order.sort_by_key(|index| (self.is_away(*index), self.members[*index].region != self.how.home));
        order
    }

    async fn record_debts(&self, owed: &[usize], key: &Key, hash: Option<ContentHash>, replace: bool) -> Result<()> {
        let Some(debts) = &self.how.debts else { return Ok(()) };
        let record = |index: &usize| {
            let store = &self.members[*index].store;
            tracing::warn!(store = store.name(), object = %key, "the store is owed an object");
            let identity = store.identity();
            async move { debts.record(&identity, key, hash, replace).await }
        };
        try_join_all(owed.iter().map(record)).await.map(drop)
    }
}

#[async_trait]
impl Blobs for Replicated {
    fn name(&self) -> String {
        self.members.iter().map(|member| member.store.name()).collect::<Vec<_>>().join(" + ")
    }

    async fn put(&self, key: &Key, bytes: Bytes) -> Result<()> {
        self.write(key, bytes, false).await
    }

    async fn get(&self, key: &Key) -> Result<Bytes> {
        self.read(key, key.content()).await
    }

    async fn get_exactly(&self, key: &Key, hash: ContentHash) -> Result<Bytes> {
        self.read(key, Some(hash)).await
    }

    async fn read_back(&self, key: &Key) -> Result<Bytes> {
        let read = |store: Arc<dyn Blobs>, key: Key| async move { store.read_back(&key).await }.boxed();
        self.ask(key, &self.nearest_first(), read).await.0
    }

    async fn prove(&self, hash: ContentHash) -> Result<()> {
        self.prove_copies(hash).await
    }

    async fn size(&self, key: &Key) -> Result<Option<u64>> {
        let size = |store: Arc<dyn Blobs>, key: Key| {
            let absent = move |key: &Key, place| Error::NotFound { place, what: key.to_string() };
            async move { store.size(&key).await?.ok_or_else(|| absent(&key, store.name())) }.boxed()
        };
        match self.ask(key, &self.nearest_first(), size).await.0 {
            Err(error) if error.kind() == Kind::NotFound => Ok(None),
            other => other.map(Some),
        }
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        self.list_all(prefix).await
    }

    async fn repair(&self, key: &Key, bytes: Bytes) -> Result<()> {
        self.write(key, bytes, true).await
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        let path = key.to_string();
        let delete = |member: &Member| {
            let (store, debts, path) = (Arc::clone(&member.store), self.how.debts.clone(), path.clone());
            async move {
                // First: nobody shall bring back what is deleted.
                if let Some(debts) = debts {
                    debts.forget(&store.identity(), &path).await?;
                }
                store.delete(key).await
            }
        };
        // All that can delete do, whoever else cannot.
        join_all(self.members.iter().map(delete)).await.into_iter().collect()
    }

    async fn delete_below(&self, prefix: &str) -> Result<()> {
        let delete = |member: &Member| {
            let (store, debts) = (Arc::clone(&member.store), self.how.debts.clone());
            async move {
                if let Some(debts) = debts {
                    debts.forget_below(&store.identity(), prefix).await?;
                }
                store.delete_below(prefix).await
            }
        };
        // All that can delete do, whoever else cannot.
        join_all(self.members.iter().map(delete)).await.into_iter().collect()
    }

    async fn owed(&self) -> Result<Vec<Owed>> {
        let of = |member: &Member| {
            let (identity, store) = (member.store.identity(), member.store.name());
            async move {
                match &self.how.debts {
                    Some(debts) => debts.of(&identity, store).await,
                    None => Ok(Owed { store, objects: 0, since: None }),
                }
            }
        };
        try_join_all(self.members.iter().map(of)).await
    }

    async fn pay_debts(&self) -> Result<u64> {
        self.pay_all().await
    }

    fn identity(&self) -> String {
        self.members.iter().map(|member| member.store.identity()).collect::<Vec<_>>().join(" + ")
    }

    fn replicas(&self) -> Vec<Arc<dyn Blobs>> {
        self.members.iter().map(|member| Arc::clone(&member.store)).collect()
    }

    fn suffice(&self, live: &[usize]) -> bool {
        self.enough(live)
    }
}

/// Puts an object. A damaged copy of one whose hash is known is no other object: it is replaced, once, by bytes that are what
/// they must be.
async fn put_or_mend(store: &dyn Blobs, key: &Key, hash: Option<ContentHash>, bytes: &Bytes) -> Result<()> {
    let outcome = store.put(key, bytes.clone()).await;
    let is_conflict = outcome.as_ref().is_err_and(|error| error.kind() == Kind::Conflict);
    if is_conflict && let Some(hash) = hash {
        let is_damaged = read_one(store, key, Some(hash)).await.is_err_and(|error| error.kind() == Kind::Corrupt);
        if is_damaged && hash_of(bytes.clone()).await? == hash {
            return store.repair(key, bytes.clone()).await;
        }
    }
    outcome
}

#[cfg(test)]
mod tests;
