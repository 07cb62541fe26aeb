//! Work, and the right to do it.

use serde::{Deserialize, Serialize};

use crate::{JobId, Timestamp, WorkerId, gallery::Gallery, photo::Photo};

/// A part of a photo's job. A worker offers a subset, and does in one go all of them that remain and that it offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Decode once; all variants and what the models look at.
    Compression,
    /// Labels, sharpness, expressions.
    AiAnalysis,
    /// Faces and, with consent, embeddings.
    FaceRecognition,
    /// The signals of moments.
    MomentDetection,
}

impl Stage {
    /// All stages.
    pub const ALL: [Self; 4] = [Self::Compression, Self::AiAnalysis, Self::FaceRecognition, Self::MomentDetection];
}

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
    /// How often the job failed before for a transient reason, or its lease expired.
    pub failures: u32,
}
