//! What came of a run.

use std::collections::BTreeMap;

use procession_domain::{Timestamp, urgency::Urgency};
use serde::Serialize;

use crate::{Policy, Scenario, world::Finished};

/// What came of a run under a policy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// Who decided how many instances there were.
    pub policy: Policy,
    /// Galleries by class, the most urgent first.
    pub classes: Vec<Class>,
    /// Photos that arrived, and those that were finished. Both are the same, or photos were lost.
    pub photos_arrived: u64,
    /// See `photos_arrived`.
    pub photos_finished: u64,
    /// Photos that an instance held when it was lost, and that were done again by another.
    pub photos_repeated: u64,
    /// Hours of all instances, from their start (warm-up included) to their end.
    pub instance_hours: f64,
    /// Of each region: the most instances at a time.
    pub peak_instances: Vec<u32>,
    /// Instances that were started, those at the beginning not counted.
    pub starts: u64,
    /// How many decisions changed something, by what decided.
    pub decisions: BTreeMap<String, u64>,
    /// The most photos that waited at a time.
    pub peak_waiting_photos: u64,
    /// The galleries that the scenario lists, as they were finished.
    pub completed: Vec<Completed>,
    /// What happened over time.
    pub samples: Vec<Sample>,
}

/// A gallery that a scenario lists, when it was finished.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Completed {
    /// Its place in the scenario's list.
    pub listed: usize,
    /// When its last photo arrived, in seconds from the beginning.
    pub arrived_seconds: f64,
    /// When all of it was finished.
    pub finished_seconds: f64,
}

/// The galleries of a class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Class {
    /// The class.
    pub urgency: Urgency,
    /// Galleries that were finished.
    pub galleries: u64,
    /// Those of them that were finished after their deadline.
    pub missed: u64,
    /// The most by which one was late, in seconds.
    pub worst_late_seconds: f64,
    /// The least that one had to spare, in seconds; negative if it was late. None without galleries.
    pub least_spare_seconds: Option<f64>,
    /// From the arrival of a gallery's last photo until all of it was finished: half of the galleries took less, in seconds.
    pub median_seconds: f64,
    /// 99 in a hundred took less.
    pub p99_seconds: f64,
}

/// A stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Sample {
    /// When it begins, in seconds from the beginning of the scenario.
    pub from_seconds: u64,
    /// Megapixels that arrived in a second, on average.
    pub arrived_megapixels_per_second: f64,
    /// Instances of each region, on average.
    pub instances: Vec<f64>,
    /// The most photos that waited.
    pub waiting_photos: u64,
    /// Galleries that were finished too late.
    pub missed: u64,
}

/// Counts while a run goes on.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) classes: Vec<Class>,
    pub(crate) photos_arrived: u64,
    pub(crate) photos_finished: u64,
    pub(crate) photos_repeated: u64,
    pub(crate) decisions: BTreeMap<String, u64>,
    pub(crate) peaks: Vec<u32>,
    peak_waiting: u64,
    completed: Vec<Completed>,
    /// Of each class, how long each gallery took.
    took: Vec<Vec<f32>>,
    begins_at: Timestamp,
    step_seconds: u64,
    samples: Vec<Sample>,
    /// Of each sample: how often the instances were counted.
    counted: Vec<u32>,
}

/// About so many points in a chart.
const SAMPLES: u64 = 480;

