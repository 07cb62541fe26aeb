//! Where photos arrive.

use procession_domain::{Region, gallery::TimeZoneName};
use serde::{Deserialize, Serialize};

use super::holidays::Holidays;

/// A country whose public holidays are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Country {
    /// The United States, federal holidays.
    #[serde(rename = "US")]
    UnitedStates,
    /// Ireland.
    #[serde(rename = "IE")]
    Ireland,
    /// England and Wales.
    #[serde(rename = "GB")]
    England,
    /// Singapore.
    #[serde(rename = "SG")]
    Singapore,
}

/// Where the venues are whose photos a region takes: whose days, weekdays and holidays count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The region.
    pub region: Region,
    /// The countries of most of its venues.
    pub countries: Vec<Country>,
    /// The time zone of most of its venues.
    pub time_zone: TimeZoneName,
}

/// The regions that are known, with the countries and time zones of their venues.
const PLACES: [(&str, &[Country], &str); 4] = [
    ("us-east-1", &[Country::UnitedStates], "America/New_York"),
    ("us-west-2", &[Country::UnitedStates], "America/Los_Angeles"),
    ("eu-west-1", &[Country::Ireland, Country::England], "Europe/Dublin"),
    ("ap-southeast-1", &[Country::Singapore], "Asia/Singapore"),
];

impl Place {
    /// What is assumed of a region: the country in which it lies, for `eu-west-1` Ireland and England. A region that is not
    /// known has no holidays and universal time.
    pub fn of(region: &Region) -> Self {
        let known = PLACES.iter().find(|(name, ..)| *name == region.as_str());
        let (countries, zone) =
            known.map_or((Vec::new(), None), |(_, countries, zone)| (countries.to_vec(), Some(*zone)));
        let time_zone = zone.and_then(|zone| zone.parse().ok()).unwrap_or_else(TimeZoneName::utc);
        Self { region: region.clone(), countries, time_zone }
    }

    /// The public holidays of its countries.
    pub fn holidays(&self) -> Holidays {
        Holidays::of(&self.countries)
    }
}
