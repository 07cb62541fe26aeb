//! The ways to forecast a day.

use super::{
    Model,
    calendar::{Calendar, aged},
    days::Days,
    solve::least_squares_above_zero,
};

/// Photos of a wedding arrive on its day and so many days after it.
const DELAY_DAYS: i64 = 6;
/// A day so old counts half in how many photos a wedding brings.
const HALF_LIFE_DAYS: f64 = 90.0;
/// With fewer days since the first booking nothing is made of the bookings.
const LEAST_BOOKED_DAYS: usize = 60;
/// How many bookings are still to come is taken from the weddings of so many of the last days.
const ANNOUNCED_DAYS: usize = 182;
/// More than this many times the known bookings are never expected.
const MOST_TO_COME: f64 = 5.0;

/// All that can be said at the beginning of a day.
pub(super) struct Fitted {
    pub(super) origin: usize,
    pub(super) calendar: Calendar,
    bookings: Option<Bookings>,
}

/// What the booked weddings bring.
struct Bookings {
    /// The part of the calendar's expectation that comes without a booking.
    unbooked: f64,
    /// Photos by a wedding on its day and each day after it.
    photos: Vec<f64>,
    /// How many bookings there are in the end for each that is known so many days before.
    to_come: Vec<f64>,
}

impl Fitted {
    /// Learns from what was known at the beginning of day `origin`, for `horizon` days.
    pub(super) fn new(days: &Days, origin: usize, horizon: usize) -> Self {
        let calendar = Calendar::fit(days, origin);
        let bookings = Bookings::fit(days, origin, horizon, &calendar);
        Self { origin, calendar, bookings }
    }

    /// What a model expects of a day that is to come; none if it cannot say.
    pub(super) fn expects(&self, model: Model, days: &Days, day: usize) -> Option<f64> {
        let origin = self.origin;
        match model {
            Model::LastWeek => mean(days, origin, day, 1),
            Model::FourWeeks => mean(days, origin, day, 4),
            Model::LastYear => {
                let year_ago = day.checked_sub(364)?;
                let (recent, then) =
                    (origin.saturating_sub(28)..origin, origin.checked_sub(392)?..origin.checked_sub(364)?);
                let sum = |range: std::ops::Range<usize>| days.totals[range].iter().sum::<f64>();
                let (recent, then) = (sum(recent), sum(then));
                Some(days.totals[year_ago] * if then > 0.0 { recent / then } else { 1.0 })
            }
            Model::Calendar => Some(self.calendar.expects(days, day)),
            Model::Bookings => {
                let bookings = self.bookings.as_ref()?;
                let booked = bookings.photos.iter().zip(0_i64..).map(|(photos, delay)| {
                    let wedding = i64::try_from(day).unwrap_or(i64::MAX) - delay;
                    photos * bookings.expected(days, wedding, origin)
                });
                Some(bookings.unbooked * self.calendar.expects(days, day) + booked.sum::<f64>())
            }
        }
    }
}

impl Bookings {
    fn fit(days: &Days, origin: usize, horizon: usize, calendar: &Calendar) -> Option<Self> {
        let from = days.first_booked()? + DELAY_DAYS.unsigned_abs() as usize;
        if origin < from + LEAST_BOOKED_DAYS {
            return None;
        }
        let (mut rows, mut weights) = (Vec::new(), Vec::new());
        for day in from..origin {
            let expected = calendar.expects(days, day);
            let wedding = |delay| f64::from(days.booked(i64::try_from(day).unwrap_or(i64::MAX) - delay, origin));
            rows.push(std::iter::once(expected).chain((0..=DELAY_DAYS).map(wedding)).collect::<Vec<f64>>());
            // The more arrives the more it varies.
            weights.push(aged(origin - day, HALF_LIFE_DAYS) / expected.max(1.0));
        }
        let found = least_squares_above_zero(&rows, &days.totals[from..origin], &weights);
        let (unbooked, photos) = found.split_first()?;
        let to_come = (0..horizon).map(|lead| {
            let past = origin.saturating_sub(ANNOUNCED_DAYS)..origin;
            let (known, all) = past.fold((0, 0), |(known, all), day| {
                let wedding = i64::try_from(day).unwrap_or(i64::MAX);
                (known + days.booked(wedding, day.saturating_sub(lead)), all + days.booked(wedding, day))
            });
            if known > 0 { (f64::from(all) / f64::from(known)).min(MOST_TO_COME) } else { 1.0 }
        });
        Some(Self { unbooked: *unbooked, photos: photos.to_vec(), to_come: to_come.collect() })
    }

    /// How many booked weddings there will have been on a day.
    fn expected(&self, days: &Days, wedding: i64, origin: usize) -> f64 {
        let lead = usize::try_from(wedding).ok().and_then(|day| day.checked_sub(origin));
        let to_come = lead.map_or(1.0, |lead| self.to_come.get(lead).or(self.to_come.last()).copied().unwrap_or(1.0));
        f64::from(days.booked(wedding, origin)) * to_come
    }
}

/// The mean of the same weekday in the last weeks that are known.
fn mean(days: &Days, origin: usize, day: usize, weeks: usize) -> Option<f64> {
    let known = (1..).map_while(|weeks| day.checked_sub(7 * weeks)).filter(|day| *day < origin).take(weeks);
    let values: Vec<f64> = known.map(|day| days.totals[day]).collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}
