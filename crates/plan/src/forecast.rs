//! How many photos will arrive, hour by hour, in a week to come: from two years of history, the calendar, and the weddings that
//! are booked.
//!
//! A day is forecast first, then divided over its hours. Several models are tried on the last weeks of the history, as if
//! each of those weeks were to come; the one that was wrong least is taken, and a model that cannot beat "as on the same
//! weekday before" is not. What the chosen model was wrong by in those weeks makes the quantiles, and decides whether the
//! forecast is trusted.

mod backtest;
mod calendar;
mod days;
mod explain;
mod holidays;
mod judge;
mod models;
mod place;
mod series;
mod solve;

use jiff::civil::Date;
use procession_domain::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Reason,
    scale::{Ahead, Expected},
};
use days::Days;
use judge::{Spread, Trial, score};
use models::Fitted;

pub use backtest::{Backtest, BacktestDay, backtest};
pub use holidays::Holidays;
pub use place::{Country, Place, Venues};
pub use series::{Booking, Series};

/// A quantile that is forecast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// One hour in ten has less.
    P10,
    /// Half of the hours have less.
    P50,
    /// Nine hours in ten have less.
    P90,
    /// 99 hours in a hundred have less.
    P99,
}

impl Level {
    /// The name in the configuration and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::P10 => "p10",
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P99 => "p99",
        }
    }

    /// All levels, the lowest first.
    pub const ALL: [Self; 4] = [Self::P10, Self::P50, Self::P90, Self::P99];

    /// The part of the cases that lie below, 0 to 1.
    pub fn part(self) -> f64 {
        match self {
            Self::P10 => 0.1,
            Self::P50 => 0.5,
            Self::P90 => 0.9,
            Self::P99 => 0.99,
        }
    }
}

/// How many there will be, with what certainty. Never negative, and never falling from one level to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Quantiles {
    /// The expected number, on average.
    pub mean: f64,
    /// One case in ten is below.
    pub p10: f64,
    /// Half of the cases are below.
    pub p50: f64,
    /// Nine cases in ten are below.
    pub p90: f64,
    /// 99 cases in a hundred are below.
    pub p99: f64,
}

impl Quantiles {
    /// Nothing is uncertain.
    pub fn exactly(value: f64) -> Self {
        Self { mean: value, p10: value, p50: value, p90: value, p99: value }
    }

    /// The number at a level.
    pub fn at(&self, level: Level) -> f64 {
        match level {
            Level::P10 => self.p10,
            Level::P50 => self.p50,
            Level::P90 => self.p90,
            Level::P99 => self.p99,
        }
    }
}

/// How forecasts are made and judged.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ForecastPolicy {
    /// How many days ahead.
    pub horizon_days: u32,
    /// With less history than this many days nothing is forecast.
    pub least_history_days: u32,
    /// So many of the last weeks are forecast again, each from what was known before it, to choose and to judge the models.
    pub validation_weeks: u32,
    /// A model that is not better than the naive one by this part of its error is not taken.
    pub better_by: f64,
    /// The forecast is trusted if what it was wrong by in those weeks, by days, is at most this part of what arrived.
    pub trusted_error: f64,
    /// It is not trusted if fewer than this part of those hours stayed below the 0.9 quantile.
    pub trusted_coverage: f64,
}

impl Default for ForecastPolicy {
    fn default() -> Self {
        Self {
            horizon_days: 7,
            least_history_days: 56,
            validation_weeks: 12,
            better_by: 0.02,
            trusted_error: 0.35,
            trusted_coverage: 0.8,
        }
    }
}

/// All that a forecast is made from.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Where the photos arrive.
    pub place: &'a Place,
    /// How many photos arrived, hour by hour. What is after the present is not looked at.
    pub history: &'a Series,
    /// The weddings that were announced, those that are over too. What was announced after the present is not looked at.
    pub bookings: &'a [Booking],
}

/// A way to forecast a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Model {
    /// As on the same weekday of the week before.
    LastWeek,
    /// As on the same weekday of the last four weeks, on average.
    FourWeeks,
    /// As on the same weekday 52 weeks before, at the level of the last weeks.
    LastYear,
    /// Season, weekday, holidays and trend.
    Calendar,
    /// The calendar, and the weddings that are booked.
    Bookings,
}

impl Model {
    /// All models, the simplest first.
    pub const ALL: [Self; 5] = [Self::LastWeek, Self::FourWeeks, Self::LastYear, Self::Calendar, Self::Bookings];

