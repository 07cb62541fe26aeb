//! How many instances it takes to finish every gallery in time.
//!
//! Worked off by earliest deadline, everything is in time exactly if, for each deadline, what is due by then is no more than
//! what can be done until then (the demand bound of Baruah, Rosier and Howell, "Algorithms and complexity concerning the
//! preemptive scheduling of periodic, real-time tasks on one processor", 1990, here for work that many instances share).

use procession_domain::Timestamp;

use super::{FleetSeen, Instances, ScalePolicy, SeasonRules};

/// What is already too late for a new instance is planned to be finished so soon after one could be ready, in seconds.
const LATE_SECONDS: f64 = 60.0;

/// What so many instances can do.
pub(super) struct Supply {
    /// Seconds until each of the instances that there are takes work, the first first; then those that are taken back.
    ready: Vec<f64>,
    /// Seconds until another one would.
    warm_up: f64,
    /// Megapixels a second by each.
    speed: f64,
}

/// What there is to do by when.
pub(super) struct Demand {
    /// Seconds from now, and the megapixels that are due by then in all.
    due: Vec<(f64, f64)>,
}

impl Supply {
    pub(super) fn new(instances: &Instances, policy: &ScalePolicy, speed: f64, now: Timestamp) -> Self {
        let warm_up = policy.warm_up().as_secs_f64();
        // One that should have been ready by now may never be: it is counted as if it were started again.
        let seconds = |at: &Timestamp| if *at > now { at.since(now).as_secs_f64() } else { warm_up };
        let mut starting: Vec<f64> = instances.ready_at.iter().map(seconds).collect();
        starting.sort_by(f64::total_cmp);
        let mut ready = vec![0.0; instances.running as usize];
        ready.extend(starting);
        ready.extend(vec![0.0; instances.draining as usize]);
        Self { ready, warm_up, speed }
    }

    /// The same with another speed.
    pub(super) fn at_speed(&self, speed: f64) -> Self {
        Self { ready: self.ready.clone(), warm_up: self.warm_up, speed }
    }

    /// The megapixels that so many instances can do in so many seconds.
    fn done(&self, instances: u32, seconds: f64) -> f64 {
        let there = self.ready.iter().take(instances as usize).map(|ready| (seconds - ready).max(0.0)).sum::<f64>();
        let more = (instances as usize).saturating_sub(self.ready.len()) as f64;
        self.speed * (there + more * (seconds - self.warm_up).max(0.0))
    }
}

impl Demand {
    /// By the deadlines themselves.
    pub(super) fn promised(seen: &FleetSeen, now: Timestamp) -> Self {
        Self::of(seen.due.iter().map(|due| (seconds(due.deadline, now), due.megapixels)).collect())
    }

    /// With their margin to spare, for the classes that the season watches.
    pub(super) fn planned(seen: &FleetSeen, rules: &SeasonRules, now: Timestamp) -> Self {
        let time = |due: &super::Due| {
            let spared = if due.urgency <= rules.watched { due.margin.as_secs_f64() } else { 0.0 };
            seconds(due.deadline, now) - spared
        };
        Self::of(seen.due.iter().map(|due| (time(due), due.megapixels)).collect())
    }

    fn of(mut due: Vec<(f64, f64)>) -> Self {
        due.retain(|(_, megapixels)| *megapixels > 0.0);
        due.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut sum = 0.0;
        for (_, megapixels) in &mut due {
            sum += *megapixels;
            *megapixels = sum;
        }
        Self { due }
    }

    /// Whether so many instances finish all of it in time.
    pub(super) fn is_met(&self, supply: &Supply, instances: u32) -> bool {
        self.due.iter().all(|(seconds, megapixels)| supply.done(instances, *seconds) >= megapixels * (1.0 - 1e-9))
    }

    /// The fewest instances, at most `limit`, that finish all of it in time. Where no number can, the limit; where the time
    /// is too short for a new instance to help, those that there are and as many as finish it soon after.
    pub(super) fn needs(&self, supply: &Supply, limit: u32) -> u32 {
        let need = |(seconds, megapixels): &(f64, f64)| {
            let fewest = |seconds: f64| fewest(limit, |instances| supply.done(instances, seconds) >= *megapixels);
            match fewest(*seconds) {
                Some(instances) => instances,
                None if *seconds > supply.warm_up => limit,
                None => {
                    let there = u32::try_from(supply.ready.len()).unwrap_or(u32::MAX);
                    fewest(supply.warm_up + LATE_SECONDS).unwrap_or(limit).max(there.min(limit))
                }
            }
        };
        self.due.iter().map(need).max().unwrap_or(0)
    }
}

/// The smallest number up to `limit` that is enough, if more is never worse.
fn fewest(limit: u32, is_enough: impl Fn(u32) -> bool) -> Option<u32> {
    let (mut low, mut high) = (0, limit);
    if !is_enough(high) {
        return None;
    }
    while low < high {
        let middle = low + (high - low) / 2;
        if is_enough(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Some(low)
}

/// Negative if the deadline is over.
fn seconds(deadline: Timestamp, now: Timestamp) -> f64 {
    deadline.micros().saturating_sub(now.micros()) as f64 / 1e6
}
