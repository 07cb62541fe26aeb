//! A run: events in the order of their times, from the first upload to the last finished photo.

mod control;
mod faults;

use std::{cmp::Ordering, collections::BinaryHeap, time::Duration};

use procession_domain::Timestamp;
use procession_plan::{Arriving, ScaleMemory, ScalePolicy, forecast::Place};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use rand_distr::{Distribution, Uniform};

use crate::{
    Outcome, Policy, Scenario, Traffic,
    fleet::{Fleets, State},
    outcome::Tally,
    rule::Recommended,
    service::{Arrived, Machine},
    traffic::Foreseen,
    world::{Claim, World},
};

/// What is not finished so long after the last day is not going to be.
const PATIENCE: Duration = Duration::from_secs(14 * 86_400);

#[derive(Clone, Copy, Debug)]
enum Event {
    /// Photos of this gallery arrive: so many at a time, so many microseconds apart.
    Arrive {
        course: usize,
        photos: u32,
        apart: u64,
    },
    /// An instance takes work from now on.
    Ready(usize),
    /// An instance has finished what it claimed.
    Done(usize),
    /// What a lost instance held may be claimed by others.
    LeaseOver(Claim),
    Place,
    Scale,
    FaultBegins(usize),
    FaultEnds(usize),
}

/// An event at a time; of those at the same time, the one that was planned first comes first.
#[derive(Clone, Copy, Debug)]
struct Planned {
    at: Timestamp,
    sequence: u64,
    event: Event,
}

impl Ord for Planned {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.sequence).cmp(&(self.at, self.sequence))
    }
}

impl PartialOrd for Planned {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Planned {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Planned {}

/// A run under a policy.
pub(crate) struct Run<'a> {
    scenario: &'a Scenario,
    traffic: &'a Traffic,
    forecasts: &'a [Vec<Foreseen>],
    policy: Policy,
    now: Timestamp,
    planned: BinaryHeap<Planned>,
    sequence: u64,
    next_upload: usize,
    world: World,
    fleets: Fleets,
    tally: Tally,
    random: ChaCha8Rng,
    /// Of each region.
    controls: Vec<Control>,
    /// The instances that each fault slowed down.
    slowed: Vec<Vec<usize>>,
    /// The mean size of a photo, in megapixels.
    mean_megapixels: f64,
}

/// What the controller of a region remembers.
struct Control {
    scale: ScalePolicy,
    memory: ScaleMemory,
    recommended: Recommended,
    arriving: Arriving,
    /// What its machine takes in, where its instances share one.
    taken_in: Arrived,
}

/// Runs a scenario under a policy.
pub(crate) fn run(scenario: &Scenario, traffic: &Traffic, forecasts: &[Vec<Foreseen>], policy: Policy) -> Outcome {
    let mut run = Run::new(scenario, traffic, forecasts, policy);
    run.begin();
    while run.step() {}
    run.end()
}

impl<'a> Run<'a> {
    fn new(scenario: &'a Scenario, traffic: &'a Traffic, forecasts: &'a [Vec<Foreseen>], policy: Policy) -> Self {
        let regions = scenario.regions.len();
        let scale = policy.scale(&scenario.scale);
        let control = |region| Control {
            scale: ScalePolicy { time_zone: Place::of(region).time_zone, ..scale.clone() },
            memory: ScaleMemory::default(),
            recommended: Recommended::default(),
            arriving: Arriving::default(),
            taken_in: Arrived::new(),
        };
        let uploads = &traffic.uploads;
        let (photos, megapixels) = uploads.iter().fold((0.0, 0.0), |(photos, megapixels), upload| {
            (photos + f64::from(upload.photos), megapixels + upload.total_megapixels())
        });
        Self {
            scenario,
            traffic,
            forecasts,
            policy,
            now: scenario.begins_at(),
            planned: BinaryHeap::new(),
            sequence: 0,
            next_upload: 0,
            world: World::new(regions, scenario.promises, scenario.promise_from),
            fleets: Fleets::new(regions),
            tally: Tally::new(scenario),
            random: ChaCha8Rng::seed_from_u64(scenario.seed),
            controls: scenario.regions.iter().map(control).collect(),
            slowed: vec![Vec::new(); scenario.faults.len()],
            mean_megapixels: if photos > 0.0 { megapixels / photos } else { 24.0 },
        }
    }

