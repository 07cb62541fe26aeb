//! What goes wrong.

use jiff::civil::Date;
use procession_domain::{Region, Timestamp};
use serde::{Deserialize, Serialize};

/// Something that goes wrong at a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// Instances are gone, with what they held.
    LostInstances {
        /// When.
        at: Timestamp,
        /// Where.
        region: Region,
        /// How many of those that take work.
        instances: u32,
    },
    /// Instances are slower than they were.
    SlowInstances {
        /// When.
        at: Timestamp,
        /// For how long.
        minutes: u32,
        /// Where.
        region: Region,
        /// How many of those that take work.
        instances: u32,
        /// Their speed, as a part of the ordinary.
        speed: f64,
    },
    /// A region is gone with all its instances, and starts none.
    LostRegion {
        /// When.
        at: Timestamp,
        /// For how long.
        minutes: u32,
        /// Which.
        region: Region,
    },
    /// Instances that are started meanwhile are late. Nobody is told.
    LateAutoscaler {
        /// When.
        at: Timestamp,
        /// For how long.
        minutes: u32,
        /// How much later they are ready.
        delay_minutes: u32,
    },
    /// There are more weddings than the calendar knows of, or fewer.
    OtherDemand {
        /// The first day.
        from: Date,
        /// The day after the last.
        until: Date,
        /// How many weddings there are of those that were to be expected.
        factor: f64,
    },
}

impl Fault {
    /// When it begins and ends; none if it is in the weddings themselves.
    pub(crate) fn span(&self) -> Option<(Timestamp, Timestamp)> {
        let span =
            |at: Timestamp, minutes: u32| (at, at.after(std::time::Duration::from_secs(u64::from(minutes) * 60)));
        match self {
            Self::LostInstances { at, .. } => Some((*at, *at)),
            Self::SlowInstances { at, minutes, .. }
            | Self::LostRegion { at, minutes, .. }
            | Self::LateAutoscaler { at, minutes, .. } => Some(span(*at, *minutes)),
            Self::OtherDemand { .. } => None,
        }
    }
}
