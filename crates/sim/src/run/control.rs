//! What the controller of production does, on what it would see.

use std::{collections::HashMap, time::Duration};

use procession_domain::{GalleryId, Timestamp};
use procession_plan::{
    Cluster, FleetSeen, Place, PlacePolicy, Placed, ScaleDecision, Unfinished, critical_times, place, scale,
    scale::{Ahead, Due, Queue},
};

use super::{Control, Event, Run, seconds};
use crate::{Policy, Reactive};

/// So much of a forecast is of interest for a decision.
const AHEAD: Duration = Duration::from_secs(3 * 3_600);

impl Run<'_> {
    /// Where galleries belong, and from when on they are critical.
    pub(super) fn place(&mut self) {
        if self.world.waiting_photos == 0 {
            return;
        }
        let clusters = self.clusters();
        let shared = self.world.shared();
        let name = |place: usize| match place == shared {
            true => Place::Shared,
            false => Place::At(self.scenario.regions[place].clone()),
        };
        let mut indices = Vec::new();
        let mut galleries = Vec::new();
        for (index, course) in self.world.unfinished() {
            indices.push(index);
            galleries.push(Placed {
                unfinished: course.left(),
                waiting_megapixels: f64::from(course.waiting) * course.megapixels,
                place: name(course.place),
            });
        }
        let policy = PlacePolicy::default();
        let placements = place(&galleries, &clusters, &policy, self.now);
        if !placements.is_empty() {
            let numbers = galleries.iter().zip(&indices).map(|(of, index)| (of.unfinished.gallery, *index));
            let numbers: HashMap<GalleryId, usize> = numbers.collect();
            for placement in placements {
                let region = match &placement.place {
                    Place::At(region) => self.scenario.regions.iter().position(|known| known == region),
                    Place::Shared | Place::Undecided => None,
                };
                self.world.put(numbers[&placement.gallery], region.unwrap_or(shared));
            }
        }
        let left: Vec<Unfinished> = galleries.iter().map(|of| of.unfinished).collect();
        let pace: f64 = clusters.iter().filter_map(|cluster| cluster.megapixels_per_second).sum();
        let times = critical_times(&left, (pace > 0.0).then_some(pace), policy.critical_share);
        for (index, at) in indices.into_iter().zip(times) {
            self.world.set_critical(index, at);
        }
        for region in 0..shared {
            self.serve(region);
        }
    }

    /// The regions in which instances take work and are heard of.
    fn clusters(&self) -> Vec<Cluster> {
        let is_heard = |lost: Option<Timestamp>| {
            lost.is_none_or(|at| self.now.since(at) < seconds(self.scenario.service.lease_seconds))
        };
        let heard = self.fleets.regions.iter().enumerate().filter(|(_, fleet)| is_heard(fleet.lost_at));
        let cluster = |(region, _): (usize, _)| {
            let running = self.fleets.running(region);
            let pace = self.speed(region).map(|speed| speed * f64::from(running));
            Cluster {
                region: self.scenario.regions[region].clone(),
                lanes: running as usize * self.scenario.service.lanes,
                megapixels_per_second: pace,
                is_complete: true,
            }
        };
        heard.map(cluster).filter(|cluster| cluster.lanes > 0).collect()
    }

    /// What an instance of a region does, as measured there or else anywhere.
    fn speed(&self, region: usize) -> Option<f64> {
        let fleets = &self.fleets;
        fleets.measured(region).or_else(|| (0..fleets.regions.len()).find_map(|region| fleets.measured(region)))
    }

    /// The part of what is shared that each region does.
    pub(super) fn parts(&self) -> Vec<f64> {
        let running = |region| f64::from(self.fleets.running(region));
        let all: f64 = (0..self.controls.len()).map(running).sum();
        (0..self.controls.len()).map(|region| if all > 0.0 { running(region) / all } else { 0.0 }).collect()
    }

    /// How many instances there are from now on, everywhere.
    pub(super) fn scale(&mut self) {
        let parts = self.parts();
        for (region, part) in parts.into_iter().enumerate() {
            if self.fleets.regions[region].lost_at.is_some() {
                continue;
            }
            match self.policy {
                Policy::Procession | Policy::Calendar | Policy::Promises => self.decide(region, part),
                Policy::Reactive | Policy::Cron => self.react(region, part),
                Policy::Fixed => {
                    // What is lost is replaced.
                    self.carry_out(region, self.scenario.scale.most_instances_in_region);
                }
            }
        }
        let alive: Vec<u32> = (0..self.controls.len()).map(|region| self.fleets.alive(region)).collect();
        self.tally.look(&alive, self.world.waiting_photos, self.now);
    }

    /// `plan::scale`.
    fn decide(&mut self, region: usize, part: f64) {
        let seen = self.seen(region, part);
        let memory = std::mem::take(&mut self.controls[region].memory);
        let ScaleDecision { desired, cause, memory, .. } = scale(&self.controls[region].scale, &seen, memory, self.now);
        self.controls[region].memory = memory;
        if desired != seen.instances.wanted() {
            self.tally.decided(&format!("{cause:?}").to_lowercase());
            self.carry_out(region, desired);
        }
    }

    /// What the scaler of a region sees.
    fn seen(&mut self, region: usize, part: f64) -> FleetSeen {
        let shared = self.world.shared();
        let of = |place: usize| if place == shared { part } else { f64::from(u8::from(place == region)) };
        let mut queue = Queue::default();
        let mut photos = 0.0;
        for place in [region, shared] {
            for course in self.world.queue(place) {
                photos += f64::from(course.waiting) * of(place);
                queue.megapixels += f64::from(course.waiting) * course.megapixels * of(place);
                let wait = course.waits_since().map_or(Duration::ZERO, |since| self.now.since(since));
                queue.oldest_wait = queue.oldest_wait.max(wait);
            }
        }
        queue.photos = photos.round() as u64;
        let due = self.world.unfinished().filter(|(_, course)| of(course.place) > 0.0).map(|(_, course)| Due {
            urgency: course.rank.urgency,
            deadline: course.rank.deadline,
            margin: course.margin,
            megapixels: f64::from(course.waiting + course.working) * course.megapixels * of(course.place),
        });
        let due = due.collect();
        FleetSeen {
            instances: self.fleets.seen(region),
            others_in_region: 0,
            queue,
            arriving_megapixels_per_second: self.controls[region].arriving.rate(self.now),
            due,
            megapixels_per_second: self.speed(region),
            ahead: self.ahead(region),
        }
    }

    /// What the forecast of a region expects in the next hours.
    fn ahead(&self, region: usize) -> Option<Ahead> {
        let elapsed = self.now.since(self.scenario.begins_at()).as_secs();
        let forecasts = self.forecasts.get(region)?;
        let number = (elapsed / u64::from(self.scenario.steps.forecast_seconds)) as usize;
        let made = forecasts.get(number.min(forecasts.len().checked_sub(1)?))?;
        let hour = Duration::from_secs(3_600);
        let until = self.now.after(AHEAD);
        let near = made.hours.iter().filter(|expected| expected.from < until && expected.from.after(hour) > self.now);
        let hours = near.copied().collect();
        Some(Ahead { trusted: made.trusted, hours, megapixels_per_photo: self.mean_megapixels })
    }

    /// The rule to compare with, as it is now.
    pub(super) fn rule(&self, region: usize) -> Reactive {
        let rule = self.scenario.reactive;
        match self.policy {
            Policy::Cron => {
                let least = self.controls[region].scale.standing(self.now).max(rule.least);
                Reactive { least, most: rule.most.max(least), ..rule }
            }
            _ => rule,
        }
    }

    /// The rule to compare with.
    fn react(&mut self, region: usize, part: f64) {
        let shared = self.world.shared();
        let of = |place: usize| if place == shared { part } else { f64::from(u8::from(place == region)) };
        let unfinished = self.world.unfinished();
        let photos: f64 =
            unfinished.map(|(_, course)| f64::from(course.waiting + course.working) * of(course.place)).sum();
        let current = self.fleets.seen(region).wanted();
        let rule = self.rule(region);
        let Control { recommended, .. } = &mut self.controls[region];
        let desired = rule.desired(recommended, photos.round() as u64, current, self.now);
        if desired != current {
            self.tally.decided(if desired > current { "queue" } else { "quiet" });
            self.carry_out(region, desired);
        }
    }

    /// Starts instances, or lets some go.
    fn carry_out(&mut self, region: usize, desired: u32) {
        let wanted = self.fleets.seen(region).wanted();
        if desired <= wanted {
            self.fleets.let_go(region, wanted - desired, self.now);
            return;
        }
        let more = desired - wanted;
        let taken = self.fleets.take_back(region, more);
        let warm_up = Duration::from_secs_f64(self.scenario.service.warm_up_seconds);
        let expected = seconds(self.controls[region].scale.warm_up_seconds);
        for _ in taken..more {
            let instance = self.fleets.start(region, expected, self.now);
            self.plan_after(warm_up + self.delay(), Event::Ready(instance));
        }
    }
}
