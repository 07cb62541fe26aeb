//! The installation at a glance, for whoever runs it. Galleries have their ids here, and nobody has a name.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::extract::State;
use futures::{future::join_all, join};
use procession_domain::{GalleryId, Stage, Stages, Timestamp, gallery::Backlog, job::Holder, urgency::Urgency};
use procession_flow::{
    Delivery, Outlook, Preference,
    affinity::{Division, Gap, divisions},
    capacity::{Capacity, capacities},
    registry::{Registration, Standing},
    status::Expected,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::journal::{Decision, Latency};
use crate::{
    Problem, Result, Service,
    access::{Caller, Scope},
    api::Json,
    health::Health,
};

/// So many unfinished galleries are shown: those that are worst off.
const GALLERIES: usize = 200;
const FRESH: Duration = Duration::from_millis(500);
const MINUTE: Duration = Duration::from_secs(60);
const QUARTER: Duration = Duration::from_secs(15 * 60);

/// The installation at one moment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Operations {
    /// The moment (RFC 3339).
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// What is unfinished, by urgency, the most urgent first.
    queue: Vec<Queue>,
    /// Unfinished galleries, those that are worst off first; at most 200.
    galleries: Vec<Unfinished>,
    /// Who works.
    workers: Vec<WorkerView>,
    /// Why they do not, if they had to stop.
    pause: Option<PauseView>,
    /// Where they are.
    clusters: Vec<Cluster>,
    /// What photos wait for and no worker offers.
    gaps: Vec<GapView>,
    /// Who does which part of a photo's life first, where kinds of device divide it.
    affinity: Vec<AffinityView>,
    /// How many workers there should be, where somebody can start and stop them.
    fleets: Vec<FleetView>,
    /// What is finished.
    throughput: ThroughputView,
    /// How long the stages of a photo's work took in the last 15 minutes.
    latency: Vec<Latency>,
    /// How often each pipeline was taken in the last 15 minutes.
    pipelines: BTreeMap<String, u64>,
    /// Where the originals are. Each of these has every one.
    stores: Vec<StoreView>,
    /// Uploads that are not complete.
    uploads: Uploads,
    /// The latest decisions first.
    decisions: Vec<Decision>,
}

/// What is unfinished of one class.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Queue {
    /// `same_day_wedding`, `next_day_delivery` or `standard_delivery`.
    #[schema(value_type = String)]
    urgency: Urgency,
    /// Galleries with unfinished photos.
    galleries: u64,
    /// Photos that wait for a worker.
    waiting: u64,
    /// Photos that a worker holds.
    working: u64,
    /// What these photos cost.
    megapixels: f64,
    /// For how long the photo waits that waits longest.
    oldest_age_seconds: Option<u64>,
}

/// An unfinished gallery.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Unfinished {
    /// Its id.
    #[schema(value_type = String)]
    gallery: GalleryId,
    /// Its class.
    #[schema(value_type = String)]
    urgency: Urgency,
    /// Photos that are not finished.
    photos: u64,
    /// What they cost.
    megapixels: f64,
    /// `on_time`, `at_risk` or `late`.
    #[schema(value_type = String)]
    delivery: Delivery,
    /// When it is promised (RFC 3339).
    #[schema(value_type = String, format = DateTime)]
    deadline: Timestamp,
    /// From when on it comes before the others (RFC 3339).
    #[schema(value_type = String, format = DateTime)]
    critical_at: Timestamp,
    /// When it will be finished, as far as that is known (RFC 3339).
    #[schema(value_type = Option<String>, format = DateTime)]
    finishes_at: Option<Timestamp>,
    /// Seconds between that and the deadline; negative if it is missed.
    slack_seconds: Option<i64>,
    /// The figures behind it.
    reason: String,
    /// The cluster whose workers process it; null while all may.
    cluster: Option<String>,
    /// Why; null while that is not decided.
    placement: Option<String>,
}

