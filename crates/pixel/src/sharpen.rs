//! Sharpening after a resize: an unsharp mask of radius 0.6 pixels on luma.

use crate::frame::Plane;

/// A Gaussian of radius 0.6 on three samples, in 256ths: e^(−1 ÷ 2·0.6²) beside 1.
const MIDDLE: u32 = 170;
const SIDE: u32 = 43;

/// Adds `amount` (0.0 to 2.0) of what a blur would take away.
pub(crate) fn luma(plane: &mut Plane, amount: f32) {
    let amount = (amount.clamp(0.0, 2.0) * 256.0).round() as i32;
    let (width, height) = (plane.width, plane.height);
    let source = plane.clone();
    let mut column = vec![0u32; width + 2];
    for y in 0..height {
        let (above, here, below) =
            (source.row(y.saturating_sub(1)), source.row(y), source.row((y + 1).min(height - 1)));
        for (sum, ((a, b), c)) in column[1..=width].iter_mut().zip(above.iter().zip(here).zip(below)) {
            *sum = SIDE * u32::from(*a) + MIDDLE * u32::from(*b) + SIDE * u32::from(*c);
        }
        column[0] = column[1];
        column[width + 1] = column[width];
        for ((sample, before), sums) in plane.row_mut(y).iter_mut().zip(here).zip(column.windows(3)) {
            let blurred = (SIDE * sums[0] + MIDDLE * sums[1] + SIDE * sums[2] + (1 << 11)) >> 12;
            let detail = (i32::from(*before) << 4) - blurred as i32;
            *sample = (i32::from(*before) + ((detail * amount + (1 << 11)) >> 12)).clamp(0, 255) as u8;
        }
    }
    plane.pad();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_areas_stay_and_edges_grow() {
        let mut plane = Plane::filled(8, 4, 100);
        for y in 0..4 {
            plane.row_mut(y)[4..].fill(150);
        }
        luma(&mut plane, 1.0);
        let row = plane.row(2);
        assert_eq!((row[0], row[7]), (100, 150));
        assert!(row[3] < 100 && row[4] > 150, "{row:?}");
    }

    #[test]
    fn nothing_is_nothing() {
        let mut plane = Plane::filled(5, 5, 9);
        plane.row_mut(2)[2] = 200;
        let before = plane.clone();
        luma(&mut plane, 0.0);
        assert!((0..5).all(|y| plane.row(y) == before.row(y)));
    }
}
