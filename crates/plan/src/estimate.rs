//! When work will be finished, as far as that can be known.

use std::{collections::VecDeque, time::Duration};

use procession_domain::Timestamp;

/// Rates are taken over this time, so that a change of speed shows soon and a hiccup does not.
const WINDOW: Duration = Duration::from_secs(60);
/// Before so much time and so many finished things nothing is said.
const LEAST_TIME: Duration = Duration::from_secs(2);
const LEAST_DONE: u64 = 3;

/// How fast something goes, from what was recorded in the last minute.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    records: VecDeque<(Timestamp, u64)>,
}

/// What is expected of the rest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Things that are finished in a second.
    pub per_second: f64,
    /// How long the rest takes.
    pub remaining: Duration,
    /// When the last one is finished.
    pub finishes_at: Timestamp,
}

impl Pace {
    /// Records that `done` things in all are finished at `now`. Only differences count: what was finished before the first
    /// record (by a run that was interrupted) makes nothing look faster.
    pub fn record(&mut self, now: Timestamp, done: u64) {
        self.records.push_back((now, done));
        // One record from before the window stays, so that the window is covered.
        while self.records.get(1).is_some_and(|(at, _)| now.since(*at) > WINDOW) {
            self.records.pop_front();
        }
    }

    /// The estimate at `now` for `total` things, or nothing while too little is known.
    pub fn estimate(&self, now: Timestamp, total: u64) -> Option<Estimate> {
        let ((from, before), (_, done)) = (self.records.front()?, self.records.back()?);
        let (elapsed, finished) = (now.since(*from), done.saturating_sub(*before));
        if elapsed < LEAST_TIME || finished < LEAST_DONE {
            return None;
        }
        let per_second = finished as f64 / elapsed.as_secs_f64();
        let remaining = Duration::try_from_secs_f64(total.saturating_sub(*done) as f64 / per_second).ok()?;
        Some(Estimate { per_second, remaining, finishes_at: now.after(remaining) })
    }
}

impl Estimate {
    /// Seconds between the expected end and the deadline; negative if the deadline will be missed.
    pub fn slack_seconds(&self, deadline: Timestamp) -> i64 {
        (deadline.micros().saturating_sub(self.finishes_at.micros())) / 1_000_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(0).after(Duration::from_secs(seconds))
    }

    fn steady(per_second: u64, from: u64, to: u64, start: u64) -> Pace {
        let mut pace = Pace::default();
        (from..=to).for_each(|second| pace.record(at(second), start + per_second * (second - from)));
        pace
    }

    #[test]
    fn nothing_is_said_too_early() {
        assert_eq!(Pace::default().estimate(at(10), 100), None);
        assert_eq!(steady(100, 0, 1, 0).estimate(at(1), 1_000), None);
        let mut slow = Pace::default();
        slow.record(at(0), 0);
        slow.record(at(50), 2);
        assert_eq!(slow.estimate(at(50), 100), None);
    }

    #[test]
    fn what_an_earlier_run_finished_makes_nothing_faster() {
        let estimate = steady(10, 0, 20, 5_000).estimate(at(20), 5_300).unwrap();
        assert!((estimate.per_second - 10.0).abs() < 1e-9);
        assert_eq!(estimate.remaining, Duration::from_secs(10));
        assert_eq!(estimate.finishes_at, at(30));
        assert_eq!(estimate.slack_seconds(at(100)), 70);
        assert_eq!(estimate.slack_seconds(at(25)), -5);
    }

    #[test]
    fn the_last_minute_counts() {
        let mut pace = steady(100, 0, 100, 0);
        (101..=200).for_each(|second| pace.record(at(second), 10_000 + (second - 100)));
        let estimate = pace.estimate(at(200), 20_000).unwrap();
        assert!((estimate.per_second - 1.0).abs() < 1e-9, "{estimate:?}");
        assert!(pace.records.len() < 65);
    }

    #[test]
    fn a_standstill_lowers_the_rate() {
        let pace = steady(10, 0, 20, 0);
        let then = pace.estimate(at(20), 1_000).unwrap();
        assert!(pace.estimate(at(40), 1_000).unwrap().per_second < then.per_second);
    }
}
