//! Clusters work through galleries, event by event, with the decisions of `plan` and nothing else.

use std::collections::HashMap;

use procession_domain::urgency::Promises;
use proptest::prelude::*;

use super::*;
use crate::{Candidate, CriticalShare, charge, critical_times, next};

/// The photos' cost.
const MEGAPIXELS: f64 = 24.0;
/// Seconds between two decisions, and until a cluster that is gone is missed and its leases are over.
const TICK: f64 = 1.0;
const SILENCE: f64 = 10.0;

#[derive(Clone, Debug)]
struct Job {
    urgency: Urgency,
    photos: u64,
    /// Seconds from the start.
    due: f64,
    home: usize,
}

#[derive(Clone, Debug)]
struct Site {
    /// Megapixels a second of its one lane.
    pace: f64,
    /// When it is lost, if it is, and the photo that it works on then with it.
    lost_at: Option<f64>,
}

/// What came of it.
struct Outcome {
    /// Seconds after which each gallery was finished.
    finished: Vec<f64>,
    /// The work of each gallery at a moment: (seconds, index).
    served: Vec<(f64, usize)>,
}

fn moment(seconds: f64) -> Timestamp {
    Timestamp::from_micros((seconds * 1e6) as i64)
}

fn name(site: usize) -> Region {
    region(&format!("region-{site}"))
}

struct Course<'a> {
    jobs: &'a [Job],
    sites: &'a [Site],
    waiting: Vec<u64>,
    working: Vec<u64>,
    places: Vec<Place>,
    candidates: Vec<Candidate>,
    share: CriticalShare,
}

impl Course<'_> {
    fn unfinished(&self, index: usize) -> Unfinished {
        let job = &self.jobs[index];
        let photos = self.waiting[index] + self.working[index];
        let margin = default_margin(Promises::default().of(job.urgency));
        let Candidate { gallery, rank, .. } = self.candidates[index];
        Unfinished { gallery, rank, margin, photos, megapixels: photos as f64 * MEGAPIXELS }
    }

    /// What the controller does every second.
    fn decide(&mut self, now: f64) {
        let open: Vec<usize> = (0..self.jobs.len()).filter(|i| self.waiting[*i] + self.working[*i] > 0).collect();
        let is_heard = |site: &Site| site.lost_at.is_none_or(|lost| now < lost + SILENCE);
        let heard = self.sites.iter().enumerate().filter(|(_, site)| is_heard(site));
        let cluster = |(index, site): (usize, &Site)| Cluster {
            region: name(index),
            lanes: 1,
            megapixels_per_second: Some(site.pace),
            is_complete: true,
        };
        let clusters: Vec<Cluster> = heard.map(cluster).collect();
        let unfinished: Vec<Unfinished> = open.iter().map(|index| self.unfinished(*index)).collect();
        let pace = clusters.iter().filter_map(|cluster| cluster.megapixels_per_second).sum();
        for (index, time) in open.iter().zip(critical_times(&unfinished, Some(pace), self.share.cap)) {
            self.candidates[*index].rank.critical_at = time;
        }
        let placed = |index: &usize| Placed {
            unfinished: self.unfinished(*index),
            waiting_megapixels: self.waiting[*index] as f64 * MEGAPIXELS,
            place: self.places[*index].clone(),
        };
        let mut galleries: Vec<Placed> = open.iter().map(placed).collect();
        let by_id: HashMap<GalleryId, usize> =
            open.iter().map(|index| (self.candidates[*index].gallery, *index)).collect();
        for placement in place(&galleries, &clusters, &PlacePolicy::default(), moment(now)) {
            let index = by_id[&placement.gallery];
            self.places[index] = placement.place.clone();
            galleries.iter_mut().find(|of| of.unfinished.gallery == placement.gallery).unwrap().place = placement.place;
        }
        let again = place(&galleries, &clusters, &PlacePolicy::default(), moment(now));
        assert!(again.is_empty(), "deciding again changes nothing: {again:?}");
        let is_live = |place: &Place| !matches!(place, Place::At(at) if !clusters.iter().any(|of| of.region == *at));
        assert!(
            clusters.is_empty() || galleries.iter().all(|of| is_live(&of.place)),
            "nothing stays where nobody is heard of"
        );
    }

    /// What a worker of this site gets.
    fn claim(&mut self, site: usize, now: f64) -> Option<usize> {
        let may = |index: &usize| {
            self.waiting[*index] > 0 && !matches!(&self.places[*index], Place::At(at) if *at != name(site))
        };
        let open: Vec<usize> = (0..self.jobs.len()).filter(may).collect();
        let candidates: Vec<Candidate> = open.iter().map(|index| self.candidates[*index]).collect();
        let turn = next(&candidates, moment(now), &self.share)?;
        let index = (0..self.jobs.len()).find(|index| self.candidates[*index].gallery == turn.gallery)?;
        let Candidate { rank, virtual_time, .. } = &mut self.candidates[index];
        *virtual_time = charge(*virtual_time, MEGAPIXELS, rank.weight);
        self.share.charge(&turn, MEGAPIXELS);
        self.waiting[index] -= 1;
        self.working[index] += 1;
        Some(index)
    }
}

