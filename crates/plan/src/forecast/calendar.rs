//! What the calendar says of a day: season, weekday, holidays, trend.
//!
//! A log-linear model for counts (McCullagh and Nelder, "Generalized Linear Models", 1989, chapter 6): each property of a day
//! multiplies what is expected. It is fitted by Newton's method to the Poisson likelihood, with counts divided by their
//! dispersion, so that ten photographers and not ten thousand photos are ten events, and a normal prior on each factor, so that
//! a holiday that was seen twice is not believed as a weekday that was seen a hundred times.

use std::{collections::BTreeMap, f64::consts::TAU};

use jiff::civil::{Date, Weekday};

use super::{
    days::{Days, weekday},
    solve::solve,
};

/// A day so old counts half.
const HALF_LIFE_DAYS: f64 = 365.0;
/// The level is that of the last days; one so old counts half.
const LEVEL_HALF_LIFE_DAYS: f64 = 14.0;
const LEVEL_DAYS: usize = 56;
/// The level counts as much as so many events that the rest of the model expected.
const LEVEL_PRIOR: f64 = 10.0;
/// A season can be told from a trend only after so many days.
const SEASON_FROM_DAYS: usize = 300;
/// Waves a year of the season, and of what Saturdays have beyond it.
const WAVES: usize = 4;
const SATURDAY_WAVES: usize = 2;

/// What kind of factor it is; the prior of its logarithm is as wide as `spread` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Factor {
    Base,
    Trend,
    Weekday(usize),
    Season(usize),
    SaturdaySeason(usize),
    Holiday,
    Eve,
    DayAfter,
    LongWeekend,
    BetweenTheYears,
    Named(&'static str),
}

impl Factor {
    /// The standard deviation of the prior.
    fn spread(self) -> f64 {
        match self {
            Self::Base => 1e3,
            Self::Weekday(_) => 2.0,
            Self::Season(_) | Self::Named(_) => 0.5,
            _ => 0.3,
        }
    }
}

/// The fitted model.
pub(super) struct Calendar {
    origin: usize,
    has_season: bool,
    factors: BTreeMap<Factor, f64>,
    /// What the last weeks had beyond what the factors say.
    pub(super) level: f64,
}

/// The properties of a day, each with how much of it the day has.
type Properties = Vec<(Factor, f64)>;

impl Calendar {
    /// Fits the model to what was known at the beginning of day `origin`.
    pub(super) fn fit(days: &Days, origin: usize) -> Self {
        let has_season = origin >= SEASON_FROM_DAYS;
        let rows: Vec<Properties> = (0..origin).map(|day| properties(days, day, origin, has_season)).collect();
        let mut names: Vec<Factor> = rows.iter().flatten().map(|(factor, _)| *factor).collect();
        names.sort_unstable();
        names.dedup();
        let number = |factor: &Factor| names.binary_search(factor).unwrap_or(0);
        let design: Vec<Vec<(usize, f64)>> =
            rows.iter().map(|row| row.iter().map(|(factor, value)| (number(factor), *value)).collect()).collect();
        let values = &days.totals[..origin];
        let weights: Vec<f64> = (0..origin).map(|day| aged(origin - day, HALF_LIFE_DAYS)).collect();
        let precision: Vec<f64> = names.iter().map(|factor| factor.spread().powi(-2)).collect();
        let mean = (values.iter().sum::<f64>() / values.len().max(1) as f64).max(1e-9);
        let mut start = vec![0.0; names.len()];
        if let Some(base) = start.get_mut(number(&Factor::Base)) {
            *base = mean.ln();
        }
        let data = Data { design, values, weights, precision };
        // Once to learn how much the counts are dispersed, once with that.
        let rough = data.newton(start, mean / 20.0);
        let dispersion = data.dispersion(&rough).max(mean * 1e-6);
        let fitted = data.newton(rough, dispersion);
        let mut model = Self { origin, has_season, factors: names.into_iter().zip(fitted).collect(), level: 1.0 };
        let (mut seen, mut expected) = (LEVEL_PRIOR * dispersion, LEVEL_PRIOR * dispersion);
        for (day, value) in values.iter().enumerate().skip(origin.saturating_sub(LEVEL_DAYS)) {
            let weight = aged(origin - day, LEVEL_HALF_LIFE_DAYS);
            seen += weight * value;
            expected += weight * model.expects(days, day);
        }
        model.level = seen / expected;
        model
    }

    /// What is expected of a day.
    pub(super) fn expects(&self, days: &Days, day: usize) -> f64 {
        let factor = |(factor, value): &(Factor, f64)| value * self.factors.get(factor).copied().unwrap_or(0.0);
        let sum: f64 = properties(days, day, self.origin, self.has_season).iter().map(factor).sum();
        self.level * sum.min(50.0).exp()
    }

