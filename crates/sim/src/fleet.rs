//! The instances of a region: started, working, draining, gone.

use std::{collections::VecDeque, time::Duration};

use procession_domain::Timestamp;
use procession_plan::scale::Instances;

use crate::world::Claim;

/// What an instance does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum State {
    /// It takes no work yet; it was expected to from then on.
    Starting(Timestamp),
    Idle,
    Busy(Claim),
    Gone,
}

#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) region: usize,
    pub(crate) state: State,
    /// It finishes what it holds and then goes.
    pub(crate) draining: bool,
    /// As a part of the ordinary speed.
    pub(crate) speed: f64,
    /// What it holds beside what it works on, the first first.
    pub(crate) ahead: VecDeque<Claim>,
    pace: Pace,
    started_at: Timestamp,
}

/// All instances, of all regions.
#[derive(Debug)]
pub(crate) struct Fleets {
    instances: Vec<Instance>,
    pub(crate) regions: Vec<Fleet>,
}

/// The instances of a region.
#[derive(Debug, Default)]
pub(crate) struct Fleet {
    /// Those that are not gone, the oldest first.
    pub(crate) members: Vec<usize>,
    /// Those that wait for work.
    pub(crate) idle: Vec<usize>,
    /// Nothing can be started here since then.
    pub(crate) lost_at: Option<Timestamp>,
    /// Seconds of all instances that are gone, from their start to their end.
    seconds: f64,
    /// How many were started.
    pub(crate) started: u64,
}

/// What an instance did in about the last minute of its work, as production's throughput has it.
#[derive(Clone, Copy, Debug, Default)]
struct Pace {
    megapixels: f64,
    busy_seconds: f64,
    photos: u32,
}

impl Pace {
    /// Work counts for so long, in seconds, and says nothing before it took so long and was so many photos.
    const WINDOW: f64 = 60.0;
    const LEAST: (f64, u32) = (2.0, 3);

    fn observe(&mut self, claim: &Claim, seconds: f64) {
        self.megapixels += claim.megapixels;
        self.busy_seconds += seconds;
        self.photos = self.photos.saturating_add(claim.photos);
        if self.busy_seconds > Self::WINDOW {
            self.megapixels *= Self::WINDOW / self.busy_seconds;
            self.busy_seconds = Self::WINDOW;
        }
    }

    fn rate(&self) -> Option<f64> {
        let (seconds, photos) = Self::LEAST;
        (self.busy_seconds >= seconds && self.photos >= photos).then(|| self.megapixels / self.busy_seconds)
    }
}

impl Fleets {
    pub(crate) fn new(regions: usize) -> Self {
        Self { instances: Vec::new(), regions: (0..regions).map(|_| Fleet::default()).collect() }
    }

    pub(crate) fn of(&self, instance: usize) -> &Instance {
        &self.instances[instance]
    }

    pub(crate) fn of_mut(&mut self, instance: usize) -> &mut Instance {
        &mut self.instances[instance]
    }

    /// Starts an instance, which is expected to be ready in so long. Returns its number.
    pub(crate) fn start(&mut self, region: usize, warm_up: Duration, now: Timestamp) -> usize {
        let state = State::Starting(now.after(warm_up));
        let (ahead, pace) = (VecDeque::new(), Pace::default());
        self.instances.push(Instance { region, state, draining: false, speed: 1.0, ahead, pace, started_at: now });
        let number = self.instances.len() - 1;
        self.regions[region].members.push(number);
        self.regions[region].started += 1;
        number
    }

    /// Claimed work takes an instance so long.
    pub(crate) fn observe(&mut self, number: usize, claim: &Claim, seconds: f64) {
        self.instances[number].pace.observe(claim, seconds);
    }

    /// What an instance of a region does, in megapixels a second: the mean of those that were at work for long enough.
    pub(crate) fn measured(&self, region: usize) -> Option<f64> {
        let rates = self.regions[region].members.iter().filter_map(|member| self.instances[*member].pace.rate());
        let (sum, number) = rates.fold((0.0, 0.0), |(sum, number), rate| (sum + rate, number + 1.0));
        (number > 0.0).then(|| sum / number)
    }

    /// Instances of a region that are at work.
    pub(crate) fn busy(&self, region: usize) -> usize {
        let members = &self.regions[region].members;
        members.iter().filter(|member| matches!(self.instances[**member].state, State::Busy(_))).count()
    }

    /// Ends an instance, and counts its time. Returns what it held.
    pub(crate) fn end(&mut self, number: usize, now: Timestamp) -> Vec<Claim> {
        let instance = &mut self.instances[number];
        let mut held: Vec<Claim> = std::mem::take(&mut instance.ahead).into();
        match std::mem::replace(&mut instance.state, State::Gone) {
            State::Busy(claim) => held.push(claim),
            State::Gone => return held,
            State::Starting(_) | State::Idle => {}
        }
        let fleet = &mut self.regions[instance.region];
        fleet.seconds += now.since(instance.started_at).as_secs_f64();
        fleet.members.retain(|member| *member != number);
        fleet.idle.retain(|idle| *idle != number);
        held
    }

    /// What a controller sees of a region.
    pub(crate) fn seen(&self, region: usize) -> Instances {
        let mut seen = Instances::default();
        for member in &self.regions[region].members {
            let Instance { state, draining, .. } = &self.instances[*member];
            match state {
                State::Starting(ready_at) => seen.ready_at.push(*ready_at),
                State::Idle | State::Busy(_) if *draining => seen.draining += 1,
                State::Idle | State::Busy(_) => seen.running += 1,
                State::Gone => {}
            }
        }
        seen
    }

    /// Instances that take work.
    pub(crate) fn running(&self, region: usize) -> u32 {
        let is_running = |member: &&usize| {
            let Instance { state, draining, .. } = &self.instances[**member];
            matches!(state, State::Idle | State::Busy(_)) && !draining
        };
        self.regions[region].members.iter().filter(is_running).count() as u32
    }

    /// Takes back up to so many of those that drain. Returns how many.
    pub(crate) fn take_back(&mut self, region: usize, most: u32) -> u32 {
        let mut taken = 0;
        for member in &self.regions[region].members {
            let instance = &mut self.instances[*member];
            if taken < most && instance.draining {
                instance.draining = false;
                taken += 1;
            }
        }
        taken
    }

    /// Lets so many go: those that are starting, the latest first, then the idle ones, then those at work, once they are done.
    pub(crate) fn let_go(&mut self, region: usize, mut number: u32, now: Timestamp) {
        let members: Vec<usize> = self.regions[region].members.iter().rev().copied().collect();
        let is_free: [fn(&State) -> bool; 2] =
            [|state| matches!(state, State::Starting(_)), |state| matches!(state, State::Idle)];
        for is in is_free {
            for member in &members {
                if number > 0 && is(&self.instances[*member].state) {
                    self.end(*member, now);
                    number -= 1;
                }
            }
        }
        for member in members {
            let instance = &mut self.instances[member];
            if number > 0 && matches!(instance.state, State::Busy(_)) && !instance.draining {
                instance.draining = true;
                number -= 1;
            }
        }
    }

    /// The hours of all instances of a region, from their start to their end or to the present.
    pub(crate) fn hours(&self, region: usize, now: Timestamp) -> f64 {
        let fleet = &self.regions[region];
        let alive = fleet.members.iter().map(|member| now.since(self.instances[*member].started_at).as_secs_f64());
        (fleet.seconds + alive.sum::<f64>()) / 3_600.0
    }

    /// Instances that cost something.
    pub(crate) fn alive(&self, region: usize) -> u32 {
        self.regions[region].members.len() as u32
    }
}
