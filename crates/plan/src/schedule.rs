//! Whose turn it is: the pure twin of the ledger's claim.
//!
//! Critical galleries go first, by earliest deadline, until they have had their share of the work; the rest goes by
//! weighted fair queueing (the smallest virtual time, which advances by cost ÷ weight), after Demers, Keshav and Shenker,
//! "Analysis and simulation of a fair queueing algorithm", 1989.

use procession_domain::{
    GalleryId, Timestamp,
    gallery::{CRITICAL_SHARE, Rank},
};
use serde::{Deserialize, Serialize};

use crate::Reason;

/// A gallery with work that waits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// The gallery.
    pub gallery: GalleryId,
    /// Its place in the schedule.
    pub rank: Rank,
    /// The work it was given so far, divided by its weight.
    pub virtual_time: f64,
}

/// Who is served now, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// The gallery.
    pub gallery: GalleryId,
    /// It is served because it is critical.
    pub critical: bool,
    /// Both critical and other galleries waited: only then does the share count.
    pub contended: bool,
    /// Why this gallery.
    pub reason: Reason,
}

/// How much of the work critical galleries take while others wait.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CriticalShare {
    /// The part, 0 to 1.
    pub cap: f64,
    /// Work that critical galleries may still take before it is the others' turn. Stays within one claim's cost of zero.
    pub credit: f64,
}

impl Default for CriticalShare {
    fn default() -> Self {
        Self { cap: CRITICAL_SHARE, credit: 0.0 }
    }
}

impl CriticalShare {
    /// Counts the work that a turn took. Over any stretch of contention, critical galleries get the cap's part of it.
    pub fn charge(&mut self, turn: &Turn, cost: f64) {
        if turn.contended {
            self.credit += if turn.critical { (self.cap - 1.0) * cost } else { self.cap * cost };
        }
    }
}

/// The gallery that is served at `now`, or nothing if nobody waits. Equal virtual times go by deadline, then by id.
pub fn next(waiting: &[Candidate], now: Timestamp, share: &CriticalShare) -> Option<Turn> {
    let is_critical = |candidate: &&Candidate| now >= candidate.rank.critical_at;
    let urgent = waiting.iter().filter(is_critical).min_by_key(|c| (c.rank.deadline, c.gallery));
    let fair = waiting.iter().filter(|candidate| !is_critical(candidate)).min_by(|a, b| {
        let tie = || (a.rank.deadline, a.gallery).cmp(&(b.rank.deadline, b.gallery));
        a.virtual_time.total_cmp(&b.virtual_time).then_with(tie)
    });
    let percent = share.cap * 100.0;
    let (chosen, critical, why) = match (urgent, fair) {
        (None, None) => return None,
        (Some(urgent), None) => (urgent, true, format!("critical, due at {}, the earliest", urgent.rank.deadline)),
        (Some(urgent), Some(_)) if share.credit >= 0.0 => {
            (urgent, true, format!("critical, due at {}, within the {percent:.0}% for such", urgent.rank.deadline))
        }
        (Some(_), Some(fair)) => {
            (fair, false, format!("critical galleries had their {percent:.0}%; the smallest virtual time of the rest"))
        }
        (None, Some(fair)) => (fair, false, format!("the smallest virtual time: {:.2}", fair.virtual_time)),
    };
    let contended = urgent.is_some() && fair.is_some();
    Some(Turn { gallery: chosen.gallery, critical, contended, reason: Reason::new(why) })
}

/// The virtual time of a gallery after work of this cost (megapixels).
pub fn charge(virtual_time: f64, cost: f64, weight: f64) -> f64 {
    virtual_time + cost / weight
}

/// The virtual time with which a gallery joins those that wait (`active`): theirs, if its own is smaller, so that nobody
/// saves up time by being away. A new gallery's own is zero.
pub fn join(virtual_time: f64, active: impl IntoIterator<Item = f64>) -> f64 {
    active.into_iter().min_by(f64::total_cmp).map_or(virtual_time, |least| virtual_time.max(least))
}

#[cfg(test)]
mod tests;
