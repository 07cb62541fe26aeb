//! A photo at a few sizes, each made from the one before.

use crate::{
    Error, Orientation,
    colour::Conversion,
    frame::{Chroma, Frame},
    resize::{self, Target, Window},
};

/// Long edges of the levels.
pub(crate) const EDGES: [u32; 3] = [2048, 1024, 512];

/// A photo upright in one colour space, 4:2:0, largest level first. The first is as large as the photo if that is smaller
/// than [`EDGES`]; levels that would be no smaller than the one before are left out.
#[derive(Clone, Debug)]
pub(crate) struct Cascade {
    /// At least one.
    pub(crate) levels: Vec<Frame>,
    /// Width and height of the upright photo.
    pub(crate) photo: (u32, u32),
}

/// The size of a photo of `size` whose longer edge has at most `long_edge` pixels. Neither edge is ever empty.
pub(crate) fn fit(size: (u32, u32), long_edge: u32) -> (u32, u32) {
    let (width, height) = size;
    let longest = width.max(height);
    if longest <= long_edge {
        return size;
    }
    let scaled = |edge: u32| {
        let rounded = (u64::from(edge) * u64::from(long_edge) * 2 + u64::from(longest)) / (2 * u64::from(longest));
        (rounded as u32).max(1)
    };
    (scaled(width), scaled(height))
}

/// All of a photo.
fn target((width, height): (u32, u32), orientation: Orientation) -> Target {
    Target { window: Window::ALL, orientation, width: width as usize, height: height as usize }
}

impl Cascade {
    /// Makes the levels of a photo of `photo` upright pixels that is stored in `orientation`.
    ///
    /// # Errors
    /// `Bug` if its colours cannot be converted.
    pub(crate) fn new(
        source: &Frame,
        photo: (u32, u32),
        orientation: Orientation,
        conversion: &Conversion,
    ) -> Result<Self, Error> {
        let largest = conversion.resized(source, target(fit(photo, EDGES[0]), orientation), Chroma::Half)?;
        Ok(Self::below(largest, photo))
    }

    /// Makes the levels of a picture that is upright and in the right colours.
    pub(crate) fn of_upright(source: &Frame, photo: (u32, u32)) -> Self {
        let target = target(fit(photo, EDGES[0]), Orientation::UPRIGHT);
        Self::below(resize::frame(source, target, Chroma::Half), photo)
    }

    /// The largest level, and the others made from it.
    fn below(largest: Frame, photo: (u32, u32)) -> Self {
        let mut levels = vec![largest];
        for edge in &EDGES[1..] {
            let previous = &levels[levels.len() - 1];
            let target = target(fit(photo, *edge), Orientation::UPRIGHT);
            if (target.width, target.height) != previous.dimensions() {
                let next = resize::frame(previous, target, Chroma::Half);
                levels.push(next);
            }
        }
        Self { levels, photo }
    }

    /// The smallest level that has `width × height` pixels or more in `window`.
    pub(crate) fn level(&self, window: Window, width: usize, height: usize) -> Option<&Frame> {
        let enough = |frame: &&Frame| {
            // Half a pixel is what rounding the level's own size may have taken.
            frame.size.0 * window.width + 0.5 >= width as f64 && frame.size.1 * window.height + 0.5 >= height as f64
        };
        self.levels.iter().rev().find(enough)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_keep_the_shape_and_never_grow() {
        assert_eq!(fit((6000, 4000), 2048), (2048, 1365));
        assert_eq!(fit((4000, 6000), 2048), (1365, 2048));
        assert_eq!(fit((800, 600), 2048), (800, 600));
        assert_eq!(fit((65_000, 3), 512), (512, 1));
        assert_eq!(fit((2048, 1365), 1024), (1024, 683));
    }
}
