//! What is simulated.

use jiff::civil::Date;
use procession_domain::{Region, Timestamp, urgency::Promises};
use procession_plan::{ScalePolicy, forecast::ForecastPolicy};
use serde::{Deserialize, Serialize};

use crate::{Error, Fault, Listed, Machine, Policy, Reactive, Result, ServiceTimes};

/// The scenarios that come with Procession: their names, and the text of each.
pub const SHIPPED: [(&str, &str); 9] = [
    ("june_promises", include_str!("../../../scenarios/june_promises.toml")),
    ("june_saturday", include_str!("../../../scenarios/june_saturday.toml")),
    ("late_autoscaler", include_str!("../../../scenarios/late_autoscaler.toml")),
    ("lost_region", include_str!("../../../scenarios/lost_region.toml")),
    ("peak_season", include_str!("../../../scenarios/peak_season.toml")),
    ("quiet_tuesday", include_str!("../../../scenarios/quiet_tuesday.toml")),
    ("slow_nodes", include_str!("../../../scenarios/slow_nodes.toml")),
    ("this_machine", include_str!("../../../scenarios/this_machine.toml")),
    ("year", include_str!("../../../scenarios/year.toml")),
];

/// What is simulated: days, weddings, fleets, and what goes wrong. Days begin at midnight of universal time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What people call it.
    pub title: String,
    /// What it is to show.
    pub about: String,
    /// The first day.
    pub from: Date,
    /// The day after the last. What has arrived by then is finished in any case.
    pub until: Date,
    /// It is over so many minutes after its beginning, whatever the last day is.
    #[serde(default)]
    pub minutes: Option<u32>,
    /// What chance follows from.
    #[serde(default = "one")]
    pub seed: u64,
    /// So many days before the first are known to the forecast.
    #[serde(default = "two_years")]
    pub history_days: u32,
    /// Where there are fleets.
    #[serde(default = "four_regions")]
    pub regions: Vec<Region>,
    /// Weddings in each region in the year of the scenario. Assumed: see docs/simulation.md.
    #[serde(default)]
    pub weddings_a_year: f64,
    /// Galleries that arrive beside those of the weddings.
    #[serde(default, rename = "gallery")]
    pub galleries: Vec<Listed>,
    /// What is promised.
    #[serde(default)]
    pub promises: Promises,
    /// From when on the promised time counts.
    #[serde(default)]
    pub promise_from: PromiseFrom,
    /// How fast instances work.
    #[serde(default)]
    pub service: ServiceTimes,
    /// How fine the simulation is.
    #[serde(default)]
    pub steps: Steps,
    /// How fleets are scaled; the time zone is each region's own.
    #[serde(default)]
    pub scale: ScalePolicy,
    /// How forecasts are made.
    #[serde(default)]
    pub forecast: ForecastPolicy,
    /// The rule to compare with.
    #[serde(default)]
    pub reactive: Reactive,
    /// Who decides how many instances there are, each in a run of its own.
    #[serde(default = "usual_policies")]
    pub policies: Vec<Policy>,
    /// What goes wrong.
    #[serde(default, rename = "fault")]
    pub faults: Vec<Fault>,
}

/// From when on the promised time counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PromiseFrom {
    /// From the arrival of the first photo, however long the others take to arrive.
    FirstPhoto,
    /// From the arrival of the latest photo: whoever adds photos gets new time for what is not finished.
    #[default]
    LatestPhoto,
}

/// How fine the simulation is, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Steps {
    /// An instance claims about so much work at a time, all of one gallery; one photo at a time if it is 0.
    pub claim_seconds: u32,
    /// A gallery's photos arrive together for about so long.
    pub arrival_seconds: u32,
    /// Places and critical times are decided so often.
    pub place_seconds: u32,
    /// The number of instances is decided so often.
    pub scale_seconds: u32,
    /// A new forecast is made so often.
    pub forecast_seconds: u32,
}

impl Default for Steps {
    fn default() -> Self {
        Self { claim_seconds: 20, arrival_seconds: 60, place_seconds: 10, scale_seconds: 30, forecast_seconds: 86_400 }
    }
}

fn one() -> u64 {
    1
}

fn two_years() -> u32 {
    730
}

fn usual_policies() -> Vec<Policy> {
    vec![Policy::Procession, Policy::Reactive, Policy::Fixed]
}

fn four_regions() -> Vec<Region> {
    ["us-east-1", "us-west-2", "eu-west-1", "ap-southeast-1"].iter().filter_map(|name| name.parse().ok()).collect()
}

