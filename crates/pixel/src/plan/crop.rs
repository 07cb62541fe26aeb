//! Where a crop is taken.

use procession_domain::analysis::Region;

use crate::resize::Window;

/// How much of a face's size is kept free around it where that is possible: hair and chin.
const MARGIN: f64 = 0.3;
/// Where the middle of the faces comes to lie in a crop that slides up and down: eyes above the middle.
const FACE_HEIGHT: f64 = 0.4;
/// How much of what a crop without faces leaves out at top and bottom is left out at the top.
const TOP_SHARE: f64 = 1.0 / 3.0;

/// The largest window of `shape` (relative width and height) in a photo, and its size in pixels with a longer edge of at
/// most `long_edge`. It shows as many faces as it can, larger ones first.
pub(super) fn place(photo: (u32, u32), shape: (u32, u32), long_edge: u32, faces: &[Region]) -> (Window, (u32, u32)) {
    let (photo_width, photo_height) = (f64::from(photo.0), f64::from(photo.1));
    let ratio = f64::from(shape.0) / f64::from(shape.1);
    let slides_across = photo_width > photo_height * ratio;
    let (width, height) = if slides_across {
        (photo_height * ratio / photo_width, 1.0)
    } else {
        (1.0, photo_width / ratio / photo_height)
    };
    let window = if slides_across {
        let spans: Vec<Span> = faces.iter().map(|face| Span::new(face.x, face.width, face)).collect();
        Window { x: slide(width, &spans, 0.5, 0.5), y: 0.0, width, height }
    } else {
        let spans: Vec<Span> = faces.iter().map(|face| Span::new(face.y, face.height, face)).collect();
        Window { x: 0.0, y: slide(height, &spans, FACE_HEIGHT, TOP_SHARE), width, height }
    };
    (window, size(width * photo_width, height * photo_height, shape, long_edge))
}

/// Pixels of a crop of `width × height` pixels of the photo.
fn size(width: f64, height: f64, shape: (u32, u32), long_edge: u32) -> (u32, u32) {
    let long = f64::from(long_edge).min(width.max(height).round());
    let (across, down) = (f64::from(shape.0), f64::from(shape.1));
    let pixels = |part: f64| (long * part / across.max(down)).round().max(1.0) as u32;
    (pixels(across), pixels(down))
}

/// A face along the axis that the window slides on, as fractions of the photo.
struct Span {
    start: f64,
    end: f64,
    area: f64,
}

impl Span {
    fn new(start: f32, length: f32, face: &Region) -> Self {
        let (start, length) = (f64::from(start), f64::from(length));
        Self { start, end: start + length, area: f64::from(face.area()) }
    }
}

/// Where a window of `length` starts, 0 to 1 − `length`. `middle`: where in the window the faces' middle should be;
/// `share`: the part of the rest that comes before the window if there are no faces.
fn slide(length: f64, faces: &[Span], middle: f64, share: f64) -> f64 {
    let last = (1.0 - length).max(0.0);
    let Some(first) = faces.first() else {
        return last * share;
    };
    // The starts that keep every face so far in frame.
    let (mut low, mut high) = (0.0, last);
    let mut kept = Vec::new();
    for margin in [MARGIN, 0.0] {
        for face in faces {
            let free = (face.end - face.start) * margin;
            // What is free beyond the photo's edge need not be in frame.
            let (from, to) = ((face.end + free).min(1.0) - length, (face.start - free).max(0.0));
            if f64::max(low, from) <= f64::min(high, to) {
                (low, high) = (f64::max(low, from), f64::min(high, to));
                kept.push(face);
            }
        }
    }
    if kept.is_empty() {
        // Not even the largest face fits: its middle is shown.
        kept.push(first);
    }
    let weight: f64 = kept.iter().map(|face| face.area).sum::<f64>().max(f64::MIN_POSITIVE);
    let centre = kept.iter().map(|face| (face.start + face.end) / 2.0 * face.area).sum::<f64>() / weight;
    (centre - length * middle).clamp(low, high)
}
