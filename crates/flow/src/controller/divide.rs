//! Who in each region does which part of a photo's life first.

use std::{collections::BTreeSet, sync::PoisonError};

use procession_domain::{Region, gallery::Backlog};
use procession_plan::affinity::{Affinity, affinity};

use super::{Controller, Decision};
use crate::{
    Result,
    affinity::{Division, Gap, division, pools},
    status::Expected,
};

/// A share that differs by less is not worth writing.
const TOLERANCE: f64 = 0.05;

impl Controller {
    /// Says what nobody offers, once.
    pub(super) fn warn_of_gaps(&self, gaps: &[Gap]) {
        let mut known = self.gaps.lock().unwrap_or_else(PoisonError::into_inner);
        let now: BTreeSet<_> = gaps.iter().map(|gap| (gap.stage, gap.cluster.clone())).collect();
        for gap in gaps.iter().filter(|gap| !known.contains(&(gap.stage, gap.cluster.clone()))) {
            tracing::warn!("{gap}");
        }
        *known = now;
    }

    /// Divides the work of each region and writes down what changed.
    pub(super) async fn divide(&self, expected: &Expected) -> Result<Vec<Decision>> {
        let mut decided = Vec::new();
        for (region, pools) in pools(&expected.workers) {
            let before = division(&self.system, &region).await?.map(|known| known.affinity).unwrap_or_default();
            let waiting = waiting(expected, &region);
            let after = affinity(&pools, waiting, &before, &self.system.settings.affinity);
            if !is_worth_writing(&before, &after) {
                continue;
            }
            let division = Division { region, affinity: after };
            self.system.documents().put(&division).await?;
            decided.push(Decision::Divided(Box::new(division)));
        }
        Ok(decided)
    }
}

/// What waits at each stage for the workers of a region, in megapixels.
fn waiting(expected: &Expected, region: &Region) -> [f64; 4] {
    let is_here = |of: &&Backlog| of.cluster.as_ref().is_none_or(|cluster| cluster == region);
    let mut sums = [0.0; 4];
    for of in expected.galleries.iter().map(|(of, _)| of).filter(is_here).filter(|of| of.waiting > 0) {
        let each = of.waiting_megapixels / of.waiting as f64;
        for (sum, photos) in sums.iter_mut().zip(of.waiting_at) {
            *sum += each * photos as f64;
        }
    }
    sums
}

/// Figures in the reasons change all the time: what counts is what workers do by it.
fn is_worth_writing(before: &Affinity, after: &Affinity) -> bool {
    let alike = |kind: &String, share: f64, first| {
        before.preferences.get(kind).is_some_and(|old| old.first == first && (old.share - share).abs() < TOLERANCE)
    };
    before.cut != after.cut
        || before.is_held_back != after.is_held_back
        || before.preferences.len() != after.preferences.len()
        || !after.preferences.iter().all(|(kind, new)| alike(kind, new.share, new.first))
}
