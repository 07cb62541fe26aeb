//! Histories as files of lines, for people and other systems.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context as _, anyhow, bail};
use procession_domain::{
    Region, Timestamp,
    demand::{Arrivals, Booked},
};
use procession_flow::forecast::History;
use procession_plan::forecast::Venues;

const HOUR: i64 = 3_600_000_000;
/// The columns of arrivals, the last of which may be missing, and of bookings.
pub(super) const ARRIVALS: [&str; 4] = ["hour", "region", "photos", "megapixels"];
pub(super) const BOOKINGS: [&str; 3] = ["wedding", "region", "announced_at"];

/// The past of each region as files have it.
pub(super) fn histories(
    history: &Path,
    bookings: Option<&Path>,
    venues: &Venues,
    now: Timestamp,
) -> anyhow::Result<BTreeMap<Region, History>> {
    let bookings = bookings.map(bookings_of).transpose()?.unwrap_or_default();
    Ok(History::of_regions(arrivals_of(history)?, bookings, venues, now)?)
}

/// What arrived, by hour and region. Lines of the same hour and region add up.
pub(super) fn arrivals_of(file: &Path) -> anyhow::Result<Vec<Arrivals>> {
    let mut sums: BTreeMap<(Timestamp, Region), (u64, f64)> = BTreeMap::new();
    for_lines(file, &ARRIVALS, 3, |cells| {
        let [hour, region, photos, ..] = cells else { bail!("a column is missing") };
        let at = moment(hour)?;
        let hour = Timestamp::from_micros(at.micros().div_euclid(HOUR) * HOUR);
        let count: u64 = photos.parse().with_context(|| format!("{photos} photos: they are counted from zero up"))?;
        let megapixels = match cells.get(3) {
            Some(megapixels) => positive(megapixels)?,
            None => 0.0,
        };
        let sum = sums.entry((hour, region.parse()?)).or_default();
        *sum = (sum.0.saturating_add(count), sum.1 + megapixels);
        Ok(())
    })?;
    let arrivals = |((hour, region), (photos, megapixels))| Arrivals { region, hour, photos, megapixels };
    Ok(sums.into_iter().map(arrivals).collect())
}

/// The weddings that were announced.
pub(super) fn bookings_of(file: &Path) -> anyhow::Result<Vec<Booked>> {
    let mut bookings = Vec::new();
    for_lines(file, &BOOKINGS, 3, |cells| {
        let [wedding, region, announced_at] = cells else { bail!("a column is missing") };
        let wedding = wedding.parse().with_context(|| format!("{wedding} is no date"))?;
        bookings.push(Booked { region: region.parse()?, wedding, announced_at: moment(announced_at)? });
        Ok(())
    })?;
    Ok(bookings)
}

fn moment(text: &str) -> anyhow::Result<Timestamp> {
    text.to_owned().try_into().with_context(|| format!("{text} is no time such as 2026-06-20T20:00:00Z"))
}

fn positive(text: &str) -> anyhow::Result<f64> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0);
    number.ok_or_else(|| anyhow!("{text} megapixels: a number from zero up is meant"))
}

/// Reads a file whose first line names its columns, of which the ones after `least` may be missing. Such files hold times,
/// numbers and names of regions, so nothing is quoted.
fn for_lines(
    file: &Path,
    columns: &[&str],
    least: usize,
    mut each: impl FnMut(&[&str]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut lines = text.lines().zip(1..);
    let heading = lines.next().map(|(line, _)| line.trim().trim_start_matches('\u{feff}')).unwrap_or_default();
    let count = (least..=columns.len()).find(|count| heading == columns[..*count].join(","));
    let Some(count) = count else {
        bail!("{}: the first line must be {}", file.display(), columns[..least].join(","));
    };
    for (line, number) in lines.filter(|(line, _)| !line.trim().is_empty()) {
        let place = || format!("{}, line {number}", file.display());
        let cells: Vec<&str> = line.split(',').map(str::trim).collect();
        if cells.len() != count {
            return Err(anyhow!("there must be {heading}")).with_context(place);
        }
        each(&cells).with_context(place)?;
    }
    Ok(())
}