impl Scenario {
    /// Reads a scenario. What is not known is an error.
    ///
    /// # Errors
    /// `Invalid` if the text is no scenario, or asks for what makes no sense.
    pub fn read(text: &str) -> Result<Self> {
        let scenario: Self = toml::from_str(text).map_err(|error| Error::Unreadable(Box::new(error)))?;
        scenario.check()?;
        Ok(scenario)
    }

    /// The one of this name that comes with Procession.
    ///
    /// # Errors
    /// `Invalid` if there is none; the message names those that there are.
    pub fn shipped(name: &str) -> Result<Self> {
        match SHIPPED.iter().find(|(known, _)| *known == name) {
            Some((_, text)) => Self::read(text),
            None => {
                let names: Vec<&str> = SHIPPED.iter().map(|(name, _)| *name).collect();
                Err(Error::Nonsense(format!("there is no scenario {name}; there are {}", names.join(", "))))
            }
        }
    }

    fn check(&self) -> Result<()> {
        let Self { steps, service, .. } = self;
        let nonsense = |text: &str| Err(Error::Nonsense(text.to_owned()));
        let has = |region: &Region| self.regions.contains(region);
        let is_known = |fault: &Fault| match fault {
            Fault::LostInstances { region, .. }
            | Fault::SlowInstances { region, .. }
            | Fault::LostRegion { region, .. } => has(region),
            Fault::LateAutoscaler { .. } | Fault::OtherDemand { .. } => true,
        };
        match () {
            () if self.from >= self.until => nonsense("the last day must be after the first"),
            () if self.regions.is_empty() => nonsense("there must be a region"),
            () if !(0.0..=5e6).contains(&self.weddings_a_year) => nonsense("weddings_a_year: 0 to 5,000,000"),
            () if !(0.1..=1e5).contains(&service.megapixels_per_second) => {
                nonsense("service.megapixels_per_second: 0.1 to 100,000")
            }
            () if !(0.0..1.0).contains(&service.spread) => nonsense("service.spread: 0 to 1"),
            () if [steps.arrival_seconds, steps.place_seconds, steps.scale_seconds, steps.forecast_seconds]
                .contains(&0) =>
            {
                nonsense("steps are at least one second")
            }
            () if !(0.0..=86_400.0).contains(&service.warm_up_seconds) => {
                nonsense("service.warm_up_seconds: 0 to 86,400")
            }
            () if !service.machine.as_ref().is_none_or(Machine::is_sound) => {
                nonsense("service.machine: cores and speeds are above 0, arrivals not below")
            }
            () if !self.galleries.iter().all(|gallery| gallery.is_sound(&self.regions)) => {
                nonsense("a gallery has no photos, no size, no time, or a region that is not in the scenario")
            }
            () if self.reactive.least > self.reactive.most => nonsense("reactive.least is more than reactive.most"),
            () if !self.faults.iter().all(is_known) => nonsense("a fault is in a region that is not in the scenario"),
            () => Ok(()),
        }
    }

    /// When it begins.
    pub fn begins_at(&self) -> Timestamp {
        midnight(self.from)
    }

    /// When the last day is over, or the minutes that it lasts.
    pub fn ends_at(&self) -> Timestamp {
        match self.minutes {
            Some(minutes) => self.begins_at().after(std::time::Duration::from_secs(u64::from(minutes) * 60)),
            None => midnight(self.until),
        }
    }
}

/// Midnight of universal time.
pub(crate) fn midnight(date: Date) -> Timestamp {
    jiff::tz::TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).unwrap_or(jiff::Timestamp::MIN).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_scenario_can_be_read() {
        for (name, _) in SHIPPED {
            Scenario::shipped(name).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        }
        assert!(Scenario::shipped("nothing").unwrap_err().to_string().contains("june_saturday"));
    }

    #[test]
    fn what_is_not_known_is_an_error() {
        let fine = "title = 'a'\nabout = 'b'\nfrom = '2026-06-01'\nuntil = '2026-06-02'\nweddings_a_year = 1000\n";
        Scenario::read(fine).unwrap();
        for wrong in [
            "colour = 'red'",
            "[steps]\nhour = 1",
            "[[fault]]\nkind = 'lost_region'\nat = '2026-06-01T00:00:00Z'\nminutes = 5\nregion = 'mars'",
            "[[fault]]\nkind = 'lost_instances'\nat = '2026-06-01T00:00:00Z'\nregion = 'eu-west-1'\ninstances = 1\nwhy = 'x'",
            "[steps]\narrival_seconds = 0",
        ] {
            assert!(Scenario::read(&format!("{fine}{wrong}\n")).is_err(), "{wrong}");
        }
    }
}
