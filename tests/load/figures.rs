//! What is made of the lives of photos: rates, percentiles and shares. Functions of what was found.

use procession_domain::photo::Timings;

/// A photo that was finished. Times are seconds from the start that rates count from.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Life {
    /// The gallery's number.
    pub(crate) gallery: usize,
    /// When the original was durable, and when its variants were.
    pub(crate) stored: f64,
    pub(crate) finished: f64,
    pub(crate) megapixels: f64,
    /// What its worker took for it.
    pub(crate) timings: Timings,
    /// Faces that were seen.
    pub(crate) faces: usize,
}

impl Life {
    /// Seconds of a worker for this photo, all stages together.
    pub(crate) fn processing(&self) -> f64 {
        let Timings { fetch_seconds, decode_seconds, vision_seconds, render_seconds, store_seconds } = self.timings;
        fetch_seconds + decode_seconds + vision_seconds + render_seconds + store_seconds
    }
}

/// The smallest figure that so large a part (0 to 1) of all figures does not exceed. Zero if there is none.
pub(crate) fn percentile(figures: &[f64], part: f64) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (part * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied().unwrap_or(0.0)
}

/// Images a minute from the start until the last one was finished.
pub(crate) fn sustained(lives: &[Life]) -> f64 {
    let last = lives.iter().map(|life| life.finished).fold(0.0, f64::max);
    if last > 0.0 { 60.0 * lives.len() as f64 / last } else { 0.0 }
}

/// Images a minute in the steady middle: between the tenth of the images that was finished first and the last tenth.
pub(crate) fn steady(lives: &[Life]) -> f64 {
    let finished: Vec<f64> = lives.iter().map(|life| life.finished).collect();
    let (from, to) = (percentile(&finished, 0.1), percentile(&finished, 0.9));
    let between = finished.iter().filter(|at| **at > from && **at <= to).count();
    if to > from { 60.0 * between as f64 / (to - from) } else { 0.0 }
}

/// Jain's index: 1 if all have the same, 1/n if one of n has everything.
pub(crate) fn jain(figures: &[f64]) -> f64 {
    let (sum, squares) = figures.iter().fold((0.0, 0.0), |(sum, squares), x| (sum + x, squares + x * x));
    if squares > 0.0 { sum * sum / (figures.len() as f64 * squares) } else { 0.0 }
}

/// How the work was shared while every gallery had unfinished photos.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fairness {
    /// Photos that were finished meanwhile.
    pub(crate) photos: usize,
    /// The part of the work (in megapixels) that each class had, and the part that its weights give it.
    pub(crate) shares: [f64; 3],
    pub(crate) due: [f64; 3],
    /// Jain's index of the galleries' work, each divided by its weight.
    pub(crate) jain: f64,
}

/// The shares of galleries with these classes (0 to 2) and weights.
pub(crate) fn fairness(lives: &[Life], galleries: &[(usize, f64)]) -> Fairness {
    let mut changes: Vec<(f64, Option<f64>, usize)> = Vec::new();
    for life in lives {
        changes.push((life.stored, None, life.gallery));
        changes.push((life.finished, Some(life.megapixels), life.gallery));
    }
    changes.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (mut unfinished, mut work) = (vec![0_i64; galleries.len()], vec![0.0; galleries.len()]);
    let mut fairness = Fairness::default();
    for (_, finished, gallery) in changes {
        let Some(megapixels) = finished else {
            unfinished[gallery] += 1;
            continue;
        };
        if unfinished.iter().all(|count| *count > 0) {
            fairness.photos += 1;
            work[gallery] += megapixels;
        }
        unfinished[gallery] -= 1;
    }
    let (all, weights): (f64, f64) = (work.iter().sum(), galleries.iter().map(|(_, weight)| weight).sum());
    for ((class, weight), work) in galleries.iter().zip(&work) {
        fairness.shares[*class] += if all > 0.0 { work / all } else { 0.0 };
        fairness.due[*class] += weight / weights;
    }
    fairness.jain = jain(&work.iter().zip(galleries).map(|(work, (_, weight))| work / weight).collect::<Vec<_>>());
    fairness
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(gallery: usize, stored: f64, finished: f64) -> Life {
        Life { gallery, stored, finished, megapixels: 10.0, ..Life::default() }
    }

    #[test]
    fn percentiles_are_figures_that_were_measured() {
        let figures: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        let parts = [0.0, 0.5, 0.95, 0.99, 0.991, 1.0].map(|part| percentile(&figures, part));
        assert_eq!(parts, [1.0, 100.0, 190.0, 198.0, 199.0, 200.0]);
        assert_eq!(percentile(&[7.0], 0.99), 7.0);
        assert_eq!(percentile(&[], 0.5), 0.0);
    }

    #[test]
    fn the_index_is_one_for_equals_and_small_for_one_who_has_all() {
        assert_eq!(jain(&[3.0; 8]), 1.0);
        assert_eq!(jain(&[0.0, 0.0, 0.0, 9.0]), 0.25);
        assert!((jain(&[1.0, 2.0, 3.0]) - 36.0 / 42.0).abs() < 1e-12);
        assert_eq!(jain(&[]), 0.0);
    }

    #[test]
    fn rates_count_from_the_start_and_in_the_middle() {
        // One a second from the eleventh second on.
        let lives: Vec<Life> = (1..=100).map(|number| life(0, 0.0, 10.0 + f64::from(number))).collect();
        assert!((sustained(&lives) - 60.0 * 100.0 / 110.0).abs() < 1e-9);
        assert!((steady(&lives) - 60.0).abs() < 1e-9);
        assert_eq!((sustained(&[]), steady(&[])), (0.0, 0.0));
    }

    #[test]
    fn shares_are_counted_only_while_all_wait() {
        let galleries = [(0, 5.0), (1, 3.0), (2, 1.0)];
        let mut lives = Vec::new();
        // In turns of nine, five of the first, three of the second, one of the third.
        for turn in 0..10_u32 {
            for (place, gallery) in [0, 1, 0, 1, 0, 2, 0, 1, 0].into_iter().enumerate() {
                lives.push(life(gallery, 0.0, 1.0 + f64::from(turn) * 9.0 + place as f64));
            }
        }
        // What comes when only the last one waits does not count.
        lives.extend((0..50).map(|number| life(2, 0.0, 200.0 + f64::from(number))));
        let seen = fairness(&lives, &galleries);
        assert_eq!(seen.photos, 89, "until the second gallery's last photo, which is followed by one of the first");
        assert!(seen.jain > 0.995, "{seen:?}");
        for (share, due) in seen.shares.iter().zip(seen.due) {
            assert!((share - due).abs() < 0.02, "{seen:?}");
        }
        // Nobody waited before the last gallery's first photo came.
        let early = [life(0, 0.0, 1.0), life(0, 0.0, 4.0), life(1, 0.0, 2.0), life(1, 0.0, 6.0), life(2, 3.0, 5.0)];
        let seen = fairness(&early, &galleries);
        assert_eq!((seen.photos, seen.shares), (1, [1.0, 0.0, 0.0]));
    }

    #[test]
    fn an_unfair_order_is_seen() {
        let mut lives: Vec<Life> = (0..30).map(|number| life(2, 0.0, 1.0 + f64::from(number))).collect();
        lives.extend([life(0, 0.0, 100.0), life(1, 0.0, 101.0), life(2, 0.0, 102.0)]);
        let seen = fairness(&lives, &[(0, 5.0), (1, 3.0), (2, 1.0)]);
        assert!(seen.jain < 0.4 && seen.shares[2] > 0.9, "{seen:?}");
    }
}
