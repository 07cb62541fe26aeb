//! A worker: claims photos, carries each through its life, and gives back what it cannot finish. When nothing waits, it makes what
//! finished photos are owed.

mod later;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use procession_domain::{
    Classified, GalleryId, JobId, Kind, Stage, Stages, WorkerId,
    error::chain,
    job::{Claim, Lease},
    photo::{Failure, Owing},
};
use procession_plan::{
    Retry,
    affinity::{ClaimTurn, turns},
    retry,
};
use procession_vault::Ask;
use tokio::{sync::watch, task::JoinSet};

use crate::{
    Error, Event, Events, Result, System,
    ingest::cost,
    life::{self, Lived},
};

/// Photos beyond the device's lanes that a worker holds, so that the next one's bytes are there when a lane is free.
const PREFETCH: usize = 2;

/// A worker of this process.
pub struct Worker {
    system: Arc<System>,
    id: WorkerId,
    only: Option<GalleryId>,
    events: Events,
    held: Arc<Mutex<BTreeMap<JobId, Lease>>>,
    /// Held while a claim is under way: what it brings is not yet among what is held. In it, the part of a photo that is owed to
    /// what this worker prefers.
    claiming: tokio::sync::Mutex<f64>,
}

impl Worker {
    /// A worker that takes what comes first, or `only` one gallery's photos.
    pub fn new(system: Arc<System>, only: Option<GalleryId>, events: Events) -> Self {
        let nonce = getrandom::u32().unwrap_or_default();
        let id = WorkerId(format!("{}-{}-{nonce:08x}", system.settings.region, std::process::id()));
        Self { system, id, only, events, held: Arc::default(), claiming: tokio::sync::Mutex::default() }
    }

    /// Its name in the ledger.
    pub fn id(&self) -> &WorkerId {
        &self.id
    }

    /// Works until `more` says that nothing new will come and nothing is left to do.
    ///
    /// # Errors
    /// What would meet every photo: a store that is full or gone. All leases are given back first.
    pub async fn run(&self, mut more: watch::Receiver<bool>) -> Result<()> {
        let (_never, mut drain) = watch::channel(false);
        self.work_and_give_back(&mut more, &mut drain).await
    }

    /// Works on whatever comes until `drain` says so; then ends what it holds and takes nothing more.
    ///
    /// # Errors
    /// As for [`Worker::run`]; call it again when the machine may have recovered.
    pub async fn serve(&self, mut drain: watch::Receiver<bool>) -> Result<()> {
        let (_always, mut more) = watch::channel(true);
        self.work_and_give_back(&mut more, &mut drain).await
    }

    /// Gives back every photo that it still holds: the last act of a process that must end now.
    ///
    /// # Errors
    /// The ledger does not answer. The leases then expire by themselves.
    pub async fn give_back(&self) -> Result<()> {
        let _no_claim = self.claiming.lock().await;
        let leases: Vec<Lease> = self.held().values().cloned().collect();
        Ok(self.system.ledger.release(&leases).await?)
    }

    async fn work_and_give_back(
        &self,
        more: &mut watch::Receiver<bool>,
        drain: &mut watch::Receiver<bool>,
    ) -> Result<()> {
        let renewal = tokio::spawn(renew(Arc::clone(&self.system), Arc::clone(&self.held)));
        let outcome = self.work(more, drain).await;
        renewal.abort();
        if outcome.is_err() {
            if let Err(error) = self.give_back().await {
                tracing::warn!(error = chain(&error), "leases could not be given back; they expire by themselves");
            }
            // Nobody works on these any more: whoever renewed their leases would keep them from everybody.
            self.held().clear();
        }
        outcome
    }

    async fn work(&self, more: &mut watch::Receiver<bool>, drain: &mut watch::Receiver<bool>) -> Result<()> {
        let lanes = self.system.device.info().lanes.max(1);
        let places = lanes + PREFETCH;
        let mut lives = JoinSet::new();
        // Leases of the dead and times for another try come due without anybody ringing.
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        loop {
            let is_draining = *drain.borrow_and_update();
            if is_draining && lives.is_empty() {
                return Ok(());
            }
            let free = if is_draining { 0 } else { places.saturating_sub(lives.len()) };
            let claims = if free > 0 { self.claim(free, drain).await? } else { Vec::new() };
            // A lane for which nothing waits.
            let idle = if is_draining { 0 } else { lanes.saturating_sub(lives.len() + claims.len()) };
            let owing = if idle > 0 { self.claim_owing(idle).await? } else { Vec::new() };
            let has_none = claims.is_empty() && owing.is_empty() && lives.is_empty();
            if has_none && !*more.borrow_and_update() && self.nothing_is_left().await? {
                return Ok(());
            }
            for owing in owing {
                lives.spawn(later::one_photo(Arc::clone(&self.system), owing, self.events.clone()));
            }
            for (claim, stages) in claims {
                lives.spawn(self.life(claim, stages));
            }
            let has_room = lives.len() < places && !is_draining;
            tokio::select! {
                Some(ended) = lives.join_next(), if !lives.is_empty() => {
                    ended.map_err(|error| Error::Bug(format!("a photo's task ended early: {error}")))??;
                }
                () = self.system.wake.notified(), if has_room => {}
                () = self.system.ledger.work_arrived(), if has_room => {}
                _ = tick.tick(), if has_room => {}
                Ok(()) = more.changed(), if has_room => {}
                Ok(()) = drain.changed() => {}
            }
        }
    }

