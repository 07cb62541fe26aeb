//! The figures that decide how a fleet is scaled.

use std::time::Duration;

use jiff::civil::{Date, Weekday};
use procession_domain::{Timestamp, gallery::TimeZoneName, urgency::Urgency};
use serde::{Deserialize, Serialize};

use crate::forecast::Level;

/// How a fleet is scaled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScalePolicy {
    /// Instances that are always there in the off season. The default is the most of which ten times fit under the limit.
    pub base_instances: u32,
    /// All fleets of a region together have at most so many.
    pub most_instances_in_region: u32,
    /// With so many photos in the queue a fleet grows, in a season that has no trigger of its own.
    pub grow_at_photos: u64,
    /// With more photos in the queue than this, no fleet shrinks.
    pub shrink_at_photos: u64,
    /// How long an instance takes from its start until it takes work, in seconds: a node with a GPU, its image, its models.
    pub warm_up_seconds: u32,
    /// What the queue asks for is at least so long apart, in seconds. Deadlines wait for nothing.
    pub grow_cool_down_seconds: u32,
    /// A fleet shrinks only to what was enough in the last so many seconds, and not sooner after it grew or shrank.
    pub shrink_window_seconds: u32,
    /// At most this part of the instances goes at once, and at least one.
    pub shrink_step: f64,
    /// The part of its time for which an instance is planned, 0 to 1. The rest is for what is uneven.
    pub utilisation: f64,
    /// The quantile of the forecast that capacity is made for.
    pub forecast_level: Level,
    /// Capacity is there so many seconds before the hour that needs it.
    pub forecast_lead_seconds: u32,
    /// What an instance does in a second before it was measured, in megapixels. The default is 1,000 photos of 24
    /// megapixels a minute by 8 instances.
    pub assumed_megapixels_per_second: f64,
    /// What leads.
    pub lead: Lead,
    /// The calendar.
    pub seasons: Seasons,
    /// Whose months and Saturdays: that of the region's venues.
    pub time_zone: TimeZoneName,
}

impl Default for ScalePolicy {
    fn default() -> Self {
        Self {
            base_instances: 3,
            most_instances_in_region: 32,
            grow_at_photos: 500,
            shrink_at_photos: 50,
            warm_up_seconds: 300,
            grow_cool_down_seconds: 60,
            shrink_window_seconds: 600,
            shrink_step: 0.5,
            utilisation: 0.8,
            forecast_level: Level::P90,
            forecast_lead_seconds: 300,
            assumed_megapixels_per_second: 50.0,
            lead: Lead::Forecast,
            seasons: Seasons::default(),
            time_zone: TimeZoneName::utc(),
        }
    }
}

/// What leads a fleet (docs/decisions/0018-calendar-or-deadlines.md).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lead {
    /// What the calendar keeps standing, what a trusted forecast expects, what the queue asks for, and what the deadlines
    /// demand: photos hardly wait.
    #[default]
    Forecast,
    /// What the calendar keeps standing, and what the deadlines demand.
    Calendar,
    /// What the deadlines demand: the base stands, and more come only when a gallery would else be late. Photos wait for as long
    /// as they may.
    Deadlines,
}

impl Lead {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Forecast, Self::Calendar, Self::Deadlines];

    /// The name in configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Forecast => "forecast",
            Self::Calendar => "calendar",
            Self::Deadlines => "deadlines",
        }
    }
}

/// A time of the year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Season {
    /// Weddings every weekend.
    Peak,
    /// Before and after the peak.
    Moderate,
    /// The rest.
    Off,
}

impl Season {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Peak, Self::Moderate, Self::Off];

    /// The name in configuration, JSON and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Peak => "peak",
            Self::Moderate => "moderate",
            Self::Off => "off",
        }
    }
}

/// What holds in a season.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeasonRules {
    /// The base capacity is multiplied by this.
    pub base_times: f64,
    /// On Saturdays it is multiplied by this instead.
    pub saturday_times: f64,
    /// With so many photos in the queue the fleet grows. None: the policy's figure.
    pub grow_at_photos: Option<u64>,
    /// When a photo has waited so many minutes the fleet grows.
    pub grow_at_wait_minutes: u32,
    /// Galleries of this class, and more urgent ones, are planned to be finished with their margin to spare. The others are
    /// planned to be finished by their deadline.
    pub watched: Urgency,
}

/// The calendar of a region.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Seasons {
    /// The season of each month, January first. The default is that of the northern hemisphere.
    pub months: [Season; 12],
    /// What holds in the peak.
    pub peak: SeasonRules,
    /// What holds before and after it.
    pub moderate: SeasonRules,
    /// What holds in the rest of the year.
    pub off: SeasonRules,
}

impl Default for Seasons {
    fn default() -> Self {
        use Season::{Moderate, Off, Peak};
        let rules = |base_times, saturday_times, photos, grow_at_wait_minutes, watched| SeasonRules {
            base_times,
            saturday_times,
            grow_at_photos: Some(photos),
            grow_at_wait_minutes,
            watched,
        };
        Self {
            months: [Off, Off, Moderate, Moderate, Peak, Peak, Peak, Peak, Peak, Moderate, Off, Off],
            peak: rules(4.0, 8.0, 200, 5, Urgency::SameDayWedding),
            moderate: rules(2.0, 4.0, 500, 15, Urgency::NextDayDelivery),
            off: rules(1.0, 2.0, 1_000, 30, Urgency::StandardDelivery),
        }
    }
}

impl Seasons {
    /// The same calendar half a year later: that of the southern hemisphere.
    #[must_use]
    pub fn southern(self) -> Self {
        let mut months = self.months;
        months.rotate_left(6);
        Self { months, ..self }
    }

    /// The season of a day.
    pub fn of(&self, date: Date) -> Season {
        let month = usize::from(date.month().unsigned_abs());
        self.months.get(month.saturating_sub(1)).copied().unwrap_or(Season::Off)
    }

    /// What holds in a season.
    pub fn rules(&self, season: Season) -> &SeasonRules {
        match season {
            Season::Peak => &self.peak,
            Season::Moderate => &self.moderate,
            Season::Off => &self.off,
        }
    }
}

impl ScalePolicy {
    /// The day at `now` where the venues are.
    pub fn today(&self, now: Timestamp) -> Date {
        self.time_zone.rules().to_datetime(now.calendar()).date()
    }

    /// What holds at `now`.
    pub(super) fn rules_at(&self, now: Timestamp) -> &SeasonRules {
        self.seasons.rules(self.seasons.of(self.today(now)))
    }

    /// The instances that the calendar keeps standing at `now`.
    pub fn standing(&self, now: Timestamp) -> u32 {
        if self.lead == Lead::Deadlines {
            return self.base_instances;
        }
        let rules = self.rules_at(now);
        let saturday = self.today(now).weekday() == Weekday::Saturday;
        let times = if saturday { rules.saturday_times } else { rules.base_times };
        super::instances(f64::from(self.base_instances) * times)
    }

    /// How long an instance takes until it takes work.
    pub fn warm_up(&self) -> Duration {
        Duration::from_secs(u64::from(self.warm_up_seconds))
    }
}
