//! What is known of the past.

use std::time::Duration;

use jiff::civil::Date;
use procession_domain::{Invalid, Timestamp};
use serde::{Deserialize, Serialize};

/// An hour, in microseconds.
const HOUR: i64 = 3_600_000_000;

/// How many photos arrived, hour after hour without a gap.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    from: Timestamp,
    photos: Vec<f64>,
}

/// A wedding whose gallery was announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Booking {
    /// The day of the wedding.
    pub wedding: Date,
    /// When it was announced.
    pub announced_at: Timestamp,
}

impl Series {
    /// The series that begins with the hour at `from`.
    ///
    /// # Errors
    /// If `from` is not the beginning of an hour of universal time, or a number is negative or not finite.
    pub fn new(from: Timestamp, photos: Vec<f64>) -> Result<Self, Invalid> {
        if from.micros().rem_euclid(HOUR) != 0 {
            return Err(Invalid::new("history", from.to_string(), "it must begin with a full hour"));
        }
        match photos.iter().find(|photos| !(photos.is_finite() && **photos >= 0.0)) {
            Some(wrong) => Err(Invalid::new("history", wrong.to_string(), "photos are counted from zero up")),
            None => Ok(Self { from, photos }),
        }
    }

    /// No past, at this moment.
    pub fn empty(now: Timestamp) -> Self {
        Self { from: Timestamp::from_micros(now.micros().div_euclid(HOUR) * HOUR), photos: Vec::new() }
    }

    /// When its first hour begins.
    pub fn from(&self) -> Timestamp {
        self.from
    }

    /// When its last hour ends.
    pub fn until(&self) -> Timestamp {
        self.begins(self.photos.len())
    }

    /// The photos of each hour.
    pub fn photos(&self) -> &[f64] {
        &self.photos
    }

    /// When the hour with this number begins.
    pub fn begins(&self, index: usize) -> Timestamp {
        self.from.after(Duration::from_secs(3_600).saturating_mul(u32::try_from(index).unwrap_or(u32::MAX)))
    }
}
