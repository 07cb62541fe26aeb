//! The latest decisions with their reasons, and the latest measurements: what an operator looks at first.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use procession_domain::{GalleryId, PhotoId, Timestamp, error::chain, photo::Timings};
use procession_flow::{Decision as Decided, Event, Place, Told};
use serde::Serialize;
use utoipa::ToSchema;

/// So many decisions are kept.
const DECISIONS: usize = 200;
/// Measurements of so many photos are kept, but none older than [`WINDOW`].
const SAMPLES: usize = 4_096;
const WINDOW: Duration = Duration::from_secs(15 * 60);

/// Something that was decided.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Decision {
    /// When (RFC 3339).
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// What kind: `rank` (a gallery got its place), `rerank` (its remaining work moved it), `place` (it has a cluster, or all), `scale` (a fleet is to have more or fewer workers), `forecast` (a region's forecast is followed from now on, or only shown), `retry`, `quarantine`, `pause`.
    kind: &'static str,
    /// The gallery.
    #[schema(value_type = Option<String>)]
    gallery: Option<GalleryId>,
    /// The photo.
    #[schema(value_type = Option<String>)]
    photo: Option<PhotoId>,
    /// The figures or the fault behind it.
    reason: String,
}

/// How long a stage of a photo's work takes.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Latency {
    /// `fetch`, `decode`, `vision`, `render`, `store`, or `total` of them.
    stage: &'static str,
    /// Half of the photos take no longer.
    p50_seconds: f64,
    /// 95 of 100 photos take no longer.
    p95_seconds: f64,
    /// 99 of 100 photos take no longer.
    p99_seconds: f64,
}

/// What is remembered.
#[derive(Debug, Default)]
pub(crate) struct Journal(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    decisions: VecDeque<Decision>,
    samples: VecDeque<Sample>,
    /// How many photos were finished in which second.
    finished: VecDeque<(i64, u64)>,
}

#[derive(Debug)]
struct Sample {
    at: Timestamp,
    timings: Timings,
    pipeline: String,
}

impl Journal {
    pub(super) fn take(&self, at: Timestamp, told: &Told) {
        let decide = |kind, photo, reason| self.decide(at, kind, Some(told.gallery), photo, reason);
        match &told.event {
            Event::GalleryOpened { urgency, reason, .. } | Event::GalleryRanked { urgency, reason, .. } => {
                decide("rank", None, format!("{}: {reason}", urgency.name()));
            }
            Event::PhotoRetried { photo, failure, retry_at, .. } => {
                decide("retry", Some(*photo), format!("again at {retry_at}: {}", failure.message));
            }
            Event::PhotoQuarantined { photo, failure, .. } => {
                decide("quarantine", Some(*photo), failure.message.clone());
            }
            Event::PhotoDone { pipeline, timings, .. } => {
                self.entries().measure(Sample { at, timings: *timings, pipeline: pipeline.clone() });
            }
            _ => {}
        }
    }

    pub(super) fn decided(&self, at: Timestamp, decisions: Vec<Decided>) {
        for decision in decisions {
            let (kind, gallery, reason) = match decision {
                Decided::Placed(gallery, Place::At(region), why) => {
                    ("place", Some(gallery), format!("at {region}: {why}"))
                }
                Decided::Placed(gallery, _, why) => ("place", Some(gallery), format!("shared: {why}")),
                Decided::Critical(gallery, from) => {
                    let why = format!("critical from {from} on, by what is left of it and of the others");
                    ("rerank", Some(gallery), why)
                }
                Decided::Divided(of) => ("divide", None, format!("{}: {}", of.region, of.affinity.reason)),
                Decided::Forecast(region, followed, why) => {
                    tracing::info!(region = region.as_str(), forecast.followed = followed, reason = why, "forecast");
                    ("forecast", None, format!("{region}: {why}"))
                }
                Decided::Capacity(of) => ("scale", None, format!("{}: {}", of.fleet, of.reason)),
            };
            self.decide(at, kind, gallery, None, reason);
        }
    }

    pub(super) fn pause(&self, at: Timestamp, error: &procession_flow::Error) {
        self.decide(at, "pause", None, None, chain(error));
    }

    fn decide(
        &self,
        at: Timestamp,
        kind: &'static str,
        gallery: Option<GalleryId>,
        photo: Option<PhotoId>,
        reason: String,
    ) {
        let decisions = &mut self.entries().decisions;
        if decisions.len() == DECISIONS {
            decisions.pop_back();
        }
        decisions.push_front(Decision { at, kind, gallery, photo, reason });
    }

    /// The latest first.
    pub(super) fn decisions(&self) -> Vec<Decision> {
        self.entries().decisions.iter().cloned().collect()
    }

    /// Photos that were finished in the time before `now`.
    pub(super) fn finished(&self, now: Timestamp, time: Duration) -> u64 {
        let from = second(now) - i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        self.entries().finished.iter().filter(|(at, _)| *at > from).map(|(_, photos)| photos).sum()
    }

