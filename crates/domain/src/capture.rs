//! What the camera wrote beside the pixels.

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use crate::{Timestamp, gallery::TimeZoneName};

/// Facts from a photo's metadata. Every one is optional: cameras lie and editors forget.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Capture {
    /// When the shutter opened.
    pub taken: Option<CaptureTime>,
    /// Who made the camera, trimmed: "Canon".
    pub camera_make: Option<String>,
    /// The camera's model, trimmed: "EOS R5".
    pub camera_model: Option<String>,
    /// The body's serial number: tells two photographers' clocks apart.
    pub camera_serial: Option<String>,
    /// The lens: "RF50mm F1.2 L USM".
    pub lens: Option<String>,
    /// Exposure time in seconds.
    pub exposure_seconds: Option<f64>,
    /// f-number.
    pub aperture: Option<f64>,
    /// Sensitivity.
    pub iso: Option<u32>,
    /// Focal length in mm.
    pub focal_length_mm: Option<f64>,
    /// Focal length in mm for a 36 × 24 mm sensor.
    pub focal_length_35mm: Option<f64>,
    /// The flash fired.
    pub flash: Option<bool>,
    /// The software that last wrote the file.
    pub software: Option<String>,
    /// Artist, trimmed.
    pub artist: Option<String>,
    /// Copyright notice, trimmed. Kept in every variant.
    pub copyright: Option<String>,
    /// Where it was taken. Never in a public variant, never in a log.
    pub gps: Option<Gps>,
}

/// A place on earth (WGS 84).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gps {
    /// Degrees north, −90 to 90.
    pub latitude: f64,
    /// Degrees east, −180 to 180.
    pub longitude: f64,
    /// Metres above sea level.
    pub altitude_m: Option<f64>,
}

/// A camera's time: what its clock showed, and where that was if it knew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureTime {
    /// The clock's reading, with sub-seconds where the camera wrote them.
    pub local: DateTime,
    /// Minutes east of UTC, where the camera wrote `OffsetTimeOriginal`.
    pub offset_minutes: Option<i16>,
}

impl CaptureTime {
    /// The moment, taking the clock to be in the venue's zone where the camera did not say.
    pub fn instant(&self, venue: &TimeZoneName) -> Timestamp {
        let zone = match self
            .offset_minutes
            .and_then(|minutes| jiff::tz::Offset::from_seconds(i32::from(minutes) * 60).ok())
        {
            Some(offset) => offset.to_time_zone(),
            None => venue.rules(),
        };
        match zone.to_ambiguous_zoned_datetime(self.local).compatible() {
            Ok(zoned) => zoned.timestamp().into(),
            Err(_) => Timestamp::from_micros(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_beats_the_venue() {
        let rome: TimeZoneName = "Europe/Rome".parse().unwrap();
        let local: DateTime = "2026-06-20T15:30:00.25".parse().unwrap();
        let without = CaptureTime { local, offset_minutes: None }.instant(&rome);
        assert_eq!(without.to_string(), "2026-06-20T13:30:00.25Z");
        let with = CaptureTime { local, offset_minutes: Some(-300) }.instant(&rome);
        assert_eq!(with.to_string(), "2026-06-20T20:30:00.25Z");
    }
}
