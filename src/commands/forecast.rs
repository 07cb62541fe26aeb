//! `procession forecast`.

use std::{collections::BTreeSet, fs, path::Path, process::ExitCode, time::Duration};

use anyhow::{Context as _, anyhow, bail};
use procession_domain::{Clock as _, Region, Timestamp};
use procession_flow::SystemClock;
use procession_plan::forecast::{
    Backtest, Booking, Forecast as Told, ForecastPolicy, Known, Place, Score, Series, backtest, forecast,
};
use procession_vault::Ledger;
use serde_json::json;

use super::{print, say};
use crate::{
    cli::{Forecast, Global},
    config::Config,
    wiring,
};

const HOUR: Duration = Duration::from_secs(3_600);

/// What happened: when photos were stored, and how many; and what was announced.
#[derive(Default)]
struct Seen {
    photos: Vec<(Timestamp, f64)>,
    bookings: Vec<Booking>,
}

/// Forecasts from files or from the ledger.
pub(super) async fn run(command: Forecast, config: &Config, global: &Global) -> anyhow::Result<ExitCode> {
    let past = match &command {
        Forecast::Show(past) | Forecast::Explain(past) | Forecast::Backtest { past, .. } => past,
    };
    let region = past.region.clone().unwrap_or_else(|| config.region.clone());
    let now = past.at.unwrap_or_else(|| SystemClock::default().now());
    let seen = match &past.history {
        Some(file) => from_files(file, past.bookings.as_deref(), &region)?,
        None => match wiring::existing_ledger(config).await? {
            Some(ledger) => from_ledger(ledger.as_ref()).await?,
            None => Seen::default(),
        },
    };
    let place = Place::of(&region);
    let history = series(&seen.photos, now)?;
    let known = Known { place: &place, history: &history, bookings: &seen.bookings };
    let policy = ForecastPolicy::default();
    match command {
        Forecast::Backtest { weeks, .. } => {
            let result = backtest(&known, &policy, weeks, now).map_err(|why| anyhow!("no backtest: {}", why.0))?;
            rate(&result, global)?;
        }
        Forecast::Show(_) => show(&made(&known, &policy, now)?, global)?,
        Forecast::Explain(_) => explain(&made(&known, &policy, now)?, global)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn made(known: &Known<'_>, policy: &ForecastPolicy, now: Timestamp) -> anyhow::Result<Told> {
    forecast(known, policy, now).map_err(|why| anyhow!("no forecast: {}", why.0))
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

/// The photos that the ledger knows, and the galleries that were opened before their wedding. The ledger does not say in
/// which region a photo arrived, so all of them count.
async fn from_ledger(ledger: &dyn Ledger) -> anyhow::Result<Seen> {
    let mut seen = Seen::default();
    for (gallery, _) in ledger.galleries().await? {
        if let Some(wedding) = &gallery.wedding {
            seen.bookings.push(Booking { wedding: wedding.date, announced_at: gallery.opened_at });
        }
        let photos = ledger.photos(gallery.id).await?;
        seen.photos.extend(photos.into_iter().map(|(photo, _)| (photo.stored_at, 1.0)));
    }
    Ok(seen)
}

fn from_files(history: &Path, bookings: Option<&Path>, region: &Region) -> anyhow::Result<Seen> {
    let mut seen = Seen::default();
    let mut regions = BTreeSet::new();
    for_lines(history, "hour,region,photos", |[hour, of, photos]| {
        regions.insert(of.to_owned());
        let photos: f64 = photos.parse().with_context(|| format!("{photos} is no number"))?;
        if !(photos.is_finite() && photos >= 0.0) {
            bail!("{photos} photos: they are counted from zero up");
        }
        if of == region.as_str() {
            seen.photos.push((hour.to_owned().try_into().with_context(|| format!("{hour} is no time"))?, photos));
        }
        Ok(())
    })?;
    if seen.photos.is_empty() && !regions.is_empty() {
        let known = regions.into_iter().collect::<Vec<_>>().join(", ");
        bail!("{}: has nothing of region {region}, but of {known}; say --region", history.display());
    }
    if let Some(bookings) = bookings {
        for_lines(bookings, "wedding,region,announced_at", |[wedding, of, announced_at]| {
            let wedding = wedding.parse().with_context(|| format!("{wedding} is no date"))?;
            let announced_at =
                announced_at.to_owned().try_into().with_context(|| format!("{announced_at} is no time"))?;
            if of == region.as_str() {
                seen.bookings.push(Booking { wedding, announced_at });
            }
            Ok(())
        })?;
    }
    Ok(seen)
}

/// Reads a file of three columns. Such files hold times, numbers and names of regions, so nothing is quoted.
fn for_lines(file: &Path, heading: &str, mut each: impl FnMut([&str; 3]) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut lines = text.lines().zip(1..);
    if lines.next().map(|(line, _)| line.trim()) != Some(heading) {
        bail!("{}: the first line must be {heading}", file.display());
    }
    for (line, number) in lines.filter(|(line, _)| !line.trim().is_empty()) {
        let place = || format!("{}, line {number}", file.display());
        let cells: Vec<&str> = line.split(',').map(str::trim).collect();
        let cells: [&str; 3] = cells.try_into().map_err(|_| anyhow!("there must be {heading}")).with_context(place)?;
        each(cells).with_context(place)?;
    }
    Ok(())
}

/// The photos by hours, from the first of them up to the hour that is not over yet.
fn series(photos: &[(Timestamp, f64)], now: Timestamp) -> anyhow::Result<Series> {
    let hour = i64::try_from(HOUR.as_micros())?;
    let number = |at: Timestamp| at.micros().div_euclid(hour);
    let first = photos.iter().map(|(at, _)| number(*at)).min().unwrap_or_else(|| number(now));
    let count = usize::try_from(number(now).saturating_sub(first)).unwrap_or(0);
    let mut hours = vec![0.0; count];
    for (at, photos) in photos {
        let place = usize::try_from(number(*at) - first).ok().and_then(|place| hours.get_mut(place));
        place.into_iter().for_each(|sum| *sum += photos);
    }
    Ok(Series::new(Timestamp::from_micros(first.saturating_mul(hour)), hours)?)
}
