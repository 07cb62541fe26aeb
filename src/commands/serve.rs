//! `procession serve`: the whole system in one process, or one of its roles.

use std::{
    fs, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::Path, process::ExitCode, sync::Arc, time::Duration,
};

use anyhow::Context as _;
use procession_domain::{Clock, StudioId, error::chain};
use procession_flow::{
    LocalFleet, System, SystemClock, Worker, keep_deleting_removed, keep_paying_debts,
    registry::{deregister, keep_registered},
    settle_staged,
};
use procession_web::{
    Service,
    access::{ApiKey, Scope, create_key},
    keep_deciding, keep_sweeping_answers, probes, router, tend_uploads,
};
use serde_json::json;
use tokio::{net::TcpListener, signal::unix, sync::watch};

use super::{print, say};
use crate::{
    cli::{Global, Serve},
    config::{Config, Environment, Flags, load},
    machine, wiring,
};

/// After a fault of the machine the workers wait so long before they try again.
const PAUSE: Duration = Duration::from_secs(5);

/// What the arguments mean.
pub(super) fn configure(args: &Serve, global: &Global) -> anyhow::Result<Config> {
    let flags = Flags {
        data: global.data.clone(),
        stores: args.stores.stores.clone(),
        threads: args.resources.threads,
        memory: args.resources.memory,
        listen: args.listen,
        public_url: args.public_url.clone(),
        roles: args.roles,
    };
    let mut config = load(global.config.as_deref(), &Environment::of_this_process(), &flags)?;
    if starts_others(args, &config) {
        config.share_machine(config.local_workers);
    }
    Ok(config)
}

