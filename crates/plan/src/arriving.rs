//! How much work arrives in a second.

use std::{collections::VecDeque, time::Duration};

use procession_domain::Timestamp;

/// What arrives is measured over so long.
const WINDOW: Duration = Duration::from_secs(300);

/// What arrived in the last minutes, as it was counted where it arrived.
#[derive(Clone, Debug, Default)]
pub struct Arriving {
    /// Megapixels, since the beginning.
    arrived: f64,
    /// What had arrived by each of the last decisions.
    seen: VecDeque<(Timestamp, f64)>,
}

impl Arriving {
    /// So many megapixels have arrived.
    pub fn add(&mut self, megapixels: f64) {
        self.arrived += megapixels;
    }

    /// What arrived in a second, in megapixels, from the last time that this was asked at least five minutes ago until `now`; while
    /// it is not asked for so long, from the first time on.
    pub fn rate(&mut self, now: Timestamp) -> f64 {
        self.seen.push_back((now, self.arrived));
        while self.seen.get(1).is_some_and(|(at, _)| now.since(*at) >= WINDOW) {
            self.seen.pop_front();
        }
        let Some((since, before)) = self.seen.front() else { return 0.0 };
        let elapsed = now.since(*since).as_secs_f64();
        if elapsed > 0.0 { (self.arrived - before) / elapsed } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_five_minutes_count() {
        let at = |seconds| Timestamp::from_micros(0).after(Duration::from_secs(seconds));
        let mut arriving = Arriving::default();
        arriving.add(1_000.0);
        let mut rate = |seconds, megapixels| {
            arriving.add(megapixels);
            arriving.rate(at(seconds))
        };
        assert!(rate(0, 0.0).abs() < 1e-9, "what was there before is not known to have just arrived");
        assert!((rate(100, 600.0) - 6.0).abs() < 1e-9);
        assert!((rate(300, 0.0) - 2.0).abs() < 1e-9);
        assert!(rate(400, 0.0).abs() < 1e-9, "it is over");
    }
}