impl Tally {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let (begins_at, ends_at) = (scenario.begins_at(), scenario.ends_at());
        let least = u64::from(scenario.steps.scale_seconds) * 2;
        let class = |urgency| Class {
            urgency,
            galleries: 0,
            missed: 0,
            worst_late_seconds: 0.0,
            least_spare_seconds: None,
            median_seconds: 0.0,
            p99_seconds: 0.0,
        };
        Self {
            classes: Urgency::ALL.map(class).to_vec(),
            photos_arrived: 0,
            photos_finished: 0,
            photos_repeated: 0,
            decisions: BTreeMap::new(),
            peaks: vec![0; scenario.regions.len()],
            peak_waiting: 0,
            completed: Vec::new(),
            took: vec![Vec::new(); Urgency::ALL.len()],
            begins_at,
            step_seconds: (ends_at.since(begins_at).as_secs() / SAMPLES).max(least),
            samples: Vec::new(),
            counted: Vec::new(),
        }
    }

    fn sample(&mut self, now: Timestamp) -> &mut Sample {
        let index = (now.since(self.begins_at).as_secs() / self.step_seconds) as usize;
        while self.samples.len() <= index {
            let from_seconds = self.samples.len() as u64 * self.step_seconds;
            let instances = vec![0.0; self.peaks.len()];
            self.samples.push(Sample { from_seconds, instances, ..Sample::default() });
            self.counted.push(0);
        }
        &mut self.samples[index]
    }

    pub(crate) fn arrived(&mut self, photos: u32, megapixels: f64, now: Timestamp) {
        self.photos_arrived += u64::from(photos);
        let seconds = self.step_seconds as f64;
        self.sample(now).arrived_megapixels_per_second += megapixels / seconds;
    }

    pub(crate) fn finished(&mut self, gallery: Finished, now: Timestamp) {
        let spare = (gallery.deadline.micros() - now.micros()) as f64 / 1e6;
        let classes = self.classes.iter_mut().zip(&mut self.took);
        for (class, took) in classes.filter(|(class, _)| class.urgency == gallery.urgency) {
            took.push(now.since(gallery.arrived_at).as_secs_f32());
            class.galleries += 1;
            class.missed += u64::from(spare < 0.0);
            class.worst_late_seconds = class.worst_late_seconds.max(-spare);
            class.least_spare_seconds = Some(class.least_spare_seconds.map_or(spare, |least| least.min(spare)));
        }
        let since = |at: Timestamp| at.since(self.begins_at).as_secs_f64();
        self.completed.extend(gallery.listed.map(|listed| Completed {
            listed,
            arrived_seconds: since(gallery.arrived_at),
            finished_seconds: since(now),
        }));
        if spare < 0.0 {
            self.sample(now).missed += 1;
        }
    }

    /// So many photos wait.
    pub(crate) fn waits(&mut self, photos: u64) {
        self.peak_waiting = self.peak_waiting.max(photos);
    }

    /// How many instances there are, and how many photos wait.
    pub(crate) fn look(&mut self, instances: &[u32], waiting: u64, now: Timestamp) {
        for (peak, number) in self.peaks.iter_mut().zip(instances) {
            *peak = (*peak).max(*number);
        }
        let sample = self.sample(now);
        sample.waiting_photos = sample.waiting_photos.max(waiting);
        for (sum, number) in sample.instances.iter_mut().zip(instances) {
            *sum += f64::from(*number);
        }
        if let Some(counted) = self.counted.get_mut((now.since(self.begins_at).as_secs() / self.step_seconds) as usize)
        {
            *counted += 1;
        }
    }

    pub(crate) fn decided(&mut self, cause: &str) {
        *self.decisions.entry(cause.to_owned()).or_insert(0) += 1;
    }

    pub(crate) fn outcome(mut self, policy: Policy, instance_hours: f64, starts: u64) -> Outcome {
        for (sample, counted) in self.samples.iter_mut().zip(&self.counted) {
            sample.instances.iter_mut().for_each(|sum| *sum /= f64::from((*counted).max(1)));
        }
        for (class, took) in self.classes.iter_mut().zip(&mut self.took) {
            took.sort_by(f32::total_cmp);
            let part = |part: f64| took.get((took.len() as f64 * part) as usize).map_or(0.0, |took| f64::from(*took));
            (class.median_seconds, class.p99_seconds) = (part(0.5), part(0.99));
        }
        Outcome {
            policy,
            classes: self.classes,
            photos_arrived: self.photos_arrived,
            photos_finished: self.photos_finished,
            photos_repeated: self.photos_repeated,
            instance_hours,
            peak_instances: self.peaks,
            starts,
            decisions: self.decisions,
            peak_waiting_photos: self.peak_waiting,
            completed: self.completed,
            samples: self.samples,
        }
    }
}

impl Outcome {
    /// All galleries that were finished.
    pub fn galleries(&self) -> u64 {
        self.classes.iter().map(|class| class.galleries).sum()
    }

    /// Those that were finished too late.
    pub fn missed(&self) -> u64 {
        self.classes.iter().map(|class| class.missed).sum()
    }

    /// The part that was finished in time, 0 to 1.
    pub fn in_time(&self) -> f64 {
        1.0 - self.missed() as f64 / self.galleries().max(1) as f64
    }

    /// The most by which a gallery was late, in seconds.
    pub fn worst_late_seconds(&self) -> f64 {
        self.classes.iter().map(|class| class.worst_late_seconds).fold(0.0, f64::max)
    }
}
