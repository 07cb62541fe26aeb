//! Who decides how many instances there are.

use std::{collections::VecDeque, time::Duration};

use procession_domain::Timestamp;
use procession_plan::{ScalePolicy, scale::Lead};
use serde::{Deserialize, Serialize};

/// Who decides how many instances there are. Everything else is the same for all: the weddings, the faults, the order of
/// claims, the places of galleries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// `plan::scale`, with `plan::forecast` where that is trusted.
    Procession,
    /// `plan::scale` with calendar and deadlines, without forecast and queue ([`Lead::Calendar`]).
    Calendar,
    /// `plan::scale` where the deadlines lead ([`Lead::Deadlines`]). What is promised is kept with as little as possible, and
    /// photos wait for as long as they may.
    Promises,
    /// So many instances for so long a queue: see [`Reactive`].
    Reactive,
    /// The same, and never fewer than the calendar of the scaler's policy keeps standing: KEDA's trigger `cron` beside that of the
    /// queue, which is how one writes that table for it.
    Cron,
    /// As many as there may be, always.
    Fixed,
}

impl Policy {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Procession => "procession",
            Self::Calendar => "calendar",
            Self::Promises => "promises",
            Self::Reactive => "reactive",
            Self::Cron => "cron",
            Self::Fixed => "fixed",
        }
    }
}

impl Policy {
    /// The scaler's policy under this one, where the scenario's is `of`. Where the deadlines lead, next to nothing is kept for what
    /// is uneven.
    pub(crate) fn scale(self, of: &ScalePolicy) -> ScalePolicy {
        match self {
            Self::Calendar => ScalePolicy { lead: Lead::Calendar, ..of.clone() },
            Self::Promises => ScalePolicy { lead: Lead::Deadlines, utilisation: 0.95, ..of.clone() },
            Self::Procession | Self::Reactive | Self::Cron | Self::Fixed => of.clone(),
        }
    }
}

/// The rule of KEDA and the Kubernetes autoscaler below it: the queue, divided by what an instance is to have of it.
///
/// Kubernetes' defaults: at most twice as many or four more every 15 seconds; fewer as soon as fewer have been enough for five
/// minutes. KEDA asks for the queue every 30 seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reactive {
    /// Photos, waiting or in work, for each instance. The default is what an instance does in four minutes.
    pub photos_for_each: u32,
    /// There are never fewer.
    pub least: u32,
    /// There are never more.
    pub most: u32,
    /// Fewer have been enough for so many seconds before there are fewer.
    pub stabilisation_seconds: u32,
}

impl Default for Reactive {
    fn default() -> Self {
        Self { photos_for_each: 500, least: 3, most: 32, stabilisation_seconds: 300 }
    }
}

/// What the rule recommended lately, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Recommended(VecDeque<(Timestamp, u32)>);

impl Reactive {
    /// How many instances there should be, of `current`, with so many photos in the queue. Asked every 30 seconds.
    pub(crate) fn desired(&self, recommended: &mut Recommended, photos: u64, current: u32, now: Timestamp) -> u32 {
        let each = u64::from(self.photos_for_each.max(1));
        let wanted = u32::try_from(photos.div_ceil(each)).unwrap_or(u32::MAX).clamp(self.least, self.most);
        recommended.0.push_back((now, wanted));
        let window = Duration::from_secs(u64::from(self.stabilisation_seconds));
        while recommended.0.front().is_some_and(|(at, _)| now.since(*at) > window) {
            recommended.0.pop_front();
        }
        // Two periods of 15 seconds pass between two questions.
        let quarter = |of: u32| (of * 2).max(of + 4);
        let highest = recommended.0.iter().map(|(_, wanted)| *wanted).max().unwrap_or(wanted);
        if wanted > current { wanted.min(quarter(quarter(current))) } else { highest.min(current) }
            .clamp(self.least, self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_doubles_the_fleet_at_once_and_its_end_waits_five_minutes() {
        let (rule, mut memory) = (Reactive::default(), Recommended::default());
        let at = |seconds| Timestamp::from_micros(0).after(Duration::from_secs(seconds));
        assert_eq!(rule.desired(&mut memory, 0, 3, at(0)), 3);
        assert_eq!(rule.desired(&mut memory, 100_000, 3, at(30)), 14);
        assert_eq!(rule.desired(&mut memory, 100_000, 14, at(60)), 32);
        assert_eq!(rule.desired(&mut memory, 0, 32, at(90)), 32);
        assert_eq!(rule.desired(&mut memory, 4_000, 32, at(361)), 8);
        assert_eq!(rule.desired(&mut memory, 0, 8, at(420)), 8);
    }
}
