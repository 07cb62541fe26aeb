//! How far each gallery is and when it will be finished: answered from the ledger and from what was seen happening.

mod activity;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::try_join;
use procession_domain::{
    Classified, GalleryId, Kind, PhotoId, Timestamp, WorkerId,
    gallery::{Backlog, Progress, Rank},
};
use procession_plan::{Delivery, Outlook, Rate, Throughput, Unfinished, default_margin, delivered, outlook};
use serde::Serialize;

use crate::{
    Error, Event, Result, System, Told,
    affinity::{Gap, gap, gaps},
    registry::{Registration, Standing, heard},
};

use activity::Activities;

/// Answers may be so old: many who ask at once are answered from one look at the ledger.
const FRESH: Duration = Duration::from_millis(500);
/// A photo that was begun and of which nothing was heard for so long is not worked on any more: its worker lost it.
const LONGEST_WORK: Duration = Duration::from_secs(600);
/// The workers try again sooner than this: without another failure in that time they are back.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What a gallery is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It has no photo.
    Empty,
    /// Photos are arriving, or were a moment ago.
    Receiving,
    /// Photos wait for workers, or are worked on.
    Processing,
    /// Every photo is finished or cannot be processed, and no more are arriving.
    Done,
}

/// How far a gallery is, and what is expected of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Status {
    /// The counts.
    pub progress: Progress,
    /// What it is doing.
    pub state: State,
    /// Whether the promise is kept.
    pub delivery: Delivery,
    /// When it is promised.
    pub deadline: Timestamp,
    /// When it was finished or will be, as far as that is known.
    pub finishes_at: Option<Timestamp>,
    /// Seconds between that and the deadline; negative if it is missed.
    pub slack_seconds: Option<i64>,
    /// Photos of all galleries that the service finishes in a second; none while too little is known.
    pub photos_per_second: Option<f64>,
    /// The figures behind it, for people.
    pub reason: String,
}

/// What is unfinished, and what is expected of it, at one moment.
#[derive(Clone, Debug)]
pub struct Expected {
    /// The moment.
    pub at: Timestamp,
    /// How fast the work goes, everywhere; none while too little is known or all workers pause.
    pub rate: Option<Rate>,
    /// The workers that are heard of.
    pub workers: Vec<Registration>,
    /// Why no worker does anything, if that is so.
    pub pause: Option<Pause>,
    /// The unfinished galleries by deadline.
    pub galleries: Vec<(Backlog, Outlook)>,
    /// What photos wait for and nobody offers.
    pub gaps: Vec<Gap>,
}

/// What was found of a gallery.
#[derive(Clone, Debug)]
pub struct Look {
    gallery: GalleryId,
    progress: Progress,
    expected: Arc<Expected>,
}

/// Watches what happens, and answers from it.
#[derive(Debug, Default)]
pub struct Observer {
    seen: Mutex<Seen>,
    expected: tokio::sync::Mutex<Option<Arc<Expected>>>,
}

#[derive(Debug, Default)]
struct Seen {
    throughput: Throughput,
    in_work: HashMap<PhotoId, Timestamp>,
    activities: Activities,
    pause: Option<Pause>,
    /// The worker of this process.
    worker: Option<WorkerId>,
}

/// Why the workers do nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Pause {
    /// Since when.
    pub at: Timestamp,
    /// What kind of fault it is.
    pub kind: Kind,
    /// The fault, for the operator.
    pub why: String,
}

impl Observer {
    /// What happens in this process is this worker's doing.
    pub fn watches(&self, worker: &WorkerId) {
        self.seen().worker = Some(worker.clone());
    }

    /// Takes in what happened at this moment. Returns true if the gallery has become active by it: something new is there
    /// to be finished.
    pub fn take(&self, at: Timestamp, told: &Told) -> bool {
        let mut seen = self.seen();
        match &told.event {
            Event::PhotoStarted { photo, .. } => {
                seen.in_work.insert(*photo, at);
                seen.throughput.begin(at);
            }
            Event::PhotoDone { photo, megapixels, .. } => {
                seen.throughput.record(at, *megapixels);
                seen.end(*photo, at);
            }
            Event::PhotoPassedOn { photo, .. }
            | Event::PhotoQuarantined { photo, .. }
            | Event::PhotoRetried { photo, .. } => seen.end(*photo, at),
            _ => {}
        }
        seen.activities.take(at, told)
    }

    /// Takes a gallery as active, though nothing was seen happening in it: what happened before a restart may have to be told.
    pub fn expect(&self, gallery: GalleryId, now: Timestamp) {
        self.seen().activities.touch(gallery, now);
    }

