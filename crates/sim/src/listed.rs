//! Galleries that arrive as a scenario says, one by one.

use std::time::Duration;

use procession_domain::{Region, urgency::Urgency};
use serde::{Deserialize, Serialize};

use crate::{Scenario, Upload};

/// A gallery that a scenario lists, beside those of its made-up weddings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// What people call it.
    pub name: String,
    /// Its class.
    pub urgency: Urgency,
    /// Where it is uploaded; by default to the first region.
    pub region: Option<Region>,
    /// When its first photo begins to arrive, in seconds from the beginning.
    pub at_seconds: f64,
    /// How many photos.
    pub photos: u32,
    /// For how long they arrive, evenly, in seconds.
    pub upload_seconds: f64,
    /// The size of each, in megapixels.
    pub megapixels: f64,
}

impl Listed {
    /// The same as what arrives; `number` is its place in the scenario's list.
    pub(crate) fn upload(&self, number: usize, scenario: &Scenario) -> Upload {
        let region = self.region.as_ref().and_then(|name| scenario.regions.iter().position(|region| region == name));
        Upload {
            begins_at: scenario.begins_at().after(Duration::from_secs_f64(self.at_seconds)),
            seconds: self.upload_seconds,
            region: region.unwrap_or(0),
            urgency: self.urgency,
            photos: self.photos,
            megapixels: self.megapixels,
            listed: Some(number),
        }
    }

    /// Whether it can be.
    pub(crate) fn is_sound(&self, regions: &[Region]) -> bool {
        let within = |figure: f64, least: f64| (least..=1e7).contains(&figure);
        self.region.as_ref().is_none_or(|region| regions.contains(region))
            && self.photos > 0
            && within(self.at_seconds, 0.0)
            && within(self.upload_seconds, 0.0)
            && within(self.megapixels, 0.01)
    }
}
