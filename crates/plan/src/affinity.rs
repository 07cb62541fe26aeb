//! Which kind of device should do which part of a photo's life: what it is ahead in, by what was measured.
//!
//! A photo that one worker carries through all stages is read and decoded once. If another goes on with it, it is decoded twice,
//! and yet more may be finished: where a GPU looks thirty times as fast as a processor and renders three times as fast, it should
//! look, and leave rendering to processors as long as those keep up. So a life is cut at one place at most, and each kind does
//! what comes before the cut, what comes behind it, or all.
//!
//! The decision is a linear program, solved exactly. Say that at a price `p` a photo that came to the cut is worth `p` of a
//! finished one. A kind that would bring `f` photos a second to the cut, `b` from there to the end, or `w` all the way earns
//! `max(w, p × f, (1 − p) × b)`. At the price at which all kinds together earn least, as many come to the cut as go on from
//! there, and what they earn is the most that can be finished in a second (duality).

use std::collections::BTreeMap;

use procession_domain::{Stage, Stages};
use serde::{Deserialize, Serialize};

/// How long the work on a photo takes on one lane, in seconds a megapixel, as far as it was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Speeds {
    /// To read its original and decode it: what everybody pays who has a part in it.
    pub reach: Option<f64>,
    /// Each of [`Stage::ALL`], of the photos that have this stage.
    pub stages: [Option<f64>; 4],
}

/// The workers of one kind of device in one region.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    /// The kind: `cpu`.
    pub device: String,
    /// How many photos they work on at a time, together.
    pub lanes: usize,
    /// How fast one lane is.
    pub speeds: Speeds,
    /// What they offer.
    pub offers: Stages,
}

/// What the workers of one kind claim before all else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preference {
    /// They do these of a photo and pass it on.
    pub first: Stages,
    /// Of this part of their photos, 0 to 1; the others they carry from the beginning as far as they can.
    pub share: f64,
    /// Why, with the figures.
    pub reason: String,
}

/// How the work is divided among the kinds of one region.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Affinity {
    /// The first stage behind the cut; none while everybody does all that they offer.
    pub cut: Option<Stage>,
    /// Too much waits behind the cut: nobody adds to it.
    pub is_held_back: bool,
    /// By kind. Who is not named takes whatever comes first.
    pub preferences: BTreeMap<String, Preference>,
    /// Why, with the figures.
    pub reason: String,
}

/// What a worker asks for in one claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimTurn {
    /// Jobs of which the next stage is one of these.
    pub at: Stages,
    /// It carries them through these.
    pub stages: Stages,
    /// So many at most.
    pub most: usize,
}

/// What a worker asks for, one after the other, to get `count` jobs in all: a part of them as it prefers, then from the beginning
/// as far as it can, then whatever it offers. `owed` is what of a job is owed to its preference, kept from one claim to the
/// next. A worker without a preference asks once.
pub fn turns(offers: Stages, preference: Option<&Preference>, count: usize, owed: &mut f64) -> Vec<ClaimTurn> {
    let anything = ClaimTurn { at: offers, stages: offers, most: count };
    let Some(preference) = preference.filter(|preference| !preference.first.and(offers).is_empty()) else {
        return vec![anything];
    };
    let first = preference.first.and(offers);
    *owed += preference.share.clamp(0.0, 1.0) * count as f64;
    // A share of 1 may have come to a little less by rounding.
    let preferred = (*owed + 1e-9).floor();
    *owed -= preferred;
    let new = Stages::from_iter([Stage::AiAnalysis]).and(offers);
    let turns = [
        ClaimTurn { at: first, stages: first, most: preferred as usize },
        ClaimTurn { at: new, stages: offers, most: count },
        anything,
    ];
    turns.into_iter().filter(|turn| turn.most > 0 && !turn.at.is_empty()).collect()
}

/// When the division changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AffinityPolicy {
    /// Work is divided if so many times as much is finished by it as undivided.
    pub begin_at: f64,
    /// It stays divided as long as it is so many times as much.
    pub keep_at: f64,
    /// The cut moves if so many times as much is finished with another.
    pub move_at: f64,
    /// Nobody adds to what waits behind the cut once that takes longer than this, in seconds, …
    pub most_behind_seconds: f64,
    /// … until it takes no longer than this.
    pub fewer_behind_seconds: f64,
}

impl Default for AffinityPolicy {
    fn default() -> Self {
        Self { begin_at: 1.05, keep_at: 1.02, move_at: 1.05, most_behind_seconds: 60.0, fewer_behind_seconds: 15.0 }
    }
}

