//! How many workers each enrolled fleet should have.

use std::{collections::VecDeque, time::Duration};

use procession_domain::{Timestamp, gallery::Backlog};
use procession_plan::{
    FleetSeen, default_margin, scale,
    scale::{Ahead, Due, Instances, Queue},
};

use super::{Controller, place_of};
use crate::{
    Place, Result,
    capacity::{self, Capacity, Fleet},
    forecast,
    registry::{Registration, Standing},
    status::Expected,
};

/// How often it is decided.
const PERIOD: Duration = Duration::from_secs(5);
/// What arrives is measured over so long.
const ARRIVALS: Duration = Duration::from_secs(300);

/// What this controller has seen arrive.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    decided_at: Option<Timestamp>,
    /// What was finished since it began, in megapixels.
    served: f64,
    /// What had arrived by then, in megapixels; only differences mean something.
    seen: VecDeque<(Timestamp, f64)>,
}

impl Arrivals {
    /// Whether it is time to decide again.
    fn is_due(&self, now: Timestamp) -> bool {
        self.decided_at.is_none_or(|at| now.since(at) >= PERIOD)
    }

    /// What arrives, in megapixels a second.
    fn rate(&mut self, expected: &Expected) -> f64 {
        let now = expected.at;
        let elapsed = self.decided_at.map_or(0.0, |at| now.since(at).as_secs_f64());
        self.decided_at = Some(now);
        // The rate is that of work, also while there is none.
        let is_working = expected.galleries.iter().any(|(of, _)| of.working > 0);
        self.served += expected.rate.filter(|_| is_working).map_or(0.0, |rate| rate.megapixels_per_second) * elapsed;
        let unfinished: f64 = expected.galleries.iter().map(|(of, _)| of.megapixels()).sum();
        self.seen.push_back((now, unfinished + self.served));
        while self.seen.get(1).is_some_and(|(at, _)| now.since(*at) >= ARRIVALS) {
            self.seen.pop_front();
        }
        let Some((since, before)) = self.seen.front() else { return 0.0 };
        let elapsed = now.since(*since).as_secs_f64();
        if elapsed > 0.0 { ((unfinished + self.served - before) / elapsed).max(0.0) } else { 0.0 }
    }
}

impl Controller {
    /// Decides for every fleet that somebody runs, where that is due. Returns what changed.
    pub(super) async fn scale(&self, expected: &Expected) -> Result<Vec<Capacity>> {
        let arriving = {
            let mut arrivals = self.arrivals.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if !arrivals.is_due(expected.at) {
                return Ok(Vec::new());
            }
            arrivals.rate(expected)
        };
        let fleets = capacity::fleets(&self.system).await?;
        let mut changed = Vec::new();
        for fleet in &fleets {
            let known = capacity::capacity(&self.system, &fleet.name).await?;
            let before = known.as_ref().map(|known| known.desired);
            let share = Share::of(fleet, &fleets, &expected.workers);
            let prospect = forecast::prospect(&self.system, &fleet.name.region).await?;
            let ahead = prospect.and_then(|prospect| prospect.ahead(share.of_region));
            let decided = self.decide_for(fleet, known, &share, (arriving, ahead), expected);
            capacity::write(&self.system, &decided).await?;
            if before != Some(decided.desired) {
                changed.push(decided);
            }
        }
        Ok(changed)
    }