    /// The workers stopped because of a fault of the machine. They will try again.
    pub fn pause(&self, now: Timestamp, error: &crate::Error) {
        let mut seen = self.seen();
        seen.in_work.clear();
        seen.throughput.pause(now);
        seen.pause = Some(Pause { at: now, kind: error.kind(), why: procession_domain::error::chain(error) });
    }

    /// Why the worker of this process does nothing, if it had to stop.
    pub fn paused(&self, now: Timestamp) -> Option<Pause> {
        self.seen().pause.clone().filter(|pause| now.since(pause.at) < LONGEST_PAUSE)
    }

    /// The galleries in which nothing has happened for a while, each with its last moment and told once: those of them that
    /// have nothing unfinished are finished.
    pub fn settled(&self, now: Timestamp) -> Vec<(GalleryId, Timestamp)> {
        self.seen().activities.settled(now)
    }

    /// How far a gallery is and what is expected of it, from one look at the ledger.
    ///
    /// # Errors
    /// The ledger does not answer.
    pub async fn look(&self, system: &System, gallery: GalleryId) -> Result<Look> {
        let counted = async { Ok(system.ledger.progress(gallery).await?) };
        let (progress, expected) = try_join!(counted, self.expected(system, FRESH))?;
        let mut looks = self.knowing(system, expected, vec![(gallery, progress)]).await?;
        looks.pop().ok_or_else(|| Error::Bug("a gallery was not looked at".to_owned()))
    }

    /// The same of galleries that were counted a moment ago.
    ///
    /// # Errors
    /// The ledger does not answer.
    pub async fn looks(&self, system: &System, counted: Vec<(GalleryId, Progress)>) -> Result<Vec<Look>> {
        let expected = self.expected(system, FRESH).await?;
        self.knowing(system, expected, counted).await
    }

    async fn knowing(
        &self,
        system: &System,
        mut expected: Arc<Expected>,
        counted: Vec<(GalleryId, Progress)>,
    ) -> Result<Vec<Look>> {
        let is_new =
            |(gallery, progress): &(GalleryId, Progress)| !progress.is_finished() && expected.of(*gallery).is_none();
        if counted.iter().any(is_new) {
            // Its first photo has just arrived.
            expected = self.expected(system, Duration::ZERO).await?;
        }
        let look = |(gallery, progress)| Look { gallery, progress, expected: Arc::clone(&expected) };
        Ok(counted.into_iter().map(look).collect())
    }

    /// How far a gallery is, by what was found. `finished_at` is when it was finished, where that is known.
    pub fn status(&self, look: Look, rank: &Rank, finished_at: Option<Timestamp>, now: Timestamp) -> Status {
        let Look { gallery, progress, expected } = look;
        let (arriving, active) = self.seen().activities.of(gallery, now);
        let blank = Status {
            progress,
            state: State::Empty,
            delivery: if now > rank.deadline { Delivery::Late } else { Delivery::OnTime },
            deadline: rank.deadline,
            finishes_at: None,
            slack_seconds: None,
            photos_per_second: expected.rate.map(|rate| rate.photos_per_second),
            reason: "everything that arrived is finished; more may be on its way".to_owned(),
        };
        let state = if arriving { State::Receiving } else { State::Processing };
        match expected.of(gallery) {
            _ if progress.stored() == 0 => {
                Status { delivery: Delivery::OnTime, reason: "no photo has arrived yet".to_owned(), ..blank }
            }
            _ if progress.is_finished() && !active => Status {
                state: State::Done,
                delivery: Delivery::Delivered,
                finishes_at: finished_at,
                slack_seconds: finished_at.map(|at| (rank.deadline.micros() - at.micros()).div_euclid(1_000_000)),
                reason: delivered(&progress, finished_at, rank.deadline).into(),
                ..blank
            },
            Some((backlog, outlook)) if !progress.is_finished() => Status {
                state,
                delivery: outlook.delivery,
                finishes_at: outlook.finishes_at,
                slack_seconds: outlook.slack_seconds,
                reason: match &expected.pause {
                    Some(pause) => paused(pause.kind),
                    None if gap(backlog, &expected.workers).is_some() => UNOFFERED.to_owned(),
                    None => outlook.reason.to_string(),
                },
                ..blank
            },
            _ => Status { state, ..blank },
        }
    }

