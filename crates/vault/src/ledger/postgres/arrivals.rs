//! Whoever waits for work is told by whoever adds some.

use std::{sync::Arc, time::Duration};

use sqlx::postgres::PgListener;
use tokio::{
    sync::{Notify, OnceCell},
    task::AbortHandle,
};

use super::primary::Primary;

const CHANNEL: &str = "procession_work";

/// Between attempts to reach the server again.
const PAUSE: Duration = Duration::from_secs(1);

/// Listens from the first question on.
#[derive(Debug)]
pub(super) struct Arrivals {
    primary: Arc<Primary>,
    patience: Duration,
    bell: Arc<Notify>,
    listening: OnceCell<AbortHandle>,
}

impl Arrivals {
    /// `patience` is how long it waits for a connection.
    pub(super) fn new(primary: Arc<Primary>, patience: Duration) -> Self {
        Self { primary, patience, bell: Arc::default(), listening: OnceCell::new() }
    }

    /// Returns when work may have come.
    pub(super) async fn next(&self) {
        let start = || async {
            let listening = listen(Arc::clone(&self.primary), self.patience, Arc::clone(&self.bell));
            tokio::spawn(listening).abort_handle()
        };
        self.listening.get_or_init(start).await;
        self.bell.notified().await;
    }

    pub(super) fn stop(&self) {
        if let Some(task) = self.listening.get() {
            task.abort();
        }
    }
}

impl Drop for Arrivals {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Rings at every notification, and once whenever it begins to listen: what came before was not heard.
async fn listen(primary: Arc<Primary>, patience: Duration, bell: Arc<Notify>) {
    let mut attempts = tokio::time::interval(PAUSE);
    loop {
        attempts.tick().await;
        let moved = primary.moved();
        let ended = tokio::select! {
            ended = listen_once(&primary, patience, &bell) => ended,
            // The old primary may hang: then it says nothing, not even that nothing comes any more.
            () = moved => Ok(()),
        };
        if let Err(error) = ended {
            tracing::warn!(%error, "cannot hear of new work; looking for it every second");
        }
    }
}

/// Listens until the connection is lost. The connection has a pool to itself, which may be left waiting for a server that hangs.
async fn listen_once(primary: &Arc<Primary>, patience: Duration, bell: &Notify) -> Result<(), sqlx::Error> {
    let pool = primary.pool().max_connections(1).idle_timeout(None).max_lifetime(None).acquire_timeout(patience);
    let mut listener = PgListener::connect_with(&pool.connect_lazy_with(primary.options())).await?;
    listener.listen(CHANNEL).await?;
    ring(bell);
    while listener.try_recv().await?.is_some() {
        ring(bell);
    }
    Ok(())
}

/// Wakes all who wait, or the next who comes.
fn ring(bell: &Notify) {
    bell.notify_waiters();
    bell.notify_one();
}
