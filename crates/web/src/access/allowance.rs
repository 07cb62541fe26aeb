//! How often somebody may try: so many times at once, and once more after each pause (GCRA, ITU-T I.371).
//!
//! A try that turns out well is given back, so a hundred guests behind one address who know a password cost it nothing, and
//! one who guesses is stopped. The time is the caller's, and memory is bounded: who tried longest ago is forgotten first.

use std::{
    hash::Hash,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use procession_domain::Timestamp;
use quick_cache::unsync::Cache;

use crate::{Problem, Result};

/// Of so many each allowance keeps count: some megabytes.
const REMEMBERED: usize = 20_000;

/// The tries of each `K`.
pub(crate) struct Allowance<K> {
    at_once: u32,
    pause: Duration,
    /// For each, when all its tries will have come back.
    spent: Mutex<Cache<K, Timestamp>>,
}

impl<K: Clone + Eq + Hash> Allowance<K> {
    /// `at_once` tries, at least one, and another after each `pause`.
    pub(crate) fn new(at_once: u32, pause: Duration) -> Self {
        Self { at_once, pause, spent: Mutex::new(Cache::new(REMEMBERED)) }
    }

    /// Takes one try.
    ///
    /// # Errors
    /// 429 with the time until the next; nothing is taken then.
    pub(crate) fn take(&self, who: &K, now: Timestamp) -> Result<()> {
        let mut spent = self.lock();
        let back = spent.get(who).copied().unwrap_or(now).max(now).after(self.pause);
        let wait = back.since(now.after(self.pause * self.at_once));
        if wait > Duration::ZERO {
            return Err(Problem::too_many_requests(wait.as_secs_f64().ceil() as u64));
        }
        spent.insert(who.clone(), back);
        Ok(())
    }

    /// Gives one try back.
    pub(crate) fn give_back(&self, who: &K) {
        if let Some(mut back) = self.lock().get_mut(who) {
            *back = Timestamp::from_micros(back.micros() - self.pause.as_micros() as i64);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Cache<K, Timestamp>> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whom an address stands for: itself, or the network of 64 bits that one household has of IPv6.
pub(crate) fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & !u128::from(u64::MAX)).into()),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(60);

    #[test]
    fn tries_come_back_one_at_a_time() {
        let allowance = Allowance::new(3, PAUSE);
        let start = Timestamp::from_micros(1_000_000_000);
        for _ in 0..3 {
            allowance.take(&"anna", start).unwrap();
        }
        let refused = allowance.take(&"anna", start).unwrap_err();
        assert_eq!((refused.status, refused.retry_after_seconds), (429, Some(60)));
        allowance.take(&"ben", start).unwrap();
        let later = start.after(Duration::from_secs(45));
        assert_eq!(allowance.take(&"anna", later).unwrap_err().retry_after_seconds, Some(15));
        let later = start.after(PAUSE);
        allowance.take(&"anna", later).unwrap();
        assert!(allowance.take(&"anna", later).is_err());
        // A long rest saves up no more than all.
        let later = start.after(PAUSE * 1_000);
        assert_eq!((0..9).filter(|_| allowance.take(&"anna", later).is_ok()).count(), 3);
    }

    #[test]
    fn what_is_given_back_was_never_taken() {
        let allowance = Allowance::new(2, PAUSE);
        let now = Timestamp::from_micros(0);
        for _ in 0..1_000 {
            allowance.take(&1, now).unwrap();
            allowance.give_back(&1);
        }
        allowance.give_back(&2);
        assert_eq!((0..9).filter(|_| allowance.take(&1, now).is_ok()).count(), 2);
    }

    #[test]
    fn memory_is_bounded() {
        let allowance = Allowance::new(1, PAUSE);
        let now = Timestamp::from_micros(0);
        for who in 0..10 * REMEMBERED {
            let _ = allowance.take(&who, now);
        }
        assert!(allowance.lock().len() <= REMEMBERED);
    }

    #[test]
    fn a_household_is_one() {
        let network = |text: &str| network_of(text.parse().unwrap());
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), network("2001:db8:1:2::9"));
        assert_ne!(network("2001:db8:1:2::9"), network("2001:db8:1:3::9"));
        assert_eq!(network("::ffff:192.0.2.7"), network("192.0.2.7"));
        assert_ne!(network("192.0.2.7"), network("192.0.2.8"));
    }
}
