//! Where photos arrive.

use jiff::civil::Date;
use procession_domain::{Invalid, Region, Timestamp, gallery::TimeZoneName};
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

impl Country {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::UnitedStates, Self::Ireland, Self::England, Self::Singapore];

    /// Its code in the configuration and in the table of holidays (ISO 3166).
    pub fn code(self) -> &'static str {
        match self {
            Self::UnitedStates => "US",
            Self::Ireland => "IE",
            Self::England => "GB",
            Self::Singapore => "SG",
        }
    }
}

impl std::str::FromStr for Country {
    type Err = Invalid;

    fn from_str(code: &str) -> Result<Self, Invalid> {
        let known = Self::ALL.into_iter().find(|country| country.code() == code);
        known.ok_or_else(|| Invalid::new("country", code, "its holidays are not known; those of US, IE, GB and SG are"))
    }
}

/// What an operator says of the venues of all regions instead of what is assumed of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Venues {
    /// Their time zone.
    pub time_zone: Option<TimeZoneName>,
    /// Their countries.
    pub countries: Option<Vec<Country>>,
}

impl Venues {
    /// The venues of a region: what was said, or else what is assumed of it.
    pub fn of(&self, region: &Region) -> Place {
        let assumed = Place::of(region);
        Place {
            countries: self.countries.clone().unwrap_or(assumed.countries),
            time_zone: self.time_zone.clone().unwrap_or(assumed.time_zone),
            region: assumed.region,
        }
    }
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

    /// The day at `now` where the venues are.
    pub fn today(&self, now: Timestamp) -> Date {
        self.time_zone.rules().to_datetime(now.calendar()).date()
    }

    /// The public holidays of its countries.
    pub fn holidays(&self) -> Holidays {
        Holidays::of(&self.countries)
    }
}
