//! Why so much is expected of a day.

use super::{Day, Model, Part, Quantiles, days::Days, models::Fitted};
use crate::Reason;

/// Parts of less than this many percent are not told.
const LEAST_PERCENT: f64 = 0.5;

pub(super) fn day(days: &Days, fitted: &Fitted, model: Model, day: usize, photos: Quantiles) -> Day {
    let date = days.date(day);
    let booked = days.booked(i64::try_from(day).unwrap_or(i64::MAX), fitted.origin);
    let mut parts = Vec::new();
    if !model.is_naive() {
        parts = fitted.calendar.explain(days, day);
        if model == Model::Bookings {
            let calendar = fitted.calendar.expects(days, day);
            let factor = if calendar > 0.0 { photos.mean / calendar } else { 1.0 };
            parts.push(("what is booked".to_owned(), factor));
        }
    }
    let parts: Vec<Part> = parts
        .into_iter()
        .map(|(what, factor)| Part { what, percent: 100.0 * (factor - 1.0) })
        .filter(|part| part.percent.abs() >= LEAST_PERCENT)
        .collect();
    let weekday = date.weekday();
    let because = match model.is_naive() {
        true => model.words().to_owned(),
        false => parts.iter().map(told).collect::<Vec<_>>().join(", "),
    };
    let weddings = if booked == 1 { "1 wedding is booked".to_owned() } else { format!("{booked} weddings are booked") };
    let reason = format!("{weekday:?} {date}: {:.0} photos ({because}); {weddings}", photos.mean);
    Day { date, photos, parts, booked, reason: Reason::new(reason) }
}

/// As in `season +41%`; what is many times as much is told as that.
fn told(part: &Part) -> String {
    if part.percent >= 300.0 {
        format!("{} × {:.1}", part.what, 1.0 + part.percent / 100.0)
    } else {
        format!("{} {:+.0}%", part.what, part.percent)
    }
}
