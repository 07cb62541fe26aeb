//! N × N coefficients to N × N samples.
//!
//! The samples of a block at N eighths of its size are the inverse transform (T.81, A.3.3) over N points of its N × N lowest
//! coefficients: what an ideal low-pass filter leaves of it. In one dimension, from X(0) … X(N − 1):
//!
//! x(i) = 1/√8 · (X(0) + √2 · Σ X(k) · cos((2i + 1)kπ / 2N)),  k = 1 … N − 1
//!
//! Weights have 13 bits behind the point. The first pass, over horizontal frequencies, keeps two of them and at most 16 bits;
//! the second rounds to samples. All sums are exact in 32 bits (or wrap, for coefficients that no photo has), so that
//! every implementation gives the same bytes.

pub(super) mod avx2;
pub(super) mod scalar;

use super::{
    ZIGZAG,
    block::{Coefficients, Places},
};

/// Bits behind the point of weights.
const WEIGHT_BITS: u32 = 13;
/// Bits that the first pass takes off, and the second: the rest of both weights, and 3 for 1/√8 twice.
const FIRST_SHIFT: u32 = WEIGHT_BITS - 2;
const SECOND_SHIFT: u32 = WEIGHT_BITS + 2 + 3;
/// Added before the second pass takes its bits off: half of a level, and 128 levels (A.3.1).
const SECOND_BIAS: i32 = (128 << SECOND_SHIFT) + (1 << (SECOND_SHIFT - 1));
const FIRST_BIAS: i32 = 1 << (FIRST_SHIFT - 1);

/// The samples of a block: rows of 4 if it has 4 or fewer in a row, else of 8.
pub(super) type Samples = [u8; 64];

/// One component's transform.
pub(super) struct Transform {
    eighths: usize,
    /// The weight of frequency `k` in sample `i`.
    weights: [[i16; 8]; 8],
    /// The quantiser's steps, as coefficients lie.
    steps: [i16; 64],
    /// The weights as [`avx2`] wants them.
    vectors: avx2::Weights,
}

/// Where the coefficient of a horizontal and a vertical frequency lies for scales up to 4: pairs of horizontal frequencies
/// (0, 2) and (1, 3) side by side, since the vector code multiplies and adds in pairs.
fn place_of_four(across: usize, down: usize) -> usize {
    (across & 1) * 8 + down * 2 + (across >> 1)
}

/// The same for scales from 5: pairs (0, 2), (4, 6), (1, 3) and (5, 7).
fn place_of_eight(across: usize, down: usize) -> usize {
    (across & 1) * 32 + (across >> 2) * 16 + down * 2 + (across >> 1 & 1)
}

fn place(eighths: usize) -> fn(usize, usize) -> usize {
    if eighths <= 4 { place_of_four } else { place_of_eight }
}

/// Where coefficients go for [`Transform`].
pub(super) fn places(eighths: usize) -> Places {
    Places::new(eighths, place(eighths))
}

impl Transform {
    /// For coefficients that were quantised by `steps`, in zigzag order.
    pub(super) fn new(eighths: usize, steps: &[u8; 64]) -> Self {
        let mut weights = [[0; 8]; 8];
        for (i, row) in weights.iter_mut().enumerate().take(eighths) {
            for (k, weight) in row.iter_mut().enumerate().take(eighths) {
                let angle = ((2 * i + 1) * k) as f64 * std::f64::consts::PI / (2 * eighths) as f64;
                let exact = if k == 0 { 1.0 } else { 2.0f64.sqrt() * angle.cos() };
                *weight = (exact * f64::from(1 << WEIGHT_BITS)).round() as i16;
            }
        }
        let mut placed = [0; 64];
        for (&step, &natural) in steps.iter().zip(&ZIGZAG) {
            let (across, down) = (usize::from(natural) % 8, usize::from(natural) / 8);
            if across < eighths && down < eighths {
                placed[place(eighths)(across, down)] = i16::from(step);
            }
        }
        let vectors = avx2::Weights::new(&weights);
        Self { eighths, weights, steps: placed, vectors }
    }
}

/// The inner loop of [`super::scan`], which exists for any processor and for those with AVX2.
pub(super) trait Kernel {
    /// The samples of a block at `N` eighths, for which `transform` was made.
    fn samples<const N: usize>(coefficients: &Coefficients, transform: &Transform) -> Samples;
}