/// A worker.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WorkerView {
    /// Its name in the ledger.
    worker: String,
    /// Its region; null if nothing is heard of it.
    cluster: Option<String>,
    /// The kind of its device; null if nothing is heard of it.
    device: Option<String>,
    /// `working`, `paused`, `draining`, or `silent`: it holds photos, and nothing is heard of it.
    standing: &'static str,
    /// Photos that it holds.
    held: u64,
    /// When it began (RFC 3339); null if nothing is heard of it.
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// What it does of a photo's job, in its order; empty if nothing is heard of it.
    stages: Vec<&'static str>,
    /// What it finishes in a second; null while too little is known.
    megapixels_per_second: Option<f64>,
}

/// A stage that no worker offers, and photos that wait for it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GapView {
    /// `ai_analysis`, `face_recognition`, `moment_detection` or `compression`.
    stage: &'static str,
    /// The cluster whose photos wait; null where any cluster could do it.
    cluster: Option<String>,
    /// How many photos.
    photos: u64,
    /// The same in words.
    reason: String,
}

/// How the work of a region is divided among its kinds of device.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AffinityView {
    /// The region.
    region: String,
    /// Why it is divided so, or not at all, with the figures.
    reason: String,
    /// What each kind does first; whoever is not named takes whatever comes first.
    preferences: Vec<PreferenceView>,
}

/// What the workers of one kind do first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PreferenceView {
    /// The kind of device.
    device: String,
    /// These stages, …
    stages: Vec<&'static str>,
    /// … of this part of its photos, 0 to 1.
    share: f64,
    /// Why, with the figures.
    reason: String,
}

/// Why the workers do nothing.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PauseView {
    /// Since when (RFC 3339).
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// What is wrong.
    reason: String,
}

/// The workers of one place.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Cluster {
    /// Its region.
    name: String,
    /// How many workers are heard of.
    workers: u64,
    /// Whether any of them works.
    healthy: bool,
    /// What they finish in a second, together; null while too little is known.
    megapixels_per_second: Option<f64>,
    /// Unfinished galleries that are this cluster's alone.
    placed: u64,
}

/// The workers of one kind of device in one region that offer the same stages.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FleetView {
    /// The region.
    region: String,
    /// The kind of device.
    pub(crate) device: String,
    /// What they do of a photo's job, in its order; empty if that is all.
    pub(crate) stages: Vec<&'static str>,
    /// How many workers there should be.
    pub(crate) desired: u32,
    /// How many took work when this was decided.
    pub(crate) running: u32,
    /// Why, with the figures.
    reason: String,
    /// Whether every gallery can be finished by its deadline, as far as was known.
    within_reach: bool,
    /// When it was decided (RFC 3339).
    #[schema(value_type = String, format = DateTime)]
    decided_at: Timestamp,
}

/// What is finished.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ThroughputView {
    /// Photos in the last minute.
    photos_last_minute: u64,
    /// Photos a minute, over the last 15 minutes.
    photos_per_minute: f64,
    /// Megapixels a second while there is work; null while too little is known.
    megapixels_per_second: Option<f64>,
}

/// A store.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StoreView {
    /// What the operator knows it by.
    name: String,
    /// How many stores have every original: this one and the others.
    replicas: u64,
    /// What can still be written, where it is a disk.
    free_bytes: Option<u64>,
    /// What the disk holds in all.
    total_bytes: Option<u64>,
    /// Whether the last write succeeded.
    healthy: bool,
    /// What is wrong with it.
    problem: Option<String>,
    /// When that write was tried (RFC 3339).
    #[schema(value_type = String, format = DateTime)]
    checked_at: Timestamp,
}

/// Uploads that are not complete.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Uploads {
    /// How many.
    open: u64,
    /// What they have received so far.
    bytes: u64,
}

/// The installation at a glance.
#[utoipa::path(get, path = "/api/v1/operations", operation_id = "get_operations", tag = "operations",
    responses((status = 200, body = Operations), Problem))]