    /// The fleets that stand at the beginning, the first decisions, and what will go wrong.
    fn begin(&mut self) {
        for region in 0..self.controls.len() {
            let number = match self.policy {
                Policy::Procession | Policy::Calendar | Policy::Promises => {
                    self.controls[region].scale.standing(self.now)
                }
                Policy::Reactive | Policy::Cron => self.rule(region).least,
                Policy::Fixed => self.scenario.scale.most_instances_in_region,
            };
            for _ in 0..number {
                let instance = self.fleets.start(region, Duration::ZERO, self.now);
                self.ready(instance);
            }
            self.fleets.regions[region].started = 0;
        }
        self.plan(self.now, Event::Scale);
        self.plan(self.now, Event::Place);
        for (index, fault) in self.scenario.faults.iter().enumerate() {
            if let Some((begins, ends)) = fault.span() {
                self.plan(begins, Event::FaultBegins(index));
                self.plan(ends, Event::FaultEnds(index));
            }
        }
    }

    fn plan(&mut self, at: Timestamp, event: Event) {
        self.sequence += 1;
        self.planned.push(Planned { at, sequence: self.sequence, event });
    }

    fn plan_after(&mut self, after: Duration, event: Event) {
        self.plan(self.now.after(after), event);
    }

    /// What happens next. False if it was the end.
    fn step(&mut self) -> bool {
        let upload = self.traffic.uploads.get(self.next_upload);
        let is_over = upload.is_none() && self.world.open.is_empty() && self.now >= self.scenario.ends_at();
        if is_over || self.now > self.scenario.ends_at().after(PATIENCE) {
            return false;
        }
        let first = self.planned.peek().map(|planned| planned.at);
        match upload {
            Some(upload) if first.is_none_or(|at| upload.begins_at <= at) => {
                self.now = upload.begins_at;
                self.next_upload += 1;
                self.open(upload);
            }
            _ => {
                let Some(Planned { at, event, .. }) = self.planned.pop() else { return false };
                self.now = at;
                self.handle(event);
            }
        }
        true
    }

    fn end(self) -> Outcome {
        let regions = 0..self.controls.len();
        let hours = regions.map(|region| self.fleets.hours(region, self.now)).sum();
        let starts = self.fleets.regions.iter().map(|fleet| fleet.started).sum();
        self.tally.outcome(self.policy, hours, starts)
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Arrive { course, photos, apart } => self.arrive(course, photos, apart),
            Event::Ready(instance) => self.ready(instance),
            Event::Done(instance) => self.done(instance),
            Event::LeaseOver(claim) => {
                self.tally.photos_repeated += u64::from(claim.photos);
                self.world.give_back(claim);
                self.serve(self.world.course(claim.course).place);
            }
            Event::Place => {
                self.place();
                self.plan_after(seconds(self.scenario.steps.place_seconds), Event::Place);
            }
            Event::Scale => {
                self.scale();
                self.plan_after(seconds(self.scenario.steps.scale_seconds), Event::Scale);
            }
            Event::FaultBegins(index) => self.fault_begins(index),
            Event::FaultEnds(index) => self.fault_ends(index),
        }
    }

    /// A photographer begins to upload. It goes to the region's own workers, if there are any.
    fn open(&mut self, upload: &crate::Upload) {
        let is_lost = self.fleets.regions[upload.region].lost_at.is_some();
        let place = if is_lost { self.world.shared() } else { upload.region };
        let course = self.world.open(upload, place, self.now);
        let times = (upload.seconds / f64::from(self.scenario.steps.arrival_seconds)).ceil().max(1.0) as u32;
        let photos = upload.photos.div_ceil(times).max(1);
        let apart = (upload.seconds * 1e6 * f64::from(photos) / f64::from(upload.photos.max(1))).max(1.0) as u64;
        self.plan_after(Duration::from_micros(apart), Event::Arrive { course, photos, apart });
    }

