//! What is finished or passed on is written many at a time: while one transaction is under way, what arrives goes with the next. Nobody
//! waits for others to come, and one write to the disk serves all who wait.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use procession_domain::{
    Stage,
    job::{Found, Lease},
    photo::Finished,
};
use procession_vault::{Error, Ledger, Result};
use tokio::sync::oneshot;

/// Jobs that are written in one transaction at most: claims wait behind it where one transaction writes at a time.
const MOST: usize = 64;

/// What became of a job.
#[derive(Debug)]
enum End {
    Finished(Finished),
    PassedOn(Stage, Found),
}

/// Who wants to know that it is written.
type Told = oneshot::Sender<Result<()>>;
type Entry = (Lease, End, Told);

/// The jobs that this process finished or passed on, on their way to the ledger. A clone is a handle on the same ones.
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
        self.end(lease, End::Finished(finished.clone())).await
    }

    /// Passes a job on, as [`Ledger::pass_on`] does, like [`Completions::complete`].
    ///
    /// # Errors
    /// As for `complete`.
    pub async fn pass_on(&self, lease: &Lease, stage: Stage, found: Found) -> Result<()> {
        self.end(lease, End::PassedOn(stage, found)).await
    }

    async fn end(&self, lease: &Lease, end: End) -> Result<()> {
        let (told, outcome) = oneshot::channel();
        let begins = {
            let mut queue = lock(&self.queue);
            queue.waiting.push((lease.clone(), end, told));
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
        let entries = writing.next();
        if entries.is_empty() {
            return;
        }
        let (mut done, mut passed) = ((Vec::new(), Vec::new()), (Vec::new(), Vec::new()));
        for (lease, end, told) in entries {
            match end {
                End::Finished(finished) => {
                    done.0.push((lease, finished));
                    done.1.push(told);
                }
                End::PassedOn(stage, found) => {
                    passed.0.push((lease, stage, found));
                    passed.1.push(told);
                }
            }
        }
        if !done.0.is_empty() {
            tell(done.1, ledger.complete_all(&done.0).await);
        }
        if !passed.0.is_empty() {
            tell(passed.1, ledger.pass_on(&passed.0).await);
        }
    }
}

fn tell(told: Vec<Told>, results: Result<Vec<Result<()>>>) {
    let results = results.unwrap_or_else(|error| {
        let error = Arc::new(error);
        told.iter().map(|_| Err(Error::Shared(Arc::clone(&error)))).collect()
    });
    for (told, result) in told.into_iter().zip(results) {
        // Who is not there any more does not want to know.
        let _ = told.send(result);
    }
}

#[cfg(test)]
mod tests;