    /// How long the stages took of late, and how often each pipeline was taken.
    pub(super) fn measured(&self, now: Timestamp) -> (Vec<Latency>, BTreeMap<String, u64>) {
        let entries = self.entries();
        let recent = || entries.samples.iter().filter(|sample| now.since(sample.at) <= WINDOW);
        let mut pipelines = BTreeMap::new();
        for sample in recent() {
            *pipelines.entry(sample.pipeline.clone()).or_default() += 1;
        }
        let total = |t: &Timings| stages(t).iter().map(|(_, seconds)| seconds).sum::<f64>();
        let mut latencies = Vec::new();
        for index in 0..=STAGES {
            let seconds = recent().map(|sample| match stages(&sample.timings).get(index) {
                Some((_, seconds)) => *seconds,
                None => total(&sample.timings),
            });
            let stage = stages(&Timings::default()).get(index).map_or("total", |(stage, _)| stage);
            latencies.extend(Latency::of(stage, seconds.collect()));
        }
        (latencies, pipelines)
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn measure(&mut self, sample: Sample) {
        let now = second(sample.at);
        match self.finished.back_mut() {
            Some((at, photos)) if *at == now => *photos += 1,
            _ => self.finished.push_back((now, 1)),
        }
        let oldest = now - WINDOW.as_secs() as i64;
        while self.finished.front().is_some_and(|(at, _)| *at <= oldest) {
            self.finished.pop_front();
        }
        if self.samples.len() == SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
    }
}

impl Latency {
    /// Nothing, where nothing was measured.
    fn of(stage: &'static str, mut seconds: Vec<f64>) -> Option<Self> {
        seconds.sort_by(f64::total_cmp);
        let last = seconds.len().checked_sub(1)?;
        // The nearest rank: the smallest value that so many of all do not exceed.
        let percentile = |percent: usize| seconds[(seconds.len() * percent).div_ceil(100).saturating_sub(1).min(last)];
        Some(Self { stage, p50_seconds: percentile(50), p95_seconds: percentile(95), p99_seconds: percentile(99) })
    }
}

/// How many stages there are.
const STAGES: usize = 5;

/// The stages with their times.
pub(crate) fn stages(timings: &Timings) -> [(&'static str, f64); STAGES] {
    [
        ("fetch", timings.fetch_seconds),
        ("decode", timings.decode_seconds),
        ("vision", timings.vision_seconds),
        ("render", timings.render_seconds),
        ("store", timings.store_seconds),
    ]
}

fn second(at: Timestamp) -> i64 {
    at.micros().div_euclid(1_000_000)
}

#[cfg(test)]
mod tests {
    use procession_domain::{ContentHash, Kind, photo::Failure, urgency::Urgency};

    use super::*;

    const START: Timestamp = Timestamp::from_micros(0);

    fn at(seconds: u64) -> Timestamp {
        START.after(Duration::from_secs(seconds))
    }

    fn tell(journal: &Journal, seconds: u64, event: Event) {
        journal.take(at(seconds), &Told { gallery: GalleryId::named("a"), event });
    }

    fn photo() -> PhotoId {
        PhotoId::of(GalleryId::named("a"), &ContentHash::of(b"1"))
    }

    fn done(decode_seconds: f64) -> Event {
        Event::PhotoDone {
            photo: photo(),
            name: "a secret name".to_owned(),
            pipeline: "reception_photos".to_owned(),
            reason: String::new(),
            variants: 0,
            faces: None,
            megapixels: 1.0,
            timings: Timings { decode_seconds, render_seconds: 1.0, ..Timings::default() },
        }
    }

    #[test]
    fn the_latest_decisions_are_kept_with_their_reasons_and_without_names() {
        let journal = Journal::default();
        let (title, reason, deadline) = ("Anna & Ben".to_owned(), "is today".to_owned(), START);
        tell(&journal, 0, Event::GalleryOpened { title, urgency: Urgency::SameDayWedding, reason, deadline });
        let failure = Failure { kind: Kind::Corrupt, message: "ends too early".to_owned() };
        tell(&journal, 1, Event::PhotoQuarantined { photo: photo(), name: "a secret name".to_owned(), failure });
        let decisions = journal.decisions();
        assert_eq!((decisions[0].kind, decisions[0].reason.as_str()), ("quarantine", "ends too early"));
        assert_eq!((decisions[1].kind, decisions[1].reason.as_str()), ("rank", "same_day_wedding: is today"));
        let text = serde_json::to_string(&decisions).unwrap();
        assert!(!text.contains("secret") && !text.contains("Anna"));
        for second in 0..300 {
            let placed = Decided::Placed(GalleryId::named("b"), Place::Shared, second.to_string());
            journal.decided(at(second), vec![placed]);
        }
        assert_eq!(journal.decisions().len(), DECISIONS);
        assert_eq!(journal.decisions()[0].reason, "shared: 299");
    }

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let journal = Journal::default();
        assert!(journal.measured(at(0)).0.is_empty());
        (1..=200).for_each(|number| tell(&journal, 0, done(f64::from(number))));
        let (latencies, pipelines) = journal.measured(at(1));
        let decode = latencies.iter().find(|latency| latency.stage == "decode").unwrap();
        let expected = Latency { stage: "decode", p50_seconds: 100.0, p95_seconds: 190.0, p99_seconds: 198.0 };
        assert_eq!(*decode, expected);
        assert_eq!(latencies.last().unwrap().stage, "total");
        assert!((latencies.last().unwrap().p50_seconds - 101.0).abs() < 1e-9);
        assert_eq!(pipelines["reception_photos"], 200);
        assert!(journal.measured(at(2_000)).0.is_empty());
    }

    #[test]
    fn photos_are_counted_by_time_however_many_there_are() {
        let journal = Journal::default();
        for second in 0..1_000 {
            (0..10).for_each(|_| tell(&journal, second, done(1.0)));
        }
        assert_eq!(journal.finished(at(999), Duration::from_secs(60)), 600);
        assert_eq!(journal.finished(at(999), WINDOW), 9_000);
        assert_eq!(journal.entries().samples.len(), SAMPLES);
        assert!(journal.entries().finished.len() <= 900);
    }
}
