//! Made-up weddings, and the photos that they bring.
//!
//! What is taken from statistics and what is assumed stands at each figure of [`DemandSpec`]. The same specification and
//! seed give the same demand on every machine.

mod spec;
mod wedding;

use std::time::Duration;

use jiff::civil::Date;
use procession_domain::Timestamp;
use procession_plan::forecast::{Booking, Place, Series};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use rand_distr::{Distribution, Gamma, Poisson};

pub use spec::{DemandSpec, Shock};
pub use wedding::{Photos, Wedding};

/// An hour, in microseconds.
const HOUR: i64 = 3_600_000_000;

/// The weddings of a place, by rising date.
#[derive(Clone, Debug, PartialEq)]
pub struct Demand {
    /// Where they are.
    pub place: Place,
    /// Each of them.
    pub weddings: Vec<Wedding>,
}

/// Makes up the weddings at a place from day `from` up to, and without, day `until`.
///
/// How many there are on a day is negative binomial: around what the calendar expects, with a factor that all days of a week
/// share, so that good and bad weeks do not cancel out.
pub fn demand(place: &Place, spec: &DemandSpec, from: Date, until: Date, seed: u64) -> Demand {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let holidays = place.holidays();
    let mut weddings = Vec::new();
    let mut week = 1.0;
    for (number, date) in from.series(jiff::Span::new().days(1)).take_while(|date| *date < until).enumerate() {
        if number % 7 == 0 {
            week = varied(spec.week_variation, &mut random);
        }
        let expected = spec.expected(date, from, |date| holidays.name(date).is_some()) * week;
        let count = Poisson::new(expected).map_or(0.0, |poisson| poisson.sample(&mut random));
        weddings.extend((0..count as u64).map(|_| Wedding::new(place, spec, date, &mut random)));
    }
    Demand { place: place.clone(), weddings }
}

/// A factor around 1 with this standard deviation.
fn varied(deviation: f64, random: &mut ChaCha8Rng) -> f64 {
    let shape = deviation.max(1e-6).powi(-2);
    Gamma::new(shape, 1.0 / shape).map_or(1.0, |gamma| gamma.sample(random))
}

impl Demand {
    /// What was announced ahead.
    pub fn bookings(&self) -> Vec<Booking> {
        let booking = |wedding: &Wedding| Some(Booking { wedding: wedding.date, announced_at: wedding.announced_at? });
        self.weddings.iter().filter_map(booking).collect()
    }

    /// The photos that arrive in each hour from `from` to `until`, both brought to full hours. An upload is spread evenly over
    /// the time that it takes.
    pub fn arrivals(&self, from: Timestamp, until: Timestamp) -> Vec<f64> {
        let first = from.micros().div_euclid(HOUR);
        let hours = usize::try_from(until.micros().div_euclid(HOUR) - first).unwrap_or(0);
        let mut arrivals = vec![0.0; hours];
        for photos in self.weddings.iter().flat_map(|wedding| &wedding.photos) {
            let (begin, end) = (photos.begins_at.micros(), photos.ends_at().micros());
            let length = (end - begin).max(1) as f64;
            for hour in begin.div_euclid(HOUR)..=end.div_euclid(HOUR) {
                let overlap = end.min((hour + 1) * HOUR) - begin.max(hour * HOUR);
                let place = usize::try_from(hour - first).ok().and_then(|hour| arrivals.get_mut(hour));
                if let Some(arrived) = place.filter(|_| overlap > 0) {
                    *arrived += photos.photos as f64 * overlap as f64 / length;
                }
            }
        }
        arrivals
    }

    /// The same as a history; none if `from` is out of the calendar.
    pub fn history(&self, from: Timestamp, until: Timestamp) -> Option<Series> {
        let first = Timestamp::from_micros(from.micros().div_euclid(HOUR) * HOUR);
        Series::new(first, self.arrivals(from, until)).ok()
    }
}

impl Photos {
    /// When the last photo is there.
    pub fn ends_at(&self) -> Timestamp {
        self.begins_at.after(Duration::from_secs_f64(self.upload_seconds.max(0.0)))
    }
}

#[cfg(test)]
mod tests;
