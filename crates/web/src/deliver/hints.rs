//! What a client says about the image that it wants: formats, pixels, and whether it should be small.

use std::fmt;

use axum::http::HeaderMap;
use procession_domain::recipe::OutputFormat;

/// Hints beyond this are held at it.
const MOST_PIXELS: f64 = 16_384.0;

/// What a request for a negotiated image says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Hints {
    /// How much the client likes each format.
    pub(crate) accept: Accept,
    /// How many pixels it needs.
    pub(crate) pixels: Pixels,
    /// What it gives up for a smaller file.
    pub(crate) thrift: Thrift,
}

/// How many pixels of the screen the image will have, as far as the client said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pixels {
    /// The address itself says it: `?w=800`.
    Asked(u32),
    /// Its width on the page, in pixels of the screen (`Sec-CH-Width`).
    Width(u32),
    /// The width of the window in CSS pixels, or none, and the screen's pixels for each of them.
    Window(Option<u32>, Option<f64>),
}

/// What a client gives up for a smaller file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Thrift {
    /// Nothing.
    None,
    /// Half of the pixels' width: `Save-Data: on`, or a connection like 3G.
    Half,
    /// Three quarters: a connection like 2G.
    Quarter,
}

impl Thrift {
    /// The width is divided by this.
    pub(crate) fn divisor(self) -> u32 {
        match self {
            Self::None => 1,
            Self::Half => 2,
            Self::Quarter => 4,
        }
    }
}

/// The preferences of `Accept`, in thousandths. A wildcard speaks for JPEG alone: it comes from clients that do not know the
/// newer formats, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Accept {
    avif: u16,
    webp: u16,
    jpeg: u16,
}

impl Hints {
    /// Reads them from a request. `asked` is what the address says.
    pub(crate) fn read(headers: &HeaderMap, asked: Option<u32>) -> Self {
        let number = |names: [&str; 2]| names.into_iter().find_map(|name| positive(headers, name));
        let whole = |names| number(names).map(|pixels: f64| pixels.ceil().clamp(1.0, MOST_PIXELS) as u32);
        let pixels = match (asked, whole(WIDTH)) {
            (Some(pixels), _) => Pixels::Asked(pixels),
            (None, Some(pixels)) => Pixels::Width(pixels),
            (None, None) => Pixels::Window(whole(WINDOW), number(DENSITY).map(|density| density.clamp(0.1, 10.0))),
        };
        Self { accept: Accept::read(headers), pixels, thrift: thrift(headers) }
    }
}

/// Each hint as the client hints draft names it, and as it was named before.
pub(super) const WIDTH: [&str; 2] = ["Sec-CH-Width", "Width"];
pub(super) const WINDOW: [&str; 2] = ["Sec-CH-Viewport-Width", "Viewport-Width"];
pub(super) const DENSITY: [&str; 2] = ["Sec-CH-DPR", "DPR"];
pub(super) const THRIFT: [&str; 2] = ["Save-Data", "ECT"];
pub(super) const ACCEPT: &str = "Accept";

fn positive(headers: &HeaderMap, name: &str) -> Option<f64> {
    let number: f64 = headers.get(name)?.to_str().ok()?.trim().parse().ok()?;
    (number.is_finite() && number > 0.0).then_some(number)
}

fn thrift(headers: &HeaderMap) -> Thrift {
    let is = |name, expected: &str| {
        headers.get(name).is_some_and(|value| value.as_bytes().trim_ascii().eq_ignore_ascii_case(expected.as_bytes()))
    };
    match () {
        () if is("ECT", "slow-2g") || is("ECT", "2g") => Thrift::Quarter,
        () if is("ECT", "3g") || is("Save-Data", "on") => Thrift::Half,
        () => Thrift::None,
    }
}

impl Accept {
    fn read(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
        let ranges: Vec<(String, u16)> = lines.flat_map(|line| line.split(',')).filter_map(media_range).collect();
        let of = |wanted: &str| ranges.iter().find(|(range, _)| range == wanted).map(|(_, quality)| *quality);
        let jpeg = of("image/jpeg").or_else(|| of("image/*")).or_else(|| of("*/*"));
        Self {
            avif: of("image/avif").unwrap_or(0),
            webp: of("image/webp").unwrap_or(0),
            // Who says nothing takes anything; who names others only does not want it.
            jpeg: jpeg.unwrap_or(if ranges.is_empty() { 1000 } else { 0 }),
        }
    }

    /// How much the client likes a format, 0 (not at all) to 1000.
    pub(crate) fn quality(&self, format: OutputFormat) -> u16 {
        match format {
            OutputFormat::Avif => self.avif,
            OutputFormat::WebP => self.webp,
            OutputFormat::Jpeg => self.jpeg,
        }
    }
}

/// `image/webp;q=0.8` as its range and 800. None if it is malformed.
fn media_range(text: &str) -> Option<(String, u16)> {
    let mut parts = text.split(';').map(str::trim);
    let range = parts.next().filter(|range| range.contains('/'))?.to_ascii_lowercase();
    let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    let quality = match weight {
        None => 1.0,
        Some(text) => text.parse::<f64>().ok().filter(|quality| (0.0..=1.0).contains(quality))?,
    };
    Some((range, (quality * 1000.0).round() as u16))
}

impl fmt::Display for Pixels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked(pixels) => write!(f, "{pixels} px were asked for"),
            Self::Width(pixels) => write!(f, "the client shows it {pixels} px wide"),
            Self::Window(None, None) => f.write_str("the client said nothing"),
            Self::Window(Some(window), None) => write!(f, "the client's window is {window} px wide"),
            Self::Window(None, Some(density)) => write!(f, "the client's screen has {density} px a CSS pixel"),
            Self::Window(Some(window), Some(density)) => {
                write!(f, "the client's window is {window} px wide, with {density} px each")
            }
        }
    }
}
