//! The transform for any processor: what the others must equal.

use super::{Coefficients, FIRST_BIAS, FIRST_SHIFT, Kernel, SECOND_BIAS, SECOND_SHIFT, Samples, Transform, place};

/// See [`Kernel`].
pub(in super::super) struct Scalar;

impl Kernel for Scalar {
    fn samples<const N: usize>(coefficients: &Coefficients, transform: &Transform) -> Samples {
        let Transform { eighths, weights, steps, .. } = transform;
        let place = place(*eighths);
        let mut rows = [[0i32; N]; N];
        for (x, row) in rows.iter_mut().enumerate() {
            for (down, cell) in row.iter_mut().enumerate() {
                let products = (0..N).map(|across| {
                    let at = place(across, down);
                    i32::from(coefficients[at].wrapping_mul(steps[at])) * i32::from(weights[x][across])
                });
                let sum = products.fold(FIRST_BIAS, i32::wrapping_add);
                *cell = (sum >> FIRST_SHIFT).clamp(i16::MIN.into(), i16::MAX.into());
            }
        }
        let mut samples = [0; 64];
        let stride = if N <= 4 { 4 } else { 8 };
        for y in 0..N {
            for x in 0..N {
                let products = (0..N).map(|down| rows[x][down] * i32::from(weights[y][down]));
                let sum = products.fold(SECOND_BIAS, i32::wrapping_add);
                samples[y * stride + x] = (sum >> SECOND_SHIFT).clamp(0, 255) as u8;
            }
        }
        samples
    }
}