    /// Claims so many photos, each with the stages that it is carried through: first what this worker prefers, if it prefers
    /// something, and then, so that nobody is idle while work waits, whatever it offers.
    async fn claim(&self, count: usize, drain: &watch::Receiver<bool>) -> Result<Vec<(Claim, Stages)>> {
        let mut owed = self.claiming.lock().await;
        if *drain.borrow() {
            return Ok(Vec::new());
        }
        let preference = self.system.preference();
        let mut claimed = Vec::new();
        for turn in turns(self.system.settings.stages, preference.as_ref(), count, &mut owed) {
            let free = turn.most.min(count - claimed.len());
            if free > 0 {
                let claims = self.claim_at(&turn, free).await?;
                claimed.extend(claims.into_iter().map(|claim| (claim, turn.stages)));
            }
        }
        Ok(claimed)
    }

    async fn claim_at(&self, turn: &ClaimTurn, count: usize) -> Result<Vec<Claim>> {
        let now = self.system.clock.now();
        let expires_at = now.after(self.system.settings.lease);
        let (worker, region, only) = (&self.id, self.system.place(), self.only);
        let ask = Ask { worker, region, count, only, at: turn.at, stages: turn.stages, now, expires_at };
        let claims = self.system.ledger.claim(&ask).await?;
        self.held().extend(claims.iter().map(|claim| (claim.lease.job, claim.lease.clone())));
        Ok(claims)
    }

    async fn claim_owing(&self, count: usize) -> Result<Vec<Owing>> {
        let compresses = self.system.settings.stages.contains(Stage::Compression);
        if compresses { later::claim(&self.system, self.only, count).await } else { Ok(Vec::new()) }
    }

    async fn nothing_is_left(&self) -> Result<bool> {
        let Some(gallery) = self.only else { return Ok(true) };
        let progress = self.system.ledger.progress(gallery).await?;
        Ok(progress.is_finished() && progress.owing == 0)
    }

    fn life(&self, claim: Claim, stages: Stages) -> impl Future<Output = Result<()>> + Send + 'static {
        let (system, events, held) = (Arc::clone(&self.system), self.events.clone(), Arc::clone(&self.held));
        async move {
            let outcome = one_photo(&system, &claim, stages, &events).await;
            if outcome.is_ok() {
                held.lock().unwrap_or_else(PoisonError::into_inner).remove(&claim.lease.job);
            }
            outcome
        }
    }

    fn held(&self) -> std::sync::MutexGuard<'_, BTreeMap<JobId, Lease>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lives one photo's life and writes down how it ended.
#[tracing::instrument(name = "photo", skip_all, fields(photo.id = %claim.photo.id))]
async fn one_photo(system: &Arc<System>, claim: &Claim, stages: Stages, events: &Events) -> Result<()> {
    let (photo, name) = (claim.photo.id, claim.photo.name().to_owned());
    let gallery = claim.gallery.id;
    events.tell(gallery, Event::PhotoStarted { photo, name: name.clone() });
    // A photo that fails in words is given up before it failed so often.
    let lived = match claim.failures {
        lost if lost >= system.settings.retry.attempts => Err(Error::WorkersLost(lost)),
        _ => life::live(system, claim, stages).await,
    };
    let written = match lived {
        Ok(Lived::PassedOn(stage, found)) => {
            let written = system.completions.pass_on(&claim.lease, stage, found).await;
            if written.is_ok() {
                events.tell(gallery, Event::PhotoPassedOn { photo, name, stage });
                system.wake.notify_one();
            }
            written
        }
        Ok(Lived::Finished(finished)) => {
            let written = system.completions.complete(&claim.lease, &finished).await;
            if written.is_ok() {
                let done = Event::PhotoDone {
                    photo,
                    name,
                    pipeline: finished.pipeline,
                    reason: finished.pipeline_reason,
                    variants: finished.variants.len(),
                    faces: finished.analysis.faces.map(|faces| faces.len()),
                    megapixels: cost(&claim.photo),
                    timings: finished.timings,
                };
                events.tell(gallery, done);
            }
            written
        }
        Err(error) if error.stops_everything() => return Err(error),
        Err(error) => fail(system, claim, &error, events).await,
    };
    match written {
        // The lease was lost while the work went on. Whoever has it now makes the same outputs.
        Err(stale) if stale.kind() == Kind::Conflict => {
            tracing::warn!(job.id = %claim.lease.job, "lease lost; the result is left to its new holder");
            Ok(())
        }
        other => Ok(other?),
    }
}

async fn fail(system: &System, claim: &Claim, error: &Error, events: &Events) -> Result<(), procession_vault::Error> {
    let (photo, name) = (claim.photo.id, claim.photo.name().to_owned());
    let failure = Failure { kind: error.kind(), message: chain(error) };
    let now = system.clock.now();
    tracing::warn!(photo.id = %photo, error.kind = ?failure.kind, "photo failed");
    match retry(failure.kind, claim.failures, &system.settings.retry) {
        Retry::After(delay, _) => {
            let retry_at = now.after(delay);
            system.ledger.retry(&claim.lease, &failure, retry_at).await?;
            events.tell(claim.gallery.id, Event::PhotoRetried { photo, name, failure, retry_at });
        }
        Retry::Never(_) => {
            system.ledger.quarantine(&claim.lease, &failure, now).await?;
            events.tell(claim.gallery.id, Event::PhotoQuarantined { photo, name, failure });
        }
    }
    Ok(())
}

/// Keeps the held leases alive.
async fn renew(system: Arc<System>, held: Arc<Mutex<BTreeMap<JobId, Lease>>>) {
    let mut tick = tokio::time::interval(system.settings.lease / 3);
    loop {
        tick.tick().await;
        let leases: Vec<Lease> = held.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        if leases.is_empty() {
            continue;
        }
        let until = system.clock.now().after(system.settings.lease);
        if let Err(error) = system.ledger.renew(&leases, until).await {
            tracing::warn!(error = chain(&error), "leases could not be renewed; trying again");
        }
    }
}
