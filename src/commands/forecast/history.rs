//! What the ledger keeps of the past: taken over from another system, and given to one.

use std::collections::BTreeMap;

use anyhow::bail;
use jiff::civil::Date;
use procession_domain::{
    Clock as _, Region, Timestamp,
    demand::{Arrivals, Booked},
};
use procession_flow::SystemClock;
use serde_json::json;

use super::{files, print, say};
use crate::{
    cli::{Global, Import},
    config::Config,
    wiring,
};

/// So many rows are written in one transaction: others wait for less than a second.
const ROWS: usize = 1_000;

/// Takes over what files say, all of it or nothing if some of it contradicts what is known.
pub(super) async fn import(import: &Import, config: &Config, global: &Global) -> anyhow::Result<()> {
    let (file, now) = (import.history.display(), SystemClock::default().now());
    let arrivals = files::arrivals_of(&import.history)?;
    let bookings = import.bookings.as_deref().map(files::bookings_of).transpose()?.unwrap_or_default();
    let hour = |at: Timestamp| at.micros().div_euclid(3_600_000_000);
    if let Some(early) = arrivals.iter().find(|of| hour(of.hour) >= hour(now)) {
        bail!("{file}: the hour {} is not over; a history has what has been", early.hour);
    }
    let ledger = wiring::ledger(config).await?;
    let known = match arrivals.first() {
        Some(first) => ledger.arrivals(first.hour).await?,
        None => Vec::new(),
    };
    let known: BTreeMap<(Timestamp, Region), Arrivals> =
        known.into_iter().map(|of| ((of.hour, of.region.clone()), of)).collect();
    let same = |of: &Arrivals, known: &Arrivals| {
        of.photos == known.photos && (of.megapixels == 0.0 || (of.megapixels - known.megapixels).abs() < 1e-6)
    };
    let of_hour = |of: &Arrivals| known.get(&(of.hour, of.region.clone()));
    let (same, wanted): (Vec<_>, Vec<_>) =
        arrivals.into_iter().partition(|of| of_hour(of).is_some_and(|known| same(of, known)));
    let others: Vec<_> = wanted.iter().filter_map(|of| Some((of, of_hour(of)?))).collect();
    if let Some((of, known)) = others.first().filter(|_| !import.replace) {
        let (count, Arrivals { hour, region, photos, .. }) = (others.len(), of);
        bail!(
            "{file}: {count} hours are known with other figures, the first {hour} in {region} ({} photos, and {photos} in the \
             file); nothing was taken over; --replace takes the file's",
            known.photos
        );
    }
    let mut weddings = bookings.len() as u64;
    if !import.dry_run {
        for rows in wanted.chunks(ROWS) {
            ledger.set_arrivals(rows).await?;
        }
        weddings = 0;
        for rows in named(bookings).chunks(ROWS) {
            weddings += ledger.import_bookings(rows).await?;
        }
    }
    tell(&wanted, same.len(), weddings, import.dry_run, global)
}

/// Each booking with a name of its own, the same whenever the same file is read.
fn named(bookings: Vec<Booked>) -> Vec<(String, Booked)> {
    let mut alike: BTreeMap<Booked, u32> = BTreeMap::new();
    let mut name = |booked: Booked| {
        let number = alike.entry(booked.clone()).or_default();
        *number += 1;
        (format!("import {} {} {} {number}", booked.region, booked.wedding, booked.announced_at), booked)
    };
    bookings.into_iter().map(&mut name).collect()
}

fn tell(taken: &[Arrivals], same: usize, weddings: u64, dry_run: bool, global: &Global) -> anyhow::Result<()> {
    let photos: u64 = taken.iter().map(|of| of.photos).sum();
    if global.json {
        let told = json!({ "hours": taken.len(), "photos": photos, "hours_known_before": same, "weddings": weddings,
            "dry_run": dry_run });
        return Ok(print(&told)?);
    }
    let would = if dry_run { "Would take over" } else { "Took over" };
    let known = if same == 0 { String::new() } else { format!("; {same} hours were known as they are") };
    say(&format!("{would} {} hours with {photos} photos, and {weddings} weddings{known}.", taken.len()))?;
    if !dry_run {
        say("A controller that runs forecasts from them within the hour; `procession forecast explain` does now.")?;
    }
    Ok(())
}

/// Writes what is kept as lines.
pub(super) async fn export(bookings: bool, config: &Config, global: &Global) -> anyhow::Result<()> {
    let Some(ledger) = wiring::existing_ledger(config).await? else { bail!("there is no ledger yet") };
    if bookings {
        let found = ledger.bookings(Date::MIN).await?;
        if !global.json {
            say(&files::BOOKINGS.join(","))?;
        }
        return found.into_iter().try_for_each(|Booked { region, wedding, announced_at }| {
            if global.json {
                return Ok(print(&json!({ "wedding": wedding, "region": region, "announced_at": announced_at }))?);
            }
            Ok(say(&format!("{wedding},{region},{announced_at}"))?)
        });
    }
    let found = ledger.arrivals(Timestamp::from_micros(0)).await?;
    if !global.json {
        say(&files::ARRIVALS.join(","))?;
    }
    found.into_iter().try_for_each(|Arrivals { region, hour, photos, megapixels }| {
        if global.json {
            let told = json!({ "hour": hour, "region": region, "photos": photos, "megapixels": megapixels });
            return Ok(print(&told)?);
        }
        Ok(say(&format!("{hour},{region},{photos},{megapixels}"))?)
    })
}
