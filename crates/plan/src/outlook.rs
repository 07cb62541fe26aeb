//! When each gallery will be finished, and why then: the schedule run ahead at the pace that was measured.
//!
//! The work is taken as a fluid that is poured into the galleries as [`next`](crate::next) would hand it out: the critical
//! gallery with the earliest deadline up to the share cap, the others by weight. From one event to the next (a gallery is
//! finished, a gallery becomes critical) all rates are constant, so the course is exact and takes two steps a gallery.

mod words;

use std::time::Duration;

use procession_domain::{GalleryId, Timestamp, gallery::Rank};
use serde::{Deserialize, Serialize};

use crate::Reason;

pub use words::delivered;

/// What is left of a gallery.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unfinished {
    /// The gallery.
    pub gallery: GalleryId,
    /// Its place in the schedule.
    pub rank: Rank,
    /// Whoever finishes with less time to spare was lucky: see [`default_margin`](crate::default_margin).
    pub margin: Duration,
    /// Photos that are not finished.
    pub photos: u64,
    /// What they cost.
    pub megapixels: f64,
}

/// Whether a promise is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// It will be, with time to spare.
    OnTime,
    /// It will be, if nothing comes between.
    AtRisk,
    /// It will not be, or was not: the deadline is over.
    Late,
    /// All is finished.
    Delivered,
}

/// What is expected of a gallery.
#[derive(Clone, Debug, PartialEq)]
pub struct Outlook {
    /// The gallery.
    pub gallery: GalleryId,
    /// Whether its promise is kept.
    pub delivery: Delivery,
    /// When it is finished; none while the pace is not known.
    pub finishes_at: Option<Timestamp>,
    /// Seconds between that and the deadline; negative if it is missed.
    pub slack_seconds: Option<i64>,
    /// The figures behind it.
    pub reason: Reason,
}

impl Outlook {
    /// Nobody does what its photos need: it is not known when it is finished, and the promise is not kept as things are.
    pub fn hinder(&mut self, why: String, deadline: Timestamp, now: Timestamp) {
        self.delivery = if now > deadline { Delivery::Late } else { Delivery::AtRisk };
        (self.finishes_at, self.slack_seconds) = (None, None);
        self.reason = Reason::new(why);
    }
}

/// What is expected of each gallery at `now`, in their order. `share_cap` is the part of the work that critical galleries take
/// while others wait. Without a measured pace no figure is made up: then only the deadline and the rank speak.
pub fn outlook(
    unfinished: &[Unfinished],
    megapixels_per_second: Option<f64>,
    share_cap: f64,
    now: Timestamp,
) -> Vec<Outlook> {
    let pace = megapixels_per_second.filter(|pace| *pace > 0.0 && pace.is_finite());
    let times = pace.map(|pace| finish_seconds(unfinished, pace, share_cap, now));
    let expected = unfinished.iter().enumerate().map(|(index, gallery)| {
        let seconds = times.as_ref().map(|times| times[index]);
        let after = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let finishes_at = after.map(|after| now.after(after));
        let deadline = gallery.rank.deadline;
        let slack_seconds = finishes_at.map(|end| (deadline.micros() - end.micros()).div_euclid(1_000_000));
        let delivery = match slack_seconds {
            _ if now > deadline => Delivery::Late,
            Some(slack) if slack < 0 => Delivery::Late,
            Some(slack) if slack.unsigned_abs() < gallery.margin.as_secs() => Delivery::AtRisk,
            None if now >= gallery.rank.critical_at => Delivery::AtRisk,
            _ => Delivery::OnTime,
        };
        let reason = words::expected(unfinished, index, pace, slack_seconds, now);
        Outlook { gallery: gallery.gallery, delivery, finishes_at, slack_seconds, reason }
    });
    expected.collect()
}

/// A gallery on its way to its end.
struct Course {
    weight: f64,
    order: (Timestamp, GalleryId),
    /// Megapixels.
    left: f64,
    /// Seconds until it is critical, if nobody works on it meanwhile: the predicted remaining work shrinks with what is done.
    until_critical: f64,
    finished_after: Option<f64>,
}

/// After how many seconds each gallery is finished.
fn finish_seconds(unfinished: &[Unfinished], pace: f64, share_cap: f64, now: Timestamp) -> Vec<f64> {
    let course = |gallery: &Unfinished| Course {
        weight: gallery.rank.weight,
        order: (gallery.rank.deadline, gallery.gallery),
        left: gallery.megapixels.max(0.0),
        until_critical: gallery.rank.critical_at.since(now).as_secs_f64(),
        finished_after: None,
    };
    let mut courses: Vec<Course> = unfinished.iter().map(course).collect();
    let mut elapsed = 0.0;
    loop {
        let shares = shares(&courses, share_cap);
        // What happens first: when, to whom, and whether it is the end.
        let events = courses.iter().zip(&shares).enumerate().filter(|(_, (course, _))| course.finished_after.is_none());
        let events = events.flat_map(|(index, (course, share))| {
            let finished = (course.left / (share * pace), index, true);
            let critical = (course.until_critical / (1.0 - share), index, false);
            // Who has no share never finishes; who is critical already does not become it; 0 / 0 is at once.
            let waits = course.until_critical > 0.0 && *share < 1.0;
            [(*share > 0.0).then_some(finished), waits.then_some(critical)].into_iter().flatten()
        });
        let Some((wait, index, is_end)) = events.min_by(|a, b| a.0.total_cmp(&b.0)) else { break };
        elapsed += wait;
        for (course, share) in courses.iter_mut().zip(&shares) {
            course.left = (course.left - share * pace * wait).max(0.0);
            course.until_critical = (course.until_critical - (1.0 - share) * wait).max(0.0);
        }
        // Set, because differences of floating point numbers need not come to zero.
        match is_end {
            true => courses[index].finished_after = Some(elapsed),
            false => courses[index].until_critical = 0.0,
        }
    }
    // A share cap of 1 lets nobody wait for ever: whoever is critical ends, and then it is the others' turn.
    courses.iter().map(|course| course.finished_after.unwrap_or(f64::INFINITY)).collect()
}

/// Who gets which part of the work: the sum is 1 while anybody is unfinished.
fn shares(courses: &[Course], share_cap: f64) -> Vec<f64> {
    let is_open = |course: &&Course| course.finished_after.is_none();
    let is_critical = |course: &&Course| course.until_critical <= 0.0;
    let first = courses.iter().filter(is_open).filter(is_critical).map(|course| course.order).min();
    let weights: f64 = courses.iter().filter(is_open).filter(|course| !is_critical(course)).map(|c| c.weight).sum();
    let critical = match (first, weights > 0.0) {
        (None, _) => 0.0,
        (Some(_), true) => share_cap,
        (Some(_), false) => 1.0,
    };
    let share = |course: &Course| match course {
        course if !is_open(&course) => 0.0,
        course if is_critical(&course) => {
            if first == Some(course.order) {
                critical
            } else {
                0.0
            }
        }
        course => (1.0 - critical) * course.weight / weights,
    };
    courses.iter().map(share).collect()
}

#[cfg(test)]
mod tests;
