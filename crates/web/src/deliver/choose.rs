//! Which of a photo's images suits a client. Pure: the same images and the same hints make the same choice.

use std::{cmp::Reverse, fmt};

use procession_domain::{recipe::OutputFormat, variant::Variant};

use super::hints::{ACCEPT, DENSITY, Hints, Pixels, THRIFT, WIDTH, WINDOW};

/// The CSS pixels that an image has on the page of a client that says nothing about it.
const USUAL_WINDOW: u32 = 1_024;
/// The pixels of the screen for each of them.
const USUAL_DENSITY: f64 = 2.0;
/// What has a longer edge than this is for prints: large, and not for everybody who may look at the photo.
const SCREEN_EDGE: u32 = 2_560;

/// An image that was chosen.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Choice<'a> {
    /// The image.
    pub(crate) variant: &'a Variant,
    /// The request's headers that can lead to another choice among the same images; no other can.
    pub(crate) vary: Vec<&'static str>,
    /// Why this one.
    pub(crate) reason: Reason,
}

/// Why an image was chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Reason {
    said: Pixels,
    needed: Needed,
}

/// What is needed of an image.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Needed {
    Width(u32),
    LongEdge(u32),
}

/// Chooses among the images for screens of a photo of this size: the smallest that has the pixels that the client
/// needs, or else the largest; of these the format that the client likes most, and of equals the more compact. None if there
/// are none.
pub(crate) fn choose<'a>(photo: (u32, u32), variants: &'a [Variant], hints: &Hints) -> Option<Choice<'a>> {
    let images = for_screens(photo, variants);
    let liked: Vec<&Variant> =
        images.iter().copied().filter(|variant| hints.accept.quality(variant.format) > 0).collect();
    // Who likes nothing of what there is gets what anybody can read rather than nothing.
    let (acceptable, is_liked) = if liked.is_empty() { (&images, false) } else { (&liked, true) };
    let needed = needed(hints);
    let enough = acceptable.iter().map(|variant| needed.measure(variant)).filter(|&has| has >= needed.pixels()).min();
    let best = enough.or_else(|| acceptable.iter().map(|variant| needed.measure(variant)).max())?;
    let variant =
        acceptable.iter().copied().filter(|variant| needed.measure(variant) == best).min_by_key(|variant| {
            let (quality, compactness) = (hints.accept.quality(variant.format), compactness(variant.format));
            (
                Reverse(if is_liked { (quality, compactness) } else { (0, u8::MAX - compactness) }),
                variant.bytes,
                &variant.name,
            )
        })?;
    let vary = vary(&images, matches!(hints.pixels, Pixels::Asked(_)));
    Some(Choice { variant, vary, reason: Reason { said: hints.pixels, needed } })
}

/// The images that show the whole photo, no crops, as large as screens are; the smallest of them if all are larger.
pub(super) fn for_screens(photo: (u32, u32), variants: &[Variant]) -> Vec<&Variant> {
    let whole = variants.iter().filter(|variant| is_whole(photo, variant));
    let largest = whole.clone().map(long_edge).min().map_or(SCREEN_EDGE, |smallest| smallest.max(SCREEN_EDGE));
    whole.filter(|variant| long_edge(variant) <= largest).collect()
}

/// The largest image of the whole photo, or of those for screens, for whoever keeps it: JPEG where there is one, because
/// everything opens it.
pub(crate) fn to_keep(photo: (u32, u32), variants: &[Variant], is_for_screens: bool) -> Option<&Variant> {
    let images = match is_for_screens {
        true => for_screens(photo, variants),
        false => variants.iter().filter(|variant| is_whole(photo, variant)).collect(),
    };
    images.into_iter().max_by_key(|image| (image.format == OutputFormat::Jpeg, long_edge(image), image.bytes))
}

/// True if an image has the photo's shape, to the pixel that rounding takes or gives.
fn is_whole(photo: (u32, u32), image: &Variant) -> bool {
    let [photo_width, photo_height, width, height] = [photo.0, photo.1, image.width, image.height].map(u64::from);
    (width * photo_height).abs_diff(height * photo_width) <= photo_width.max(photo_height)
}

fn needed(hints: &Hints) -> Needed {
    let divisor = hints.thrift.divisor();
    match hints.pixels {
        Pixels::Asked(width) => Needed::Width(width),
        Pixels::Width(width) => Needed::Width(width.div_ceil(divisor)),
        Pixels::Window(window, density) => {
            let pixels = f64::from(window.unwrap_or(USUAL_WINDOW)) * density.unwrap_or(USUAL_DENSITY);
            // A photo is as wide as the window if it lies, and rather as high as it is wide if it stands.
            Needed::LongEdge((pixels.ceil() as u32).div_ceil(divisor))
        }
    }
}

impl Needed {
    fn pixels(self) -> u32 {
        match self {
            Self::Width(pixels) | Self::LongEdge(pixels) => pixels,
        }
    }

    fn measure(self, variant: &Variant) -> u32 {
        match self {
            Self::Width(_) => variant.width,
            Self::LongEdge(_) => long_edge(variant),
        }
    }
}

/// Which headers can change the choice among these images. It depends on the images and the address alone, so that every
/// answer to one address says the same: a cache that learned it from one of them finds the others.
fn vary(images: &[&Variant], is_asked: bool) -> Vec<&'static str> {
    let differ = |a: fn(&Variant) -> u32| images.windows(2).any(|pair| a(pair[0]) != a(pair[1]));
    let mut headers = Vec::new();
    if images.windows(2).any(|pair| pair[0].format != pair[1].format) {
        headers.push(ACCEPT);
    }
    if !is_asked && (differ(|variant| variant.width) || differ(long_edge)) {
        headers.extend([WIDTH, WINDOW, DENSITY, THRIFT].as_flattened());
    }
    headers
}

fn long_edge(variant: &Variant) -> u32 {
    variant.width.max(variant.height)
}

/// More for formats that need less for the same picture. The older a format, the more clients read it.
fn compactness(format: OutputFormat) -> u8 {
    match format {
        OutputFormat::Avif => 2,
        OutputFormat::WebP => 1,
        OutputFormat::Jpeg => 0,
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.needed {
            Needed::Width(pixels) => write!(f, "{}: a width of {pixels} px is enough", self.said),
            Needed::LongEdge(pixels) => write!(f, "{}: a longer edge of {pixels} px is enough", self.said),
        }
    }
}

#[cfg(test)]
mod tests;
