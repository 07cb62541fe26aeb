//! Procession's decisions. Each is a function of its arguments alone: the time, what is known, the policy. Each says why.
//!
//! Nothing here reads a file, asks a clock or waits, so the same function decides in production and in the simulator.

pub mod affinity;
mod arriving;
mod choose;
mod estimate;
pub mod forecast;
mod outlook;
mod pipelines;
mod place;
mod rank;
mod reason;
mod retry;
pub mod scale;
mod schedule;
mod throughput;
mod urgency;

pub use affinity::{Affinity, AffinityPolicy, affinity};
pub use arriving::Arriving;
pub use choose::{Evidence, choose_pipeline};
pub use estimate::{Estimate, Pace};
pub use outlook::{Delivery, Outlook, Unfinished, delivered, outlook};
pub use pipelines::{PIPELINES_TOML, pipelines};
pub use place::{Cluster, Place, PlacePolicy, Placed, Placement, place};
pub use rank::{critical_times, default_margin, rank};
pub use reason::Reason;
pub use retry::{Retry, RetryPolicy, retry};
pub use scale::{Decision as ScaleDecision, FleetSeen, Memory as ScaleMemory, ScalePolicy, scale};
pub use schedule::{Candidate, CriticalShare, Turn, charge, join, next};
pub use throughput::{Rate, Throughput};
pub use urgency::urgency;
