//! The fewest instance-hours that anybody could need who knows everything beforehand.

use std::collections::BTreeMap;

use procession_domain::Timestamp;
use procession_plan::{ScalePolicy, forecast::Place};
use serde::Serialize;

use crate::{PromiseFrom, Scenario, Traffic};

/// Seconds of a bin. All roundings are in favour of who knows everything: work may be done from the beginning of the bin in
/// which it begins to arrive to the end of the bin of its deadline.
const BIN: u64 = 600;

/// Lower bounds of the instance-hours, for a mean instance. Nobody is below them without being late; that nobody needs more
/// is not said: instances are taken as divisible, ready at once and for any moment, and regions as one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bounds {
    /// All work divided by the speed of an instance: every instance works every second of its life.
    pub work_hours: f64,
    /// For those who keep what the calendar of the scaler's policy keeps standing: its hours, and the work beyond that these
    /// instances cannot do in time, whatever they do (earliest deadline first, without what is late: no order does more of
    /// work that can be divided; Glover, "Maximum matching in a convex bipartite graph", 1967).
    pub calendar_hours: f64,
    /// Megapixels that cannot be finished in time even with the most instances allowed in every region, always.
    pub beyond_reach_megapixels: f64,
}

impl Bounds {
    /// The bounds of a scenario without its faults.
    pub fn of(scenario: &Scenario, traffic: &Traffic) -> Self {
        let work = Work::of(scenario, traffic);
        let speed = scenario.service.megapixels_per_second;
        let each = speed * BIN as f64;
        let policies: Vec<ScalePolicy> = scenario
            .regions
            .iter()
            .map(|region| ScalePolicy { time_zone: Place::of(region).time_zone, ..scenario.scale.clone() })
            .collect();
        let begins_at = scenario.begins_at();
        let standing = |bin: usize| {
            let at = begins_at.after(std::time::Duration::from_secs(bin as u64 * BIN));
            policies.iter().map(|policy| f64::from(policy.standing(at))).sum::<f64>()
        };
        let stands: Vec<f64> = (0..work.bins()).map(standing).collect();
        let most = f64::from(scenario.scale.most_instances_in_region) * scenario.regions.len() as f64;
        let hours = |megapixels: f64| megapixels / speed / 3_600.0;
        // What stands is paid for as long as photos arrive.
        let paid = stands[..work.arriving_bins].iter().sum::<f64>() * BIN as f64 / 3_600.0;
        let beyond = work.total - work.done(|bin| stands[bin] * each);
        Self {
            work_hours: hours(work.total),
            calendar_hours: paid + hours(beyond.max(0.0)),
            beyond_reach_megapixels: (work.total - work.done(|_| most * each)).max(0.0),
        }
    }
}

/// All work, by when it arrives and when it is due.
struct Work {
    /// For each bin, the megapixels that arrive in it, by the bin of their deadline.
    arrivals: Vec<BTreeMap<usize, f64>>,
    /// Bins up to the last in which photos arrive, or to the end of the last day.
    arriving_bins: usize,
    last_deadline: usize,
    total: f64,
}

impl Work {
    fn of(scenario: &Scenario, traffic: &Traffic) -> Self {
        let promises = scenario.promises;
        let begins_at = scenario.begins_at();
        let bin = |at: Timestamp| (at.since(begins_at).as_secs() / BIN) as usize;
        let mut work = Self { arrivals: Vec::new(), arriving_bins: 0, last_deadline: 0, total: 0.0 };
        for upload in &traffic.uploads {
            let ends_at = upload.begins_at.after(std::time::Duration::from_secs_f64(upload.seconds.max(0.0)));
            let counts_from = match scenario.promise_from {
                PromiseFrom::FirstPhoto => upload.begins_at,
                PromiseFrom::LatestPhoto => ends_at,
            };
            let deadline = bin(counts_from.after(promises.of(upload.urgency).complete_within()));
            let (first, last) = (bin(upload.begins_at), bin(ends_at));
            work.arrivals.resize_with(work.arrivals.len().max(last + 1), BTreeMap::new);
            let part = upload.total_megapixels() / (last - first + 1) as f64;
            for bin in first..=last {
                *work.arrivals[bin].entry(deadline.max(bin)).or_insert(0.0) += part;
            }
            work.last_deadline = work.last_deadline.max(deadline).max(last);
            work.total += upload.total_megapixels();
        }
        // Nobody is done before the last photo is there; the bin in which it comes may be a short one.
        work.arriving_bins = work.arrivals.len().saturating_sub(1).max(bin(scenario.ends_at())).max(1);
        work
    }

    fn bins(&self) -> usize {
        self.arriving_bins.max(self.arrivals.len()).max(self.last_deadline + 1)
    }

    /// The most megapixels that can be done in time, with so many in each bin.
    fn done(&self, capacity: impl Fn(usize) -> f64) -> f64 {
        let mut waiting: BTreeMap<usize, f64> = BTreeMap::new();
        let mut done = 0.0;
        for bin in 0..self.bins() {
            for (deadline, megapixels) in self.arrivals.get(bin).into_iter().flatten() {
                *waiting.entry(*deadline).or_insert(0.0) += megapixels;
            }
            waiting = waiting.split_off(&bin);
            let mut left = capacity(bin);
            while let Some(mut first) = waiting.first_entry().filter(|_| left > 0.0) {
                let taken = left.min(*first.get());
                done += taken;
                left -= taken;
                *first.get_mut() -= taken;
                if *first.get() <= 1e-9 {
                    first.remove();
                }
            }
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_late_is_not_done_and_the_earliest_deadline_goes_first() {
        let arrivals = vec![BTreeMap::from([(0, 10.0), (2, 10.0)]), BTreeMap::from([(1, 4.0)])];
        let work = Work { arrivals, arriving_bins: 2, last_deadline: 2, total: 24.0 };
        let done = |capacity: f64| work.done(|_| capacity);
        assert!((done(8.0) - 22.0).abs() < 1e-9, "8 of the first, 4 of the last, then what is due last: {}", done(8.0));
        assert!((done(100.0) - 24.0).abs() < 1e-9);
        assert!(done(0.0).abs() < 1e-9);
    }
}
