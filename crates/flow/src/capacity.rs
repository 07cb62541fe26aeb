//! How many workers there should be: decided by the controller, carried out by whoever can start and stop them.
//!
//! A *fleet* is the workers of one kind of device in one region that offer the same stages. Whoever runs a fleet (this machine, Kubernetes through KEDA) says so
//! again and again with [`enrol`]; the controller decides for the fleets that are enrolled and writes a [`Capacity`] for
//! each; whoever runs it reads that and makes it so.

use std::time::Duration;

use procession_domain::{Region, Stage, Stages, Timestamp};
use procession_plan::scale::{Cause, Memory};
use procession_vault::Document;
use serde::{Deserialize, Serialize};

use crate::{Result, System, registry::Registration};

/// More fleets than this are not looked at.
const MOST: usize = 1_000;
/// Whoever runs a fleet and has not said so for so long runs it no more.
const FORGOTTEN: Duration = Duration::from_secs(600);
/// It is said again after so long.
const AGAIN: Duration = Duration::from_secs(60);
/// All fleets are in one list.
const OWNER: &str = "fleet";

/// Which fleet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FleetName {
    /// The region of its workers.
    pub region: Region,
    /// The kind of their device: `cpu`.
    pub device: String,
    /// What they offer; all stages where nothing is said. Only what is not all is written, as before there were stages.
    #[serde(default = "FleetName::all_stages", skip_serializing_if = "FleetName::is_all")]
    pub stages: Stages,
}

impl FleetName {
    /// What its workers do, if that is not all: `face_recognition+moment_detection`.
    pub fn specialisation(&self) -> Option<String> {
        let names: Vec<&str> = self.stages.iter().map(Stage::name).collect();
        (self.stages != Stages::ALL).then(|| names.join("+"))
    }

    fn all_stages() -> Stages {
        Stages::ALL
    }

    fn is_all(stages: &Stages) -> bool {
        *stages == Stages::ALL
    }
}

/// `eu-west-1/cpu`, and behind it what its workers do, if that is not all: `eu-west-1/cpu/compression`.
impl std::fmt::Display for FleetName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.region, self.device)?;
        self.specialisation().map_or(Ok(()), |of| write!(f, "/{of}"))
    }
}

/// Somebody can start and stop the workers of this fleet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Enrolled {
    fleet: FleetName,
    /// It may have so many workers; none for what the policy says of a region.
    most: Option<u32>,
    at: Timestamp,
}

impl Document for Enrolled {
    const KIND: &'static str = "enrolled";

    fn id(&self) -> String {
        self.fleet.to_string()
    }

    fn owner(&self) -> String {
        OWNER.to_owned()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.at.after(FORGOTTEN))
    }
}

/// How many workers a fleet should have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Capacity {
    /// The fleet.
    pub fleet: FleetName,
    /// So many workers, that take work or are about to.
    pub desired: u32,
    /// So many took work when this was decided.
    pub running: u32,
    /// What decided.
    pub cause: Cause,
    /// Why, with the figures.
    pub reason: String,
    /// Every gallery can be finished by its deadline, as far as was known.
    pub within_reach: bool,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// When those were asked for that are still awaited.
    pub(crate) awaited: Vec<Timestamp>,
    /// What the next decision has to know of those before.
    pub(crate) memory: Memory,
}

impl Document for Capacity {
    const KIND: &'static str = "capacity";

    fn id(&self) -> String {
        self.fleet.to_string()
    }

    fn owner(&self) -> String {
        OWNER.to_owned()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.decided_at.after(FORGOTTEN))
    }
}

/// Says that somebody can start and stop the workers of this fleet, up to `most`.
///
/// # Errors
/// The ledger does not answer.
pub async fn enrol(system: &System, fleet: &FleetName, most: Option<u32>) -> Result<()> {
    let (documents, now) = (system.documents(), system.clock.now());
    let known = documents.get::<Enrolled>(&fleet.to_string()).await?;
    if known.is_some_and(|known| known.document.most == most && now.since(known.document.at) < AGAIN) {
        return Ok(());
    }
    documents.put(&Enrolled { fleet: fleet.clone(), most, at: now }).await?;
    Ok(())
}

/// A fleet that somebody runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fleet {
    pub(crate) name: FleetName,
    /// It may have so many workers.
    pub(crate) most: Option<u32>,
}

impl Fleet {
    /// Whether a worker is of this fleet, one of these. A fleet that is named without stages also has those of its kind that
    /// offer some, unless a fleet is named for them.
    pub(crate) fn has(&self, worker: &Registration, fleets: &[Self]) -> bool {
        let named = FleetName { region: worker.region.clone(), device: worker.device.clone(), stages: worker.offers };
        let whole = FleetName { stages: Stages::ALL, ..named.clone() };
        self.name == named || self.name == whole && fleets.iter().all(|fleet| fleet.name != named)
    }
}

/// The fleets that somebody runs.
pub(crate) async fn fleets(system: &System) -> Result<Vec<Fleet>> {
    let found = system.documents().list::<Enrolled>(OWNER, None, MOST).await?;
    let now = system.clock.now();
    let enrolled = found.into_iter().map(|found| found.document).filter(|of| now.since(of.at) < FORGOTTEN);
    Ok(enrolled.map(|of| Fleet { name: of.fleet, most: of.most }).collect())
}

/// Writes down what was decided.
pub(crate) async fn write(system: &System, decided: &Capacity) -> Result<()> {
    system.documents().put(decided).await?;
    Ok(())
}

/// How many workers the fleet should have; none while that is not decided.
///
/// # Errors
/// The ledger does not answer.
pub async fn capacity(system: &System, fleet: &FleetName) -> Result<Option<Capacity>> {
    Ok(system.documents().get::<Capacity>(&fleet.to_string()).await?.map(|found| found.document))
}

/// What was decided for every fleet.
///
/// # Errors
/// The ledger does not answer.
pub async fn capacities(system: &System) -> Result<Vec<Capacity>> {
    let found = system.documents().list::<Capacity>(OWNER, None, MOST).await?;
    let now = system.clock.now();
    let is_known = |of: &Capacity| now.since(of.decided_at) < FORGOTTEN;
    Ok(found.into_iter().map(|found| found.document).filter(is_known).collect())
}
