//! How much work is done in a second, while there is work.

use std::{collections::VecDeque, time::Duration};

use procession_domain::Timestamp;
use serde::{Deserialize, Serialize};

/// Rates are taken over so much time of work, so that a change of speed shows soon and a hiccup does not.
const WINDOW: Duration = Duration::from_secs(60);
/// Before so much time of work and so many finished photos nothing is said.
const LEAST_TIME: Duration = Duration::from_secs(2);
const LEAST_DONE: usize = 3;

/// What was finished in the last minute of work. Time in which nothing was to be done does not count: a machine that stood
/// idle for an hour is as fast as it was.
#[derive(Clone, Debug, Default)]
pub struct Throughput {
    /// Time of work up to `busy_since`, or in all while nothing is worked on.
    busy: Duration,
    busy_since: Option<Timestamp>,
    /// After how much time of work a photo was finished, and its megapixels.
    done: VecDeque<(Duration, f64)>,
}

/// How fast the work goes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// The photos' megapixels that are finished in a second.
    pub megapixels_per_second: f64,
    /// Photos that are finished in a second.
    pub photos_per_second: f64,
}

impl Throughput {
    /// Something is worked on from now on.
    pub fn begin(&mut self, now: Timestamp) {
        self.busy_since.get_or_insert(now);
    }

    /// Nothing is worked on from now on.
    pub fn pause(&mut self, now: Timestamp) {
        self.busy = self.worked(now);
        self.busy_since = None;
    }

    /// A photo is finished.
    pub fn record(&mut self, now: Timestamp, megapixels: f64) {
        let worked = self.worked(now);
        self.done.push_back((worked, megapixels));
        while self.done.front().is_some_and(|(at, _)| worked.saturating_sub(*at) > WINDOW) {
            self.done.pop_front();
        }
    }

    /// The rate at `now`, or nothing while too little is known.
    pub fn rate(&self, now: Timestamp) -> Option<Rate> {
        let worked = self.worked(now);
        let elapsed = worked.min(WINDOW);
        let recent = self.done.iter().filter(|(at, _)| worked.saturating_sub(*at) <= WINDOW);
        let (photos, megapixels) = recent.fold((0, 0.0), |(photos, sum), (_, cost)| (photos + 1, sum + cost));
        if elapsed < LEAST_TIME || photos < LEAST_DONE {
            return None;
        }
        let seconds = elapsed.as_secs_f64();
        Some(Rate { megapixels_per_second: megapixels / seconds, photos_per_second: photos as f64 / seconds })
    }

    fn worked(&self, now: Timestamp) -> Duration {
        self.busy + self.busy_since.map_or(Duration::ZERO, |since| now.since(since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(0).after(Duration::from_secs(seconds))
    }

    /// A photo of 24 megapixels a second, from the second after `from` to `to`.
    fn work(throughput: &mut Throughput, from: u64, to: u64) {
        throughput.begin(at(from));
        (from + 1..=to).for_each(|second| throughput.record(at(second), 24.0));
    }

    #[test]
    fn nothing_is_said_too_early() {
        let mut throughput = Throughput::default();
        assert_eq!(throughput.rate(at(0)), None);
        work(&mut throughput, 0, 2);
        assert_eq!(throughput.rate(at(2)), None);
        throughput.record(at(3), 24.0);
        assert_eq!(throughput.rate(at(3)), Some(Rate { megapixels_per_second: 24.0, photos_per_second: 1.0 }));
    }

    #[test]
    fn idle_time_does_not_count() {
        let mut throughput = Throughput::default();
        work(&mut throughput, 0, 30);
        let then = throughput.rate(at(30));
        throughput.pause(at(30));
        assert_eq!(throughput.rate(at(30_000)), then);
        throughput.begin(at(30_000));
        assert_eq!(throughput.rate(at(30_000)), then);
    }

    #[test]
    fn the_last_minute_of_work_counts() {
        let mut throughput = Throughput::default();
        work(&mut throughput, 0, 100);
        (101..=200).for_each(|second| throughput.record(at(second), 6.0));
        let rate = throughput.rate(at(200)).unwrap();
        assert!((rate.megapixels_per_second - 6.0).abs() < 0.2, "{rate:?}");
        assert!(throughput.done.len() < 65);
    }

    #[test]
    fn a_standstill_lowers_the_rate_until_nothing_is_known() {
        let mut throughput = Throughput::default();
        work(&mut throughput, 0, 60);
        assert!(throughput.rate(at(90)).unwrap().photos_per_second < 0.6);
        assert_eq!(throughput.rate(at(119)), None);
    }
}
