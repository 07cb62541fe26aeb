//! The controller: decides where galleries belong and from when on they are critical, and writes that into their rows, where
//! the next claim reads it; and how many workers each fleet should have, for whoever runs it.
//!
//! Of all processes that can, one does, for a term that it extends while it lives; another takes over when the term is over.
//! While nobody is in office, workers take whatever comes, as if no gallery had a place: nothing ever waits for a controller.

mod divide;
mod scale;

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use procession_domain::{Classified, GalleryId, Kind, Region, Stage, Timestamp, gallery::Backlog};
use procession_plan::{Place, PlacePolicy, Placed, Unfinished, critical_times, place};
use procession_vault::Document;
use serde::{Deserialize, Serialize};

use crate::{
    Result, System,
    affinity::Division,
    capacity::{self, Capacity},
    forecast::{self, Prospect},
    registry,
    status::{Expected, Observer, unfinished},
};

/// The right to decide, until it ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Term {
    holder: String,
    ends_at: Timestamp,
}

impl Document for Term {
    const KIND: &'static str = "term";

    fn id(&self) -> String {
        TERM.to_owned()
    }

    fn owner(&self) -> String {
        String::new()
    }
}

const TERM: &str = "controller";

/// Whether somebody decides about places now.
pub(crate) async fn is_decided(system: &System) -> Result<bool> {
    let term = system.documents().get::<Term>(TERM).await?;
    Ok(term.is_some_and(|term| system.clock.now() < term.document.ends_at))
}

/// What was decided.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// Where a gallery belongs, and why.
    Placed(GalleryId, Place, String),
    /// A gallery is critical from then on, by what is left of it and of the others.
    Critical(GalleryId, Timestamp),
    /// A fleet should have so many workers.
    Capacity(Box<Capacity>),
    /// Who in a region does which part of a photo's life first.
    Divided(Box<Division>),
    /// What is forecast in this region is followed from now on, or only shown; and why.
    Forecast(Region, bool, String),
}

/// Decides, when it is in office.
pub struct Controller {
    system: Arc<System>,
    name: String,
    arrivals: Mutex<scale::Arrivals>,
    /// What nobody offered when it was last looked at.
    gaps: Mutex<BTreeSet<(Stage, Option<Region>)>>,
    /// When it made the forecasts last.
    foreseen_at: Mutex<Option<Timestamp>>,
}

impl Controller {
    /// A controller of this process. It is not in office yet.
    pub fn new(system: Arc<System>) -> Self {
        let nonce = getrandom::u32().unwrap_or_default();
        let name = format!("{}-{nonce:08x}", std::process::id());
        Self { system, name, arrivals: Mutex::default(), foreseen_at: Mutex::default(), gaps: Mutex::default() }
    }

    /// Decides what is to be decided now, where it has or gets the right to, and writes it down. Returns what was changed.
    ///
    /// # Errors
    /// The ledger does not answer. What was decided by then is written.
    pub async fn decide(&self, observer: &Observer) -> Result<Vec<Decision>> {
        if !self.is_in_office().await? {
            return Ok(Vec::new());
        }
        let expected = observer.expected(&self.system, Duration::ZERO).await?;
        let mut decided = self.place(&expected).await?;
        decided.extend(self.rank(&expected).await?);
        decided.extend(self.divide(&expected).await?);
        self.warn_of_gaps(&expected.gaps);
        let capacities = self.scale(&expected).await?;
        decided.extend(capacities.into_iter().map(|capacity| Decision::Capacity(Box::new(capacity))));
        registry::forget_silent(&self.system).await?;
        Ok(decided)
    }

    /// Makes the forecasts of the hour, where it is in office and has not made them yet: beside [`decide`](Self::decide), which
    /// never waits for it. Returns for which regions it changed whether they are followed.
    ///
    /// # Errors
    /// The ledger does not answer. What is kept of the hour before then holds on.
    pub async fn foresee(&self) -> Result<Vec<Decision>> {
        let now = self.system.clock.now();
        let term = self.system.documents().get::<Term>(TERM).await?.map(|term| term.document);
        let is_in_office = term.is_some_and(|term| term.holder == self.name && now < term.ends_at);
        let hour = |at: Timestamp| at.micros().div_euclid(3_600_000_000);
        let made_at = *self.foreseen_at.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_in_office || made_at.is_some_and(|at| hour(at) == hour(now)) {
            return Ok(Vec::new());
        }
        let fleets = capacity::fleets(&self.system).await?;
        let regions = fleets.into_iter().map(|fleet| fleet.name.region).collect();
        let changed = forecast::make(&self.system, regions).await?;
        *self.foreseen_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        let decision = |of: Prospect| Decision::Forecast(of.region, of.followed, of.standing);
        Ok(changed.into_iter().map(decision).collect())
    }

