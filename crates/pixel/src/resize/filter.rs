//! Which samples make an output sample, and by how much.

use std::{cell::RefCell, collections::HashMap, f64::consts::PI, sync::Arc};

/// Weights are integers that sum to this for each output.
pub(super) const ONE: i32 = 1 << 14;

/// Tables that a thread keeps: a job of one shape asks for about twenty.
const CACHED: usize = 128;

/// For each output: where its samples start, and their weights.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    /// First sample of each output.
    pub(super) starts: Vec<usize>,
    /// Weights of each output, an even number.
    pub(super) taps: usize,
    /// `starts.len() × taps` weights.
    pub(super) weights: Vec<i16>,
    /// Samples that there are: a tap at or beyond has weight 0.
    pub(super) samples: usize,
    /// Each output is the sample of its own number.
    pub(super) is_copy: bool,
}

impl Filter {
    /// Outputs.
    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }

    /// The first sample that is read, and the one after the last.
    pub(super) fn reads(&self) -> (usize, usize) {
        let first = self.starts.iter().copied().min().unwrap_or(0);
        let last = self.starts.iter().copied().max().unwrap_or(0) + self.taps;
        (first, last.min(self.samples))
    }

    /// The same filter on samples of which the first `by` are left out.
    pub(super) fn shifted(&self, by: usize) -> Self {
        let starts = self.starts.iter().map(|start| start - by).collect();
        let samples = self.reads().1 - by;
        Self { starts, samples, taps: self.taps, weights: self.weights.clone(), is_copy: self.is_copy && by == 0 }
    }

    /// Lanczos 3 from `length` samples after `offset` to `outputs`, widened to the source's step where it shrinks. Samples
    /// outside `0..samples` do not exist: what is inside is weighed up for them.
    fn lanczos(offset: f64, length: f64, outputs: usize, samples: usize) -> Self {
        let step = length / outputs as f64;
        let stretch = step.max(1.0);
        let reach = 3.0 * stretch;
        let taps = ((2.0 * reach).ceil() as usize).next_multiple_of(2);
        let (starts, weights) = (Vec::with_capacity(outputs), vec![0; outputs * taps]);
        let is_copy = offset == 0.0 && length == outputs as f64 && outputs <= samples;
        let mut filter = Self { starts, taps, weights, samples, is_copy };
        for (output, weights) in filter.weights.chunks_exact_mut(taps).enumerate() {
            let centre = offset + (output as f64 + 0.5) * step;
            let first = (centre - reach - 0.5).ceil().max(0.0) as usize;
            let start = first.min(samples.saturating_sub(taps));
            let exact: Vec<f64> = (start..start + taps)
                .map(|sample| if sample < samples { lanczos3((sample as f64 + 0.5 - centre) / stretch) } else { 0.0 })
                .collect();
            quantise(&exact, weights);
            filter.starts.push(start);
        }
        filter
    }
}

/// Rounds weights so that they sum to [`ONE`]; what rounding loses goes to the largest.
fn quantise(exact: &[f64], weights: &mut [i16]) {
    let sum: f64 = exact.iter().sum();
    let scale = if sum.abs() > 1e-9 { f64::from(ONE) / sum } else { 0.0 };
    let mut left = ONE;
    let mut largest = 0;
    for (index, (weight, value)) in weights.iter_mut().zip(exact).enumerate() {
        *weight = (value * scale).round() as i16;
        left -= i32::from(*weight);
        if exact[largest] < *value {
            largest = index;
        }
    }
    weights[largest] += left as i16;
}

fn lanczos3(x: f64) -> f64 {
    let x = x.abs();
    if x < 1e-8 {
        1.0
    } else if x < 3.0 {
        3.0 * (PI * x).sin() * (PI * x / 3.0).sin() / (PI * PI * x * x)
    } else {
        0.0
    }
}

type Shape = (u64, u64, usize, usize);

/// The filter for these arguments, from this thread's cache where it was asked for before.
pub(super) fn cached(offset: f64, length: f64, outputs: usize, samples: usize) -> Arc<Filter> {
    thread_local! {
        static KEPT: RefCell<HashMap<Shape, Arc<Filter>>> = RefCell::new(HashMap::new());
    }
    let shape = (offset.to_bits(), length.to_bits(), outputs, samples);
    KEPT.with_borrow_mut(|kept| {
        if let Some(filter) = kept.get(&shape) {
            return Arc::clone(filter);
        }
        if kept.len() >= CACHED {
            kept.clear();
        }
        let filter = Arc::new(Filter::lanczos(offset, length, outputs, samples));
        kept.insert(shape, Arc::clone(&filter));
        filter
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_sum_to_one_and_stay_inside() {
        for (offset, length, outputs, samples) in [
            (0.0, 3000.0, 2048, 3000),
            (0.5, 1.0, 7, 1),
            (-0.5, 100.5, 50, 100),
            (10.0, 3.0, 300, 16),
            (0.0, 9.0, 1, 9),
        ] {
            let filter = Filter::lanczos(offset, length, outputs, samples);
            assert_eq!(filter.len(), outputs);
            for (start, weights) in filter.starts.iter().zip(filter.weights.chunks_exact(filter.taps)) {
                assert_eq!(weights.iter().map(|&w| i32::from(w)).sum::<i32>(), ONE);
                let beyond = weights.iter().enumerate().filter(|(tap, _)| start + tap >= samples);
                assert!(beyond.into_iter().all(|(_, &weight)| weight == 0), "a sample that does not exist is weighed");
            }
        }
    }

    #[test]
    fn the_same_size_is_a_copy() {
        let filter = Filter::lanczos(0.0, 40.0, 40, 40);
        assert!(filter.is_copy && !Filter::lanczos(0.5, 40.0, 40, 41).is_copy);
        for (output, (start, weights)) in filter.starts.iter().zip(filter.weights.chunks_exact(filter.taps)).enumerate()
        {
            assert_eq!(i32::from(weights[output - start]), ONE);
        }
    }
}
