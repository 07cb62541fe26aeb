//! Paying debts: from a store that has the object to the one that lacks it.

use futures::future::{join_all, try_join_all};
use procession_domain::{Classified, Key, Kind, error::chain};

use super::{Replicated, put_or_mend, read::read_one};
use crate::{
    Document as _, Error, Result, Versioned,
    blobs::{Debt, Debts, debts::Settled},
};

/// Objects that are on their way to one store at the same time.
const CONCURRENT_PAYMENTS: usize = 2;

/// What came of an attempt.
enum Attempt {
    Paid,
    /// Somebody else is at it, or no other store has the object now.
    Left,
    /// The store does not answer: the others can wait too.
    Away,
}

impl Replicated {
    pub(super) async fn pay_all(&self) -> Result<u64> {
        let Some(debts) = &self.how.debts else { return Ok(0) };
        let paid = try_join_all((0..self.members.len()).map(|index| self.pay_store(debts, index))).await?;
        Ok(paid.iter().sum())
    }

    async fn pay_store(&self, debts: &Debts, index: usize) -> Result<u64> {
        let identity = self.members[index].store.identity();
        let (mut paid, mut after) = (0, None);
        loop {
            let page = debts.page(&identity, after.as_deref()).await?;
            let Some(last) = page.last() else { return Ok(paid) };
            after = Some(last.document.id());
            for debts_now in page.chunks(CONCURRENT_PAYMENTS) {
                // Each comes to its end: what is claimed is given back.
                let attempts = debts_now.iter().map(|debt| self.pay(debts, index, debt.clone()));
                let attempts = join_all(attempts).await.into_iter().collect::<Result<Vec<_>>>()?;
                paid += attempts.iter().filter(|attempt| matches!(attempt, Attempt::Paid)).count() as u64;
                if attempts.iter().any(|attempt| matches!(attempt, Attempt::Away)) {
                    return Ok(paid);
                }
            }
        }
    }

    async fn pay(&self, debts: &Debts, index: usize, debt: Versioned<Debt>) -> Result<Attempt> {
        let Some(claimed) = debts.claim(debt).await? else { return Ok(Attempt::Left) };
        let outcome = self.bring(index, &claimed.document).await;
        let Debt { key, .. } = &claimed.document;
        let store = &self.members[index].store;
        match outcome {
            Ok(()) => {
                match debts.settle(&claimed).await? {
                    Settled::Paid => {}
                    Settled::StillOwed => return Ok(Attempt::Left),
                    Settled::Forgotten => self.take_back(index, key).await?,
                }
                tracing::info!(store = store.name(), object = %key, "the store has what it was owed");
                Ok(Attempt::Paid)
            }
            Err((at, error)) => {
                tracing::info!(store = store.name(), object = %key, error = chain(&error), "still owed");
                debts.release(claimed).await?;
                let is_away = at == Some(index) && error.kind() != Kind::Corrupt;
                Ok(if is_away { Attempt::Away } else { Attempt::Left })
            }
        }
    }

    /// Makes the store hold the object, whatever it has now. A failure names the store whose it is, if it is the debtor's.
    async fn bring(&self, index: usize, debt: &Debt) -> Result<(), (Option<usize>, Error)> {
        let Debt { key, hash, replace, .. } = debt;
        let store = self.members[index].store.as_ref();
        let own = |error| (Some(index), error);
        let there = match read_one(store, key, *hash).await {
            Ok(_) if hash.is_some() && !replace => return Ok(()),
            Ok(bytes) => Some(bytes),
            Err(error) if matches!(error.kind(), Kind::NotFound | Kind::Corrupt) => None,
            Err(error) => {
                self.found_away(index);
                return Err(own(error));
            }
        };
        let others: Vec<usize> = self.nearest_first().into_iter().filter(|other| *other != index).collect();
        let bytes = match self.read_from(&others, key, *hash).await {
            Ok(bytes) => bytes,
            // Nobody has it any more: what was deleted is owed no longer.
            Err(error) if error.kind() == Kind::NotFound => return Ok(()),
            Err(error) => return Err((None, error)),
        };
        if there.as_ref() == Some(&bytes) {
            return Ok(());
        }
        match put_or_mend(store, key, *hash, &bytes).await {
            // What the others hold was acknowledged; what this one holds was not.
            Err(error) if error.kind() == Kind::Conflict => store.repair(key, bytes).await.map_err(own),
            other => other.map_err(own),
        }
    }

    /// The debt was forgotten while it was paid, as when the object is deleted: then this copy goes too.
    async fn take_back(&self, index: usize, key: &Key) -> Result<()> {
        for (other, member) in self.members.iter().enumerate() {
            if other != index && !matches!(member.store.size(key).await, Ok(None)) {
                return Ok(());
            }
        }
        self.members[index].store.delete(key).await
    }
}
