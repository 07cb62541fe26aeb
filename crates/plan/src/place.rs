//! Which cluster a gallery belongs to: the workers that are near its originals, as long as that costs nobody a deadline.
//!
//! A gallery is one cluster's, or everybody's ("shared"). What is shared is claimed by all clusters in the order of
//! [`next`](crate::next), as if they were one; that is as good as it gets for deadlines and for fairness, and pays for it with
//! reads from far away. So a gallery starts at one cluster and is shared once that cluster alone would finish it too close to
//! its deadline, or once other workers have nothing to do. It stays shared until it is finished, and never goes from one live
//! cluster to another: nothing flaps.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use procession_domain::{GalleryId, Region, Timestamp};

use crate::{Delivery, Reason, Unfinished, outlook};

/// The workers of one region that are heard of and take work.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// Where they are.
    pub region: Region,
    /// How many photos they work on at a time, together.
    pub lanes: usize,
    /// What they finish in a second, together; none while too little is known.
    pub megapixels_per_second: Option<f64>,
    /// Between them, they do every stage of a photo's life: it can be finished there.
    pub is_complete: bool,
}

/// What is known of a gallery that has unfinished photos.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// What is left of it.
    pub unfinished: Unfinished,
    /// What of it nobody works on yet, in megapixels.
    pub waiting_megapixels: f64,
    /// Where it is now.
    pub place: Place,
}

/// Whose workers process a gallery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Anybody's, and nobody has decided yet.
    Undecided,
    /// One cluster's.
    At(Region),
    /// Everybody's, decided.
    Shared,
}

/// Workers that have no more to do than this are about to be idle: it is decided again about as often.
const SOON_SECONDS: f64 = 1.0;

/// Where a gallery belongs from now on.
#[derive(Clone, Debug, PartialEq)]
pub struct Placement {
    /// The gallery.
    pub gallery: GalleryId,
    /// Its place; never [`Place::Undecided`].
    pub place: Place,
    /// Why.
    pub reason: Reason,
}

/// What an operator can choose.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlacePolicy {
    /// The part of the work that critical galleries take while others wait.
    pub critical_share: f64,
    /// Workers with nothing to do take part in a gallery of another cluster if that has waiting work for longer than this.
    pub spill_after: Duration,
    /// Where work waits for longer than this, galleries get what their weights say among those of all clusters, and not only
    /// of their own.
    pub fair_after: Duration,
}

impl Default for PlacePolicy {
    fn default() -> Self {
        Self { critical_share: 0.7, spill_after: Duration::from_secs(5), fair_after: Duration::from_secs(300) }
    }
}

/// Decides at `now` where galleries belong, and returns those whose place changes. The clusters are those that work; what is
/// at another is orphaned and gets a new place at once. Deciding again right after the change changes nothing.
///
/// In this order: orphans and new galleries go where they are finished first; what that cluster alone would finish late, or with
/// less than its margin to spare, is shared; as long as workers would have nothing to do while others have more than
/// `spill_after` of work waiting, what would wait longest is shared; where work waits for more than `fair_after` and the galleries
/// of one cluster alone weigh more than its part of the pace, the heaviest is shared.
pub fn place(galleries: &[Placed], clusters: &[Cluster], policy: &PlacePolicy, now: Timestamp) -> Vec<Placement> {
    let paces = Paces::of(clusters);
    let mut board =
        Board { galleries, paces, places: galleries.iter().map(|of| of.place.clone()).collect(), why: BTreeMap::new() };
    match board.paces.regions.len() {
        0 => board.share_among_specialists(),
        1 => board.give_all_to_one(),
        _ => {
            board.place_the_homeless();
            // What is shared is work for the others, which may put at risk what they have.
            while board.share_what_is_at_risk(policy, now)
                || board.share_for_idle_workers(policy)
                || board.share_for_fairness(policy)
            {}
        }
    }
    board.changes()
}

/// How fast each cluster is.
struct Paces {
    /// Megapixels a second. Where none was measured, as fast for each lane as those that were; where nothing was measured, the
    /// lanes: then they say how the clusters compare, and no time.
    regions: BTreeMap<Region, f64>,
    is_measured: bool,
    /// Clusters where no photo can be finished: their workers take part in what is shared.
    specialists: BTreeSet<Region>,
}

impl Paces {
    fn of(clusters: &[Cluster]) -> Self {
        let (clusters, specialists): (Vec<&Cluster>, Vec<&Cluster>) = clusters.iter().partition(|of| of.is_complete);
        let specialists = specialists.iter().filter(|of| of.lanes > 0).map(|of| of.region.clone()).collect();
        let pace = |of: &Cluster| of.megapixels_per_second.filter(|pace| *pace > 0.0);
        let working = || clusters.iter().copied().filter(|of| of.lanes > 0);
        let measured = working().filter_map(|of| Some((of.lanes as f64, pace(of)?)));
        let (lanes, all) = measured.fold((0.0, 0.0), |(lanes, all), (l, p)| (lanes + l, all + p));
        let is_measured = all > 0.0;
        let per_lane = if is_measured { all / lanes } else { 1.0 };
        let mut regions = BTreeMap::new();
        for of in working() {
            *regions.entry(of.region.clone()).or_insert(0.0) += pace(of).unwrap_or(per_lane * of.lanes as f64);
        }
        Self { regions, is_measured, specialists }
    }

