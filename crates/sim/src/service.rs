//! How fast instances work.

use std::{collections::VecDeque, time::Duration};

use procession_domain::Timestamp;
use serde::{Deserialize, Serialize};

/// How fast an instance works, and how soon it does.
///
/// The default is an assumption: an instance with a GPU of the class that the mission names does an eighth of a cluster's
/// 1,000 photos of 24 megapixels a minute, which is 50 megapixels a second. What was measured is the CPU worker: 173 photos
/// of 26 megapixels a minute on 2 cores, models included (docs/performance.md, 2026-11-24), which is 75 megapixels a second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServiceTimes {
    /// Megapixels that an instance finishes in a second, on average.
    pub megapixels_per_second: f64,
    /// What is claimed at a time takes between one less this and one plus this part of its mean time, evenly.
    pub spread: f64,
    /// Photos that an instance works on at a time.
    pub lanes: usize,
    /// Claims that an instance holds beside the one that it works on, so that the next one's bytes are there.
    pub prefetch: usize,
    /// How long an instance takes from its start until it takes work, in seconds. Assumed: a node with a GPU, its image, its
    /// models.
    pub warm_up_seconds: f64,
    /// How long what a lost instance held is missed before others may claim it, in seconds: a lease. Measured: work went on
    /// 10 s after a worker was killed (docs/performance.md, drills).
    pub lease_seconds: u32,
    /// All instances of a region are on one machine, and slow each other down. By default each has its own.
    pub machine: Option<Machine>,
}

impl Default for ServiceTimes {
    fn default() -> Self {
        Self {
            megapixels_per_second: 50.0,
            spread: 0.1,
            lanes: 16,
            prefetch: 0,
            warm_up_seconds: 300.0,
            lease_seconds: 10,
            machine: None,
        }
    }
}

/// A machine that several instances share with what takes photos in. `cargo xtask bench simulation` measures its figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// Its processors.
    pub cores: f64,
    /// The processors that one instance at work keeps busy.
    pub cores_each: f64,
    /// The speed of each instance as a part of `megapixels_per_second`, with one at work, with two, and so on; with more than
    /// are listed, the last one's capacity is shared.
    pub speeds: Vec<f64>,
    /// What the arrival of a megapixel takes of a processor, in seconds: it is received, checked, written, and its first look is
    /// made.
    pub arrival_core_seconds: f64,
}

/// What arrives takes its part of the machine for about so long.
const ARRIVAL: Duration = Duration::from_secs(4);

/// What has arrived lately, and when.
pub(crate) type Arrived = VecDeque<(Timestamp, f64)>;

impl Machine {
    /// The speed of an instance as a part of the ordinary one, with so many at work and so many megapixels just arrived.
    ///
    /// Each that works wants its processors, and what arrives wants its part; where there are not enough, all get the same part
    /// of what they want. What was measured without arrivals has the first of these shortages in it already.
    pub(crate) fn speed(&self, busy: usize, arrived: &Arrived, now: Timestamp) -> f64 {
        let busy = busy.max(1);
        let listed = self.speeds.get(busy - 1).copied();
        let shared = || self.speeds.last().map_or(1.0, |last| last * self.speeds.len() as f64 / busy as f64);
        let recent = arrived.iter().filter(|(at, _)| now.since(*at) < ARRIVAL);
        let megapixels: f64 = recent.map(|(_, megapixels)| megapixels).sum();
        let arrivals = megapixels * self.arrival_core_seconds / ARRIVAL.as_secs_f64();
        let part = |wanted: f64| (self.cores / wanted).min(1.0);
        listed.unwrap_or_else(shared) * part(busy as f64 * self.cores_each + arrivals)
            / part(busy as f64 * self.cores_each)
    }

    /// Whether it can be.
    pub(crate) fn is_sound(&self) -> bool {
        let within = |figure: f64| (0.01..=1e6).contains(&figure);
        within(self.cores)
            && within(self.cores_each)
            && self.speeds.iter().all(|speed| within(*speed))
            && self.arrival_core_seconds >= 0.0
    }

    /// Takes in what arrives, and forgets what arrived long ago.
    pub(crate) fn arrive(arrived: &mut Arrived, megapixels: f64, now: Timestamp) {
        arrived.push_back((now, megapixels));
        while arrived.front().is_some_and(|(at, _)| now.since(*at) >= ARRIVAL) {
            arrived.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_of_one_machine_slow_each_other_down_and_arrivals_all_of_them() {
        let machine = Machine { cores: 2.0, cores_each: 1.0, speeds: vec![1.0, 0.9, 0.6], arrival_core_seconds: 0.01 };
        let at = |seconds| Timestamp::from_micros(0).after(Duration::from_secs(seconds));
        let mut arrived = Arrived::new();
        let speed = |busy, arrived: &Arrived| machine.speed(busy, arrived, at(10));
        for (busy, expected) in [(0, 1.0), (1, 1.0), (2, 0.9), (3, 0.6), (6, 0.3)] {
            assert!((speed(busy, &arrived) - expected).abs() < 1e-9, "{busy}");
        }
        // 200 megapixels in 4 seconds take half a processor.
        Machine::arrive(&mut arrived, 1_000.0, at(2));
        Machine::arrive(&mut arrived, 200.0, at(9));
        assert_eq!(arrived.len(), 1);
        assert!((speed(1, &arrived) - 1.0).abs() < 1e-9);
        assert!((speed(2, &arrived) - 0.9 * 2.0 / 2.5).abs() < 1e-9);
        assert!((speed(3, &arrived) - 0.6 * 3.0 / 3.5).abs() < 1e-9);
    }
}
