//! Who does which part of a photo's life: what workers offer and measure, how the controller divides it, and where nobody offers
//! what photos wait for.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use procession_domain::{Region, Stage, Stages, gallery::Backlog, photo::Photo};
use procession_plan::affinity::{Affinity, Pool, Speeds};
use procession_vault::Document;
use serde::{Deserialize, Serialize};

use crate::{
    Result, System,
    ingest::cost,
    registry::{Registration, Standing},
};

/// The weight of a new photo among those that a speed is taken from.
const NEW: f64 = 0.02;

/// Measures how long the stages take in this process.
#[derive(Debug, Default)]
pub(crate) struct Stopwatches(Mutex<Speeds>);

impl Stopwatches {
    /// A photo was read and decoded.
    pub(crate) fn reached(&self, seconds: f64, photo: &Photo) {
        mean(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).reach, seconds, photo);
    }

    /// A stage was done.
    pub(crate) fn took(&self, stage: Stage, seconds: f64, photo: &Photo) {
        let mut speeds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        mean(&mut speeds.stages[stage.index()], seconds, photo);
    }

    /// Over about the last fifty photos.
    pub(crate) fn speeds(&self) -> Speeds {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn mean(known: &mut Option<f64>, seconds: f64, photo: &Photo) {
    let one = seconds / cost(photo).max(f64::MIN_POSITIVE);
    *known = Some(known.map_or(one, |known| known * (1.0 - NEW) + one * NEW));
}

/// How the work of a region is divided among its kinds of device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Division {
    /// The region.
    pub region: Region,
    /// Who does what first.
    pub affinity: Affinity,
}

impl Document for Division {
    const KIND: &'static str = "affinity";

    fn id(&self) -> String {
        self.region.to_string()
    }

    fn owner(&self) -> String {
        OWNER.to_owned()
    }
}

/// All of them are in one list.
const OWNER: &str = "fleet";
/// More regions than this are not looked at.
const MOST: usize = 1_000;

/// How the work of a region is divided; none while that is not decided.
pub(crate) async fn division(system: &System, region: &Region) -> Result<Option<Division>> {
    Ok(system.documents().get::<Division>(region.as_str()).await?.map(|found| found.document))
}

/// How the work of every region was divided last.
///
/// # Errors
/// The ledger does not answer.
pub async fn divisions(system: &System) -> Result<Vec<Division>> {
    let found = system.documents().list::<Division>(OWNER, None, MOST).await?;
    Ok(found.into_iter().map(|found| found.document).collect())
}

/// The workers of each region that take work, by kind. What is measured is the mean of those that have measured it.
pub(crate) fn pools(workers: &[Registration]) -> BTreeMap<Region, Vec<Pool>> {
    let mut kinds: BTreeMap<(Region, String, Stages), Vec<&Registration>> = BTreeMap::new();
    for worker in workers.iter().filter(|worker| worker.standing == Standing::Working) {
        kinds.entry((worker.region.clone(), worker.device.clone(), worker.offers)).or_default().push(worker);
    }
    let mut regions: BTreeMap<Region, Vec<Pool>> = BTreeMap::new();
    for ((region, device, offers), workers) in kinds {
        let mean = |of: &dyn Fn(&Speeds) -> Option<f64>| {
            let known: Vec<f64> = workers.iter().filter_map(|worker| of(&worker.speeds)).collect();
            (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
        };
        let stages = [0, 1, 2, 3].map(|stage| mean(&|speeds| speeds.stages[stage]));
        let speeds = Speeds { reach: mean(&|speeds| speeds.reach), stages };
        let lanes = workers.iter().map(|worker| worker.lanes).sum();
        regions.entry(region).or_default().push(Pool { device, lanes, speeds, offers });
    }
    regions
}

/// A stage that nobody offers, and photos that wait for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The stage.
    pub stage: Stage,
    /// The cluster that these photos belong to; none where any cluster could do it, and none does.
    pub cluster: Option<Region>,
    /// Photos that cannot be finished without it.
    pub photos: u64,
}

impl std::fmt::Display for Gap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { stage, cluster, photos } = self;
        write!(f, "nobody offers {stage}")?;
        if let Some(cluster) = cluster {
            write!(f, " in {cluster}")?;
        }
        match photos {
            1 => write!(f, "; 1 photo waits for it"),
            photos => write!(f, "; {} photos wait for it", grouped(*photos)),
        }
    }
}

/// 1200 as 1,200.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What no worker offers that could work on this gallery. Where nothing is heard of any worker, that is another matter.
pub(crate) fn gap(backlog: &Backlog, workers: &[Registration]) -> Option<Gap> {
    let working = || workers.iter().filter(|worker| worker.standing == Standing::Working);
    working().next()?;
    let here = working().filter(|worker| backlog.cluster.as_ref().is_none_or(|cluster| *cluster == worker.region));
    let offered = here.fold(Stages::NONE, |all, worker| all.or(worker.offers));
    // Every photo comes to the last stage; to the others come those that wait there, and no more may be wanted.
    let needs = |stage: &Stage| match stage {
        Stage::Compression => backlog.waiting + backlog.working,
        stage => backlog.waiting_at[stage.index()],
    };
    let missing = Stage::ALL.into_iter().filter(|stage| !offered.contains(*stage) && needs(stage) > 0);
    missing
        .map(|stage| Gap { stage, cluster: backlog.cluster.clone(), photos: needs(&stage) })
        .max_by_key(|gap| gap.photos)
}

/// What nobody offers, over all galleries.
pub(crate) fn gaps<'a>(galleries: impl Iterator<Item = &'a Backlog>, workers: &[Registration]) -> Vec<Gap> {
    let mut all: BTreeMap<(Stage, Option<Region>), u64> = BTreeMap::new();
    for gap in galleries.filter_map(|backlog| gap(backlog, workers)) {
        *all.entry((gap.stage, gap.cluster)).or_default() += gap.photos;
    }
    all.into_iter().map(|((stage, cluster), photos)| Gap { stage, cluster, photos }).collect()
}

/// Workers of one region do every stage between them.
pub(crate) fn offers_all(workers: &[Registration], region: &Region) -> bool {
    let working = workers.iter().filter(|worker| worker.standing == Standing::Working && worker.region == *region);
    working.fold(Stages::NONE, |all, worker| all.or(worker.offers)) == Stages::ALL
}

#[cfg(test)]
mod tests;