/// Divides the work among the kinds of a region. `waiting_megapixels` wait there at each stage; `before` is how it was divided so
/// far. The same arguments give the same answer.
pub fn affinity(pools: &[Pool], waiting_megapixels: [f64; 4], before: &Affinity, policy: &AffinityPolicy) -> Affinity {
    let undivided = |reason: String| Affinity { reason, ..Affinity::default() };
    let pools: Vec<&Pool> = pools.iter().filter(|pool| pool.lanes > 0 && !pool.offers.is_empty()).collect();
    let kinds: std::collections::BTreeSet<&str> = pools.iter().map(|pool| pool.device.as_str()).collect();
    if kinds.len() < 2 {
        return undivided("there is one kind of device: it does all that it offers".to_owned());
    }
    let Some(known) = known(&pools) else {
        return undivided("too little is measured yet to say who is ahead in what".to_owned());
    };
    let plans: Vec<Plan> = [1, 2, 3].map(|cut| Plan::at(cut, &pools, &known)).into();
    let Some(best) = plans.iter().reduce(|a, b| if b.finished > a.finished * (1.0 + 1e-9) { b } else { a }) else {
        return undivided(String::new());
    };
    let whole = best.undivided;
    let now = before.cut.and_then(|cut| plans.iter().find(|plan| plan.cut == cut.index()));
    let kept =
        now.filter(|plan| plan.finished >= whole * policy.keep_at && best.finished < plan.finished * policy.move_at);
    match kept.or((best.finished >= whole * policy.begin_at).then_some(best)) {
        Some(plan) => plan.divide(&pools, waiting_megapixels, before, policy),
        None => undivided(format!(
            "each kind does all that it offers: divided, {:.0}% more would be finished",
            (best.finished / whole - 1.0) * 100.0
        )),
    }
}

/// Seconds a megapixel of reaching a photo and of each stage, for each pool; none if they cannot be compared. A stage that
/// nobody measured is one that no photo has. Where only others measured it, it takes as much longer as the analysis does.
fn known(pools: &[&Pool]) -> Option<Vec<(f64, [f64; 4])>> {
    let first = Stage::AiAnalysis.index();
    let measured = |stage: usize| pools.iter().find_map(|pool| Some((pool, pool.speeds.stages[stage]?)));
    let of_pool = |pool: &&Pool| {
        let mut seconds = [0.0; 4];
        for stage in pool.offers.iter().map(Stage::index) {
            seconds[stage] = match (pool.speeds.stages[stage], measured(stage)) {
                (Some(own), _) => own,
                (None, None) => 0.0,
                (None, Some(_)) if stage == first || stage == Stage::Compression.index() => return None,
                (None, Some((other, theirs))) => theirs * pool.speeds.stages[first]? / other.speeds.stages[first]?,
            };
        }
        let is_sound = |seconds: f64| seconds.is_finite() && seconds >= 0.0;
        let reach = pool.speeds.reach.filter(|reach| *reach > 0.0)?;
        (is_sound(reach) && seconds.into_iter().all(is_sound)).then_some((reach, seconds))
    };
    pools.iter().map(of_pool).collect()
}

/// How many megapixels a second a pool does: to the cut, from the cut, all the way; 0 for what it does not offer.
#[derive(Clone, Copy, Debug)]
struct Rates {
    front: f64,
    back: f64,
    whole: f64,
}

impl Rates {
    fn of(cut: usize, pool: &Pool, (reach, seconds): &(f64, [f64; 4])) -> Self {
        let rate = |stages: std::ops::Range<usize>| {
            let wanted: Stages = stages.clone().map(|stage| Stage::ALL[stage]).collect();
            let takes: f64 = reach + seconds[stages].iter().sum::<f64>();
            if pool.offers.contains_all(wanted) { pool.lanes as f64 / takes } else { 0.0 }
        };
        Self { front: rate(0..cut), back: rate(cut..4), whole: rate(0..4) }
    }

    /// What it earns at this price.
    fn value(&self, price: f64) -> f64 {
        self.whole.max(price * self.front).max((1.0 - price) * self.back)
    }

    /// Prices at which it would rather do something else.
    fn turning_points(&self) -> impl Iterator<Item = f64> {
        let Self { front, back, whole } = *self;
        [whole / front, 1.0 - whole / back, back / (front + back)]
            .into_iter()
            .filter(|price| (0.0..=1.0).contains(price))
    }
}

/// The part of its time, 0 to 1, that each pool works before and behind the cut; the rest it does all.
#[derive(Clone, Debug)]
struct Plan {
    cut: usize,
    rates: Vec<Rates>,
    front: Vec<f64>,
    back: Vec<f64>,
    /// Megapixels a second that all finish so.
    finished: f64,
    /// The same without a cut.
    undivided: f64,
}

