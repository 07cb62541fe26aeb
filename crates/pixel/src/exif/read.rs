//! EXIF 2.32, as tolerantly as cameras and editors require: a field that makes no sense is a field that is not there.

use jiff::civil::DateTime;
use procession_domain::capture::{Capture, CaptureTime, Gps};

use crate::probe::{
    Orientation,
    ifd::{Directory, Tiff, tag},
};

/// The longest text that is kept, in characters.
const MAX_TEXT: usize = 1_000;

/// What EXIF says about a photo.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exif {
    pub(crate) capture: Capture,
    pub(crate) orientation: Orientation,
    /// The camera wrote Adobe RGB: DCF option file, interoperability index "R03".
    pub(crate) adobe_rgb: bool,
}

impl Exif {
    /// Reads an EXIF block: a TIFF structure, with or without "Exif\0\0" before it.
    pub(crate) fn read(block: &[u8]) -> Self {
        let block = block.strip_prefix(b"Exif\0\0").unwrap_or(block);
        Tiff::open(block).and_then(|tiff| tiff.first()).map(|main| Self::of(&main)).unwrap_or_default()
    }

    /// Reads the main directory of a TIFF and what it points to.
    pub(crate) fn of(main: &Directory<'_>) -> Self {
        Self::from_directories(Some(*main), main.child(tag::EXIF_IFD), main.child(tag::GPS_IFD))
    }

    /// Reads directories that a file keeps apart, as a CR3 does.
    pub(crate) fn from_directories(
        main: Option<Directory<'_>>,
        exif: Option<Directory<'_>>,
        gps: Option<Directory<'_>>,
    ) -> Self {
        let fields = Fields { main, exif };
        let interop = exif.and_then(|exif| exif.child(tag::INTEROP_IFD));
        Self {
            capture: Capture { gps: gps.as_ref().and_then(place), ..fields.capture() },
            orientation: main
                .and_then(|main| main.uint(tag::ORIENTATION))
                .and_then(|value| u32::try_from(value).ok())
                .map_or(Orientation::UPRIGHT, Orientation::from_exif),
            adobe_rgb: exif.and_then(|exif| exif.uint(tag::COLOUR_SPACE)) == Some(0xffff)
                && interop.and_then(|interop| text(&interop, tag::INTEROP_INDEX)).as_deref() == Some("R03"),
        }
    }
}

struct Fields<'a> {
    main: Option<Directory<'a>>,
    exif: Option<Directory<'a>>,
}

impl Fields<'_> {
    fn capture(&self) -> Capture {
        Capture {
            taken: self.taken(),
            camera_make: self.text(tag::MAKE),
            camera_model: self.text(tag::MODEL),
            camera_serial: self.text(tag::BODY_SERIAL_NUMBER).or_else(|| self.text(tag::CAMERA_SERIAL_NUMBER)),
            lens: self.text(tag::LENS_MODEL),
            exposure_seconds: self.positive(tag::EXPOSURE_TIME),
            aperture: self.positive(tag::F_NUMBER),
            iso: self.iso(),
            focal_length_mm: self.positive(tag::FOCAL_LENGTH),
            focal_length_35mm: self.positive(tag::FOCAL_LENGTH_35MM),
            flash: self.exif.and_then(|exif| exif.uint(tag::FLASH)).map(|flash| flash & 1 == 1),
            software: self.text(tag::SOFTWARE),
            artist: self.text(tag::ARTIST),
            copyright: self.text(tag::COPYRIGHT),
            gps: None,
        }
    }

    /// Some writers put a field into the other directory.
    fn text(&self, tag: u16) -> Option<String> {
        [self.main, self.exif].iter().flatten().find_map(|directory| text(directory, tag))
    }

    fn positive(&self, tag: u16) -> Option<f64> {
        [self.exif, self.main]
            .iter()
            .flatten()
            .find_map(|directory| directory.get(tag)?.real(0))
            .filter(|value| value.is_finite() && *value > 0.0)
    }

    /// Sensitivities from 65,535 up do not fit the old field.
    fn iso(&self) -> Option<u32> {
        let old = self.positive(tag::SENSITIVITY);
        let value =
            old.filter(|&iso| iso < 65_535.0).or_else(|| self.positive(tag::RECOMMENDED_EXPOSURE_INDEX)).or(old);
        value.filter(|&iso| iso < 1e8).map(|iso| iso as u32)
    }

    fn taken(&self) -> Option<CaptureTime> {
        [
            (tag::DATE_TIME_ORIGINAL, tag::SUB_SEC_TIME_ORIGINAL, tag::OFFSET_TIME_ORIGINAL),
            (tag::DATE_TIME_DIGITIZED, tag::SUB_SEC_TIME_DIGITIZED, tag::OFFSET_TIME_DIGITIZED),
            (tag::DATE_TIME, tag::SUB_SEC_TIME, tag::OFFSET_TIME),
        ]
        .into_iter()
        .find_map(|(time, fraction, offset)| {
            let mut local = date_time(&self.text(time)?)?;
            if let Some(nanoseconds) = self.text(fraction).and_then(|digits| fraction_of_second(&digits)) {
                local = local.with().subsec_nanosecond(nanoseconds).build().ok()?;
            }
            Some(CaptureTime { local, offset_minutes: self.text(offset).and_then(|text| offset_minutes(&text)) })
        })
    }
}

