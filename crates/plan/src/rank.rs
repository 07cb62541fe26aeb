//! A gallery's place among the others.

use std::time::Duration;

use procession_domain::{
    Timestamp,
    gallery::Rank,
    urgency::{Promise, Promises, Urgency},
};

/// The rank of a gallery that was opened at `opened_at` and has `remaining` work ahead of it (see [`predict_remaining`]).
///
/// Its deadline counts from its opening. It is critical from the moment on at which only the predicted work and `margin`
/// fit before the deadline; that can lie in the past.
pub fn rank(
    opened_at: Timestamp,
    urgency: Urgency,
    promises: &Promises,
    remaining: Duration,
    margin: Duration,
) -> Rank {
    let promise = promises.of(urgency);
    let deadline = opened_at.after(promise.complete_within());
    rerank(Rank { urgency, weight: promise.weight, deadline, critical_at: deadline }, remaining, margin)
}

/// The same rank with the moment from which it is critical as it is for this remaining work. What was promised stays.
pub fn rerank(rank: Rank, remaining: Duration, margin: Duration) -> Rank {
    let needed = i64::try_from((remaining.saturating_add(margin)).as_micros()).unwrap_or(i64::MAX);
    Rank { critical_at: Timestamp::from_micros(rank.deadline.micros().saturating_sub(needed)), ..rank }
}

/// How long so many megapixels take at a measured throughput. Without a measurement (zero or less, not a number) this is
/// zero: then the margin alone decides when the gallery is critical.
pub fn predict_remaining(megapixels: f64, megapixels_per_second: f64) -> Duration {
    if megapixels_per_second > 0.0 {
        Duration::try_from_secs_f64(megapixels / megapixels_per_second).unwrap_or_default()
    } else {
        Duration::ZERO
    }
}

/// A sixth of the promised time: 5 minutes of 30, 20 of 2 hours, 4 hours of 24.
pub fn default_margin(promise: Promise) -> Duration {
    promise.complete_within() / 6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn critical_when_only_the_work_and_the_margin_fit() {
        let opened = Timestamp::from_micros(0);
        let minutes = |n: u64| Duration::from_secs(n * 60);
        let promises = Promises::default();
        let margin = default_margin(promises.same_day_wedding);
        let rank = rank(opened, Urgency::SameDayWedding, &promises, minutes(10), margin);
        assert_eq!(rank.deadline, opened.after(minutes(30)));
        assert_eq!(rank.critical_at, opened.after(minutes(15)));
        assert!((rank.weight - 5.0).abs() < f64::EPSILON);
        assert_eq!(rerank(rank, Duration::ZERO, margin), Rank { critical_at: opened.after(minutes(25)), ..rank });
    }

    #[test]
    fn more_work_than_time_is_critical_from_before_the_start() {
        let opened = Timestamp::from_micros(0);
        let day = Duration::from_secs(86_400);
        let rank = rank(opened, Urgency::NextDayDelivery, &Promises::default(), day, Duration::ZERO);
        assert!(rank.critical_at < opened);
        let for_ever = super::rank(opened, Urgency::NextDayDelivery, &Promises::default(), Duration::MAX, day);
        assert!(for_ever.critical_at < opened);
    }

    #[test]
    fn no_measurement_predicts_nothing() {
        assert_eq!(predict_remaining(240.0, 24.0), Duration::from_secs(10));
        assert_eq!(predict_remaining(240.0, 0.0), Duration::ZERO);
        assert_eq!(predict_remaining(240.0, f64::NAN), Duration::ZERO);
    }
}