pub(crate) async fn get(State(service): State<Arc<Service>>, caller: Caller) -> Result<Json<Operations>> {
    caller.require(Scope::Operate)?;
    let (live, system) = (&service.live, &service.system);
    // None of them needs another: together they take as long as the slowest.
    let (expected, held) = (live.observer.expected(system, FRESH), system.ledger.workers_held());
    let (expected, held, occupied, divisions, capacities, stores) =
        join!(expected, held, service.uploads.occupancy(), divisions(system), capacities(system), stores(&service));
    let (expected, (open, bytes)) = (expected?, occupied?);
    let now = service.system.clock.now();
    let (latency, pipelines) = live.journal.measured(now);
    Ok(Json(Operations {
        at: now,
        queue: Urgency::ALL.map(|urgency| queue(&expected, urgency, now)).into(),
        galleries: worst_off(&expected),
        clusters: clusters(&expected),
        gaps: expected.gaps.iter().map(gap).collect(),
        affinity: divisions?.into_iter().map(division).collect(),
        fleets: capacities?.into_iter().map(fleet).collect(),
        workers: workers(&expected, held?),
        pause: expected.pause.as_ref().map(|pause| PauseView { since: pause.at, reason: pause.why.clone() }),
        throughput: ThroughputView {
            photos_last_minute: live.journal.finished(now, MINUTE),
            photos_per_minute: live.journal.finished(now, QUARTER) as f64 / 15.0,
            megapixels_per_second: expected.rate.map(|rate| rate.megapixels_per_second),
        },
        latency,
        pipelines,
        stores,
        uploads: Uploads { open, bytes },
        decisions: live.journal.decisions(),
    }))
}

fn names(stages: Stages) -> Vec<&'static str> {
    stages.iter().map(Stage::name).collect()
}

fn gap(gap: &Gap) -> GapView {
    GapView {
        stage: gap.stage.name(),
        cluster: gap.cluster.as_ref().map(ToString::to_string),
        photos: gap.photos,
        reason: gap.to_string(),
    }
}

fn division(division: Division) -> AffinityView {
    let preference = |(device, of): (String, Preference)| PreferenceView {
        device,
        stages: names(of.first),
        share: of.share,
        reason: of.reason,
    };
    AffinityView {
        region: division.region.to_string(),
        reason: division.affinity.reason,
        preferences: division.affinity.preferences.into_iter().map(preference).collect(),
    }
}

pub(super) fn fleet(capacity: Capacity) -> FleetView {
    FleetView {
        region: capacity.fleet.region.to_string(),
        stages: capacity.fleet.specialisation().map_or_else(Vec::new, |_| names(capacity.fleet.stages)),
        device: capacity.fleet.device,
        desired: capacity.desired,
        running: capacity.running,
        reason: capacity.reason,
        within_reach: capacity.within_reach,
        decided_at: capacity.decided_at,
    }
}

/// The regions of the workers that are heard of.
fn clusters(expected: &Expected) -> Vec<Cluster> {
    let mut clusters = BTreeMap::new();
    for worker in &expected.workers {
        let name = worker.region.to_string();
        let new = Cluster { name: name.clone(), workers: 0, healthy: false, megapixels_per_second: None, placed: 0 };
        let cluster = clusters.entry(name).or_insert(new);
        cluster.workers += 1;
        cluster.healthy |= matches!(worker.standing, Standing::Working | Standing::Draining);
        if let Some(rate) = worker.rate {
            *cluster.megapixels_per_second.get_or_insert(0.0) += rate.megapixels_per_second;
        }
    }
    for (backlog, _) in &expected.galleries {
        if let Some(cluster) = backlog.cluster.as_ref().and_then(|region| clusters.get_mut(region.as_str())) {
            cluster.placed += 1;
        }
    }
    clusters.into_values().collect()
}