impl Plan {
    /// The most that can be finished with this cut.
    fn at(cut: usize, pools: &[&Pool], known: &[(f64, [f64; 4])]) -> Self {
        let rates: Vec<Rates> = pools.iter().zip(known).map(|(pool, known)| Rates::of(cut, pool, known)).collect();
        let earned = |price: f64| rates.iter().map(|rates| rates.value(price)).sum::<f64>();
        let prices = [0.0, 1.0].into_iter().chain(rates.iter().flat_map(Rates::turning_points));
        let price = prices.min_by(|a, b| earned(*a).total_cmp(&earned(*b)).then(a.total_cmp(b))).unwrap_or(0.0);
        let undivided = rates.iter().map(|rates| rates.whole).sum();
        let none = vec![0.0; rates.len()];
        let mut plan = Self { cut, rates, front: none.clone(), back: none, finished: 0.0, undivided };
        plan.fill(price);
        plan.finished = plan.earned();
        plan
    }

    /// Gives each pool what it earns most with at this price. Those that would as soon do all are divided so that as many
    /// photos come to the cut as go on from there.
    fn fill(&mut self, price: f64) {
        let (mut to_cut, mut from_cut) = (0.0, 0.0);
        let mut undecided = Vec::new();
        for (index, rates) in self.rates.iter().enumerate() {
            let (front, back) = (price * rates.front, (1.0 - price) * rates.back);
            let margin = rates.value(price) * 1e-9;
            let is_forced = rates.whole == 0.0;
            if rates.front > 0.0 && (is_forced || front > rates.whole.max(back) + margin) {
                self.front[index] = 1.0;
                to_cut += rates.front;
            } else if rates.back > 0.0 && (is_forced || back > rates.whole.max(front) + margin) {
                self.back[index] = 1.0;
                from_cut += rates.back;
            } else {
                undecided.push((index, front + margin >= rates.whole, back + margin >= rates.whole));
            }
        }
        for (index, is_front, is_back) in undecided {
            let Rates { front, back, .. } = self.rates[index];
            if is_front && front > 0.0 && to_cut < from_cut {
                self.front[index] = ((from_cut - to_cut) / front).min(1.0);
                to_cut += self.front[index] * front;
            } else if is_back && back > 0.0 && from_cut < to_cut {
                self.back[index] = ((to_cut - from_cut) / back).min(1.0);
                from_cut += self.back[index] * back;
            }
        }
    }

    fn sum(&self, of: impl Fn(usize, &Rates) -> f64) -> f64 {
        self.rates.iter().enumerate().map(|(index, rates)| of(index, rates)).sum()
    }

    fn going_on(&self) -> f64 {
        self.sum(|index, rates| self.back[index] * rates.back)
    }

    fn earned(&self) -> f64 {
        let to_cut = self.sum(|index, rates| self.front[index] * rates.front);
        let whole = self.sum(|index, rates| (1.0 - self.front[index] - self.back[index]) * rates.whole);
        to_cut.min(self.going_on()) + whole
    }

    fn divide(&self, pools: &[&Pool], waiting: [f64; 4], before: &Affinity, policy: &AffinityPolicy) -> Affinity {
        let behind: f64 = waiting[self.cut..].iter().sum::<f64>() / self.going_on().max(f64::MIN_POSITIVE);
        let most = if before.is_held_back { policy.fewer_behind_seconds } else { policy.most_behind_seconds };
        let is_held_back = behind > most;
        let gain = (self.finished / self.undivided.max(f64::MIN_POSITIVE) - 1.0) * 100.0;
        let [before_cut, behind_cut] =
            [0..self.cut, self.cut..4].map(|part| Stages::from_iter(Stage::ALL[part].to_vec()));
        let mut preferences = BTreeMap::new();
        for (index, pool) in pools.iter().enumerate().filter(|(_, pool)| pool.offers == Stages::ALL) {
            let Rates { front, back, whole } = self.rates[index];
            let (first, time, rate) = match (self.front[index], self.back[index]) {
                (_, back_time) if back_time > 0.0 => (behind_cut, back_time, back),
                _ if is_held_back => continue,
                (front_time, _) => (before_cut, front_time, front),
            };
            let share = if time > 0.0 { time * rate / (time * rate + (1.0 - time) * whole) } else { 0.0 };
            let reason = match share {
                share if share > 0.0 => format!(
                    "of {:.0}% of its photos {} does {first} alone, {rate:.1} megapixels a second instead of {whole:.1} with \
                     all stages",
                    share * 100.0,
                    pool.device
                ),
                _ => format!(
                    "{} does all stages, {whole:.1} megapixels a second: in no part is it ahead by more",
                    pool.device
                ),
            };
            preferences.insert(pool.device.clone(), Preference { first, share, reason });
        }
        let reason = match is_held_back {
            true => format!("what waits for {behind_cut} takes {behind:.0} s: nobody adds to it until that is done"),
            false => format!(
                "{before_cut} and {behind_cut} are divided: {:.1} megapixels a second are finished, {gain:.0}% more than undivided",
                self.finished
            ),
        };
        Affinity { cut: Some(Stage::ALL[self.cut]), is_held_back, preferences, reason }
    }
}

#[cfg(test)]
mod tests;
