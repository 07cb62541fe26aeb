//! The figures behind an outlook, as a sentence.

use procession_domain::{Timestamp, gallery::Progress};

use super::Unfinished;
use crate::Reason;

/// Why the gallery at `index` is expected to finish when it is.
pub(super) fn expected(
    unfinished: &[Unfinished],
    index: usize,
    pace: Option<f64>,
    slack_seconds: Option<i64>,
    now: Timestamp,
) -> Reason {
    let gallery = &unfinished[index];
    let left = format!("{} ({} MP) left", count(gallery.photos, "photo", "photos"), whole(gallery.megapixels));
    let due =
        || in_time((gallery.rank.deadline.micros() - now.micros()).div_euclid(1_000_000), "left", "over the time");
    Reason::new(match (pace, slack_seconds) {
        (Some(pace), Some(slack)) => {
            let place = place(unfinished, gallery, now);
            format!("{left} at {} MP/s{place}; {}", figure(pace), in_time(slack, "to spare", "too late"))
        }
        (Some(pace), None) => format!("{left} at {} MP/s, behind critical galleries; {}", figure(pace), due()),
        (None, _) => format!("{left}; too little was finished in the last minute of work to say how fast; {}", due()),
    })
}

/// Why a gallery counts as delivered: all that it has is finished.
pub fn delivered(progress: &Progress, finished_at: Option<Timestamp>, deadline: Timestamp) -> Reason {
    let mut text = format!("{} finished", count(progress.done, "photo", "photos"));
    if progress.quarantined > 0 {
        text.push_str(&format!(", {} cannot be processed", count(progress.quarantined, "photo", "photos")));
    }
    if let Some(finished_at) = finished_at {
        let slack = (deadline.micros() - finished_at.micros()).div_euclid(1_000_000);
        text.push_str(&format!("; {}", in_time(slack, "to spare", "too late")));
    }
    Reason::new(text)
}

/// Where the gallery stands among the others.
fn place(all: &[Unfinished], gallery: &Unfinished, now: Timestamp) -> String {
    let others = all.len() as u64 - 1;
    let is_critical = |other: &&Unfinished| now >= other.rank.critical_at;
    let order = |other: &Unfinished| (other.rank.deadline, other.gallery);
    let ahead = all.iter().filter(is_critical).filter(|other| order(other) < order(gallery)).count() as u64;
    let others = |word: &str| format!(", {word} {}", count(others, "gallery", "galleries"));
    match () {
        () if all.len() == 1 => String::new(),
        () if !is_critical(&gallery) => others("shared with"),
        () if ahead > 0 => {
            format!(
                ", behind {} that {} due sooner",
                count(ahead, "gallery", "galleries"),
                if ahead == 1 { "is" } else { "are" }
            )
        }
        () => format!("{}, because its deadline is near", others("before")),
    }
}

fn in_time(seconds: i64, before: &str, after: &str) -> String {
    format!("{} {}", duration(seconds.unsigned_abs()), if seconds < 0 { after } else { before })
}

fn duration(seconds: u64) -> String {
    match (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0, seconds) => format!("{seconds} s"),
        (0, 0, minutes, _) => format!("{minutes} min"),
        (0, hours, minutes, _) => format!("{hours} h {minutes} min"),
        (days, hours, ..) => format!("{days} d {hours} h"),
    }
}

fn count(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(number), if number == 1 { one } else { many })
}

fn whole(megapixels: f64) -> String {
    thousands(megapixels.round() as u64)
}

/// Two figures are enough of a pace.
fn figure(pace: f64) -> String {
    if pace < 10.0 { format!("{pace:.1}") } else { whole(pace) }
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