    /// Lets another decide at once.
    ///
    /// # Errors
    /// The ledger does not answer. The term then ends by itself.
    pub async fn resign(&self) -> Result<()> {
        let documents = self.system.documents();
        match documents.get::<Term>(TERM).await? {
            Some(term) if term.document.holder == self.name => {
                let ended = Term { ends_at: self.system.clock.now(), ..term.document };
                ours(documents.replace(&ended, term.version).await).map(|_| ())
            }
            _ => Ok(()),
        }
    }

    /// Extends its term, or begins one if nobody is in office.
    async fn is_in_office(&self) -> Result<bool> {
        let documents = self.system.documents();
        let (now, length) = (self.system.clock.now(), self.system.settings.lease);
        let term = Term { holder: self.name.clone(), ends_at: now.after(length) };
        let written = match documents.get::<Term>(TERM).await? {
            None => documents.create(&term).await,
            Some(known) if known.document.holder == self.name && known.document.ends_at.since(now) > length / 2 => {
                return Ok(true);
            }
            Some(known) if known.document.holder != self.name && now < known.document.ends_at => return Ok(false),
            Some(known) => documents.replace(&term, known.version).await,
        };
        ours(written)
    }

    async fn place(&self, expected: &Expected) -> Result<Vec<Decision>> {
        let placed = |(backlog, _): &(Backlog, _)| Placed {
            unfinished: unfinished(&self.system, backlog),
            waiting_megapixels: backlog.waiting_megapixels,
            place: place_of(backlog),
        };
        let galleries: Vec<Placed> = expected.galleries.iter().map(placed).collect();
        let policy = PlacePolicy { critical_share: self.system.settings.critical_share, ..PlacePolicy::default() };
        let clusters = registry::clusters(&expected.workers);
        let mut decided = Vec::new();
        for placement in place(&galleries, &clusters, &policy, expected.at) {
            let cluster = match &placement.place {
                Place::At(region) => Some(region),
                Place::Shared | Place::Undecided => None,
            };
            let written = self.system.ledger.place_gallery(placement.gallery, cluster, placement.reason.as_str()).await;
            if ours(written)? {
                decided.push(Decision::Placed(placement.gallery, placement.place, placement.reason.into()));
            }
        }
        Ok(decided)
    }

    async fn rank(&self, expected: &Expected) -> Result<Vec<Decision>> {
        let Some(rate) = expected.rate else { return Ok(Vec::new()) };
        let left: Vec<Unfinished> = expected.galleries.iter().map(|(of, _)| unfinished(&self.system, of)).collect();
        let times = critical_times(&left, Some(rate.megapixels_per_second), self.system.settings.critical_share);
        let times: HashMap<GalleryId, Timestamp> = left.iter().map(|of| of.gallery).zip(times).collect();
        let mut decided = Vec::new();
        for (backlog, _) in &expected.galleries {
            let critical_at = times[&backlog.gallery];
            if !is_worth_writing(backlog.rank.critical_at, critical_at, expected.at) {
                continue;
            }
            let ranked = procession_domain::gallery::Rank { critical_at, ..backlog.rank };
            let written = match self.system.ledger.gallery(backlog.gallery).await {
                // Conditional: a change of the gallery meanwhile brings its own rank.
                Ok((gallery, rank)) if rank == backlog.rank => {
                    self.system.ledger.update_gallery(&gallery, &ranked, &gallery).await
                }
                Ok(_) => continue,
                Err(error) => Err(error),
            };
            if ours(written)? {
                decided.push(Decision::Critical(backlog.gallery, critical_at));
            }
        }
        Ok(decided)
    }
}

/// Where a gallery is, by its row.
fn place_of(backlog: &Backlog) -> Place {
    match (&backlog.cluster, &backlog.placement) {
        (Some(region), _) => Place::At(region.clone()),
        (None, Some(_)) => Place::Shared,
        (None, None) => Place::Undecided,
    }
}

/// The moment need not be known to the second: a twentieth of the time until then is near enough.
fn is_worth_writing(old: Timestamp, new: Timestamp, now: Timestamp) -> bool {
    let tolerance = (new.since(now) / 20).max(Duration::from_secs(5));
    old.since(new).max(new.since(old)) > tolerance || (old <= now) != (new <= now)
}

/// Whether it was written: where something else was written or deleted meanwhile, the next time will do.
fn ours<T>(written: procession_vault::Result<T>) -> Result<bool> {
    match written {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.kind(), Kind::Conflict | Kind::NotFound) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests;
