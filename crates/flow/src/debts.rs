//! What stores missed while they were away is brought to them.

use std::{sync::Arc, time::Duration};

use procession_domain::error::chain;
use tokio::sync::watch;

use crate::System;

/// How often it is looked for debts. A store that is still away costs one request each time.
const PERIOD: Duration = Duration::from_secs(5);

/// Pays what stores are owed, again and again, until `stop` says so.
pub async fn keep_paying_debts(system: Arc<System>, mut stop: watch::Receiver<bool>) {
    let mut tick = tokio::time::interval(PERIOD);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let turn = async {
            tick.tick().await;
            match system.blobs.pay_debts().await {
                Ok(0) => {}
                Ok(paid) => tracing::info!(paid, "stores have what they were owed"),
                Err(error) => tracing::warn!(error = chain(&error), "debts could not be looked up; trying again"),
            }
        };
        tokio::select! {
            () = turn => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}
