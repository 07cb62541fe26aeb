//! The controller of this process at work, and what it decides told to whoever runs the installation.

use std::{sync::Arc, time::Duration};

use procession_domain::error::chain;
use procession_flow::Controller;

use crate::Service;

/// How often it is decided: a cluster that is gone is noticed so much later than it could be.
const TICK: Duration = Duration::from_secs(1);

/// How often it is looked whether the hour's forecast is to be made.
const FORESEES: Duration = Duration::from_secs(5);

/// Decides, whenever no other controller does, until the service stops.
pub async fn keep_deciding(service: Arc<Service>) {
    let controller = Controller::new(Arc::clone(&service.system));
    let mut stopping = service.stopping.clone();
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let decide = async {
        loop {
            ticks.tick().await;
            match controller.decide(&service.live.observer).await {
                Ok(decided) => service.live.journal.decided(service.system.clock.now(), decided),
                Err(error) => tracing::warn!(error = chain(&error), "nothing could be decided; trying again"),
            }
        }
    };
    // Beside it: nothing that is decided waits for a forecast.
    let mut looks = tokio::time::interval(FORESEES);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let foresee = async {
        loop {
            looks.tick().await;
            match controller.foresee().await {
                Ok(decided) => service.live.journal.decided(service.system.clock.now(), decided),
                Err(error) => tracing::warn!(error = chain(&error), "nothing could be forecast; trying again"),
            }
        }
    };
    tokio::select! {
        ((), ()) = async { tokio::join!(decide, foresee) } => {}
        _ = stopping.wait_for(|stopping| *stopping) => {}
    }
    if let Err(error) = controller.resign().await {
        tracing::warn!(error = chain(&error), "another controller takes over when this one's term has ended");
    }
}
