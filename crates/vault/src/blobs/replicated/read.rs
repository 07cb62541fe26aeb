//! Reading from the nearest store that answers.

use std::sync::Arc;

use bytes::Bytes;
use futures::{
    FutureExt as _,
    future::BoxFuture,
    stream::{FuturesUnordered, StreamExt as _},
};
use procession_domain::{Classified, ContentHash, Key, Kind};
use tokio::time::timeout;

use super::{Replicated, put_or_mend};
use crate::{Error, Result, blobs::Blobs};

impl Replicated {
    /// The object from the first store that has it whole: with this hash, where one is known. Those that turned out to lack it
    /// get it.
    pub(super) async fn read(&self, key: &Key, hash: Option<ContentHash>) -> Result<Bytes> {
        self.read_from(&self.nearest_first(), key, hash).await
    }

    /// The same, from these stores alone, in this order.
    pub(super) async fn read_from(&self, order: &[usize], key: &Key, hash: Option<ContentHash>) -> Result<Bytes> {
        let read =
            move |store: Arc<dyn Blobs>, key: Key| async move { read_one(store.as_ref(), &key, hash).await }.boxed();
        let (outcome, lacking) = self.ask(key, order, read).await;
        let bytes = outcome?;
        self.mend(key, hash, &lacking, &bytes).await;
        Ok(bytes)
    }

    /// Asks the stores in this order, the next one when the one before has failed or is slow, until one has the answer. Returns
    /// it with the stores that lack the object or hold a damaged one.
    ///
    /// That something is absent is only said when every store was heard. Of what can be made again it is enough that some of
    /// those that must have it were.
    pub(super) async fn ask<T: Send>(
        &self,
        key: &Key,
        order: &[usize],
        question: impl Fn(Arc<dyn Blobs>, Key) -> BoxFuture<'static, Result<T>>,
    ) -> (Result<T>, Vec<usize>) {
        let (mut lacking, mut absent, mut worst) = (Vec::new(), Vec::new(), None::<Error>);
        let (mut waiting, mut running, mut asked) = (order.iter().copied(), FuturesUnordered::new(), Vec::new());
        let can_be_absent = self.how.debts.is_some() && key.is_derived();
        let mut ask_next = true;
        loop {
            if ask_next && let Some(index) = waiting.next() {
                let answer = question(Arc::clone(&self.members[index].store), key.clone());
                running.push(async move { (index, answer.await) });
                asked.push(index);
            }
            let all_asked = waiting.len() == 0;
            match timeout(self.how.hedge, running.next()).await {
                Err(_) => {
                    asked.iter().for_each(|index| self.found_away(*index));
                    ask_next = true;
                    if all_asked && can_be_absent && absent.len() >= self.some_have_it() {
                        break;
                    }
                }
                Ok(None) => break,
                Ok(Some((_, Ok(answer)))) => return (Ok(answer), lacking),
                Ok(Some((index, Err(error)))) => {
                    asked.retain(|other| *other != index);
                    ask_next = true;
                    match error.kind() {
                        Kind::NotFound => {
                            lacking.push(index);
                            absent.push(index);
                        }
                        Kind::Corrupt => lacking.push(index),
                        Kind::Unavailable => self.found_away(index),
                        _ => {}
                    }
                    // That it is nowhere says least.
                    if worst.as_ref().is_none_or(|known| known.kind() == Kind::NotFound) {
                        worst = Some(error);
                    }
                }
            }
        }
        if can_be_absent && absent.len() >= self.some_have_it() && worst.as_ref().is_none_or(may_pass) {
            worst = Some(Error::NotFound { place: self.name(), what: key.to_string() });
        }
        (Err(worst.unwrap_or_else(|| Error::Bug("no store".to_owned()))), lacking)
    }

    /// Brings back what some stores lack, from bytes that another one has proven.
    async fn mend(&self, key: &Key, hash: Option<ContentHash>, lacking: &[usize], bytes: &Bytes) {
        for index in lacking {
            let store = &self.members[*index].store;
            match put_or_mend(store.as_ref(), key, hash, bytes).await {
                Ok(()) => tracing::warn!(store = store.name(), object = %key, "copy repaired from another store"),
                Err(error) => tracing::warn!(store = store.name(), object = %key, %error, "copy could not be repaired"),
            }
        }
    }

    /// What any store has. Where debts are kept, so many are enough that one of them has whatever was acknowledged.
    pub(super) async fn list_all(&self, prefix: &str) -> Result<Vec<String>> {
        let needed = if self.how.debts.is_some() { self.some_have_it() } else { self.members.len() };
        let list = |(index, member): (usize, &super::Member)| {
            let store = Arc::clone(&member.store);
            async move { (index, store.list(prefix).await) }
        };
        let mut running: FuturesUnordered<_> = self.members.iter().enumerate().map(list).collect();
        let (mut paths, mut answers, mut failure) = (Vec::new(), 0, None);
        loop {
            match timeout(self.how.hedge, running.next()).await {
                Err(_) if answers >= needed => break,
                Err(_) => {}
                Ok(None) => break,
                Ok(Some((_, Ok(found)))) => {
                    answers += 1;
                    paths.extend(found);
                }
                Ok(Some((index, Err(error)))) => {
                    if error.kind() == Kind::Unavailable {
                        self.found_away(index);
                    }
                    failure = Some(error);
                }
            }
        }
        if answers < needed {
            return Err(failure.unwrap_or_else(|| Error::Bug("no store".to_owned())));
        }
        paths.sort();
        paths.dedup();
        Ok(paths)
    }
}

fn may_pass(error: &Error) -> bool {
    matches!(error.kind(), Kind::Unavailable | Kind::NotFound)
}

pub(super) async fn read_one(store: &dyn Blobs, key: &Key, hash: Option<ContentHash>) -> Result<Bytes> {
    match hash {
        Some(hash) => store.get_exactly(key, hash).await,
        None => store.get(key).await,
    }
}