    fn decide_for(
        &self,
        fleet: &Fleet,
        known: Option<Capacity>,
        share: &Share,
        (arriving, ahead): (f64, Option<Ahead>),
        expected: &Expected,
    ) -> Capacity {
        let now = expected.at;
        let mut policy = self.system.settings.scale.clone();
        policy.time_zone = self.system.settings.foresight.venues.of(&fleet.name.region).time_zone;
        policy.most_instances_in_region = policy.most_instances_in_region.min(fleet.most.unwrap_or(u32::MAX));
        let (memory, awaited, wanted) = known.map_or_else(Default::default, |of| (of.memory, of.awaited, of.desired));
        // Those that came are awaited no more: the ones that were asked for last are.
        let missing = wanted.saturating_sub(share.running) as usize;
        let mut ready_at: Vec<Timestamp> = awaited;
        ready_at.drain(..ready_at.len().saturating_sub(missing));
        let seen = FleetSeen {
            instances: Instances { running: share.running, ready_at: ready_at.clone(), draining: share.draining },
            others_in_region: share.others_in_region,
            queue: queue(expected, fleet, share),
            arriving_megapixels_per_second: arriving * share.of_shared,
            due: self.due(expected, fleet, share),
            megapixels_per_second: share.speed,
            ahead,
        };
        let decision = scale(&policy, &seen, memory, now);
        let started = (decision.desired as usize).saturating_sub(share.running as usize + ready_at.len());
        ready_at.extend(std::iter::repeat_n(now.after(policy.warm_up()), started));
        ready_at.truncate((decision.desired as usize).saturating_sub(share.running as usize));
        Capacity {
            fleet: fleet.name.clone(),
            desired: decision.desired,
            running: share.running,
            cause: decision.cause,
            reason: decision.reason.into(),
            within_reach: decision.within_reach,
            decided_at: now,
            awaited: ready_at,
            memory: decision.memory,
        }
    }

    fn due(&self, expected: &Expected, fleet: &Fleet, share: &Share) -> Vec<Due> {
        let due = |(of, _): &(Backlog, _)| Due {
            urgency: of.rank.urgency,
            deadline: of.rank.deadline,
            margin: default_margin(self.system.settings.promises.of(of.rank.urgency)),
            megapixels: of.megapixels() * share.part(of, fleet),
        };
        expected.galleries.iter().map(due).filter(|due| due.megapixels > 0.0).collect()
    }
}

/// A fleet among the others.
struct Share {
    /// The part that it does of what all share.
    of_shared: f64,
    /// The part that it does of what belongs to its region.
    of_region: f64,
    running: u32,
    draining: u32,
    /// Workers of other fleets in its region.
    others_in_region: u32,
    /// What one of its workers does, in megapixels a second; else one of any fleet.
    speed: Option<f64>,
}

impl Share {
    fn of(fleet: &Fleet, fleets: &[Fleet], workers: &[Registration]) -> Self {
        let is_own = |of: &&Registration| of.region == fleet.name.region && of.device == fleet.name.device;
        let works = |of: &&Registration| of.standing == Standing::Working;
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let own = || workers.iter().filter(is_own);
        let working = || workers.iter().filter(works);
        let here = || working().filter(|of| of.region == fleet.name.region);
        let running = own().filter(works).count();
        // Where nobody works, those that could divide it among them.
        let part = |all: usize, could: usize| match all {
            0 => 1.0 / could.max(1) as f64,
            all => running as f64 / all as f64,
        };
        let in_region = fleets.iter().filter(|other| other.name.region == fleet.name.region).count();
        let mean = |speeds: Vec<f64>| (!speeds.is_empty()).then(|| speeds.iter().sum::<f64>() / speeds.len() as f64);
        let speed = |of: &Registration| of.rate.map(|rate| rate.megapixels_per_second);
        Self {
            of_shared: part(working().count(), fleets.len()),
            of_region: part(here().count(), in_region),
            running: count(running),
            draining: count(own().filter(|of| of.standing == Standing::Draining).count()),
            others_in_region: count(here().count() - running),
            speed: mean(own().filter_map(speed).collect()).or_else(|| mean(workers.iter().filter_map(speed).collect())),
        }
    }

    /// The part of a gallery that is the fleet's.
    fn part(&self, gallery: &Backlog, fleet: &Fleet) -> f64 {
        match place_of(gallery) {
            Place::At(region) if region == fleet.name.region => self.of_region,
            Place::At(_) => 0.0,
            Place::Shared | Place::Undecided => self.of_shared,
        }
    }
}

fn queue(expected: &Expected, fleet: &Fleet, share: &Share) -> Queue {
    let (mut photos, mut queue) = (0.0, Queue::default());
    for (backlog, _) in &expected.galleries {
        let part = share.part(backlog, fleet);
        photos += backlog.waiting as f64 * part;
        queue.megapixels += backlog.waiting_megapixels * part;
        if let Some(since) = backlog.waiting_since().filter(|_| part > 0.0) {
            queue.oldest_wait = queue.oldest_wait.max(expected.at.since(since));
        }
    }
    queue.photos = photos.round() as u64;
    queue
}

#[cfg(test)]
mod tests;
