//! Procession simulated. What decides is `plan`, as in production; what is made up is the world around it, and all of it
//! follows from a seed.

pub mod demand;

pub use demand::{Demand, DemandSpec, demand};
