//! What is finished is written many at a time: while one transaction is under way, what arrives goes with the next. Nobody
//! waits for others to come, and one write to the disk serves all who wait.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use procession_domain::{job::Lease, photo::Finished};
use procession_vault::{Error, Ledger, Result};
use tokio::sync::oneshot;

/// Jobs that are written in one transaction at most: claims wait behind it where one transaction writes at a time.
const MOST: usize = 64;

/// A finished job, and who wants to know that it is written.
type Entry = ((Lease, Finished), oneshot::Sender<Result<()>>);

/// The finished jobs of this process on their way to the ledger. A clone is a handle on the same ones.
#[derive(Clone, Debug)]
pub struct Completions {
    ledger: Arc<dyn Ledger>,
    queue: Arc<Mutex<Queue>>,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Vec<Entry>,
    is_writing: bool,
}

impl Completions {
    /// Completions of jobs of this ledger.
    pub fn new(ledger: Arc<dyn Ledger>) -> Self {
        Self { ledger, queue: Arc::default() }
    }

    /// Finishes a job, as [`Ledger::complete`] does; what returned is durable. If the caller does not wait for the end, the job
    /// may be finished or not.
    ///
    /// # Errors
    /// `Conflict` if the lease is no longer good, which hinders no other; what hindered the whole transaction, for each who had
    /// a part in it.
    pub async fn complete(&self, lease: &Lease, finished: &Finished) -> Result<()> {
        let (told, outcome) = oneshot::channel();
        let begins = {
            let mut queue = lock(&self.queue);
            queue.waiting.push(((lease.clone(), finished.clone()), told));
            !std::mem::replace(&mut queue.is_writing, true)
        };
        if begins {
            // Not the caller's own future, which may be dropped while others wait for what it writes.
            let writing = Writing { queue: Arc::clone(&self.queue), has_ended: false };
            tokio::spawn(write(Arc::clone(&self.ledger), writing));
        }
        outcome.await.unwrap_or_else(|_| Err(Error::Bug("the writing of finished jobs ended early".to_owned())))
    }
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The right to write. If it is lost in the midst of the work, as by a panic, nobody is left waiting.
struct Writing {
    queue: Arc<Mutex<Queue>>,
    /// It was given back, and another may have it.
    has_ended: bool,
}

impl Writing {
    /// What goes into the next transaction. If that is nothing, the right is given back.
    fn next(&mut self) -> Vec<Entry> {
        let mut queue = lock(&self.queue);
        let count = queue.waiting.len().min(MOST);
        queue.is_writing = count > 0;
        self.has_ended = count == 0;
        queue.waiting.drain(..count).collect()
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if !self.has_ended {
            *lock(&self.queue) = Queue::default();
        }
    }
}

/// Writes until nobody waits.
async fn write(ledger: Arc<dyn Ledger>, mut writing: Writing) {
    loop {
        let (done, told): (Vec<_>, Vec<_>) = writing.next().into_iter().unzip();
        if done.is_empty() {
            return;
        }
        let results = match ledger.complete_all(&done).await {
            Ok(results) => results,
            Err(error) => {
                let error = Arc::new(error);
                told.iter().map(|_| Err(Error::Shared(Arc::clone(&error)))).collect()
            }
        };
        for (told, result) in told.into_iter().zip(results) {
            // Who is not there any more does not want to know.
            let _ = told.send(result);
        }
    }
}

#[cfg(test)]
mod tests;
