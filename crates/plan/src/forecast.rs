//! How many photos will arrive, hour by hour, in a week to come: from two years of history, the calendar, and the weddings that
//! are booked.
//!
//! A day is forecast first, then divided over its hours. Several models are tried on the last weeks of the history, as if
//! each of those weeks were to come; the one that was wrong least is taken, and a model that cannot beat "as on the same
//! weekday before" is not. What the chosen model was wrong by in those weeks makes the quantiles, and decides whether the
//! forecast is trusted.

mod place;
mod series;

use jiff::civil::Date;
use procession_domain::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Reason,
    scale::{Ahead, Expected},
};

pub use place::{Country, Place};
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
    /// The photos that are expected, on average.
    pub photos: f64,
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
    let week = 168;
    let photos = known.history.photos();
    let seen = (0..photos.len()).take_while(|index| known.history.begins(index + 1) <= now).count();
    if seen < policy.least_history_days.max(28) as usize * 24 {
        let days = seen / 24;
        return Err(TooLittle(Reason::new(format!(
            "{days} days of history, and {} are needed",
            policy.least_history_days
        ))));
    }
    let hours = (seen..seen + policy.horizon_days as usize * 24).map(|index| {
        let mut before: Vec<f64> = (1..=5)
            .filter_map(|weeks| index.checked_sub(weeks * week))
            .filter_map(|at| photos.get(at).filter(|_| at < seen).copied())
            .collect();
        before.sort_by(f64::total_cmp);
        let mean = before.iter().sum::<f64>() / before.len().max(1) as f64;
        let at =
            |part: f64| before.get((part * before.len() as f64) as usize).or(before.last()).copied().unwrap_or(0.0);
        Hour {
            from: known.history.begins(index),
            photos: Quantiles { mean, p10: at(0.1), p50: at(0.5), p90: at(0.9), p99: at(0.99) },
        }
    });
    Ok(Forecast {
        made_at: now,
        model: Model::FourWeeks,
        reason: Reason::new("no other model is there"),
        trust: Trust { trusted: false, reason: Reason::new("it was not judged") },
        scores: Vec::new(),
        hours: hours.collect(),
        days: Vec::new(),
    })
}
