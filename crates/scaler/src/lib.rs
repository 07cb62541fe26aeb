//! What Kubernetes asks of the controller: how many workers a fleet should have, as an external scaler of KEDA.
//!
//! A ScaledObject names a fleet. Each question about it enrols the fleet, and the answer is what the controller decided and wrote
//! down, so it does not matter which process is asked. While nothing is decided the answer is UNAVAILABLE and never zero: KEDA
//! then does what the ScaledObject says under `fallback`.

mod asked;
mod scaler;
mod server;

pub use server::serve;

/// Made of `proto/externalscaler.proto`.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::too_many_lines, reason = "it is generated")]
mod wire {
    tonic::include_proto!("externalscaler");
}
