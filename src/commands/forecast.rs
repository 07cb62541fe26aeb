//! `procession forecast`.

mod files;
mod history;

use std::process::ExitCode;

use anyhow::{anyhow, bail};
use procession_domain::{Clock as _, Region, Timestamp};
use procession_flow::{
    SystemClock,
    forecast::{History, histories},
};
use procession_plan::forecast::{Backtest, Forecast as Told, Score, backtest, forecast};
use serde_json::json;

use super::{print, say};
use crate::{
    cli::{Forecast, Global, Past},
    config::Config,
    wiring,
};

/// Forecasts from files or from the ledger, and looks after what the ledger has kept.
pub(super) async fn run(command: Forecast, config: &Config, global: &Global) -> anyhow::Result<ExitCode> {
    match &command {
        Forecast::Show(past) => show(&made(&past_of(past, config).await?, config)?, global)?,
        Forecast::Explain(past) => explain(&made(&past_of(past, config).await?, config)?, global)?,
        Forecast::Backtest { past, weeks } => {
            let (history, now) = past_of(past, config).await?;
            let result = backtest(&history.known(), &config.foresight.policy, *weeks, now);
            rate(&result.map_err(|why| anyhow!("no backtest: {}", why.0))?, global)?;
        }
        Forecast::Import(import) => history::import(import, config, global).await?,
        Forecast::Export { bookings } => history::export(*bookings, config, global).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// What is to be forecast from, and the moment at which it is.
async fn past_of(past: &Past, config: &Config) -> anyhow::Result<(History, Timestamp)> {
    let region = past.region.clone().unwrap_or_else(|| config.region.clone());
    let (now, venues) = (past.at.unwrap_or_else(|| SystemClock::default().now()), &config.foresight.venues);
    let mut known = match (&past.history, wiring::existing_ledger(config).await?) {
        (Some(file), _) => files::histories(file, past.bookings.as_deref(), venues, now)?,
        (None, Some(ledger)) => histories(ledger.as_ref(), venues, now).await?,
        (None, None) => std::collections::BTreeMap::new(),
    };
    let history = known.remove(&region);
    if history.is_none() && !known.is_empty() {
        let known = known.keys().map(Region::as_str).collect::<Vec<_>>().join(", ");
        bail!("nothing is known of region {region}, but of {known}; say --region");
    }
    Ok((history.unwrap_or_else(|| History::none(venues.of(&region), now)), now))
}

fn made((history, now): &(History, Timestamp), config: &Config) -> anyhow::Result<Told> {
    forecast(&history.known(), &config.foresight.policy, *now).map_err(|why| anyhow!("no forecast: {}", why.0))
}

fn show(told: &Told, global: &Global) -> anyhow::Result<()> {
    if global.json {
        return Ok(print(&json!(told))?);
    }
    summary(told)?;
    for day in &told.days {
        let of = day.photos;
        let weekday = format!("{:?}", day.date.weekday());
        say(&format!("  {weekday:<9} {}  {:>8.0}  (80%: {:.0} to {:.0})", day.date, of.mean, of.p10, of.p90))?;
    }
    Ok(())
}

fn explain(told: &Told, global: &Global) -> anyhow::Result<()> {
    if global.json {
        return Ok(print(
            &json!({ "model": told.model, "reason": told.reason, "trust": told.trust, "days": told.days }),
        )?);
    }
    summary(told)?;
    told.days.iter().try_for_each(|day| say(&format!("  {}", day.reason)))?;
    Ok(())
}

fn summary(told: &Told) -> anyhow::Result<()> {
    say(&format!("Forecast by {}: {}.", told.model.words(), told.reason))?;
    let trusted = if told.trust.trusted { "Trusted" } else { "Not trusted, so nothing is scaled by it" };
    say(&format!("{trusted}: {}.", told.trust.reason))?;
    Ok(())
}

fn rate(result: &Backtest, global: &Global) -> anyhow::Result<()> {
    if global.json {
        return Ok(print(&json!(result))?);
    }
    say(&format!("{} weeks, each forecast from what was known before it:", result.weeks))?;
    let line = |name: &str, score: &Score| {
        let percent = |part: f64| 100.0 * part;
        say(&format!(
            "  {name:<40} {:>5.1}% wrong by days, {:>5.1}% by hours, {:>3.0}% of the hours below the 0.9 quantile",
            percent(score.daily_error),
            percent(score.hourly_error),
            percent(score.coverage),
        ))
    };
    line("as chosen each week", &result.chosen)?;
    result.models.iter().try_for_each(|score| line(score.model.words(), score))?;
    Ok(())
}