fn queue(expected: &Expected, urgency: Urgency, now: Timestamp) -> Queue {
    let galleries = || expected.galleries.iter().map(|(backlog, _)| backlog).filter(|of| of.rank.urgency == urgency);
    let oldest = galleries().filter_map(Backlog::waiting_since).min();
    Queue {
        urgency,
        galleries: galleries().count() as u64,
        waiting: galleries().map(|backlog| backlog.waiting).sum(),
        working: galleries().map(|backlog| backlog.working).sum(),
        megapixels: galleries().map(Backlog::megapixels).sum(),
        oldest_age_seconds: oldest.map(|oldest| now.since(oldest).as_secs()),
    }
}

/// Late before at risk before on time, and within each by what there is to spare.
fn worst_off(expected: &Expected) -> Vec<Unfinished> {
    let mut galleries: Vec<&(Backlog, Outlook)> = expected.galleries.iter().collect();
    let severity = |delivery| match delivery {
        Delivery::Late => 0,
        Delivery::AtRisk => 1,
        Delivery::OnTime | Delivery::Delivered => 2,
    };
    let order = |(backlog, outlook): &&(Backlog, Outlook)| {
        (severity(outlook.delivery), outlook.slack_seconds.unwrap_or(i64::MAX), backlog.rank.deadline, backlog.gallery)
    };
    galleries.sort_by_key(order);
    let view = |(backlog, outlook): &(Backlog, Outlook)| Unfinished {
        gallery: backlog.gallery,
        urgency: backlog.rank.urgency,
        photos: backlog.waiting + backlog.working,
        megapixels: backlog.megapixels(),
        delivery: outlook.delivery,
        deadline: backlog.rank.deadline,
        critical_at: backlog.rank.critical_at,
        finishes_at: outlook.finishes_at,
        slack_seconds: outlook.slack_seconds,
        reason: outlook.reason.to_string(),
        cluster: backlog.cluster.as_ref().map(ToString::to_string),
        placement: backlog.placement.clone(),
    };
    galleries.into_iter().take(GALLERIES).map(view).collect()
}

/// The workers that are heard of, and those that hold photos though nothing is heard of them.
fn workers(expected: &Expected, held: Vec<Holder>) -> Vec<WorkerView> {
    let mut held: BTreeMap<String, u64> = held.into_iter().map(|holder| (holder.worker.0, holder.jobs)).collect();
    let view = |worker: &Registration| WorkerView {
        worker: worker.worker.0.clone(),
        cluster: Some(worker.region.to_string()),
        device: Some(worker.device.clone()),
        standing: match worker.standing {
            Standing::Working => "working",
            Standing::Paused { .. } => "paused",
            Standing::Draining => "draining",
        },
        held: held.remove(&worker.worker.0).unwrap_or(0),
        since: Some(worker.since),
        stages: names(worker.offers),
        megapixels_per_second: worker.rate.map(|rate| rate.megapixels_per_second),
    };
    let mut workers: Vec<WorkerView> = expected.workers.iter().map(view).collect();
    workers.extend(held.into_iter().map(|(worker, held)| WorkerView {
        worker,
        cluster: None,
        device: None,
        standing: "silent",
        held,
        since: None,
        stages: Vec::new(),
        megapixels_per_second: None,
    }));
    workers
}

async fn stores(service: &Arc<Service>) -> Vec<StoreView> {
    let report = Health::last_report(service).await;
    let stores = service.system.blobs.replicas();
    let replicas = stores.len() as u64;
    let at = report.at;
    // The report begins with the stores, in their order.
    let views = stores.into_iter().zip(&report.checks).map(async |(store, check)| {
        let room = store.room().await;
        StoreView {
            name: store.name(),
            replicas,
            free_bytes: room.map(|room| room.free),
            total_bytes: room.map(|room| room.total),
            healthy: check.ok,
            problem: check.detail.clone(),
            checked_at: at,
        }
    });
    join_all(views).await
}
