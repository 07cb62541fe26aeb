//! The past by days, as they are where the venues are.

use jiff::civil::Date;
use procession_domain::Timestamp;

use super::{Booking, Known, Place, holidays::Holidays};

/// The hours' shares of a day are taken from so many of the last days.
const SHARES_FROM_DAYS: usize = 182;
/// So many days like the mean of all weekdays are mixed in, so that a quiet weekday has a profile too.
const SHARES_MIXED: f64 = 2.0;

/// What is known, by days. A day has a number: how many days after the first.
pub(super) struct Days {
    first: Date,
    /// The photos of each day, by hour of the local clock.
    hours: Vec<[f64; 24]>,
    /// The photos of each day.
    pub(super) totals: Vec<f64>,
    /// For each day, the days on which its weddings were announced, sorted; only those announced before the day itself.
    booked: Vec<Vec<i64>>,
    pub(super) holidays: Holidays,
}

impl Days {
    /// The whole days of the history that ended before `now`, and the bookings until then and for `horizon` days more.
    pub(super) fn new(known: &Known<'_>, now: Timestamp, horizon: usize) -> Option<Self> {
        let zone = known.place.time_zone.rules();
        let local = |moment: Timestamp| zone.to_datetime(moment.calendar());
        let today = local(now).date();
        let mut days: Vec<(Date, [f64; 24])> = Vec::new();
        for (index, photos) in known.history.photos().iter().enumerate() {
            let at = local(known.history.begins(index));
            if at.date() >= today {
                break;
            }
            let hour = usize::from(at.hour().unsigned_abs()).min(23);
            match days.last_mut() {
                Some((date, hours)) if *date == at.date() => hours[hour] += photos,
                // The first day counts only if it is whole.
                None if hour > 0 => {}
                _ => {
                    let mut hours = [0.0; 24];
                    hours[hour] = *photos;
                    days.push((at.date(), hours));
                }
            }
        }
        let first = days.first()?.0;
        let hours: Vec<[f64; 24]> = days.into_iter().map(|(_, hours)| hours).collect();
        let totals = hours.iter().map(|hours| hours.iter().sum()).collect();
        let mut booked = vec![Vec::new(); hours.len() + horizon];
        for Booking { wedding, announced_at } in known.bookings {
            let announced = number(first, local(*announced_at).date());
            let day = number(first, *wedding);
            let place = usize::try_from(day).ok().and_then(|day| booked.get_mut(day));
            if let Some(place) = place.filter(|_| *announced_at <= now && announced < day) {
                place.push(announced);
            }
        }
        booked.iter_mut().for_each(|announced| announced.sort_unstable());
        Some(Self { first, hours, totals, booked, holidays: Holidays::of(&known.place.countries) })
    }

    /// How many days are known.
    pub(super) fn known(&self) -> usize {
        self.totals.len()
    }

    pub(super) fn date(&self, day: usize) -> Date {
        let days = i64::try_from(day).unwrap_or(i64::MAX);
        self.first.checked_add(jiff::Span::new().days(days.min(1_000_000))).unwrap_or(Date::MAX)
    }

    /// The number of a date, negative before the first day.
    pub(super) fn number(&self, date: Date) -> i64 {
        number(self.first, date)
    }

    /// The photos of a day by hour of the local clock.
    pub(super) fn by_hours(&self, day: usize) -> &[f64; 24] {
        &self.hours[day]
    }

    /// The weddings of a day that were announced before the beginning of day `seen`, and before the day itself.
    pub(super) fn booked(&self, day: i64, seen: usize) -> u32 {
        let seen = i64::try_from(seen).unwrap_or(i64::MAX);
        let announced = usize::try_from(day).ok().and_then(|day| self.booked.get(day));
        announced.map_or(0, |days| u32::try_from(days.partition_point(|at| *at < seen)).unwrap_or(u32::MAX))
    }

    /// The first day that has a wedding that was announced.
    pub(super) fn first_booked(&self) -> Option<usize> {
        self.booked.iter().position(|announced| !announced.is_empty())
    }

    /// The part of a day's photos that each hour of the local clock has, for each weekday (Monday first), from what was known at
    /// the beginning of day `origin`.
    pub(super) fn shares(&self, origin: usize) -> [[f64; 24]; 7] {
        let (mut sums, mut all) = ([[0.0; 24]; 7], [0.0; 24]);
        for day in origin.saturating_sub(SHARES_FROM_DAYS)..origin {
            for (hour, photos) in self.hours[day].iter().enumerate() {
                sums[weekday(self.date(day))][hour] += photos;
                all[hour] += photos;
            }
        }
        let total: f64 = all.iter().sum();
        let mixed = SHARES_MIXED / SHARES_FROM_DAYS.min(origin.max(1)) as f64;
        for shares in &mut sums {
            for (share, photos) in shares.iter_mut().zip(&all) {
                *share += mixed * photos;
            }
            let sum: f64 = shares.iter().sum();
            shares.iter_mut().for_each(|share| *share = if total > 0.0 { *share / sum } else { 1.0 / 24.0 });
        }
        sums
    }
}

/// Monday is 0.
pub(super) fn weekday(date: Date) -> usize {
    usize::from(date.weekday().to_monday_zero_offset().unsigned_abs())
}

/// The local day and hour of a moment.
pub(super) fn clock(place: &Place, moment: Timestamp) -> (Date, usize) {
    let at = place.time_zone.rules().to_datetime(moment.calendar());
    (at.date(), usize::from(at.hour().unsigned_abs()).min(23))
}

fn number(first: Date, date: Date) -> i64 {
    first.duration_until(date).as_hours() / 24
}