/// Serves until it is told to stop, by SIGTERM or Ctrl-C; then ends what it has begun.
pub(super) async fn run(args: &Serve, config: &Config, global: &Global) -> anyhow::Result<ExitCode> {
    // Nobody is answered yet: what is to be done for uploads does not get ahead of those who ask.
    let system = Arc::new(system(config).await?);
    let (stop, stopping) = watch::channel(false);
    let service = Service::open(Arc::clone(&system), config.service_settings(), stopping.clone());
    let service = service.await.map_err(failed)?;
    let roles = config.service.roles;
    let key = match roles.api {
        true => {
            settle_staged(&system, &service.events).await?;
            first_key(&service, &config.data.join("admin.key")).await?
        }
        false => None,
    };
    let listener = TcpListener::bind(config.service.listen)
        .await
        .with_context(|| format!("cannot listen on {}; choose another address with --listen", config.service.listen))?;
    let scaler =
        match config.service.scaler_listen.filter(|_| roles.controller) {
            Some(address) => Some(TcpListener::bind(address).await.with_context(|| {
                format!("cannot listen on {address}; choose another address as service.scaler_listen")
            })?),
            None => None,
        };
    let watch = procession_web::watch(&service);
    let worker = Arc::new(Worker::new(Arc::clone(&system), None, service.events.clone()));
    let working = (Arc::clone(&service), Arc::clone(&worker), stopping.clone());
    let work = tokio::spawn(async move {
        if roles.worker {
            work(working.0, working.1, working.2).await;
        }
    });
    if roles.api {
        tokio::spawn(tend_uploads(Arc::clone(&service)));
    }
    if roles.controller {
        tokio::spawn(keep_sweeping_answers(Arc::clone(&service)));
        tokio::spawn(keep_deleting_removed(Arc::clone(&system), stopping.clone()));
        tokio::spawn(keep_paying_debts(Arc::clone(&system), stopping.clone()));
    }
    let fleet = starts_others(args, config).then(|| {
        let program = worker_program(args, config, global)?;
        let fleet = LocalFleet::new(Arc::clone(&system), program, config.local_workers, 1);
        anyhow::Ok(tokio::spawn(fleet.keep(stopping.clone())))
    });
    let fleet = fleet.transpose()?;
    let decisions = roles.controller.then(|| tokio::spawn(keep_deciding(Arc::clone(&service))));
    let (drain, asked) = (config.connections().drain, stopping.clone());
    let scaler = scaler.map(|listener| tokio::spawn(procession_scaler::serve(listener, system, drain, asked)));
    let router = match roles.api {
        true => router(Arc::clone(&service)),
        false => probes(Arc::clone(&service)),
    };
    let connections = config.connections();
    announce(&format!("http://{}", listener.local_addr()?), key.as_deref(), global)?;
    let server = tokio::spawn(procession_web::serve(listener, router, service, connections, stopping));
    told_to_stop(args.until_stdin_ends).await?;
    stop.send_replace(true);
    let (served, worked) = tokio::join!(server, tokio::time::timeout(connections.drain, work));
    served?;
    if worked.is_err() {
        tracing::warn!("photos in work did not end in time; whoever comes next takes them up");
        worker.give_back().await?;
    }
    watch.await?;
    for task in [decisions, fleet, scaler].into_iter().flatten() {
        task.await?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What it serves. Work in bulk gives way to whoever asks, from the beginning.
async fn system(config: &Config) -> anyhow::Result<System> {
    procession_vault::bulk::give_way(config.niceness).context("no thread for work in bulk")?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    wiring::system(config, clock, wiring::Absence::IsOwed).await
}

/// Whether this process starts further workers beside its own. Those that it starts start none.
fn starts_others(args: &Serve, config: &Config) -> bool {
    config.service.roles.worker && config.local_workers > 1 && !args.until_stdin_ends
}

/// What starts another worker like that of this process.
fn worker_program(args: &Serve, config: &Config, global: &Global) -> anyhow::Result<Vec<String>> {
    let own = std::env::current_exe().context("the program of this process is not known")?;
    let mut program: Vec<String> = vec![own.display().to_string(), "serve".to_owned(), "--quiet".to_owned()];
    let mut add = |name: &str, value: String| program.extend([name.to_owned(), value]);
    add("--roles", "worker".to_owned());
    add("--listen", "127.0.0.1:0".to_owned());
    add("--threads", config.threads().to_string());
    add("--memory", config.memory.of(machine::memory_bytes()).to_string());
    add("--data", config.data.display().to_string());
    if let Some(file) = &global.config {
        add("--config", file.display().to_string());
    }
    for store in &args.stores.stores {
        add("--store", store.display().to_string());
    }
    program.push("--until-stdin-ends".to_owned());
    Ok(program)
}

/// The worker of this process, from its registration to its end, through all that passes by itself: a full disk, a store that
/// is away.
async fn work(service: Arc<Service>, worker: Arc<Worker>, drain: watch::Receiver<bool>) {
    let Service { system, live, .. } = &*service;
    live.observer.watches(worker.id());
    let registered =
        keep_registered(Arc::clone(system), worker.id().clone(), Arc::clone(&live.observer), drain.clone());
    let registered = tokio::spawn(registered);
    let mut stop = drain.clone();
    while let Err(error) = worker.serve(drain.clone()).await {
        live.pause(system.clock.now(), &error);
        tracing::error!(error = chain(&error), "the workers pause; they try again in {} s", PAUSE.as_secs());
        let paused = tokio::time::timeout(PAUSE, stop.wait_for(|stop| *stop));
        if paused.await.is_ok() {
            break;
        }
    }
    registered.abort();
    if let Err(error) = deregister(system, worker.id()).await {
        tracing::warn!(error = chain(&error), "the worker could not say that it is gone; it will be missed");
    }
}

/// Makes the key of whoever starts the service for the first time, and keeps it where only they can read it. None if it is not
/// here though there are keys: another process made it, or it was taken away.
async fn first_key(service: &Service, path: &Path) -> anyhow::Result<Option<String>> {
    if let Ok(key) = fs::read_to_string(path) {
        return Ok(Some(key.trim().to_owned()));
    }
    let keys = service.documents.list::<ApiKey>(&StudioId::local().to_string(), None, 1).await?;
    if !keys.is_empty() {
        return Ok(None);
    }
    let now = service.system.clock.now();
    let made = create_key(&service.documents, StudioId::local(), "first key of this installation", Scope::ALL, now);
    let (_, token) = made.await.map_err(failed)?;
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(token.to_string().as_bytes()).and_then(|()| file.sync_all())?;
    Ok(Some(token.to_string()))
}

fn announce(url: &str, key: Option<&str>, global: &Global) -> anyhow::Result<()> {
    if global.json {
        return Ok(print(&json!({ "event": "listening", "url": url, "key": key }))?);
    }
    if global.quiet {
        return Ok(());
    }
    say(&format!("Listening on {url}"))?;
    if let Some(key) = key {
        // What stands behind `#` is not sent to any server and is in no log.
        say(&format!("  Open this in a browser: {url}/enter#{key}"))?;
    }
    Ok(())
}

async fn told_to_stop(until_stdin_ends: bool) -> anyhow::Result<()> {
    let mut terminate = unix::signal(unix::SignalKind::terminate())?;
    // A thread of its own: a read of standard input cannot be given up, and nothing waits for this one.
    let (ended, stdin_ended) = tokio::sync::oneshot::channel();
    if until_stdin_ends {
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            let _ = ended.send(());
        });
    }
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
        Ok(()) = stdin_ended => {}
    }
    Ok(())
}

fn failed(procession_web::Problem { detail, .. }: procession_web::Problem) -> anyhow::Error {
    anyhow::anyhow!("the service cannot start: {detail}")
}
