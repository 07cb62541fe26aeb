//! Who works where. Every worker says so again and again, in the ledger; whoever has not said so lately is not counted on.

use std::{sync::Arc, time::Duration};

use procession_domain::{Kind, Region, Stages, Timestamp, WorkerId, error::chain};
use procession_plan::{Cluster, Rate, affinity::Speeds};
use procession_vault::Document;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::{
    Result, System,
    affinity::{division, offers_all},
    controller::is_decided,
    status::Observer,
};

/// More workers than this are not looked at.
const MOST: usize = 100_000;
/// Whoever was silent for so long is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(600);

/// What a worker says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Registration {
    /// Its name in the ledger.
    pub worker: WorkerId,
    /// Where it works.
    pub region: Region,
    /// The kind of its device: `cpu`.
    pub device: String,
    /// How many photos it works on at a time.
    pub lanes: usize,
    /// When it began.
    pub since: Timestamp,
    /// When it said this.
    pub heard_at: Timestamp,
    /// Without another word, it is not counted on from then on.
    pub silent_at: Timestamp,
    /// Whether it takes work.
    pub standing: Standing,
    /// What it finishes in a second, as far as that is known.
    pub rate: Option<Rate>,
    /// What it does of a photo's job.
    #[serde(default = "all_stages")]
    pub offers: Stages,
    /// How long that takes, as far as it is known.
    #[serde(default)]
    pub speeds: Speeds,
}

/// What a worker offers that does not say so.
fn all_stages() -> Stages {
    Stages::ALL
}

/// Whether a worker takes work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Standing {
    /// It does.
    Working,
    /// It waits until a fault of its machine has passed.
    Paused {
        /// Since when.
        at: Timestamp,
        /// What kind of fault it is.
        kind: Kind,
        /// The fault, for the operator.
        why: String,
    },
    /// It ends what it has begun, and then itself.
    Draining,
}

impl Document for Registration {
    const KIND: &'static str = "worker";

    fn id(&self) -> String {
        self.worker.0.clone()
    }

    fn owner(&self) -> String {
        OWNER.to_owned()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.silent_at.after(FORGOTTEN))
    }
}

/// All workers are in one list.
const OWNER: &str = "fleet";

/// Says again and again what the worker of this process is doing, as the observer sees it, until the task is dropped. That it
/// drains is said at once.
pub async fn keep_registered(
    system: Arc<System>,
    worker: WorkerId,
    observer: Arc<Observer>,
    mut drain: watch::Receiver<bool>,
) {
    let since = system.clock.now();
    let mut tick = tokio::time::interval(system.settings.lease / 3);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            Ok(()) = drain.changed() => {}
        }
        let drains = *drain.borrow();
        if let Err(error) = register(&system, &worker, &observer, since, drains).await {
            tracing::warn!(error = chain(&error), "the worker could not say that it is there; trying again");
        }
    }
}

async fn register(
    system: &System,
    worker: &WorkerId,
    observer: &Observer,
    since: Timestamp,
    drains: bool,
) -> Result<()> {
    let (now, device) = (system.clock.now(), system.device.info());
    let standing = match observer.paused(now) {
        _ if drains => Standing::Draining,
        Some(pause) => Standing::Paused { at: pause.at, kind: pause.kind, why: pause.why },
        None => Standing::Working,
    };
    let registration = Registration {
        worker: worker.clone(),
        region: system.settings.region.clone(),
        device: device.kind.clone(),
        lanes: device.lanes,
        since,
        heard_at: now,
        silent_at: now.after(system.settings.lease),
        standing,
        rate: observer.rate(now),
        offers: system.settings.stages,
        speeds: system.speeds.speeds(),
    };
    system.documents().put(&registration).await?;
    let is_decided = is_decided(system).await?;
    system.follow_places(is_decided);
    let divided = if is_decided { division(system, &system.settings.region).await? } else { None };
    system.prefer(divided.and_then(|divided| divided.affinity.preferences.get(&device.kind).cloned()));
    Ok(())
}

/// The worker is gone, and says so.
///
/// # Errors
/// The ledger does not answer. The worker is then missed after a while.
pub async fn deregister(system: &System, worker: &WorkerId) -> Result<()> {
    system.documents().delete::<Registration>(&worker.0).await?;
    Ok(())
}

/// The workers that are heard of, by name.
///
/// # Errors
/// The ledger does not answer.
pub async fn heard(system: &System) -> Result<Vec<Registration>> {
    let now = system.clock.now();
    let all = system.documents().list::<Registration>(OWNER, None, MOST).await?;
    Ok(all.into_iter().map(|of| of.document).filter(|of| now < of.silent_at).collect())
}

/// Forgets workers that were silent for long.
pub(crate) async fn forget_silent(system: &System) -> Result<()> {
    system.documents().sweep::<Registration>(system.clock.now(), MOST).await?;
    Ok(())
}

/// What those that take work add up to, one by one: `plan` sums up those of a region.
pub(crate) fn clusters(workers: &[Registration]) -> Vec<Cluster> {
    let working = workers.iter().filter(|worker| worker.standing == Standing::Working);
    let cluster = |worker: &Registration| Cluster {
        region: worker.region.clone(),
        lanes: worker.lanes,
        megapixels_per_second: worker.rate.map(|rate| rate.megapixels_per_second),
        is_complete: offers_all(workers, &worker.region),
    };
    working.map(cluster).collect()
}
