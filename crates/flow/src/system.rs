//! The parts of a running Procession, put together once at the start.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use procession_domain::{
    Clock, Region, Stages,
    recipe::{Fingerprint, OutputFormat, Pipeline},
    urgency::Promises,
};
use procession_pixel::{Device, Limits};
use procession_plan::{AffinityPolicy, ScalePolicy, affinity::Preference};
use procession_vault::{Blobs, Documents, Ledger};
use procession_vision::Vision;
use tokio::sync::{Notify, Semaphore};

use crate::{Budget, Completions, affinity::Stopwatches, forecast::Foresight};

/// Raised whenever the same original and recipe would give other bytes than before.
const ENGINE_VERSION: u32 = 4;

/// Copies that are read back for receipts at the same time: twice what one gallery asks for, so that many galleries that end
/// at once leave the processors to those who wait for an answer.
const PROOFS: usize = 8;

/// The models of a machine that has none.
const NO_MODELS: &str = "none";

/// What an operator can choose.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where this process is.
    pub region: Region,
    /// Bounds on one photo.
    pub limits: Limits,
    /// What each urgency class is promised.
    pub promises: Promises,
    /// The pipelines by name.
    pub pipelines: BTreeMap<String, Pipeline>,
    /// Memory that photos in flight take together, in bytes.
    pub memory_bytes: u64,
    /// How long a lease lasts without renewal. It is renewed three times in that time.
    pub lease: Duration,
    /// When a failed photo is tried again.
    pub retry: procession_plan::RetryPolicy,
    /// How fleets are scaled.
    pub scale: ScalePolicy,
    /// What is forecast, and whether it is followed.
    pub foresight: Foresight,
    /// The part of the work, 0 to 1, that the ledger gives to critical galleries while others wait.
    pub critical_share: f64,
    /// What a worker of this process does of a photo's job.
    pub stages: Stages,
    /// Formats that are made of a photo when nothing more urgent waits, where the variant has another format: until then the photo
    /// is owed them.
    pub later_formats: Vec<OutputFormat>,
    /// When kinds of device divide a photo's life.
    pub affinity: AffinityPolicy,
    /// How far the threads that process photos give way to those that answer clients: 0 to 19, as for nice(1).
    pub niceness: u8,
}

/// Everything that the tasks share.
pub struct System {
    /// What exists and what is to be done.
    pub ledger: Arc<dyn Ledger>,
    /// Finished jobs on their way to it.
    pub completions: Completions,
    /// The bytes.
    pub blobs: Arc<dyn Blobs>,
    /// What computes pixels.
    pub device: Arc<dyn Device>,
    /// The models, where they are installed and something here looks at photos.
    pub vision: Option<Arc<Vision>>,
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// What the operator chose.
    pub settings: Settings,
    /// The memory that photos in flight take together.
    pub budget: Budget,
    /// One permit for each call that the device takes at a time.
    pub(crate) lanes: Arc<Semaphore>,
    /// Places for making previews beside the lanes: half as many.
    pub(crate) previews: Semaphore,
    /// The one turn for previews that nobody waits for.
    pub(crate) early_previews: Semaphore,
    /// Places for reading copies back for receipts, of all galleries together.
    pub(crate) proofs: Semaphore,
    /// Rung when there may be something to claim.
    pub(crate) wake: Notify,
    /// Whether its worker keeps to the places that galleries have.
    follows_places: AtomicBool,
    /// What its worker claims before all else.
    preference: Mutex<Option<Preference>>,
    /// How long stages take here.
    pub(crate) speeds: Stopwatches,
    models: String,
    engine: String,
}

impl System {
    /// Puts the parts together.
    pub fn new(
        ledger: Arc<dyn Ledger>,
        blobs: Arc<dyn Blobs>,
        device: Arc<dyn Device>,
        vision: Option<Arc<Vision>>,
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> Self {
        let models = vision.as_ref().map_or(NO_MODELS, |vision| vision.identity()).to_owned();
        let engine = engine(&*device, &models);
        Self {
            budget: Budget::new(settings.memory_bytes),
            lanes: Arc::new(Semaphore::new(device.info().lanes.max(1))),
            previews: Semaphore::new(device.info().lanes.div_ceil(2)),
            early_previews: Semaphore::new(1),
            proofs: Semaphore::new(PROOFS),
            wake: Notify::new(),
            follows_places: AtomicBool::new(false),
            preference: Mutex::default(),
            speeds: Stopwatches::default(),
            completions: Completions::new(Arc::clone(&ledger)),
            ledger,
            blobs,
            device,
            vision,
            clock,
            settings,
            models,
            engine,
        }
    }

    /// The same where nothing in this process looks at photos, and these models are installed: it knows what they made without
    /// loading them. None for a machine without models.
    #[must_use]
    pub fn knowing(self, models: Option<String>) -> Self {
        let models = models.unwrap_or_else(|| NO_MODELS.to_owned());
        Self { engine: engine(&*self.device, &models), models, ..self }
    }

    /// Whether the models are installed.
    pub fn has_models(&self) -> bool {
        self.models != NO_MODELS
    }

    /// The ledger's documents.
    pub(crate) fn documents(&self) -> Documents {
        Documents::new(Arc::clone(&self.ledger))
    }

    /// Version and models: with the recipe, what decides an output's bytes.
    pub fn engine(&self) -> &str {
        &self.engine
    }

    /// Where the worker of this process may take work: in its region alone, while somebody says which galleries belong there.
    pub(crate) fn place(&self) -> Option<&Region> {
        self.follows_places.load(Ordering::Relaxed).then_some(&self.settings.region)
    }

    /// Says whether somebody decides about places.
    pub(crate) fn follow_places(&self, are_decided: bool) {
        self.follows_places.store(are_decided, Ordering::Relaxed);
    }

    /// What the worker of this process claims before all else; none for whatever comes first.
    pub(crate) fn preference(&self) -> Option<Preference> {
        self.preference.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says what the worker of this process is to claim before all else.
    pub(crate) fn prefer(&self, preference: Option<Preference>) {
        *self.preference.lock().unwrap_or_else(PoisonError::into_inner) = preference;
    }

    /// Which models look here.
    pub(crate) fn models(&self) -> &str {
        &self.models
    }

    /// The identity of what this system makes of a photo by this pipeline.
    pub(crate) fn fingerprint(&self, pipeline: &Pipeline) -> Fingerprint {
        Fingerprint::of(pipeline, &self.engine)
    }

    /// The same where these models looked.
    pub(crate) fn fingerprint_by(&self, pipeline: &Pipeline, models: &str) -> Fingerprint {
        Fingerprint::of(pipeline, &engine(&*self.device, models))
    }
}

fn engine(device: &dyn Device, models: &str) -> String {
    format!("procession engine {ENGINE_VERSION}, device {}, models {models}", device.info().kind)
}
