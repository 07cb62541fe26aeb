//! The tasks beside the requests: one hears everything that happens, one does what time alone brings.

use std::{sync::Arc, time::Duration};

use procession_flow::Event;
use tokio::{sync::broadcast, task::JoinHandle};

use super::finish;
use crate::{Dated, Result, Service, webhook};

/// How often it is looked whether galleries are finished.
const TICK: Duration = Duration::from_secs(1);
/// How many ticks pass between two refreshes of what other processes may have changed.
const TICKS_OF_REFRESH: u64 = 60;

/// Begins to watch what happens, from now on, until the service stops.
pub fn watch(service: &Arc<Service>) -> JoinHandle<()> {
    let (service, events) = (Arc::clone(service), service.hub.watch());
    tokio::spawn(async move {
        let deliveries = tokio::spawn(webhook::deliver(Arc::clone(&service)));
        let mut stopping = service.stopping.clone();
        tokio::select! {
            ((), ()) = async { tokio::join!(hear(&service, events), tick(&service)) } => {}
            _ = stopping.wait_for(|stopping| *stopping) => {}
        }
        if let Err(error) = deliveries.await {
            tracing::error!(%error, "the deliveries of webhooks ended early");
        }
    })
}

async fn hear(service: &Service, mut events: broadcast::Receiver<Arc<Dated>>) {
    report("what was unfinished at the last shutdown", finish::resume(service).await);
    loop {
        match events.recv().await {
            Ok(dated) => report("an event", take(service, &dated).await),
            Err(broadcast::error::RecvError::Lagged(missed)) => {
                service.live.metrics.events_missed.inc_by(missed);
                report("what was missed", finish::resume(service).await);
            }
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

async fn take(service: &Service, dated: &Dated) -> Result<()> {
    let (at, gallery) = (dated.at, dated.told.gallery);
    let live = &service.live;
    let is_new = live.observer.take(at, &dated.told);
    live.metrics.take(&dated.told.event);
    live.journal.take(at, &dated.told);
    webhook::record(service, dated).await?;
    match &dated.told.event {
        Event::GalleryFinished { finished_at, .. } => finish::told(service, gallery, *finished_at).await,
        _ if is_new => finish::owe(service, gallery, at).await,
        _ => Ok(()),
    }
}

async fn tick(service: &Service) {
    let mut ticks = tokio::time::interval(TICK);
    for number in 1_u64.. {
        ticks.tick().await;
        let now = service.system.clock.now();
        report("finished galleries", finish::tell(service, now).await);
        if number.is_multiple_of(TICKS_OF_REFRESH) {
            report("the secrets", service.keyring.refresh().await);
        }
    }
}

/// A failure here holds up nobody's photos: it is told, and the next time may do better.
fn report(what: &str, outcome: Result<()>) {
    if let Err(problem) = outcome {
        tracing::warn!(error = problem.detail, "{what}: could not be dealt with");
    }
}
