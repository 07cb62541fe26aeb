//! How sharp a photo is.
//!
//! A natural picture has about equal contrast in every octave of detail; blur takes it from the finest one first. So the
//! finest band of a Laplacian pyramid (Burt and Adelson 1983) over the next coarser band tells sharpness whatever the
//! contrast or the subject, where the usual variance of the Laplacian mostly tells how much texture there is.

use procession_domain::analysis::{Face, Region, Sharpness};
use procession_pixel::View;

use crate::geometry::{WHOLE, finest_size, inside, photo_size};

/// Faces are judged at this width in pixels, or at their own if that is less.
const FACE_WIDTH: f32 = 160.0;
/// Photos without faces are judged at this long edge in pixels, in tiles of this side.
const LONG_EDGE: f32 = 1024.0;
const TILE: usize = 128;
/// The coarser band's mean square, in squared grey levels, below which there is no detail at all.
const LEAST_DETAIL: f32 = 4.0;
/// The ends of the scale: the bands' ratio that every photo comes to under much blur, and that of a well focused one. On 61
/// photos it was 0.8 to 2.5 as they came, 0.5 to 0.8 with a Gaussian blur of one pixel, 0.35 to 0.45 with one of two.
const BLURRED: f32 = 0.33;
const SHARP: f32 = 1.2;

/// How sharp the photo is on its faces (their mean by area), or on its sharpest part if it has none.
pub fn sharpness(view: &View, faces: &[Face]) -> Sharpness {
    let mut sum = 0.0;
    let mut weight = 0.0;
    for face in faces {
        if let Some(score) = of_face(view, face) {
            sum += score * face.region.area();
            weight += face.region.area();
        }
    }
    let score = if weight > 0.0 { sum / weight } else { sharpest_tile(view) };
    Sharpness { score }
}

/// How sharp the middle of a face is, without hair and background; `None` if it has too few pixels to say.
pub(crate) fn of_face(view: &View, face: &Face) -> Option<f32> {
    let Region { x, y, width, height } = face.region;
    let part = inside(Region { x: x + width * 0.1, y: y + height * 0.15, width: width * 0.8, height: height * 0.75 });
    let finest = finest_size(view);
    let across = (part.width * finest.0).min(FACE_WIDTH).round();
    let down = (across * part.height * finest.1 / (part.width * finest.0)).round();
    if !(across >= 16.0 && down >= 16.0) {
        return None;
    }
    let luma = view.luma(part, across as u32, down as u32);
    Some(score(bands(&luma, across as usize, down as usize)))
}

fn sharpest_tile(view: &View) -> f32 {
    let (width, height) = photo_size(view);
    let scale = (LONG_EDGE / width.max(height)).min(1.0);
    let (across, down) = ((width * scale).round().max(1.0) as usize, (height * scale).round().max(1.0) as usize);
    let luma = view.luma(WHOLE, across as u32, down as u32);
    let mut best = 0.0_f32;
    for top in (0..down).step_by(TILE) {
        for left in (0..across).step_by(TILE) {
            let (wide, tall) = (TILE.min(across - left), TILE.min(down - top));
            let rows = (top..top + tall).flat_map(|y| &luma[y * across + left..y * across + left + wide]);
            let tile: Vec<u8> = rows.copied().collect();
            best = best.max(score(bands(&tile, wide, tall)));
        }
    }
    best
}

/// The finest band's root mean square over the next one's; zero where there is too little to judge.
fn bands(luma: &[u8], width: usize, height: usize) -> f32 {
    if width < 16 || height < 16 {
        return 0.0;
    }
    let original: Vec<f32> = luma.iter().map(|&value| f32::from(value)).collect();
    let once = blur(&original, width, height, 1);
    let twice = blur(&once, width, height, 2);
    let energy = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f32>() / a.len() as f32;
    let coarse = energy(&once, &twice);
    if coarse < LEAST_DETAIL { 0.0 } else { (energy(&original, &once) / coarse).sqrt() }
}