/// Works until everything is finished. Panics if that takes for ever.
fn work(jobs: &[Job], sites: &[Site]) -> Outcome {
    let candidate = |(index, job): (usize, &Job)| {
        let deadline = moment(job.due);
        let weight = Promises::default().of(job.urgency).weight;
        let rank = Rank { urgency: job.urgency, weight, since: NOW, deadline, critical_at: deadline };
        Candidate { gallery: GalleryId::named(&index.to_string()), rank, virtual_time: 0.0 }
    };
    let mut course = Course {
        jobs,
        sites,
        waiting: jobs.iter().map(|job| job.photos).collect(),
        working: vec![0; jobs.len()],
        places: jobs.iter().map(|job| Place::At(name(job.home % sites.len()))).collect(),
        candidates: jobs.iter().enumerate().map(candidate).collect(),
        share: CriticalShare::default(),
    };
    let mut outcome = Outcome { finished: vec![f64::NAN; jobs.len()], served: Vec::new() };
    // When each site is free, with what it has in hand until then; and who comes back when.
    let mut busy: Vec<(f64, Option<usize>)> = vec![(0.0, None); sites.len()];
    let mut returns: Vec<(f64, usize)> = Vec::new();
    let mut tick = 0.0;
    while (0..jobs.len()).any(|index| course.waiting[index] + course.working[index] > 0) {
        assert!(tick < 1e6, "this does not end");
        let site = (0..sites.len()).min_by(|a, b| busy[*a].0.total_cmp(&busy[*b].0)).unwrap();
        if tick <= busy[site].0 {
            let now = tick;
            returns.retain(|(at, index)| {
                if *at <= now {
                    course.waiting[*index] += 1;
                    course.working[*index] -= 1;
                }
                *at > now
            });
            course.decide(now);
            tick += TICK;
            continue;
        }
        let (now, held) = busy[site];
        if let Some(index) = held {
            course.working[index] -= 1;
            outcome.served.push((now, index));
            if course.waiting[index] + course.working[index] == 0 {
                outcome.finished[index] = now;
            }
        }
        let claimed = course.claim(site, now);
        // Who gets nothing asks again when it was decided again.
        let until = claimed.map_or(tick, |_| now + MEGAPIXELS / sites[site].pace);
        busy[site] = match sites[site].lost_at {
            Some(lost) if until > lost => {
                returns.extend(claimed.map(|index| (lost.max(now) + SILENCE, index)));
                (f64::INFINITY, None)
            }
            _ => (until, claimed),
        };
    }
    outcome
}

fn any_job() -> impl Strategy<Value = Job> {
    let urgency =
        prop_oneof![Just(Urgency::SameDayWedding), Just(Urgency::NextDayDelivery), Just(Urgency::StandardDelivery)];
    (urgency, 1_u64..300, 0_usize..4).prop_map(|(urgency, photos, home)| {
        let due = Promises::default().of(urgency).complete_within().as_secs_f64();
        Job { urgency, photos, due, home }
    })
}

fn any_site() -> impl Strategy<Value = Site> {
    (24.0..240.0_f64).prop_map(|pace| Site { pace, lost_at: None })
}

fn total(jobs: &[Job]) -> f64 {
    jobs.iter().map(|job| job.photos as f64 * MEGAPIXELS).sum()
}

