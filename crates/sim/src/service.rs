//! How fast instances work.

use serde::{Deserialize, Serialize};

/// How fast an instance works, and how soon it does.
///
/// The default is an assumption: an instance with a GPU of the class that the mission names does an eighth of a cluster's
/// 1,000 photos of 24 megapixels a minute, which is 50 megapixels a second. What was measured is the CPU worker: 173 photos
/// of 26 megapixels a minute on 2 cores, models included (docs/performance.md, 2026-11-24), which is 75 megapixels a second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServiceTimes {
    /// Megapixels that an instance finishes in a second, on average.
    pub megapixels_per_second: f64,
    /// What is claimed at a time takes between one less this and one plus this part of its mean time, evenly.
    pub spread: f64,
    /// Photos that an instance works on at a time.
    pub lanes: usize,
    /// How long an instance takes from its start until it takes work, in seconds. Assumed: a node with a GPU, its image, its
    /// models.
    pub warm_up_seconds: u32,
    /// How long what a lost instance held is missed before others may claim it, in seconds: a lease. Measured: work went on
    /// 10 s after a worker was killed (docs/performance.md, drills).
    pub lease_seconds: u32,
}

impl Default for ServiceTimes {
    fn default() -> Self {
        Self { megapixels_per_second: 50.0, spread: 0.1, lanes: 16, warm_up_seconds: 300, lease_seconds: 10 }
    }
}
