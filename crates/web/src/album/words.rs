//! Dates, counts and spans as a person reads them.

use std::time::Duration;

use jiff::{civil::Date, tz::TimeZone};
use procession_domain::{Timestamp, album::Album};

/// "Saturday, 20 June 2026".
pub(crate) fn long_date(date: Date) -> String {
    date.strftime("%A, %-d %B %Y").to_string()
}

/// "20 June 2026".
pub(crate) fn short_date(date: Date) -> String {
    date.strftime("%-d %B %Y").to_string()
}

/// "20 June 2026, 18:04".
pub(crate) fn date_and_time(moment: Timestamp, zone: &TimeZone) -> String {
    zone.to_datetime(moment.calendar()).strftime("%-d %B %Y, %H:%M").to_string()
}

/// RFC 3339 in the venue's offset, for machines.
pub(crate) fn machine_time(moment: Timestamp) -> String {
    moment.to_string()
}

/// "1 photo", "12,345 photos".
pub(crate) fn count(number: usize, one: &str) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    format!("{text} {one}{}", if number == 1 { "" } else { "s" })
}

/// The largest two units that are not zero: "23 h 12 min", "4 min", "12 s".
pub(crate) fn span(length: Duration) -> String {
    let seconds = length.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, 0) => format!("{hours} h"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, 0, _) => format!("{days} d"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// How the delivery stands against its promise.
pub(super) struct Delivery {
    /// `on-time`, `late` or `open`: the style's name.
    pub(super) state: &'static str,
    /// In a few words.
    pub(super) text: String,
}

/// What a person wants to know about the deadline. The page is static: while work goes on it says when it is due, not how
/// long that is from now.
pub(super) fn delivery(album: &Album, zone: &TimeZone) -> Delivery {
    match album.finished_at {
        Some(finished) if finished <= album.deadline => {
            Delivery { state: "on-time", text: format!("On time, {} early", span(album.deadline.since(finished))) }
        }
        Some(finished) => Delivery { state: "late", text: format!("Late by {}", span(finished.since(album.deadline))) },
        None => Delivery { state: "open", text: format!("Due {}", date_and_time(album.deadline, zone)) },
    }
}
