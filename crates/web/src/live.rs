//! What the service knows of itself while it runs: progress and its prediction, figures for operators, events for whoever
//! watches. All of it is made of the events that the flow tells, and none of it is needed to do the work.

mod decide;
pub(crate) mod events;
mod finish;
pub(crate) mod forecast;
pub(crate) mod journal;
pub(crate) mod operations;
pub(crate) mod status;
mod watch;

use std::sync::Arc;

use procession_domain::Timestamp;
use procession_flow::status::Observer;

use crate::{health::Health, metrics::Metrics};

pub use decide::keep_deciding;
pub use watch::watch;

use events::Watched;
use finish::Finishes;
use journal::Journal;

/// What is kept in memory of what happens. A restart begins it anew.
#[derive(Debug, Default)]
pub struct Live {
    /// Answers how far galleries are and when they will be finished.
    pub observer: Arc<Observer>,
    /// What `/metrics` says. Whoever has figures of their own registers them here.
    pub(crate) metrics: Metrics,
    /// The latest decisions and measurements.
    pub(crate) journal: Journal,
    /// Whether all parts do what they should.
    pub(crate) health: Health,
    /// Who is looking.
    pub(crate) watched: Watched,
    finishes: Finishes,
}

impl Live {
    /// The workers of this process stopped because of a fault of the machine, and will try again.
    pub fn pause(&self, now: Timestamp, error: &procession_flow::Error) {
        self.observer.pause(now, error);
        self.journal.pause(now, error);
    }
}
