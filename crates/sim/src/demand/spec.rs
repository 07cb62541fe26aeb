//! How many weddings there are, and how photographers work.

use jiff::civil::{Date, Weekday};
use procession_plan::forecast::{Country, Place};
use serde::{Deserialize, Serialize};

/// What demand is made up from. Where a source is named the figure is from there; everything else is assumed, because nobody
/// publishes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DemandSpec {
    /// Weddings a year whose photographers use the platform. Assumed.
    pub weddings_a_year: f64,
    /// The growth of that from a year to the next, 0.1 for 10%. Assumed.
    pub growth: f64,
    /// The part of the year's weddings in each month, January first; they add up to 1.
    pub months: [f64; 12],
    /// The part of the week's weddings on each weekday, Monday first; they add up to 1.
    pub weekdays: [f64; 7],
    /// Weddings on a holiday that is no Saturday or Sunday, as a part of those of a Saturday. Assumed.
    pub holiday_like_saturday: f64,
    /// What a weekend beside a holiday has more, as a factor. Assumed.
    pub long_weekend: f64,
    /// Weddings from 24 December to 1 January, as a factor. Assumed; on 25 and 26 December 2023 England and Wales had one
    /// marriage each (Office for National Statistics).
    pub between_the_years: f64,
    /// The standard deviation of the factor that all days of a week share. Assumed.
    pub week_variation: f64,
    /// Times in which everything was different.
    pub shocks: Vec<Shock>,
    /// The part of the weddings that are announced ahead. Assumed.
    pub announced: f64,
    /// The median of the days between announcement and wedding, and the standard deviation of its logarithm. Assumed.
    pub lead_days: (f64, f64),
    /// The median of a photographer's photos of a wedding, and the standard deviation of its logarithm. Assumed.
    pub photos: (f64, f64),
    /// The part of the weddings with a second photographer, who brings as many photos times `second_photos`. Assumed.
    pub second_photographer: f64,
    /// See `second_photographer`.
    pub second_photos: f64,
    /// The part of the photographers who upload in the evening of the wedding, and on the day after it. The others take two
    /// days or more, each day as likely as `upload_each_day` to be the one. Assumed.
    pub upload_same_day: f64,
    /// See `upload_same_day`.
    pub upload_next_day: f64,
    /// See `upload_same_day`.
    pub upload_each_day: f64,
    /// The median of the photos that arrive in a second from one photographer, and the standard deviation of its logarithm.
    /// Assumed: 10 MB photos over 20 Mbit/s.
    pub photos_a_second: (f64, f64),
    /// The median of the megapixels of a photographer's camera, and the standard deviation of its logarithm. Assumed.
    pub megapixels: (f64, f64),
}

/// A time in which everything was different.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shock {
    /// The first day.
    pub from: Date,
    /// The day after the last.
    pub until: Date,
    /// How many weddings there are of those that were to be expected.
    pub factor: f64,
}

/// Marriages in the United States by month, 2009, in thousands: National Center for Health Statistics, National Vital
/// Statistics Reports 58(25), "Births, Marriages, Divorces, and Deaths: Provisional Data for 2009". In the public domain.
const UNITED_STATES_2009: [f64; 12] =
    [123.0, 127.0, 146.0, 163.0, 179.0, 217.0, 217.0, 212.0, 205.0, 196.0, 153.0, 138.0];

/// Percent of the marriages in England and Wales by month. January and August are those of 2023 (Office for National
/// Statistics, "Marriages in England and Wales: 2023"); the months between are assumed, rising and falling between the two.
const ENGLAND: [f64; 12] = [2.6, 3.6, 4.6, 7.0, 10.0, 12.0, 13.4, 14.3, 13.0, 9.0, 4.9, 5.6];

/// By weekday, Monday first, in percent. Saturday is that of England and Wales in 2023 (Office for National Statistics); the
/// other days are assumed.
const WEEKDAYS: [f64; 7] = [4.5, 5.0, 6.6, 11.0, 19.0, 41.9, 12.0];

impl DemandSpec {
    /// What is assumed of a place: the months of its first country.
    pub fn of(place: &Place) -> Self {
        let months = match place.countries.first() {
            Some(Country::UnitedStates) => UNITED_STATES_2009,
            Some(Country::Ireland | Country::England) => ENGLAND,
            // No statistics by month were at hand: near the equator no season is assumed.
            Some(Country::Singapore) | None => [1.0; 12],
        };
        Self {
            weddings_a_year: 2_500.0,
            growth: 0.15,
            months: shares(months),
            weekdays: shares(WEEKDAYS),
            holiday_like_saturday: 0.5,
            long_weekend: 1.12,
            between_the_years: 0.3,
            week_variation: 0.12,
            shocks: Vec::new(),
            announced: 0.75,
            lead_days: (150.0, 1.0),
            photos: (900.0, 0.6),
            second_photographer: 0.35,
            second_photos: 0.6,
            upload_same_day: 0.25,
            upload_next_day: 0.35,
            upload_each_day: 0.35,
            photos_a_second: (0.25, 0.5),
            megapixels: (26.0, 0.25),
        }
    }

    /// How many weddings are to be expected on a day, if growth begins at `start`.
    pub(super) fn expected(&self, date: Date, start: Date, is_holiday: impl Fn(Date) -> bool) -> f64 {
        let years = (start.duration_until(date).as_hours() as f64) / (24.0 * 365.25);
        let month = self.months[usize::from(date.month().unsigned_abs()).clamp(1, 12) - 1];
        let weekday = |day: Weekday| self.weekdays[usize::from(day.to_monday_zero_offset().unsigned_abs())];
        let near = |days: i64| date.checked_add(jiff::Span::new().days(days)).is_ok_and(&is_holiday);
        let mut part = weekday(date.weekday());
        let factor = match date.weekday() {
            Weekday::Saturday if near(2) || near(-1) => self.long_weekend,
            Weekday::Sunday if near(1) || near(-2) => self.long_weekend,
            Weekday::Saturday | Weekday::Sunday => 1.0,
            _ => {
                if is_holiday(date) {
                    part = part.max(self.holiday_like_saturday * weekday(Weekday::Saturday));
                }
                1.0
            }
        };
        let is_between = (date.month() == 12 && date.day() >= 24) || (date.month() == 1 && date.day() == 1);
        let between = if is_between { self.between_the_years } else { 1.0 };
        let shock: f64 = self.shocks.iter().filter(|s| (s.from..s.until).contains(&date)).map(|s| s.factor).product();
        // The months have 30.4 days, the weeks seven.
        let ordinary = self.weddings_a_year * month * 12.0 / 365.25 * part * 7.0;
        ordinary * (1.0 + self.growth).powf(years) * factor * between * shock
    }
}

fn shares<const N: usize>(figures: [f64; N]) -> [f64; N] {
    let sum: f64 = figures.iter().sum();
    figures.map(|figure| figure / sum)
}
