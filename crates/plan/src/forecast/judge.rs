//! How wrong a model was, and how uncertain it therefore is.

use super::{Level, Model, Quantiles, Score, days::Days, models::Fitted};

/// The past forecasts are put into so many classes by how much was expected: little is more uncertain than much.
const CLASSES: usize = 6;
/// A class has at least so many.
const LEAST_IN_CLASS: usize = 40;

/// A week that was forecast from what was known before it.
pub(super) struct Trial {
    pub(super) fitted: Fitted,
    /// What arrived on each day.
    arrived: Vec<f64>,
    /// What arrived in each hour of the local clock.
    arrived_by_hours: Vec<f64>,
    /// What each model expected of each day.
    expected: Vec<(Model, Vec<f64>)>,
    /// The hours' shares of each day.
    shares: Vec<[f64; 24]>,
}

impl Trial {
    /// The week that begins with day `origin`.
    pub(super) fn new(days: &Days, origin: usize) -> Self {
        let week = origin..origin + 7;
        let fitted = Fitted::new(days, origin, 8);
        let all = |model| week.clone().map(|day| fitted.expects(model, days, day)).collect::<Option<Vec<f64>>>();
        let expected = Model::ALL.into_iter().filter_map(|model| Some((model, all(model)?))).collect();
        let shares = days.shares(origin);
        Self {
            arrived: week.clone().map(|day| days.totals[day]).collect(),
            arrived_by_hours: week.clone().flat_map(|day| *days.by_hours(day)).collect(),
            shares: week.map(|day| shares[super::days::weekday(days.date(day))]).collect(),
            fitted,
            expected,
        }
    }

    pub(super) fn expected(&self, model: Model) -> Option<&[f64]> {
        self.expected.iter().find(|(of, _)| *of == model).map(|(_, expected)| expected.as_slice())
    }

    /// What a model expected of each day, and what arrived.
    pub(super) fn by_days(&self, model: Model) -> impl Iterator<Item = (f64, f64)> {
        self.expected(model).unwrap_or_default().iter().copied().zip(self.arrived.iter().copied())
    }

    /// What a model expected of each hour, and what arrived.
    pub(super) fn by_hours(&self, model: Model) -> impl Iterator<Item = (f64, f64)> {
        let expected = self.expected(model).unwrap_or_default().iter().zip(&self.shares);
        let hours = expected.flat_map(|(day, shares)| shares.iter().map(move |share| day * share));
        hours.zip(self.arrived_by_hours.iter().copied())
    }
}

/// By what a forecast has to be multiplied to be its quantiles, by how much is expected: the quantiles of what past forecasts
/// were wrong by (split conformal prediction; Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random World", 2005).
pub(super) struct Spread {
    /// For each class the mean of the expectations and the factor of each level, by rising expectations.
    classes: Vec<(f64, [f64; 4])>,
}

impl Spread {
    pub(super) fn of(past: impl Iterator<Item = (f64, f64)>) -> Self {
        let mut past: Vec<(f64, f64)> = past.filter(|(expected, _)| *expected > 0.0).collect();
        past.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let classes = (past.len() / LEAST_IN_CLASS).clamp(1, CLASSES);
        let size = past.len().div_ceil(classes).max(1);
        let class = |past: &[(f64, f64)]| {
            let mean = past.iter().map(|(expected, _)| expected).sum::<f64>() / past.len() as f64;
            let mut factors: Vec<f64> = past.iter().map(|(expected, arrived)| arrived / expected).collect();
            factors.sort_by(f64::total_cmp);
            (mean, Level::ALL.map(|level| quantile(&factors, level.part())))
        };
        Self { classes: past.chunks(size).map(class).collect() }
    }

    /// The quantiles around an expectation.
    pub(super) fn around(&self, expected: f64) -> Quantiles {
        let above = self.classes.partition_point(|(mean, _)| *mean < expected);
        let factors = match (above.checked_sub(1).and_then(|at| self.classes.get(at)), self.classes.get(above)) {
            (None, None) => [1.0; 4],
            (Some((_, only)), None) | (None, Some((_, only))) => *only,
            (Some((low, from)), Some((high, to))) => {
                let part = (expected - low) / (high - low).max(1e-12);
                std::array::from_fn(|at| from[at] + part * (to[at] - from[at]))
            }
        };
        let [p10, p50, p90, p99] = factors.map(|factor| factor * expected);
        Quantiles { mean: expected, p10, p50, p90, p99 }
    }
}

/// The quantile that a further value stays below with at least this probability, as far as the sorted values can say.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let rank = ((sorted.len() + 1) as f64 * part).ceil() as usize;
    sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied().unwrap_or(1.0)
}

/// How a model did in some weeks. The quantiles of each week are made from the other weeks.
pub(super) fn score(trials: &[Trial], model: Model) -> Option<Score> {
    let quantiles = |week: usize| {
        let others = trials.iter().enumerate().filter(move |(other, _)| *other != week);
        Spread::of(others.flat_map(|(_, trial)| trial.by_hours(model)))
    };
    score_with(trials.iter().enumerate().map(|(week, trial)| (trial, model, quantiles(week))), model)
}

/// How forecasts did, each with the model and the spread of its week. `name` is the model under which they go.
pub(super) fn score_with<'a>(weeks: impl Iterator<Item = (&'a Trial, Model, Spread)>, name: Model) -> Option<Score> {
    let (mut daily, mut hourly, mut pinball, mut covered) = (Sum::default(), Sum::default(), 0.0, 0_u32);
    for (trial, model, spread) in weeks {
        trial.expected(model)?;
        trial.by_days(model).for_each(|(expected, arrived)| daily.add(expected, arrived));
        for (expected, arrived) in trial.by_hours(model) {
            hourly.add(expected, arrived);
            let quantiles = spread.around(expected);
            pinball += pinball_loss(&quantiles, arrived);
            covered += u32::from(arrived <= quantiles.p90);
        }
    }
    (hourly.count > 0).then(|| Score {
        model: name,
        daily_error: daily.error(),
        hourly_error: hourly.error(),
        pinball: pinball / hourly.arrived.max(1e-9),
        coverage: f64::from(covered) / f64::from(hourly.count),
    })
}

/// The mean of the pinball losses at all levels (Koenker and Bassett, "Regression Quantiles", 1978).
fn pinball_loss(quantiles: &Quantiles, arrived: f64) -> f64 {
    let loss = |level: Level| {
        let above = arrived - quantiles.at(level);
        (level.part() * above).max((level.part() - 1.0) * above)
    };
    Level::ALL.into_iter().map(loss).sum::<f64>() / Level::ALL.len() as f64
}

#[derive(Default)]
struct Sum {
    wrong: f64,
    arrived: f64,
    count: u32,
}

impl Sum {
    fn add(&mut self, expected: f64, arrived: f64) {
        self.wrong += (expected - arrived).abs();
        self.arrived += arrived;
        self.count += 1;
    }

    fn error(&self) -> f64 {
        self.wrong / self.arrived.max(1e-9)
    }
}
