//! Procession simulated: years of weddings, fleets in several regions, and what goes wrong with them.
//!
//! What decides is `plan`, as in production: urgency and rank, the order of claims, the places of galleries, the forecast and
//! the number of instances. What is made up is the world around it: when photos come, how long an instance takes, what
//! fails. All of it follows from a scenario and a seed, so the same run gives the same report on every machine.
//!
//! ```text
//! Scenario ─► Traffic (weddings, uploads, history) ─► run, once for each policy ─► Outcome ─┐
//!                                                └─► bound (with full knowledge) ───────────┴─► Report ─► text, page
//! ```

mod bound;
mod comparison;
pub mod demand;
mod error;
mod fault;
mod fleet;
mod listed;
mod outcome;
mod page;
mod report;
mod rule;
mod run;
mod scenario;
mod service;
mod traffic;
mod world;

pub use bound::Bounds;
pub use comparison::{Comparison, Ended, Row, TOLERANCE, Witness, stretches};
pub use demand::{Demand, DemandSpec, demand};
pub use error::{Error, Result};
pub use fault::Fault;
pub use listed::Listed;
pub use outcome::{Class, Completed, Outcome, Sample};
pub use page::page;
pub use report::{Report, simulate};
pub use rule::{Policy, Reactive};
pub use scenario::{PromiseFrom, SHIPPED, Scenario, Steps};
pub use service::{Machine, ServiceTimes};
pub use traffic::{Traffic, Upload};
