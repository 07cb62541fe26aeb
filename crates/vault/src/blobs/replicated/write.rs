//! Writing to all stores, and waiting for enough of them.

use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{FuturesUnordered, StreamExt as _};
use procession_domain::{Classified, ContentHash, Key, Kind};
use tokio::{task::JoinHandle, time::timeout};

use super::{Replicated, put_or_mend};
use crate::{Error, Result};

/// What became of something that every store was asked to do.
pub(super) struct Tally {
    /// The stores that did it.
    pub(super) held: Vec<usize>,
    /// Those that did not, with the reason.
    pub(super) failed: Vec<(usize, Error)>,
    /// Those that are still at it.
    pub(super) late: Vec<(usize, JoinHandle<Result<()>>)>,
}

impl Replicated {
    /// Writes an object everywhere: as the first one, or over whatever is there.
    pub(super) async fn write(&self, key: &Key, bytes: Bytes, replace: bool) -> Result<()> {
        let hash = key.content();
        let tally = self
            .tell_all(|index| {
                let (store, key, bytes) = (Arc::clone(&self.members[index].store), key.clone(), bytes.clone());
                tokio::spawn(async move {
                    if replace {
                        store.repair(&key, bytes).await
                    } else {
                        put_or_mend(store.as_ref(), &key, hash, &bytes).await
                    }
                })
            })
            .await;
        let Tally { held, mut failed, late } = tally;
        for (index, error) in &failed {
            let store = self.members[*index].store.name();
            tracing::warn!(store, object = %key, %error, "store did not take the object");
        }
        if let Some(conflict) = failed.iter().position(|(_, error)| error.kind() == Kind::Conflict) {
            return Err(failed.swap_remove(conflict).1);
        }
        // A repair that nobody notes down must succeed everywhere.
        let is_safe = self.enough(&held) && (self.how.debts.is_some() || !replace || failed.is_empty());
        if !is_safe {
            return Err(self.too_few(key, held.len(), failed));
        }
        let owed: Vec<usize> = (0..self.members.len()).filter(|index| !held.contains(index)).collect();
        self.record_debts(&owed, key, hash, replace).await?;
        self.let_finish(late);
        Ok(())
    }

    /// Asks every store, and waits until enough of them have done it and the others had their grace. Stores that were away a
    /// moment ago are asked only if the others are not enough, fail or are slow.
    pub(super) async fn tell_all(&self, begin: impl Fn(usize) -> JoinHandle<Result<()>>) -> Tally {
        let (mut spare, mut first): (Vec<usize>, Vec<usize>) =
            (0..self.members.len()).partition(|index| self.is_away(*index));
        if !self.enough(&first) {
            first.append(&mut spare);
        }
        let mut tally = Tally { held: Vec::new(), failed: Vec::new(), late: Vec::new() };
        let mut running: Vec<(usize, JoinHandle<Result<()>>)> =
            first.iter().map(|index| (*index, begin(*index))).collect();
        let is_done = |tally: &Tally| self.how.debts.is_some() && self.enough(&tally.held);
        while !is_done(&tally) && running.len() + spare.len() > 0 {
            let answer = timeout(self.how.grace, self.next_answer(&mut running, &mut tally)).await;
            if answer.is_err() || running.is_empty() || !tally.failed.is_empty() {
                running.extend(spare.drain(..).map(|index| (index, begin(index))));
            }
        }
        let grace = async {
            while !running.is_empty() {
                self.next_answer(&mut running, &mut tally).await;
            }
        };
        let _ = timeout(self.how.grace, grace).await;
        running.iter().for_each(|(index, _)| self.found_away(*index));
        tally.late = running;
        tally
    }

    async fn next_answer(&self, running: &mut Vec<(usize, JoinHandle<Result<()>>)>, tally: &mut Tally) {
        let answer = {
            let answers = running.iter_mut().map(|(index, task)| {
                let index = *index;
                async move { (index, task.await) }
            });
            answers.collect::<FuturesUnordered<_>>().next().await
        };
        let Some((index, outcome)) = answer else { return };
        running.retain(|(other, _)| *other != index);
        match outcome.unwrap_or_else(|error| Err(Error::Bug(format!("a write ended early: {error}")))) {
            Ok(()) => tally.held.push(index),
            Err(error) => {
                if error.kind() == Kind::Unavailable {
                    self.found_away(index);
                }
                tally.failed.push((index, error));
            }
        }
    }

    pub(super) fn too_few(&self, key: &Key, held: usize, failed: Vec<(usize, Error)>) -> Error {
        let (what, wanted) = (key.to_string(), self.how.awaited);
        let first = failed.into_iter().next().map(|(_, error)| error);
        let source = Box::new(first.unwrap_or_else(|| Error::Bug("no store failed".to_owned())));
        Error::TooFewReplicas { what, held, wanted, source }
    }

    /// Lets late writes come to their ends, but for those of a store that has too many of them: they would fill the memory.
    fn let_finish(&self, late: Vec<(usize, JoinHandle<Result<()>>)>) {
        for (index, write) in late {
            match Arc::clone(&self.members[index].late).try_acquire_owned() {
                Ok(place) => drop(tokio::spawn(async move {
                    let _ = write.await;
                    drop(place);
                })),
                Err(_) => write.abort(),
            }
        }
    }

    /// Reads every copy of an original back that is not owed. A store that cannot say is owed a proof.
    pub(super) async fn prove_copies(&self, hash: ContentHash) -> Result<()> {
        let key = Key::Original(hash);
        let begin = |index: usize| {
            let store = Arc::clone(&self.members[index].store);
            tokio::spawn(async move { store.prove(hash).await })
        };
        let Tally { held, failed, late } = self.tell_all(begin).await;
        late.iter().for_each(|(_, proof)| proof.abort());
        let mut away = Vec::new();
        for (index, error) in failed {
            let is_owed = match (&self.how.debts, error.kind()) {
                (None, _) => false,
                (Some(debts), Kind::NotFound | Kind::Corrupt) => {
                    debts.is_owed(&self.members[index].store.identity(), &key).await?
                }
                (Some(_), _) => true,
            };
            if !is_owed {
                return Err(error);
            }
            away.push((index, error));
        }
        if !self.enough(&held) {
            return Err(self.too_few(&key, held.len(), away));
        }
        let owed: Vec<usize> = (0..self.members.len()).filter(|index| !held.contains(index)).collect();
        self.record_debts(&owed, &key, Some(hash), false).await
    }
}