    fn arrive(&mut self, course: usize, photos: u32, apart: u64) {
        let of = self.world.course(course);
        let (arriving, left, place) = (photos.min(of.coming), of.coming.saturating_sub(photos), of.place);
        let megapixels = f64::from(arriving) * of.megapixels;
        self.tally.arrived(arriving, megapixels, self.now);
        self.count_arrival(place, megapixels);
        self.world.arrive(course, arriving, self.now);
        if self.scenario.service.machine.is_some() && place < self.controls.len() {
            Machine::arrive(&mut self.controls[place].taken_in, megapixels, self.now);
        }
        if left > 0 {
            self.plan_after(Duration::from_micros(apart), Event::Arrive { course, photos, apart });
        }
        self.serve(place);
        self.tally.waits(self.world.waiting_photos);
    }

    /// Gives work to whoever is idle at a place.
    fn serve(&mut self, place: usize) {
        let regions = if place == self.world.shared() { 0..place } else { place..place + 1 };
        for region in regions {
            while self.world.has_work(region) {
                let Some(instance) = self.fleets.regions[region].idle.pop() else { break };
                self.assign(instance);
            }
        }
    }

    fn ready(&mut self, instance: usize) {
        if matches!(self.fleets.of(instance).state, State::Starting(_)) {
            self.assign(instance);
        }
    }

    /// An instance claims, and begins what it claimed first; or waits for work.
    fn assign(&mut self, number: usize) {
        let (region, draining) = (self.fleets.of(number).region, self.fleets.of(number).draining);
        let pace = self.pace(number);
        while !draining && self.fleets.of(number).ahead.len() <= self.scenario.service.prefetch {
            let claim = self.world.claim(region, pace * f64::from(self.scenario.steps.claim_seconds), self.now);
            let Some(claim) = claim else { break };
            self.fleets.of_mut(number).ahead.push_back(claim);
        }
        let Some(claim) = self.fleets.of_mut(number).ahead.pop_front() else {
            self.fleets.of_mut(number).state = State::Idle;
            self.fleets.regions[region].idle.push(number);
            return;
        };
        self.fleets.of_mut(number).state = State::Busy(claim);
        let spread = self.scenario.service.spread;
        let uneven = Uniform::new_inclusive(1.0 - spread, 1.0 + spread);
        let uneven = uneven.map_or(1.0, |uneven| uneven.sample(&mut self.random));
        // Now it is one of those that are at work.
        let taken = claim.megapixels / self.pace(number) * uneven;
        self.fleets.observe(number, &claim, taken);
        self.plan_after(Duration::from_secs_f64(taken), Event::Done(number));
    }

    /// What an instance does now, in megapixels a second.
    fn pace(&self, number: usize) -> f64 {
        let (service, instance) = (&self.scenario.service, self.fleets.of(number));
        let shared = service.machine.as_ref().map_or(1.0, |machine| {
            let arrived = &self.controls[instance.region].taken_in;
            machine.speed(self.fleets.busy(instance.region), arrived, self.now)
        });
        service.megapixels_per_second * instance.speed * shared
    }

    fn done(&mut self, number: usize) {
        // Who is gone has lost what it held.
        let State::Busy(claim) = self.fleets.of(number).state else { return };
        self.tally.photos_finished += u64::from(claim.photos);
        if let Some(gallery) = self.world.finish(claim) {
            self.tally.finished(gallery, self.now);
        }
        let instance = self.fleets.of(number);
        if instance.draining && instance.ahead.is_empty() {
            self.fleets.of_mut(number).state = State::Idle;
            self.fleets.end(number, self.now);
        } else {
            self.assign(number);
        }
    }

    fn count_arrival(&mut self, place: usize, megapixels: f64) {
        if place < self.controls.len() {
            self.controls[place].arriving.add(megapixels);
            return;
        }
        let parts = self.parts();
        for (control, part) in self.controls.iter_mut().zip(parts) {
            control.arriving.add(megapixels * part);
        }
    }
}

fn seconds(number: u32) -> Duration {
    Duration::from_secs(u64::from(number))
}
