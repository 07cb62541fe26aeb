//! The fleet of one machine: worker processes that are started and let go as the controller decides.

use std::{process::Stdio, sync::Arc, time::Duration};

use procession_domain::error::chain;
use tokio::{
    process::{Child, Command},
    sync::watch,
};

use crate::{
    Result, System,
    capacity::{self, FleetName},
};

/// How often it is looked how many workers there should be.
const PERIOD: Duration = Duration::from_secs(1);

/// The workers that this process starts.
///
/// - A worker is let go by SIGTERM: it ends what it holds, or gives it back, before it ends. Whoever holds least goes first.
/// - A worker that ended without being told to is replaced.
/// - Each worker's standard input is a pipe from this process. It ends with it, so that none is left behind.
pub struct LocalFleet {
    system: Arc<System>,
    /// What starts a worker.
    program: Vec<String>,
    /// So many workers at most, with that of this process.
    most: u32,
    /// Workers of the fleet that this process is itself: one or none.
    own: u32,
    workers: Vec<Child>,
    leaving: Vec<Child>,
}

impl LocalFleet {
    /// A fleet of up to `most` workers, `own` of which is this process itself. `program` and its arguments start one that works until
    /// its standard input or SIGTERM ends it.
    pub fn new(system: Arc<System>, program: Vec<String>, most: u32, own: u32) -> Self {
        Self { system, program, most, own, workers: Vec::new(), leaving: Vec::new() }
    }

    /// Has as many workers as the controller decides until `stop` says so; then lets all go and waits for their end.
    pub async fn keep(mut self, mut stop: watch::Receiver<bool>) {
        let mut tick = tokio::time::interval(PERIOD);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let settings = &self.system.settings;
        let device = self.system.device.info().kind.clone();
        let name = FleetName { region: settings.region.clone(), device, stages: settings.stages };
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                _ = stop.wait_for(|stop| *stop) => break,
            }
            if let Err(error) = self.follow(&name).await {
                tracing::warn!(error = chain(&error), "the fleet stays as it is; trying again");
            }
        }
        let all = self.workers.len();
        self.let_go(all, &[]);
        for mut worker in self.leaving {
            if let Err(error) = worker.wait().await {
                tracing::warn!(%error, "a worker's end could not be awaited");
            }
        }
    }

    async fn follow(&mut self, name: &FleetName) -> Result<()> {
        self.reap();
        capacity::enrol(&self.system, name, Some(self.most)).await?;
        let Some(decided) = capacity::capacity(&self.system, name).await? else { return Ok(()) };
        let wanted = decided.desired.saturating_sub(self.own) as usize;
        for _ in self.workers.len()..wanted {
            self.start()?;
        }
        if self.workers.len() > wanted {
            let held = self.system.ledger.workers_held().await?;
            // A worker's name has the id of its process in it.
            let held = |id: u32| {
                let mark = format!("-{id}-");
                held.iter().filter(|holder| holder.worker.0.contains(&mark)).map(|holder| holder.jobs).sum::<u64>()
            };
            let loads: Vec<u64> = self.workers.iter().map(|worker| worker.id().map_or(0, held)).collect();
            self.let_go(self.workers.len() - wanted, &loads);
        }
        Ok(())
    }

    fn start(&mut self) -> Result<()> {
        let (program, arguments) =
            self.program.split_first().ok_or_else(|| crate::Error::Bug("no program".to_owned()))?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null());
        let worker = command.spawn().map_err(|error| crate::Error::file(program, "start", error))?;
        tracing::info!(worker.process = worker.id(), "a worker is started");
        self.workers.push(worker);
        Ok(())
    }

    /// Tells so many to end, those with the least load first; of equals, the youngest.
    fn let_go(&mut self, number: usize, loads: &[u64]) {
        let load = |index: usize| loads.get(index).copied().unwrap_or(0);
        let mut order: Vec<usize> = (0..self.workers.len()).collect();
        order.sort_by_key(|index| (load(*index), usize::MAX - index));
        let mut leaving: Vec<usize> = order.into_iter().take(number).collect();
        leaving.sort_unstable();
        for index in leaving.into_iter().rev() {
            let worker = self.workers.remove(index);
            let id = worker.id().and_then(|id| rustix::process::Pid::from_raw(i32::try_from(id).ok()?));
            if let Some(id) = id {
                tracing::info!(worker.process = worker.id(), "a worker is let go");
                if let Err(error) = rustix::process::kill_process(id, rustix::process::Signal::TERM) {
                    tracing::warn!(%error, "a worker could not be told to end; it ends with its standard input");
                }
            }
            self.leaving.push(worker);
        }
    }

    /// Forgets those that ended.
    fn reap(&mut self) {
        self.leaving.retain_mut(|worker| !matches!(worker.try_wait(), Ok(Some(_))));
        self.workers.retain_mut(|worker| match worker.try_wait() {
            Ok(Some(status)) => {
                tracing::warn!(%status, "a worker ended without being told to");
                false
            }
            _ => true,
        });
    }
}