/// Logarithmic, so that equal factors of blur are equal steps.
fn score(ratio: f32) -> f32 {
    ((ratio.max(BLURRED) / BLURRED).ln() / (SHARP / BLURRED).ln()).min(1.0)
}

/// The binomial filter 1 4 6 4 1 both ways, its taps `step` pixels apart, edges repeated.
fn blur(pixels: &[f32], width: usize, height: usize, step: usize) -> Vec<f32> {
    let margin = 2 * step;
    let mut padded = vec![0.0; width + 2 * margin];
    let mut across = vec![0.0; pixels.len()];
    for (to, row) in across.chunks_exact_mut(width).zip(pixels.chunks_exact(width)) {
        padded[..margin].fill(row[0]);
        padded[margin..margin + width].copy_from_slice(row);
        padded[margin + width..].fill(row[width - 1]);
        filter(to, |tap| &padded[tap * step..]);
    }
    let mut both = vec![0.0; pixels.len()];
    for (y, to) in both.chunks_exact_mut(width).enumerate() {
        let row = |tap: usize| (y + tap * step).saturating_sub(margin).min(height - 1);
        filter(to, |tap| &across[row(tap) * width..]);
    }
    both
}

/// The sum of five taps, each a run of values that begins where it is needed for the first.
fn filter<'a>(to: &mut [f32], tap: impl Fn(usize) -> &'a [f32]) {
    let [a, b, c, d, e] = [0, 1, 2, 3, 4].map(|number| &tap(number)[..to.len()]);
    for (at, to) in to.iter_mut().enumerate() {
        *to = (a[at] + e[at] + 4.0 * (b[at] + d[at]) + 6.0 * c[at]) / 16.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taps_are_a_step_apart_and_edges_are_repeated() {
        let (width, height) = (7, 5);
        let pixels: Vec<f32> = (0..width * height).map(|at| (at * at % 31) as f32).collect();
        for step in [1, 2] {
            let near = |at: usize, tap: usize, count: usize| (at + tap * step).saturating_sub(2 * step).min(count - 1);
            let weights = [1.0, 4.0, 6.0, 4.0, 1.0];
            let blurred = blur(&pixels, width, height, step);
            for (at, found) in blurred.into_iter().enumerate() {
                let (x, y) = (at % width, at / width);
                let taps = (0..25).map(|tap| (tap / 5, tap % 5));
                let expected: f32 = taps
                    .map(|(i, j)| weights[i] * weights[j] * pixels[near(y, i, height) * width + near(x, j, width)])
                    .sum();
                assert!((found - expected / 256.0).abs() < 1e-3, "{found} {expected} at {x}, {y}");
            }
        }
    }

    #[test]
    fn blur_lowers_the_score_step_by_step_and_contrast_does_not() {
        // Bars and noise by a fixed generator, so that every octave has something.
        let mut state = 1_u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as f32 - 128.0
        };
        let size = 96;
        let picture: Vec<f32> =
            (0..size * size).map(|at| 128.0 + 40.0 * ((at / 7 % 3) as f32 - 1.0) + 0.2 * random()).collect();
        let bytes = |pixels: &[f32], contrast: f32| -> Vec<u8> {
            pixels.iter().map(|value| (128.0 + contrast * (value - 128.0)).clamp(0.0, 255.0) as u8).collect()
        };
        let scored = |pixels: &[f32], contrast| score(bands(&bytes(pixels, contrast), size, size));
        let mut blurred = picture.clone();
        let mut last = scored(&picture, 1.0);
        assert!((last - scored(&picture, 0.5)).abs() < 0.03);
        for _ in 0..3 {
            blurred = blur(&blurred, size, size, 1);
            let now = scored(&blurred, 1.0);
            assert!(now < last, "{now} {last}");
            last = now;
        }
        assert!(scored(&vec![90.0; size * size], 1.0) == 0.0);
    }
}
