//! What happens, passed on to whoever watches: pages, programs, metrics, webhooks.

use std::sync::Arc;

use procession_domain::{Clock, Timestamp};
use procession_flow::{Events, Told};
use serde::Serialize;
use tokio::sync::{broadcast, mpsc};

/// Events that a slow watcher may lag behind. One that lags further is told so, and reads the state anew.
const LAG: usize = 4_096;

/// An event with its moment.
#[derive(Clone, Debug, Serialize)]
pub struct Dated {
    /// When it was told.
    pub at: Timestamp,
    /// What happened, and where.
    #[serde(flatten)]
    pub told: Told,
}

/// Takes events in from the flow and hands each to all watchers.
#[derive(Debug)]
pub struct Hub {
    out: broadcast::Sender<Arc<Dated>>,
}

impl Hub {
    /// Starts a hub; the flow tells `Events`. It ends when the last of them is dropped.
    pub fn start(clock: Arc<dyn Clock>) -> (Arc<Self>, Events) {
        let (sender, mut inbox) = mpsc::unbounded_channel();
        let hub = Arc::new(Self { out: broadcast::channel(LAG).0 });
        let out = hub.out.clone();
        tokio::spawn(async move {
            while let Some(told) = inbox.recv().await {
                // Nobody watching is no fault.
                let _ = out.send(Arc::new(Dated { at: clock.now(), told }));
            }
        });
        (hub, Events::to(sender))
    }

    /// Everything from now on.
    pub fn watch(&self) -> broadcast::Receiver<Arc<Dated>> {
        self.out.subscribe()
    }
}