    /// Why nothing belongs there.
    fn why_not(&self, region: &Region) -> String {
        match self.specialists.contains(region) {
            true => format!("{region} does not do every stage"),
            false => format!("nothing is heard of {region}"),
        }
    }
}

/// The places as they are decided so far.
struct Board<'a> {
    galleries: &'a [Placed],
    paces: Paces,
    places: Vec<Place>,
    why: BTreeMap<usize, Reason>,
}

impl Board<'_> {
    fn put(&mut self, index: usize, place: Place, why: String) {
        self.places[index] = place;
        self.why.insert(index, Reason::new(why));
    }

    fn changes(self) -> Vec<Placement> {
        let Self { galleries, places, mut why, .. } = self;
        let moved = places.into_iter().enumerate().filter(|(index, place)| *place != galleries[*index].place);
        let placement = |(index, place): (usize, Place)| {
            let reason = why.remove(&index)?;
            Some(Placement { gallery: galleries[index].unfinished.gallery, place, reason })
        };
        moved.filter_map(placement).collect()
    }

    /// Where no cluster can finish a photo alone, all of them together may.
    fn share_among_specialists(&mut self) {
        if self.paces.specialists.is_empty() {
            return;
        }
        for index in 0..self.galleries.len() {
            if self.places[index] != Place::Shared {
                self.put(index, Place::Shared, "no cluster alone does every stage; all clusters share it".to_owned());
            }
        }
    }

    /// Where there is one cluster there is nothing to choose. What is at another that is gone becomes everybody's.
    fn give_all_to_one(&mut self) {
        let Some(only) = self.paces.regions.keys().next().cloned() else { return };
        for index in 0..self.galleries.len() {
            match &self.places[index] {
                Place::At(region) if *region != only => {
                    let why = format!("{}; {only} is all there is", self.paces.why_not(region));
                    self.put(index, Place::Shared, why);
                }
                _ => {}
            }
        }
    }

    /// Gives every gallery that is at no live cluster, and not shared, to the cluster that finishes it first; the galleries
    /// with the earliest deadlines choose first.
    fn place_the_homeless(&mut self) {
        let is_homeless = |place: &Place| match place {
            Place::Undecided => true,
            Place::At(region) => !self.paces.regions.contains_key(region),
            Place::Shared => false,
        };
        let mut homeless: Vec<usize> =
            (0..self.places.len()).filter(|index| is_homeless(&self.places[*index])).collect();
        homeless.sort_by_key(|index| {
            let of = &self.galleries[*index].unfinished;
            (of.rank.deadline, of.gallery)
        });
        let mut ahead = self.loads(|of| of.unfinished.megapixels);
        for index in homeless {
            let work = self.galleries[index].unfinished.megapixels.max(0.0);
            let seconds = |region: &Region, pace: f64| (ahead[region] + work) / pace;
            let best = self.paces.regions.iter().min_by(|a, b| seconds(a.0, *a.1).total_cmp(&seconds(b.0, *b.1)));
            let Some((region, pace)) = best.map(|(region, pace)| (region.clone(), *pace)) else { return };
            let after = seconds(&region, pace);
            let first = match self.paces.is_measured {
                true => format!("{region} finishes it first, in about {}", span(after)),
                false => format!("{region} has the least work for its lanes"),
            };
            let why = match &self.places[index] {
                Place::At(gone) => format!("{}; {first}", self.paces.why_not(gone)),
                _ => first,
            };
            ahead.entry(region.clone()).and_modify(|ahead| *ahead += work);
            self.put(index, Place::At(region), why);
        }
    }

    /// Shares the galleries that their cluster alone would finish late, or with less than their margin to spare. Returns
    /// whether there were any.
    fn share_what_is_at_risk(&mut self, policy: &PlacePolicy, now: Timestamp) -> bool {
        let mut any = false;
        let total: f64 = self.paces.regions.values().sum();
        for (region, pace) in self.paces.regions.clone() {
            let here: Vec<usize> = (0..self.places.len()).filter(|index| self.is_served_by(*index, &region)).collect();
            let part = pace / total;
            // Of what is shared, a cluster does its part.
            let share = |index: &usize| {
                let mut of = self.galleries[*index].unfinished;
                if self.places[*index] == Place::Shared {
                    of.megapixels *= part;
                }
                of
            };
            let unfinished: Vec<Unfinished> = here.iter().map(share).collect();
            if self.paces.is_measured && has_time_for_all(&unfinished, pace, now) {
                continue;
            }
            let pace = self.paces.is_measured.then_some(pace);
            for (index, expected) in here.iter().zip(outlook(&unfinished, pace, policy.critical_share, now)) {
                let is_risky = matches!(expected.delivery, Delivery::AtRisk | Delivery::Late);
                if is_risky && self.places[*index] != Place::Shared {
                    let why = format!("in {region} alone: {}; all clusters share it", expected.reason);
                    self.put(*index, Place::Shared, why);
                    any = true;
                }
            }
        }
        any
    }

    /// While workers have nothing to do, or will not have in a moment, shares the gallery of which most waits at the cluster
    /// that has most work for its pace. Returns whether there was one.
    fn share_for_idle_workers(&mut self, policy: &PlacePolicy) -> bool {
        let waiting = self.loads(|of| of.waiting_megapixels);
        let seconds = |region: &Region| waiting[region] / self.paces.regions[region];
        let order = |a: &&Region, b: &&Region| seconds(a).total_cmp(&seconds(b));
        let regions = || self.paces.regions.keys();
        let (Some(idle), Some(busy)) = (regions().min_by(order), regions().max_by(order)) else { return false };
        let (moment, enough) = match self.paces.is_measured {
            true => (SOON_SECONDS, policy.spill_after.as_secs_f64()),
            false => (0.0, 0.0),
        };
        if seconds(idle) > moment || seconds(busy) <= enough {
            return false;
        }
        let (idle, busy, wait) = (idle.clone(), busy.clone(), seconds(busy));
        let at_busy = (0..self.places.len()).filter(|index| self.places[*index] == Place::At(busy.clone()));
        let waits = |index: &usize| self.galleries[*index].waiting_megapixels;
        let Some(index) = at_busy.max_by(|a, b| waits(a).total_cmp(&waits(b))).filter(|index| waits(index) > 0.0)
        else {
            return false;
        };
        let why = match self.paces.is_measured {
            true => format!("{idle} has nothing to do, and in {busy} work waits for {}", span(wait)),
            false => format!("{idle} has nothing to do, and in {busy} work waits"),
        };
        self.put(index, Place::Shared, why);
        true
    }

    /// Where work waits for long, shares the heaviest gallery of a cluster whose galleries weigh more, among all, than its
    /// pace does: they would get less than their weights say. Returns whether there was one.
    fn share_for_fairness(&mut self, policy: &PlacePolicy) -> bool {
        if !self.paces.is_measured {
            return false;
        }
        let waits = |index: &usize| self.galleries[*index].waiting_megapixels > 0.0;
        let weight = |index: usize| self.galleries[index].unfinished.rank.weight;
        let waiting: Vec<usize> = (0..self.places.len()).filter(waits).collect();
        let all: f64 = waiting.iter().map(|index| weight(*index)).sum();
        let pace: f64 = self.paces.regions.values().sum();
        let loads = self.loads(|of| of.waiting_megapixels);
        let is_long = |region: &Region| loads[region] / self.paces.regions[region] > policy.fair_after.as_secs_f64();
        let overweight = self.paces.regions.keys().filter(|region| is_long(region)).find_map(|region| {
            let at = waiting.iter().copied().filter(|index| self.places[*index] == Place::At(region.clone()));
            let (part, fair) = (at.clone().map(weight).sum::<f64>() / all, self.paces.regions[region] / pace);
            let heaviest = at.max_by(|a, b| weight(*a).total_cmp(&weight(*b)))?;
            (part > fair).then(|| (heaviest, format!("the galleries of {region} alone are {:.0}% by weight of what waits, and it has {:.0}% of the pace", part * 100.0, fair * 100.0)))
        });
        let Some((index, why)) = overweight else { return false };
        self.put(index, Place::Shared, why);
        true
    }

    fn is_served_by(&self, index: usize, region: &Region) -> bool {
        match &self.places[index] {
            Place::At(at) => at == region,
            Place::Shared => true,
            Place::Undecided => false,
        }
    }

    /// The work at each cluster, with its part of what is shared.
    fn loads(&self, work: impl Fn(&Placed) -> f64) -> BTreeMap<Region, f64> {
        let total: f64 = self.paces.regions.values().sum();
        let load = |region: &Region, pace: f64| {
            let at = |(index, place): (usize, &Place)| match place {
                Place::At(at) if at == region => work(&self.galleries[index]).max(0.0),
                Place::Shared => work(&self.galleries[index]).max(0.0) * pace / total,
                _ => 0.0,
            };
            self.places.iter().enumerate().map(at).sum()
        };
        self.paces.regions.iter().map(|(region, pace)| (region.clone(), load(region, *pace))).collect()
    }
}

/// Whether each would be finished with its margin to spare even if it were the last: all is done by then, in whatever order.
/// This spares the course of all of them while there is enough capacity, which is nearly always.
fn has_time_for_all(unfinished: &[Unfinished], megapixels_per_second: f64, now: Timestamp) -> bool {
    let work: f64 = unfinished.iter().map(|of| of.megapixels.max(0.0)).sum();
    let last = Duration::try_from_secs_f64(work / megapixels_per_second + 1.0).map(|after| now.after(after));
    last.is_ok_and(|last| unfinished.iter().all(|of| last.after(of.margin) < of.rank.deadline))
}

/// Seconds, for people.
fn span(seconds: f64) -> String {
    match seconds {
        s if s < 100.0 => format!("{s:.0} s"),
        s if s < 6_000.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3_600.0),
    }
}

#[cfg(test)]
mod tests;
