//! The past forecast again, week by week, from what was known before each.

use jiff::civil::Date;
use procession_domain::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    ForecastPolicy, Known, Model, Quantiles, Score, TooLittle, choose,
    days::Days,
    judge::{Spread, Trial, score_with},
    too_little,
};

/// How forecasts would have done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Backtest {
    /// How many weeks were forecast.
    pub weeks: u32,
    /// How the forecast did, which chose its model anew each week. The model is the one that it chose most.
    pub chosen: Score,
    /// How each model would have done by itself.
    pub models: Vec<Score>,
    /// Each day, in order.
    pub days: Vec<BacktestDay>,
}

/// A day that was forecast, and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BacktestDay {
    /// The day.
    pub date: Date,
    /// The model that was chosen for its week.
    pub model: Model,
    /// What was expected.
    pub expected: Quantiles,
    /// What arrived.
    pub arrived: f64,
}

/// Forecasts each of the last `weeks` weeks before `now` from what was known before it, as [`forecast`](super::forecast) does:
/// models are chosen and quantiles made from the weeks before that one.
///
/// # Errors
/// If there is too little history for so many weeks.
pub fn backtest(known: &Known<'_>, policy: &ForecastPolicy, weeks: u32, now: Timestamp) -> Result<Backtest, TooLittle> {
    let days = Days::new(known, now, 7).ok_or_else(|| too_little(0, policy.least_history_days))?;
    let before = policy.validation_weeks.max(2) as usize;
    let all = before + weeks.max(1) as usize;
    let needed =
        28.max(policy.least_history_days as usize - 7 * before.min(policy.least_history_days as usize / 7)) + 7 * all;
    if days.known() < needed {
        return Err(too_little(days.known(), u32::try_from(needed).unwrap_or(u32::MAX)));
    }
    let start = days.known() - 7 * all;
    let trials: Vec<Trial> = (0..all).map(|week| Trial::new(&days, start + 7 * week)).collect();
    let past = |week: usize| &trials[week - before..week];
    let choices: Vec<(usize, Model)> = (before..all).map(|week| (week, choose(past(week), policy).0)).collect();
    let by_days = choices.iter().flat_map(|(week, model)| {
        let spread = Spread::of(past(*week).iter().flat_map(|trial| trial.by_days(*model)));
        let origin = trials[*week].fitted.origin;
        let told = trials[*week].by_days(*model).enumerate().map(|(day, (expected, arrived))| {
            let expected = spread.around(expected);
            BacktestDay { date: days.date(origin + day), model: *model, expected, arrived }
        });
        told.collect::<Vec<_>>()
    });
    let rate = |choices: &[(usize, Model)], name: Model| {
        let weeks = choices.iter().map(|(week, model)| {
            let spread = Spread::of(past(*week).iter().flat_map(|trial| trial.by_hours(*model)));
            (&trials[*week], *model, spread)
        });
        score_with(weeks, name)
    };
    let models = Model::ALL.into_iter().filter_map(|model| {
        let same: Vec<(usize, Model)> = (before..all).map(|week| (week, model)).collect();
        rate(&same, model)
    });
    let often = |model: &Model| choices.iter().filter(|(_, chosen)| chosen == model).count();
    let most = Model::ALL.into_iter().max_by_key(often).unwrap_or(Model::FourWeeks);
    let chosen = rate(&choices, most).ok_or_else(|| too_little(days.known(), policy.least_history_days))?;
    Ok(Backtest { weeks, chosen, models: models.collect(), days: by_days.collect() })
}