    /// What multiplies the expectation of a day: each name with its factor. Waves are summed up as the season.
    pub(super) fn explain(&self, days: &Days, day: usize) -> Vec<(String, f64)> {
        let mut parts: BTreeMap<u8, (String, f64)> = BTreeMap::new();
        let weekdays: f64 = (0..7).filter_map(|at| self.factors.get(&Factor::Weekday(at))).sum::<f64>() / 7.0;
        let date = days.date(day);
        let name = days.holidays.name(date).unwrap_or("a holiday").to_owned();
        for (factor, value) in properties(days, day, self.origin, self.has_season) {
            let logarithm = value * self.factors.get(&factor).copied().unwrap_or(0.0);
            let (place, what, logarithm) = match factor {
                Factor::Base => continue,
                Factor::Season(_) | Factor::SaturdaySeason(_) => (0, "season".to_owned(), logarithm),
                Factor::Weekday(_) => (1, format!("{:?}", date.weekday()), logarithm - weekdays),
                Factor::Holiday | Factor::Named(_) => (2, name.clone(), logarithm),
                Factor::Eve => (3, "the day before a holiday".to_owned(), logarithm),
                Factor::DayAfter => (4, "the day after a holiday".to_owned(), logarithm),
                Factor::LongWeekend => (5, "a long weekend".to_owned(), logarithm),
                Factor::BetweenTheYears => (6, "Christmas to New Year".to_owned(), logarithm),
                Factor::Trend => (7, "trend".to_owned(), logarithm),
            };
            parts.entry(place).or_insert_with(|| (what, 0.0)).1 += logarithm;
        }
        let level = parts.entry(7).or_insert_with(|| ("trend".to_owned(), 0.0));
        level.1 += self.level.max(1e-9).ln();
        parts.into_values().map(|(what, logarithm)| (what, logarithm.exp())).collect()
    }
}

/// What a fit is made from: days × factors, most of which a day has not.
struct Data<'a> {
    design: Vec<Vec<(usize, f64)>>,
    values: &'a [f64],
    weights: Vec<f64>,
    precision: Vec<f64>,
}

impl Data<'_> {
    fn expects(&self, row: &[(usize, f64)], found: &[f64]) -> f64 {
        row.iter().map(|(factor, value)| value * found[*factor]).sum::<f64>().clamp(-50.0, 50.0).exp()
    }

    /// The most likely logarithms of the factors.
    fn newton(&self, mut found: Vec<f64>, dispersion: f64) -> Vec<f64> {
        let n = found.len();
        for _ in 0..30 {
            let mut slope: Vec<f64> =
                found.iter().zip(&self.precision).map(|(at, precision)| -precision * at).collect();
            let mut bend = vec![0.0; n * n];
            for (i, precision) in self.precision.iter().enumerate() {
                bend[i * n + i] = *precision;
            }
            for ((row, value), weight) in self.design.iter().zip(self.values).zip(&self.weights) {
                let expected = self.expects(row, &found);
                let scale = weight / dispersion;
                for (i, x) in row {
                    slope[*i] += scale * (value - expected) * x;
                    for (j, y) in row {
                        bend[i * n + j] += scale * expected * x * y;
                    }
                }
            }
            let Some(step) = solve(bend, slope) else { break };
            let longest = step.iter().fold(0.0_f64, |most, step| most.max(step.abs()));
            // A first step from far away would overshoot.
            let part = if longest > 1.0 { 1.0 / longest } else { 1.0 };
            found.iter_mut().zip(&step).for_each(|(at, step)| *at += part * step);
            if longest < 1e-6 {
                break;
            }
        }
        found
    }

    /// By how much the counts vary more than those of independent single events (Pearson's statistic).
    fn dispersion(&self, found: &[f64]) -> f64 {
        let squares = self.design.iter().zip(self.values).zip(&self.weights).map(|((row, value), weight)| {
            let expected = self.expects(row, found).max(1e-9);
            weight * (value - expected).powi(2) / expected
        });
        squares.sum::<f64>() / self.weights.iter().sum::<f64>().max(1e-9)
    }
}

fn properties(days: &Days, day: usize, origin: usize, has_season: bool) -> Properties {
    let date = days.date(day);
    let mut found = vec![
        (Factor::Base, 1.0),
        (Factor::Trend, (day as f64 - origin as f64) / 365.0),
        (Factor::Weekday(weekday(date)), 1.0),
    ];
    if has_season {
        let angle = TAU * f64::from(date.day_of_year()) / 365.25;
        for wave in 0..WAVES {
            let (sine, cosine) = (angle * (wave + 1) as f64).sin_cos();
            found.extend([(Factor::Season(2 * wave), sine), (Factor::Season(2 * wave + 1), cosine)]);
            if wave < SATURDAY_WAVES && date.weekday() == Weekday::Saturday {
                found
                    .extend([(Factor::SaturdaySeason(2 * wave), sine), (Factor::SaturdaySeason(2 * wave + 1), cosine)]);
            }
        }
    }
    let name = |shift: i64| {
        let date = date.checked_add(jiff::Span::new().days(shift)).ok()?;
        days.holidays.name(date)
    };
    if let Some(name) = name(0) {
        found.extend([(Factor::Holiday, 1.0), (Factor::Named(name), 1.0)]);
    }
    let is_long = match date.weekday() {
        Weekday::Friday => name(3).is_some(),
        Weekday::Saturday => name(2).is_some() || name(-1).is_some(),
        Weekday::Sunday => name(1).is_some() || name(-2).is_some(),
        _ => false,
    };
    let conditions = [
        (Factor::Eve, name(1).is_some()),
        (Factor::DayAfter, name(-1).is_some()),
        (Factor::LongWeekend, is_long),
        (Factor::BetweenTheYears, is_between_the_years(date)),
    ];
    found.extend(conditions.into_iter().filter(|(_, holds)| *holds).map(|(factor, _)| (factor, 1.0)));
    found
}

fn is_between_the_years(date: Date) -> bool {
    (date.month() == 12 && date.day() >= 24) || (date.month() == 1 && date.day() == 1)
}

/// What a day of this age counts.
pub(super) fn aged(days: usize, half_life: f64) -> f64 {
    0.5_f64.powf(days as f64 / half_life)
}
