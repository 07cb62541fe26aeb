//! How fast bytes get through.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use procession_domain::{Clock, Timestamp};

/// Less than this tells of buffers and not of the link.
const LEAST_BYTES: u64 = 1 << 20;
/// The weight of the newest measurement.
const NEWEST: f64 = 0.3;

/// What requests with bytes have measured.
pub(super) struct Link {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Requests under way.
    active: u32,
    bytes_per_second: Option<f64>,
}

/// A request under way.
pub(super) struct Passage<'a> {
    link: &'a Link,
    began: Timestamp,
}

impl Link {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default() }
    }

    /// All requests together, once it is known.
    pub(super) fn bytes_per_second(&self) -> Option<f64> {
        self.state().bytes_per_second
    }

    /// A request begins.
    pub(super) fn enter(&self) -> Passage<'_> {
        self.state().active += 1;
        Passage { link: self, began: self.clock.now() }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Passage<'_> {
    /// It brought so many bytes, and the service worked so long on them: that is not the link's time.
    pub(super) fn brought(&self, bytes: u64, worked: Duration) {
        if bytes < LEAST_BYTES {
            return;
        }
        let took = self.link.clock.now().since(self.began).saturating_sub(worked);
        let seconds = took.as_secs_f64().max(1e-3);
        let mut state = self.link.state();
        // The others had their share of the link meanwhile.
        let now = bytes as f64 / seconds * f64::from(state.active);
        state.bytes_per_second = Some(state.bytes_per_second.map_or(now, |known| known + NEWEST * (now - known)));
    }
}

impl Drop for Passage<'_> {
    fn drop(&mut self) {
        self.link.state().active -= 1;
    }
}

#[cfg(test)]
mod tests {
    use procession_domain::ManualClock;

    use super::*;

    #[test]
    fn a_service_that_takes_its_time_is_no_slow_link() {
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(0)));
        let link = Link::new(Arc::clone(&clock) as _);
        let [one, other] = [link.enter(), link.enter()];
        clock.advance(Duration::from_secs(3));
        other.brought(LEAST_BYTES - 1, Duration::ZERO);
        assert_eq!(link.bytes_per_second(), None, "buffers");
        one.brought(10_000_000, Duration::from_secs(2));
        // In one second, and the other had its half.
        assert_eq!(link.bytes_per_second(), Some(20_000_000.0));
        drop(one);
        other.brought(30_000_000, Duration::ZERO);
        assert_eq!(link.bytes_per_second(), Some(20_000_000.0 + NEWEST * (10_000_000.0 - 20_000_000.0)));
    }
}
