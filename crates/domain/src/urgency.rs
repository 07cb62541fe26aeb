//! How soon a gallery is due.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The urgency class of a gallery. `plan::urgency` finds it from the wedding's date in the venue's time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// Photos from today's wedding.
    SameDayWedding,
    /// The wedding was yesterday.
    NextDayDelivery,
    /// The wedding was two or more days ago, lies ahead, or has no known date.
    StandardDelivery,
}

impl Urgency {
    /// All classes, the most urgent first.
    pub const ALL: [Self; 3] = [Self::SameDayWedding, Self::NextDayDelivery, Self::StandardDelivery];

    /// The name in configuration, JSON and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::SameDayWedding => "same_day_wedding",
            Self::NextDayDelivery => "next_day_delivery",
            Self::StandardDelivery => "standard_delivery",
        }
    }
}

/// What an urgency class is promised.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promise {
    /// Share of the resources under contention, relative to the other classes.
    pub weight: f64,
    /// Completion is guaranteed so many minutes after the gallery's latest photo arrived.
    pub complete_within_minutes: u32,
}

impl Promise {
    /// The guaranteed time to completion.
    pub fn complete_within(&self) -> Duration {
        Duration::from_secs(u64::from(self.complete_within_minutes) * 60)
    }
}

/// What each class is promised. The default is 5/3/1 and 30 minutes, 2 hours, 24 hours.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Promises {
    /// Today's wedding.
    pub same_day_wedding: Promise,
    /// Yesterday's wedding.
    pub next_day_delivery: Promise,
    /// Everything else.
    pub standard_delivery: Promise,
}

impl Default for Promises {
    fn default() -> Self {
        Self {
            same_day_wedding: Promise { weight: 5.0, complete_within_minutes: 30 },
            next_day_delivery: Promise { weight: 3.0, complete_within_minutes: 2 * 60 },
            standard_delivery: Promise { weight: 1.0, complete_within_minutes: 24 * 60 },
        }
    }
}

impl Promises {
    /// The promise of one class.
    pub fn of(&self, urgency: Urgency) -> Promise {
        match urgency {
            Urgency::SameDayWedding => self.same_day_wedding,
            Urgency::NextDayDelivery => self.next_day_delivery,
            Urgency::StandardDelivery => self.standard_delivery,
        }
    }
}