    /// Whether it only repeats what was.
    pub fn is_naive(self) -> bool {
        matches!(self, Self::LastWeek | Self::FourWeeks | Self::LastYear)
    }

    /// The name in JSON and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::LastWeek => "last_week",
            Self::FourWeeks => "four_weeks",
            Self::LastYear => "last_year",
            Self::Calendar => "calendar",
            Self::Bookings => "bookings",
        }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::LastWeek => "as on the same weekday a week before",
            Self::FourWeeks => "as on the same weekday of four weeks",
            Self::LastYear => "as 52 weeks before",
            Self::Calendar => "the calendar",
            Self::Bookings => "the calendar and the bookings",
        }
    }
}

/// What is expected in an hour.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hour {
    /// When it begins.
    pub from: Timestamp,
    /// The photos that arrive in it.
    pub photos: Quantiles,
}

/// What is expected on a day, and why so much.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Day {
    /// The day, where the venues are.
    pub date: Date,
    /// The photos that arrive on it.
    pub photos: Quantiles,
    /// What makes it more or less than an ordinary day.
    pub parts: Vec<Part>,
    /// The weddings of that day that are announced so far.
    pub booked: u32,
    /// All of it in a sentence.
    pub reason: Reason,
}

/// One thing that makes a day more or less than an ordinary one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// What it is: `season`, `Saturday`, `Labor Day`.
    pub what: String,
    /// By how much, in percent of the day without it.
    pub percent: f64,
}

/// Whether the forecast has earned that the scaler listens to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trust {
    /// It has.
    pub trusted: bool,
    /// Why, or why not.
    pub reason: Reason,
}

/// How a model did in weeks that were forecast as if they were to come.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// The model.
    pub model: Model,
    /// What it was wrong by, by days: the sum of all differences as a part of all that arrived (WAPE).
    pub daily_error: f64,
    /// The same by hours.
    pub hourly_error: f64,
    /// The mean of the pinball losses at the four levels, by hours, as a part of the mean arrivals of an hour.
    pub pinball: f64,
    /// The part of the hours that stayed at or below the 0.9 quantile.
    pub coverage: f64,
}

/// The hours to come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// When it was made.
    pub made_at: Timestamp,
    /// The model that was chosen.
    pub model: Model,
    /// Why that one.
    pub reason: Reason,
    /// Whether to listen to it.
    pub trust: Trust,
    /// How every model did in the last weeks.
    pub scores: Vec<Score>,
    /// Each hour, beginning with the present one.
    pub hours: Vec<Hour>,
    /// Each day that begins within the horizon, and the present one.
    pub days: Vec<Day>,
}

/// Why there is no forecast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TooLittle(pub Reason);

impl Forecast {
    /// What the scaler makes of it, if a photo costs so much on average.
    pub fn ahead(&self, megapixels_per_photo: f64) -> Ahead {
        let hours = self.hours.iter().map(|hour| Expected { from: hour.from, photos: hour.photos }).collect();
        Ahead { trusted: self.trust.trusted, hours, megapixels_per_photo }
    }
}

/// The forecast that can be made at `now`.
///
/// # Errors
/// If there is too little history.
pub fn forecast(known: &Known<'_>, policy: &ForecastPolicy, now: Timestamp) -> Result<Forecast, TooLittle> {
    let horizon = policy.horizon_days as usize;
    let weeks = policy.validation_weeks.max(2) as usize;
    let days = Days::new(known, now, horizon + 1).ok_or_else(|| too_little(0, policy.least_history_days))?;
    let least = policy.least_history_days.max(28);
    let today = days.number(days::clock(known.place, now).0);
    let origin = days.known();
    if origin < least as usize {
        return Err(too_little(origin, least));
    }
    if today != i64::try_from(origin).unwrap_or(i64::MAX) {
        let missing = today.saturating_sub(i64::try_from(origin).unwrap_or(i64::MAX));
        return Err(TooLittle(Reason::new(format!("the history ends {missing} days before today"))));
    }
    // As many weeks as leave each trial four weeks to learn from.
    let weeks = weeks.min((origin - 28) / 7);
    let trials: Vec<Trial> = (1..=weeks).rev().map(|week| Trial::new(&days, origin - 7 * week)).collect();
    let (model, scores, reason) = choose(&trials, policy);
    let trust = trust(&scores, model, policy);

    let fitted = Fitted::new(&days, origin, horizon + 1);
    let expected: Vec<f64> =
        (origin..=origin + horizon).map(|day| fitted.expects(model, &days, day).unwrap_or(0.0)).collect();
    let by_days = Spread::of(trials.iter().flat_map(|trial| trial.by_days(model)));
    let by_hours = Spread::of(trials.iter().flat_map(|trial| trial.by_hours(model)));
    let hours = hours(known.place, &days, &expected, horizon * 24, now);
    let hours = hours.into_iter().map(|(from, photos)| Hour { from, photos: by_hours.around(photos) }).collect();
    let told = expected
        .iter()
        .zip(origin..)
        .map(|(photos, day)| explain::day(&days, &fitted, model, day, by_days.around(*photos)));
    Ok(Forecast { made_at: now, model, reason, trust, scores, hours, days: told.collect() })
}

