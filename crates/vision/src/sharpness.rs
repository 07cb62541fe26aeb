//! How sharp a photo is.
//!
//! A natural picture has about equal contrast in every octave of detail; blur takes it from the finest one first. So the
//! finest band of a Laplacian pyramid (Burt and Adelson 1983) over the next coarser band tells sharpness whatever the
//! contrast or the subject, where the usual variance of the Laplacian mostly tells how much texture there is.

use std::ops::{Add, Mul};

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
    Some(score(bands(&luma.chunks_exact(across as usize).collect::<Vec<_>>())))
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
            let rows = luma.chunks_exact(across).skip(top).take(tall).map(|row| &row[left..left + wide]);
            best = best.max(score(bands(&rows.collect::<Vec<_>>())));
        }
    }
    best
}

/// The finest band's root mean square over the next one's; zero where there is too little to judge. The rows are of one length.
fn bands(rows: &[&[u8]]) -> f32 {
    let (width, height) = (rows.first().map_or(0, |row| row.len()), rows.len());
    if width < 16 || height < 16 {
        return 0.0;
    }
    // Whole numbers, which floats hold too: blurred once in 256ths, twice in 65,536ths of a grey level.
    let across: Vec<u16> = blur_across(rows.iter().copied(), width, 1);
    let mut once = vec![0_u16; width * height];
    let mut fine = 0.0;
    for (y, (to, row)) in once.chunks_exact_mut(width).zip(rows).enumerate() {
        blur_down(&across, to, y, 1);
        fine += energy(row, to);
    }
    let across: Vec<f32> = blur_across(once.chunks_exact(width), width, 2);
    let mut twice = vec![0.0_f32; width];
    let mut coarse = 0.0;
    for (y, row) in once.chunks_exact(width).enumerate() {
        blur_down(&across, &mut twice, y, 2);
        coarse += energy(row, &twice) / 65_536.0;
    }
    if coarse < LEAST_DETAIL * 65_536.0 * (width * height) as f32 { 0.0 } else { (fine / coarse).sqrt() }
}

/// The sum of the squared differences, in units of `blurred`, 256 of which are one of `row`.
fn energy<T: Copy + Into<f32>, B: Copy + Into<f32>>(row: &[T], blurred: &[B]) -> f32 {
    let square = |value: T, blurred: B| {
        let difference = 256.0 * value.into() - blurred.into();
        difference * difference
    };
    let ((rows, row), (blurreds, blurred)) = (row.as_chunks::<16>(), blurred.as_chunks::<16>());
    // Many sums at once, which no addition has to wait for.
    let mut sums = [0.0_f32; 16];
    for (row, blurred) in rows.iter().zip(blurreds) {
        for ((sum, value), blurred) in sums.iter_mut().zip(row).zip(blurred) {
            *sum += square(*value, *blurred);
        }
    }
    let rest: f32 = row.iter().zip(blurred).map(|(value, blurred)| square(*value, *blurred)).sum();
    sums.iter().sum::<f32>() + rest
}

/// Logarithmic, so that equal factors of blur are equal steps.
fn score(ratio: f32) -> f32 {
    ((ratio.max(BLURRED) / BLURRED).ln() / (SHARP / BLURRED).ln()).min(1.0)
}

/// What holds sixteen times a pixel, or more.
trait Number: Copy + Default + From<u8> + Add<Output = Self> + Mul<Output = Self> {}
impl<N: Copy + Default + From<u8> + Add<Output = N> + Mul<Output = N>> Number for N {}

/// Sixteen times the binomial filter 1 4 6 4 1 along each row, its taps `step` pixels apart, edges repeated.
fn blur_across<'a, T, B>(rows: impl Iterator<Item = &'a [T]>, width: usize, step: usize) -> Vec<B>
where
    T: Copy + 'a,
    B: Number + From<T>,
{
    let margin = 2 * step;
    let mut padded = vec![B::default(); width + 2 * margin];
    let mut across = Vec::new();
    for row in rows {
        let (first, last) = (B::from(row[0]), B::from(row[width - 1]));
        padded[..margin].fill(first);
        padded[margin..].iter_mut().zip(row).for_each(|(to, value)| *to = B::from(*value));
        padded[margin + width..].fill(last);
        let start = across.len();
        across.resize(start + width, B::default());
        filter(&mut across[start..], |tap| &padded[tap * step..]);
    }
    across
}

/// The row `y` of the same down each column.
fn blur_down<B: Number>(rows: &[B], to: &mut [B], y: usize, step: usize) {
    let (width, last) = (to.len(), rows.len() / to.len() - 1);
    filter(to, |tap| &rows[(y + tap * step).saturating_sub(2 * step).min(last) * width..]);
}

/// The weighted sum of five taps, each a run of values that begins where it is needed for the first.
fn filter<'a, B: Number + 'a>(to: &mut [B], tap: impl Fn(usize) -> &'a [B]) {
    let [a, b, c, d, e] = [0, 1, 2, 3, 4].map(|number| &tap(number)[..to.len()]);
    for (at, to) in to.iter_mut().enumerate() {
        *to = a[at] + e[at] + B::from(4) * (b[at] + d[at]) + B::from(6) * c[at];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blur(pixels: &[u16], width: usize, step: usize) -> Vec<f32> {
        let across: Vec<f32> = blur_across(pixels.chunks_exact(width), width, step);
        let mut both = vec![0.0; pixels.len()];
        both.chunks_exact_mut(width).enumerate().for_each(|(y, to)| blur_down(&across, to, y, step));
        both
    }

    #[test]
    fn taps_are_a_step_apart_and_edges_are_repeated() {
        let (width, height) = (7, 5);
        let pixels: Vec<u16> = (0..width * height).map(|at| (at * at % 31) as u16).collect();
        for step in [1, 2] {
            let near = |at: usize, tap: usize, count: usize| (at + tap * step).saturating_sub(2 * step).min(count - 1);
            let weights = [1.0, 4.0, 6.0, 4.0, 1.0];
            for (at, found) in blur(&pixels, width, step).into_iter().enumerate() {
                let (x, y) = (at % width, at / width);
                let taps = (0..25).map(|tap| (tap / 5, tap % 5));
                let expected: f32 = taps
                    .map(|(i, j)| {
                        weights[i] * weights[j] * f32::from(pixels[near(y, i, height) * width + near(x, j, width)])
                    })
                    .sum();
                assert_eq!(found, expected, "at {x}, {y}");
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
        let scored = |pixels: &[f32], contrast| {
            let bytes = bytes(pixels, contrast);
            score(bands(&bytes.chunks_exact(size).collect::<Vec<_>>()))
        };
        let mut blurred = picture.clone();
        let mut last = scored(&picture, 1.0);
        assert!((last - scored(&picture, 0.5)).abs() < 0.03);
        for _ in 0..3 {
            let whole: Vec<u16> = blurred.iter().map(|value| value.round() as u16).collect();
            blurred = blur(&whole, size, 1).into_iter().map(|value| value / 256.0).collect();
            let now = scored(&blurred, 1.0);
            assert!(now < last, "{now} {last}");
            last = now;
        }
        assert!(scored(&vec![90.0; size * size], 1.0) == 0.0);
    }
}
