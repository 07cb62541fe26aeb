//! How many workers each enrolled fleet should have.

use std::{collections::HashMap, sync::PoisonError, time::Duration};

use procession_domain::{Region, Stage, Stages, Timestamp, demand, gallery::Backlog};
use procession_plan::{
    Arriving, FleetSeen, default_margin, scale,
    scale::{Ahead, Due, Instances, Parts, Queue},
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

/// What this controller has seen arrive.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    decided_at: Option<Timestamp>,
    /// What had arrived by then in each region and hour, from the hour of the decision before on, in megapixels.
    counted: HashMap<(Region, Timestamp), f64>,
    arriving: Arriving,
}

impl Arrivals {
    /// From when on it has to be known what arrived, if it is time to decide again.
    fn due(&self, now: Timestamp) -> Option<Timestamp> {
        match self.decided_at {
            None => Some(now),
            Some(at) => (now.since(at) >= PERIOD).then_some(at),
        }
    }

    /// What arrives, in megapixels a second, by what the ledger has counted from [`due`](Self::due) on. It is not inferred from
    /// what is unfinished: what a worker finishes before its rate is known would seem never to have arrived.
    fn rate(&mut self, counted: Vec<demand::Arrivals>, now: Timestamp) -> f64 {
        let counted: HashMap<_, _> = counted.into_iter().map(|of| ((of.region, of.hour), of.megapixels)).collect();
        if self.decided_at.replace(now).is_some() {
            let before = |hour| self.counted.get(hour).copied().unwrap_or(0.0);
            let new: f64 = counted.iter().map(|(hour, megapixels)| (megapixels - before(hour)).max(0.0)).sum();
            self.arriving.add(new);
        }
        self.counted = counted;
        self.arriving.rate(now)
    }
}

impl Controller {
    /// Decides for every fleet that somebody runs, where that is due. Returns what changed.
    pub(super) async fn scale(&self, expected: &Expected) -> Result<Vec<Capacity>> {
        let Some(arriving) = self.arriving(expected.at).await? else { return Ok(Vec::new()) };
        let fleets = capacity::fleets(&self.system).await?;
        let mut changed = Vec::new();
        for fleet in &fleets {
            let known = capacity::capacity(&self.system, &fleet.name).await?;
            let before = known.as_ref().map(|known| known.desired);
            let share = Share::of(fleet, &fleets, &expected.workers);
            let prospect = forecast::prospect(&self.system, &fleet.name.region).await?;
            let ahead = prospect.and_then(|prospect| prospect.ahead(share.of_region.arriving()));
            let decided = self.decide_for(fleet, known, &share, (arriving, ahead), expected);
            capacity::write(&self.system, &decided).await?;
            if before != Some(decided.desired) {
                changed.push(decided);
            }
        }
        Ok(changed)
    }

    /// What arrives everywhere, in megapixels a second, if it is time to decide again.
    async fn arriving(&self, now: Timestamp) -> Result<Option<f64>> {
        let arrivals = || self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(from) = arrivals().due(now) else { return Ok(None) };
        let counted = self.system.ledger.arrivals(from).await?;
        Ok(Some(arrivals().rate(counted, now)))
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
            arriving_megapixels_per_second: arriving * share.of_shared.arriving(),
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
            megapixels: share.parts(of, fleet).left(waiting(of).1, of.working_megapixels),
        };
        expected.galleries.iter().map(due).filter(|due| due.megapixels > 0.0).collect()
    }
}

/// A fleet among the others.
struct Share {
    /// The part that it does of what all share.
    of_shared: Parts,
    /// The part that it does of what belongs to its region.
    of_region: Parts,
    running: u32,
    draining: u32,
    /// Workers of other fleets in its region.
    others_in_region: u32,
    /// What one of its workers does, in megapixels a second; else one of any fleet that does as much of a photo.
    speed: Option<f64>,
}

