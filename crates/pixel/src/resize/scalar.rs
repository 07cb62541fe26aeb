//! The inner loops for any processor: what the others must equal.

use super::{Filter, Source, filter::ONE};
use crate::frame::Plane;

/// See [`super::Kernels::columns`].
pub(super) fn columns(source: Source<'_>, filter: &Filter, target: &mut Plane, flip: bool) {
    let outputs = filter.len();
    let mut sums = vec![0i32; source.width];
    for output in 0..outputs {
        sums.fill(ONE / 2);
        let start = filter.starts[output];
        let weights = &filter.weights[output * filter.taps..][..filter.taps];
        for (tap, &weight) in weights.iter().enumerate().take(filter.samples - start) {
            let row = &source.plane.data[(start + tap) * source.plane.stride + source.from..][..source.width];
            for (sum, &sample) in sums.iter_mut().zip(row) {
                *sum += i32::from(weight) * i32::from(sample);
            }
        }
        let row = target.row_mut(if flip { outputs - 1 - output } else { output });
        for (sample, &sum) in row.iter_mut().zip(&sums) {
            *sample = (sum >> 14).clamp(0, 255) as u8;
        }
    }
}

/// See [`super::Kernels::transpose`].
pub(super) fn transpose(source: &Plane, target: &mut Plane) {
    let stride = target.stride;
    for y in 0..source.height {
        for (x, &sample) in source.row(y).iter().enumerate() {
            target.data[x * stride + y] = sample;
        }
    }
}
