//! One wedding, and when its photos come.

use jiff::civil::Date;
use procession_domain::Timestamp;
use procession_plan::forecast::Place;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal, Uniform};

use super::DemandSpec;

/// The hour of the clock in which an upload in the evening of the wedding begins, and on any later day.
const EVENING: (f64, f64) = (19.0, 24.0);
const ANY_DAY: (f64, f64) = (8.0, 23.0);
/// Nobody takes longer to upload than so many days after the wedding.
const LATEST_DAYS: i32 = 30;

/// A wedding.
#[derive(Clone, Debug, PartialEq)]
pub struct Wedding {
    /// Its day.
    pub date: Date,
    /// When its gallery was announced; none if it was opened with the first photo.
    pub announced_at: Option<Timestamp>,
    /// What each photographer brings.
    pub photos: Vec<Photos>,
}

/// The photos that a photographer uploads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Photos {
    /// When the first one begins to arrive.
    pub begins_at: Timestamp,
    /// How many.
    pub photos: u64,
    /// How long the upload takes.
    pub upload_seconds: f64,
    /// The size of each, in megapixels.
    pub megapixels: f64,
}

impl Wedding {
    pub(super) fn new(place: &Place, spec: &DemandSpec, date: Date, random: &mut ChaCha8Rng) -> Self {
        let lead = lognormal(spec.lead_days, random);
        let announced = chance(random) < spec.announced;
        let hours = between(0.0, 24.0, random);
        // Always drawn, so that another part of those announced changes nothing else.
        let announced_at = moment(place, date, -(lead.min(1_000.0) as i32), hours).filter(|_| announced && lead >= 1.0);
        let first = lognormal(spec.photos, random);
        let mut photos: Vec<Photos> = photographer(place, spec, date, first, random).into_iter().collect();
        let has_second = chance(random) < spec.second_photographer;
        let second = first * spec.second_photos;
        photos.extend(photographer(place, spec, date, second, random).filter(|_| has_second));
        photos.sort_by_key(|photos| photos.begins_at);
        Self { date, announced_at, photos }
    }
}

fn photographer(place: &Place, spec: &DemandSpec, date: Date, photos: f64, random: &mut ChaCha8Rng) -> Option<Photos> {
    let when = chance(random);
    let days = if when < spec.upload_same_day {
        0
    } else if when < spec.upload_same_day + spec.upload_next_day {
        1
    } else {
        let misses = chance(random).max(1e-12).ln() / (1.0 - spec.upload_each_day.clamp(0.01, 0.99)).ln();
        (2 + misses as i32).min(LATEST_DAYS)
    };
    let (earliest, latest) = if days == 0 { EVENING } else { ANY_DAY };
    let hour = between(earliest, latest, random);
    let speed = lognormal(spec.photos_a_second, random);
    let megapixels = lognormal(spec.megapixels, random);
    let photos = photos.round().max(1.0);
    let begins_at = moment(place, date, days, hour)?;
    Some(Photos { begins_at, photos: photos as u64, upload_seconds: photos / speed.max(1e-3), megapixels })
}

/// So many days after a date, at an hour of the local clock.
fn moment(place: &Place, date: Date, days: i32, hour: f64) -> Option<Timestamp> {
    let midnight = date.checked_add(jiff::Span::new().days(days)).ok()?.at(0, 0, 0, 0);
    let midnight = place.time_zone.rules().to_timestamp(midnight).ok()?;
    let seconds = jiff::SignedDuration::from_secs_f64(hour * 3_600.0);
    Some(midnight.checked_add(seconds).ok()?.into())
}

fn chance(random: &mut ChaCha8Rng) -> f64 {
    between(0.0, 1.0, random)
}

fn between(low: f64, high: f64, random: &mut ChaCha8Rng) -> f64 {
    Uniform::new(low, high).map_or(low, |uniform| uniform.sample(random))
}

/// With this median and this standard deviation of the logarithm.
fn lognormal((median, deviation): (f64, f64), random: &mut ChaCha8Rng) -> f64 {
    LogNormal::new(median.max(1e-9).ln(), deviation).map_or(median, |lognormal| lognormal.sample(random))
}
