//! Whoever waits for work is told by whoever adds some.

use std::{sync::Arc, time::Duration};

use sqlx::{PgPool, postgres::PgListener};
use tokio::{
    sync::{Notify, OnceCell},
    task::AbortHandle,
};

const CHANNEL: &str = "procession_work";

/// Between attempts to reach the server again.
const PAUSE: Duration = Duration::from_secs(1);

/// Listens from the first question on.
#[derive(Debug)]
pub(super) struct Arrivals {
    pool: PgPool,
    bell: Arc<Notify>,
    listening: OnceCell<AbortHandle>,
}

impl Arrivals {
    pub(super) fn new(pool: PgPool) -> Self {
        Self { pool, bell: Arc::default(), listening: OnceCell::new() }
    }

    /// Returns when work may have come.
    pub(super) async fn next(&self) {
        let start = || async { tokio::spawn(listen(self.pool.clone(), Arc::clone(&self.bell))).abort_handle() };
        self.listening.get_or_init(start).await;
        self.bell.notified().await;
    }

    pub(super) async fn close(&self) {
        self.stop();
        self.pool.close().await;
    }

    fn stop(&self) {
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
async fn listen(pool: PgPool, bell: Arc<Notify>) {
    let mut attempts = tokio::time::interval(PAUSE);
    loop {
        attempts.tick().await;
        if let Err(error) = listen_once(&pool, &bell).await {
            tracing::warn!(%error, "cannot hear of new work; looking for it every second");
        }
    }
}

/// Listens until the connection is lost.
async fn listen_once(pool: &PgPool, bell: &Notify) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
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