/// The hours from the present one on: when each begins, and its share of its day.
fn hours(place: &Place, days: &Days, expected: &[f64], count: usize, now: Timestamp) -> Vec<(Timestamp, f64)> {
    const HOUR: i64 = 3_600_000_000;
    let shares = days.shares(days.known());
    let first = Timestamp::from_micros(now.micros().div_euclid(HOUR) * HOUR);
    let begins = (0_i64..).map(|hour| Timestamp::from_micros(first.micros().saturating_add(hour * HOUR)));
    let known = i64::try_from(days.known()).unwrap_or(i64::MAX);
    let share = |from: Timestamp| {
        let (date, hour) = days::clock(place, from);
        let day = usize::try_from(days.number(date) - known).ok().and_then(|day| expected.get(day));
        day.copied().unwrap_or(0.0) * shares[days::weekday(date)][hour]
    };
    begins.take(count).map(|from| (from, share(from))).collect()
}

/// The model that was wrong least, if it is better enough than the best naive one; how all of them did; and why that one.
fn choose(trials: &[Trial], policy: &ForecastPolicy) -> (Model, Vec<Score>, Reason) {
    let scores: Vec<Score> = Model::ALL.into_iter().filter_map(|model| score(trials, model)).collect();
    let best = |naive: bool| {
        let of_kind = scores.iter().filter(|score| score.model.is_naive() == naive);
        of_kind.min_by(|a, b| a.daily_error.total_cmp(&b.daily_error))
    };
    let percent = |score: &Score| format!("{:.1}% wrong ({})", 100.0 * score.daily_error, score.model.words());
    let weeks = trials.len();
    let (model, why) = match (best(true), best(false)) {
        (Some(naive), Some(other)) if other.daily_error < naive.daily_error * (1.0 - policy.better_by) => {
            (other.model, format!("{} beat {} in the last {weeks} weeks", percent(other), percent(naive)))
        }
        (Some(naive), Some(other)) => (
            naive.model,
            format!("{} was not beaten enough by {} in the last {weeks} weeks", percent(naive), percent(other)),
        ),
        (Some(naive), None) => (naive.model, "no other model has enough to learn from".to_owned()),
        (None, Some(other)) => (other.model, "there is too little history for the others".to_owned()),
        (None, None) => (Model::FourWeeks, "no week could be forecast again to compare the models".to_owned()),
    };
    (model, scores, Reason::new(why))
}

fn trust(scores: &[Score], model: Model, policy: &ForecastPolicy) -> Trust {
    let Some(score) = scores.iter().find(|score| score.model == model) else {
        return Trust { trusted: false, reason: Reason::new("it was never compared with what arrived") };
    };
    let (error, coverage) = (100.0 * score.daily_error, 100.0 * score.coverage);
    let (most, least) = (100.0 * policy.trusted_error, 100.0 * policy.trusted_coverage);
    let (trusted, why) = if score.daily_error.is_nan() || score.daily_error > policy.trusted_error {
        (false, format!("it was {error:.1}% wrong by days in the last weeks, and at most {most:.0}% is trusted"))
    } else if score.coverage < policy.trusted_coverage {
        (false, format!("only {coverage:.0}% of the hours stayed below the 0.9 quantile, and {least:.0}% must"))
    } else {
        (true, format!("it was {error:.1}% wrong by days in the last weeks, and {most:.0}% is allowed"))
    };
    Trust { trusted, reason: Reason::new(why) }
}

fn too_little(days: usize, needed: u32) -> TooLittle {
    TooLittle(Reason::new(format!("there are {days} whole days of history, and {needed} are needed")))
}

#[cfg(test)]
mod tests;
