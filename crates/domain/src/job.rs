//! Work, and the right to do it.

use serde::{Deserialize, Serialize};

use crate::{
    JobId, Timestamp, WorkerId,
    analysis::Analysis,
    gallery::Gallery,
    photo::{Photo, Timings},
    stage::{Stage, Stages},
};

/// The right to do a job until it expires. Whoever completes the job with an older epoch is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The job.
    pub job: JobId,
    /// How often the job was claimed: the fence.
    pub epoch: i64,
    /// Who holds it.
    pub worker: WorkerId,
    /// From then on anybody may claim the job again.
    pub expires_at: Timestamp,
}

/// A worker that holds jobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The worker.
    pub worker: WorkerId,
    /// How many jobs it holds.
    pub jobs: u64,
    /// When the first of its leases expires. In the past, if nobody has claimed the job since.
    pub expires_at: Timestamp,
}

/// A claimed job with everything that is needed to do it.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// The right to do it.
    pub lease: Lease,
    /// The photo.
    pub photo: Photo,
    /// Its gallery.
    pub gallery: Gallery,
    /// What comes next.
    pub stage: Stage,
    /// What others found before; none if nobody had it yet, or nobody passed it on.
    pub found: Option<Found>,
    /// How often the job failed before for a transient reason, or its lease expired.
    pub failures: u32,
}

/// What was found on a photo by those who passed its job on, for whoever goes on with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The stages that were done.
    pub done: Stages,
    /// What the models saw. Embeddings are not in it once it was written: the ledger keeps them apart, to be erased.
    pub analysis: Analysis,
    /// Which models those were.
    pub models: String,
    /// The pipeline that was chosen by it. If another is chosen later, all is done again.
    pub pipeline: String,
    /// How long it took so far.
    pub timings: Timings,
}