    /// What is expected of everything that is unfinished, from a look at the ledger that is at most so old.
    ///
    /// # Errors
    /// The ledger does not answer.
    pub async fn expected(&self, system: &System, age: Duration) -> Result<Arc<Expected>> {
        // Whoever comes while another looks waits for what the other finds.
        let mut known = self.expected.lock().await;
        let now = system.clock.now();
        if let Some(known) = known.as_ref().filter(|known| now.since(known.at) < age) {
            return Ok(Arc::clone(known));
        }
        let (backlog, workers) = try_join!(async { Ok(system.ledger.backlog().await?) }, heard(system))?;
        let rate = self.rate_with(&workers, now);
        let pause = self.pause_with(&workers, now);
        let unfinished: Vec<Unfinished> = backlog.iter().map(|backlog| unfinished(system, backlog)).collect();
        let pace = rate.map(|rate| rate.megapixels_per_second);
        let mut outlooks = outlook(&unfinished, pace, system.settings.critical_share, now);
        for (of, outlook) in backlog.iter().zip(&mut outlooks) {
            if let Some(gap) = gap(of, &workers) {
                outlook.hinder(gap.to_string(), of.rank.deadline, now);
            }
        }
        let gaps = gaps(backlog.iter(), &workers);
        let expected = Arc::new(Expected {
            gaps,
            at: now,
            rate,
            workers,
            pause,
            galleries: backlog.into_iter().zip(outlooks).collect(),
        });
        *known = Some(Arc::clone(&expected));
        Ok(expected)
    }

    /// How fast the work goes in this process; none while too little is known or its worker pauses.
    pub(crate) fn rate(&self, now: Timestamp) -> Option<Rate> {
        if self.paused(now).is_some() {
            return None;
        }
        let mut seen = self.seen();
        seen.in_work.retain(|_, since| now.since(*since) < LONGEST_WORK);
        if seen.in_work.is_empty() {
            seen.throughput.pause(now);
        }
        seen.throughput.rate(now)
    }

    /// How fast the work goes here and everywhere else. What is seen here is newer than what was said of it.
    fn rate_with(&self, workers: &[Registration], now: Timestamp) -> Option<Rate> {
        let own = self.seen().worker.clone();
        let others = workers.iter().filter(|of| Some(&of.worker) != own.as_ref() && of.standing == Standing::Working);
        let rates = self.rate(now).into_iter().chain(others.filter_map(|of| of.rate));
        rates.reduce(|a, b| Rate {
            megapixels_per_second: a.megapixels_per_second + b.megapixels_per_second,
            photos_per_second: a.photos_per_second + b.photos_per_second,
        })
    }

    /// Why nobody works, here or elsewhere, if that is so.
    fn pause_with(&self, workers: &[Registration], now: Timestamp) -> Option<Pause> {
        let own = self.seen().worker.clone();
        let mut others = workers.iter().filter(|of| Some(&of.worker) != own.as_ref());
        if others.clone().any(|of| of.standing == Standing::Working) {
            return None;
        }
        let theirs = others.find_map(|of| match &of.standing {
            Standing::Paused { at, kind, why } => Some(Pause { at: *at, kind: *kind, why: why.clone() }),
            _ => None,
        });
        match own {
            Some(_) => self.paused(now),
            None => theirs.or_else(|| self.paused(now)),
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    /// A photo's work ended, so the workers are at work.
    fn end(&mut self, photo: PhotoId, at: Timestamp) {
        self.pause = None;
        self.in_work.remove(&photo);
        if self.in_work.is_empty() {
            self.throughput.pause(at);
        }
    }
}

impl Expected {
    /// What is expected of this gallery, if it was unfinished.
    pub fn of(&self, gallery: GalleryId) -> Option<&(Backlog, Outlook)> {
        self.galleries.iter().find(|(backlog, _)| backlog.gallery == gallery)
    }
}

/// What is left of a gallery, as `plan` wants to know it.
pub(crate) fn unfinished(system: &System, backlog: &Backlog) -> Unfinished {
    Unfinished {
        gallery: backlog.gallery,
        rank: backlog.rank,
        margin: default_margin(system.settings.promises.of(backlog.rank.urgency)),
        photos: backlog.waiting + backlog.working,
        megapixels: backlog.megapixels(),
    }
}

/// What a studio is told where photos wait for what no worker offers. Which stage, and where, is the operator's.
const UNOFFERED: &str =
    "photos wait for a kind of worker that the service does not have at the moment; nothing is lost";

/// What a studio is told of a pause. Where and what exactly is the operator's.
fn paused(kind: Kind) -> String {
    let why = match kind {
        Kind::Limit => "the storage is full",
        Kind::Unavailable | Kind::Corrupt => "the storage does not answer as it should",
        _ => "of a fault of the service",
    };
    format!("the workers pause because {why}; they go on by themselves as soon as they can, and nothing is lost")
}

#[cfg(test)]
pub(crate) mod tests;
