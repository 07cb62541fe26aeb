//! A gallery's place among the others.

use std::time::Duration;

use procession_domain::{
    Timestamp,
    gallery::Rank,
    urgency::{Promise, Promises, Urgency},
};

use crate::Unfinished;

/// The rank of a gallery whose promise counts from `since`: its latest photo's arrival, or its opening while it has none.
///
/// It is critical `margin` before its deadline. Once it is known how much work there is, [`critical_times`] knows better.
pub fn rank(since: Timestamp, urgency: Urgency, promises: &Promises, margin: Duration) -> Rank {
    let promise = promises.of(urgency);
    let deadline = since.after(promise.complete_within());
    Rank { urgency, weight: promise.weight, since, deadline, critical_at: before(deadline, margin) }
}

/// From when on each of these galleries is critical, at a measured pace (megapixels a second) of which critical galleries
/// get the part `share` while others wait.
///
/// Laid out backwards from the deadlines, the latest first, so that the work of each ends before the next must begin: who
/// begins at the latest start of each meets every deadline that can be met (earliest deadline first, after Liu and Layland,
/// "Scheduling algorithms for multiprogramming in a hard-real-time environment", 1973; the work can be divided among
/// workers). Each is critical its margin before that. Without a pace the margin alone decides.
pub fn critical_times(unfinished: &[Unfinished], megapixels_per_second: Option<f64>, share: f64) -> Vec<Timestamp> {
    let pace = megapixels_per_second.map_or(0.0, |pace| pace * share);
    let mut order: Vec<usize> = (0..unfinished.len()).collect();
    order.sort_by_key(|index| (unfinished[*index].rank.deadline, unfinished[*index].gallery));
    let mut times = vec![Timestamp::from_micros(0); unfinished.len()];
    let mut next = Timestamp::from_micros(i64::MAX);
    for index in order.into_iter().rev() {
        let Unfinished { rank, margin, megapixels, .. } = unfinished[index];
        let work = if pace > 0.0 {
            Duration::try_from_secs_f64(megapixels.max(0.0) / pace).unwrap_or(Duration::MAX)
        } else {
            Duration::ZERO
        };
        next = before(next.min(rank.deadline), work);
        times[index] = before(next, margin);
    }
    times
}

/// So long before that.
fn before(moment: Timestamp, duration: Duration) -> Timestamp {
    let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(moment.micros().saturating_sub(micros))
}

/// A sixth of the promised time: 5 minutes of 30, 20 of 2 hours, 4 hours of 24.
pub fn default_margin(promise: Promise) -> Duration {
    promise.complete_within() / 6
}

#[cfg(test)]
mod tests {
    use procession_domain::GalleryId;

    use super::*;

    fn minutes(n: u64) -> Duration {
        Duration::from_secs(n * 60)
    }

    fn at(n: u64) -> Timestamp {
        Timestamp::from_micros(0).after(minutes(n))
    }

    /// Due in so many minutes, with so many megapixels left and 5 minutes of margin.
    fn gallery(due: u64, megapixels: f64) -> Unfinished {
        let rank = Rank {
            urgency: Urgency::SameDayWedding,
            weight: 5.0,
            since: at(0),
            deadline: at(due),
            critical_at: at(due),
        };
        Unfinished { gallery: GalleryId::named(&due.to_string()), rank, margin: minutes(5), photos: 1, megapixels }
    }

    #[test]
    fn critical_when_only_the_margin_is_left() {
        let promises = Promises::default();
        let margin = default_margin(promises.same_day_wedding);
        let rank = rank(at(0), Urgency::SameDayWedding, &promises, margin);
        assert_eq!((rank.deadline, rank.critical_at), (at(30), at(25)));
        assert!((rank.weight - 5.0).abs() < f64::EPSILON);
    }

    #[test]
    fn critical_when_only_the_work_and_the_margin_fit() {
        // 10 minutes of work at two thirds of 1.5 megapixels a second.
        let (near, far) = (gallery(30, 600.0), gallery(100, 600.0));
        assert_eq!(critical_times(&[far, near], Some(1.5), 2.0 / 3.0), [at(85), at(15)]);
        // Each would be in time alone; the first must be finished before the second begins.
        let second = gallery(32, 600.0);
        assert_eq!(critical_times(&[near, second], Some(1.5), 2.0 / 3.0), [at(7), at(17)]);
        for unknown in [None, Some(0.0), Some(f64::NAN)] {
            assert_eq!(critical_times(&[near, far], unknown, 0.7), [at(25), at(95)]);
        }
    }

    #[test]
    fn more_work_than_time_is_critical_from_before_the_start() {
        let times = critical_times(&[gallery(30, 1e9), gallery(90, f64::INFINITY)], Some(1.0), 0.7);
        assert!(times.iter().all(|time| *time < at(0)), "{times:?}");
    }
}