impl Share {
    fn of(fleet: &Fleet, fleets: &[Fleet], workers: &[Registration]) -> Self {
        let (name, region) = (&fleet.name, &fleet.name.region);
        let own: Vec<&Registration> = workers.iter().filter(|worker| fleet.has(worker, fleets)).collect();
        let working: Vec<&Registration> = workers.iter().filter(|of| of.standing == Standing::Working).collect();
        let offers = |all: &[&Registration], is: &dyn Fn(&Registration) -> bool| -> Vec<Stages> {
            all.iter().filter(|worker| is(worker)).map(|worker| worker.offers).collect()
        };
        let own_working = offers(&own, &|of| of.standing == Standing::Working);
        let (everywhere, here) = (offers(&working, &|_| true), offers(&working, &|of| of.region == *region));
        let all_fleets: Vec<Stages> = fleets.iter().map(|fleet| fleet.name.stages).collect();
        let fleets_here = fleets.iter().filter(|other| other.name.region == *region);
        let fleets_here: Vec<Stages> = fleets_here.map(|fleet| fleet.name.stages).collect();
        let does_as_much = |of: &&Registration| of.offers.contains_all(name.stages);
        let mean = |speeds: Vec<f64>| (!speeds.is_empty()).then(|| speeds.iter().sum::<f64>() / speeds.len() as f64);
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Self {
            of_shared: Parts::of(name.stages, &own_working, &everywhere, &all_fleets),
            of_region: Parts::of(name.stages, &own_working, &here, &fleets_here),
            running: count(own_working.len()),
            draining: count(own.iter().filter(|of| of.standing == Standing::Draining).count()),
            others_in_region: count(here.len() - own_working.len()),
            speed: mean(own.iter().filter_map(|of| speed(of)).collect())
                .or_else(|| mean(workers.iter().filter(does_as_much).filter_map(speed).collect())),
        }
    }

    /// The part of a gallery that is the fleet's.
    fn parts(&self, gallery: &Backlog, fleet: &Fleet) -> Parts {
        match place_of(gallery) {
            Place::At(region) if region == fleet.name.region => self.of_region,
            Place::At(_) => Parts::default(),
            Place::Shared | Place::Undecided => self.of_shared,
        }
    }
}

/// What a worker does, in megapixels a second. Whoever passes every photo on finishes none, and is as fast as its stages are.
fn speed(of: &Registration) -> Option<f64> {
    of.rate.map(|rate| rate.megapixels_per_second).or_else(|| {
        let stages = of.offers.iter().filter_map(|stage| of.speeds.stages[stage.index()]);
        let seconds = of.speeds.reach? + stages.sum::<f64>();
        (of.offers != Stages::ALL && seconds > 0.0).then(|| of.lanes as f64 / seconds)
    })
}

/// What waits at each stage, in photos and in megapixels.
fn waiting(of: &Backlog) -> ([f64; 4], [f64; 4]) {
    let photos = of.waiting_at.map(|photos| photos as f64);
    let each = if of.waiting > 0 { of.waiting_megapixels / of.waiting as f64 } else { 0.0 };
    (photos, photos.map(|photos| photos * each))
}

fn queue(expected: &Expected, fleet: &Fleet, share: &Share) -> Queue {
    let (mut all, mut queue) = (0.0, Queue::default());
    for (backlog, _) in &expected.galleries {
        let (parts, (photos, megapixels)) = (share.parts(backlog, fleet), waiting(backlog));
        all += parts.waiting(photos);
        queue.megapixels += parts.waiting(megapixels);
        let since = Stage::ALL.into_iter().zip(backlog.waiting_since_at).filter(|(stage, _)| parts.has(*stage));
        if let Some(since) = since.filter_map(|(_, since)| since).min() {
            queue.oldest_wait = queue.oldest_wait.max(expected.at.since(since));
        }
    }
    queue.photos = all.round() as u64;
    queue
}

#[cfg(test)]
mod tests;