/// The text of a tag: up to the first NUL, without the padding of fixed fields; a second part after a NUL (the editor's
/// copyright) follows after a comma. UTF-8, else Latin-1.
fn text(directory: &Directory<'_>, tag: u16) -> Option<String> {
    let data = directory.get(tag)?.data;
    let data = &data[..data.len().min(4 * MAX_TEXT)];
    let part = |bytes: &[u8]| {
        let decoded = match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
        };
        decoded.chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect::<String>().trim().to_owned()
    };
    let mut parts = data.split(|&byte| byte == 0).map(part);
    let first = parts.next().unwrap_or_default();
    let second = if tag == tag::COPYRIGHT { parts.next().unwrap_or_default() } else { String::new() };
    let text = match (first.is_empty(), second.is_empty()) {
        (_, true) => first,
        (true, false) => second,
        (false, false) => format!("{first}, {second}"),
    };
    (!text.is_empty()).then_some(text)
}

/// "2026:06:20 15:30:00"; some writers use other separators.
fn date_time(text: &str) -> Option<DateTime> {
    let mut numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
    let mut next = || numbers.next()?.parse::<i16>().ok();
    let (year, month, day) = (next()?, next()?, next()?);
    let (hour, minute, second) = (next()?, next()?, next().unwrap_or(0));
    let small = |value: i16| i8::try_from(value).ok();
    // A clock that was never set shows the year 0; no digital photo is older than 1970.
    (year >= 1970).then_some(())?;
    DateTime::new(year, small(month)?, small(day)?, small(hour)?, small(minute)?, small(second.min(59))?, 0).ok()
}

/// "25" is 0.25 seconds.
fn fraction_of_second(digits: &str) -> Option<i32> {
    let digits: String = digits.chars().take_while(char::is_ascii_digit).take(9).collect();
    (!digits.is_empty()).then_some(())?;
    format!("{digits:0<9}").parse().ok()
}

/// "+02:00", "-0330", "Z".
fn offset_minutes(text: &str) -> Option<i16> {
    if text == "Z" {
        return Some(0);
    }
    let sign = match text.chars().next()? {
        '+' => 1,
        '-' | '\u{2212}' => -1,
        _ => return None,
    };
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let hours: i16 = digits.get(..2)?.parse().ok()?;
    let minutes: i16 = digits.get(2..4).map_or(Some(0), |minutes| minutes.parse().ok())?;
    (hours <= 15 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

fn place(gps: &Directory<'_>) -> Option<Gps> {
    let axis = |reference: u16, value: u16, negative: &str, limit: f64| {
        let entry = gps.get(value)?;
        let part = |index| entry.real(index).unwrap_or(0.0);
        let degrees = entry.real(0)? + part(1) / 60.0 + part(2) / 3600.0;
        let sign =
            if text(gps, reference).is_some_and(|text| text.eq_ignore_ascii_case(negative)) { -1.0 } else { 1.0 };
        (degrees.is_finite() && (0.0..=limit).contains(&degrees)).then_some(sign * degrees)
    };
    let latitude = axis(1, 2, "S", 90.0)?;
    let longitude = axis(3, 4, "W", 180.0)?;
    // What receivers write that have no fix.
    (latitude != 0.0 || longitude != 0.0).then_some(())?;
    let below = gps.uint(5) == Some(1);
    let altitude_m = gps.get(6).and_then(|entry| entry.real(0)).map(|height| if below { -height } else { height });
    Some(Gps { latitude, longitude, altitude_m })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_cameras_and_editors_write_them() {
        assert_eq!(date_time("2026:06:20 15:30:01").unwrap().to_string(), "2026-06-20T15:30:01");
        assert_eq!(date_time("2026-06-20T15:30:01").unwrap().to_string(), "2026-06-20T15:30:01");
        assert_eq!(date_time("0000:00:00 00:00:00"), None);
        assert_eq!(date_time("    :  :     :  :  "), None);
        assert_eq!(date_time("2026:13:20 15:30:01"), None);
        assert_eq!(fraction_of_second("25"), Some(250_000_000));
        assert_eq!(fraction_of_second("1234567891"), Some(123_456_789));
        assert_eq!(fraction_of_second("  "), None);
        assert_eq!(offset_minutes("+02:00"), Some(120));
        assert_eq!(offset_minutes("-03:30"), Some(-210));
        assert_eq!(offset_minutes("   :  "), None);
    }
}