/// Whether there is an order of the galleries in which a pool of so much pace finishes each in time: all orders are tried.
fn is_feasible(jobs: &[Job], pace: f64) -> bool {
    fn any_order(left: &[&Job], at: f64, pace: f64) -> bool {
        left.is_empty()
            || left.iter().enumerate().any(|(index, job)| {
                let end = at + job.photos as f64 * MEGAPIXELS / pace;
                let rest: Vec<&Job> =
                    left.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, job)| *job).collect();
                end <= job.due && any_order(&rest, end, pace)
            })
    }
    any_order(&jobs.iter().collect::<Vec<_>>(), 0.0, pace)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// No gallery starves and no cluster idles while there is work: everything is finished about as soon as all that are
    /// left can do it together.
    #[test]
    fn work_is_conserved(jobs in prop::collection::vec(any_job(), 1..12), sites in prop::collection::vec(any_site(), 1..5)) {
        let outcome = work(&jobs, &sites);
        let pace: f64 = sites.iter().map(|site| site.pace).sum();
        let slowest = sites.iter().map(|site| MEGAPIXELS / site.pace).fold(0.0, f64::max);
        let most = total(&jobs) / pace + PlacePolicy::default().spill_after.as_secs_f64() + 2.0 * TICK + 2.0 * slowest;
        let end = outcome.finished.iter().copied().fold(0.0, f64::max);
        prop_assert!(end <= most, "{end} s, and {most} s should do");
    }

    /// The same when a cluster is lost at any time: what it had goes on elsewhere once it is missed.
    #[test]
    fn a_lost_cluster_costs_its_silence(
        jobs in prop::collection::vec(any_job(), 1..12), sites in prop::collection::vec(any_site(), 2..5), lost_at in 0.0..60.0_f64,
    ) {
        let mut sites = sites;
        sites[0].lost_at = Some(lost_at);
        let outcome = work(&jobs, &sites);
        let pace: f64 = sites[1..].iter().map(|site| site.pace).sum();
        let slowest = sites.iter().map(|site| MEGAPIXELS / site.pace).fold(0.0, f64::max);
        let spill = PlacePolicy::default().spill_after.as_secs_f64();
        let most = total(&jobs) / pace + SILENCE + 2.0 * spill + 3.0 * TICK + 3.0 * slowest;
        let end = outcome.finished.iter().copied().fold(0.0, f64::max);
        prop_assert!(end <= most, "{end} s, and {most} s should do");
    }

    /// Whatever all clusters together could do in time with the part of the work that critical galleries get, is in time.
    #[test]
    fn what_can_be_in_time_is(
        rows in prop::collection::vec((any_job(), 0.2..4.0_f64), 1..6), sites in prop::collection::vec(any_site(), 1..4),
    ) {
        let pace: f64 = sites.iter().map(|site| site.pace).sum();
        let share = PlacePolicy::default().critical_share;
        let slowest = sites.iter().map(|site| MEGAPIXELS / site.pace).fold(0.0, f64::max);
        let slop = PlacePolicy::default().spill_after.as_secs_f64() + 3.0 * TICK + 3.0 * slowest;
        // Deadlines near what they need together, so that the order matters.
        let whole = rows.iter().map(|(job, _)| job.photos as f64).sum::<f64>() * MEGAPIXELS / pace / share;
        let jobs: Vec<Job> = rows.iter().map(|(job, part)| Job { due: part * whole, ..job.clone() }).collect();
        prop_assume!(is_feasible(&jobs, pace * share));
        let outcome = work(&jobs, &sites);
        for (job, finished) in jobs.iter().zip(&outcome.finished) {
            prop_assert!(*finished <= job.due + slop, "{job:?} took {finished} s");
        }
    }

    /// As long as all wait and no deadline is near, what each class gets is in the ratio of its weights, wherever the
    /// galleries began.
    #[test]
    fn weights_are_respected_under_saturation(
        pace in 12.0..48.0_f64, sites in 1_usize..5, homes in prop::array::uniform3(0_usize..4),
    ) {
        let classes = [Urgency::SameDayWedding, Urgency::NextDayDelivery, Urgency::StandardDelivery];
        let photos = (1_000.0 * pace * sites as f64 / MEGAPIXELS) as u64;
        let job = |(urgency, home): (&Urgency, &usize)| Job { urgency: *urgency, photos, due: 1e7, home: *home };
        let jobs: Vec<Job> = classes.iter().zip(&homes).map(job).collect();
        let outcome = work(&jobs, &vec![Site { pace, lost_at: None }; sites]);
        let first = outcome.finished.iter().copied().fold(f64::INFINITY, f64::min);
        let until = |class: usize| outcome.served.iter().filter(move |(at, index)| *at <= first && *index == class);
        let served = |class: usize| until(class).count() as f64;
        for (class, urgency) in classes.iter().enumerate() {
            let ratio = served(class) / served(2) / Promises::default().of(*urgency).weight;
            prop_assert!((ratio - 1.0).abs() < 0.05, "{urgency:?} got {ratio} of its weight");
        }
    }
}
