//! What stands beside each original, so that a lost ledger can be rebuilt from any complete set of replicas.

use serde::{Deserialize, Serialize};

use crate::{gallery::Gallery, photo::Photo};

/// A photo and its gallery as they were when the original became durable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of this structure: 1.
    pub version: u32,
    /// The gallery.
    pub gallery: Gallery,
    /// The photo.
    pub photo: Photo,
}
