//! How fast this machine is: measured with the real binary.

use std::{path::Path, time::Instant};

use anyhow::{Context as _, Result, ensure};
use procession_domain::urgency::Urgency;
use procession_sim::{Machine, Scenario, ServiceTimes};

use crate::deployment::{Deployment, Photos, children, pause, processor_seconds};

/// So many photos of each instance are measured.
const PHOTOS_EACH: u64 = 40;
/// So many are processed beside those, while workers come and go.
const PHOTOS_BETWEEN: u64 = 16;
/// Photos that are sent at the same time.
const AT_A_TIME: usize = 2;
/// `flow::LocalFleet` looks once a second how many workers there should be: half of that on average.
const NOTICED_AFTER_SECONDS: f64 = 0.5;
/// What is begun ends within so long.
const PATIENCE_SECONDS: f64 = 180.0;

/// Measures the worker as the scenario has it: with one lane and up to so many of them.
pub(crate) async fn calibrate(scenario: &Scenario, photos: &Photos, folder: &Path) -> Result<ServiceTimes> {
    let most = scenario.scale.most_instances_in_region;
    let megapixels = scenario.galleries.first().context("the scenario lists no gallery")?.megapixels;
    let count: u64 = (1..=u64::from(most)).map(|workers| needed(workers) + PHOTOS_BETWEEN).sum();
    let (gallery, arrival) = send(scenario, photos, folder, count).await?;
    let (mut speeds, mut cores_each, mut warm_up_seconds) = (Vec::new(), 1.0, 0.0);
    for workers in 1..=most {
        let deployment = Deployment::start(folder, "api,worker,controller", scenario, (workers, workers))?;
        if workers == 2 {
            warm_up_seconds = NOTICED_AFTER_SECONDS + first_claim(&deployment).await?;
        }
        let (rate, cores) = rate(&deployment, &gallery, u64::from(workers)).await?;
        eprintln!("{workers} at work: {rate:.2} photos a second, by {cores:.2} processors");
        if workers == 1 {
            cores_each = cores;
        }
        speeds.push(rate * megapixels / f64::from(workers));
        deployment.end()?;
    }
    let first = *speeds.first().context("no worker was measured")?;
    let cores = std::thread::available_parallelism()?.get() as f64;
    Ok(ServiceTimes {
        megapixels_per_second: first,
        warm_up_seconds,
        machine: Some(Machine {
            cores,
            cores_each,
            speeds: speeds.iter().map(|speed| speed / first).collect(),
            arrival_core_seconds: arrival / megapixels,
        }),
        ..scenario.service.clone()
    })
}

/// Photos that are measured with so many at work. The first ones say little.
fn needed(workers: u64) -> u64 {
    PHOTOS_EACH.max(PHOTOS_EACH * workers * 2 / 3)
}

/// Sends photos while nobody works. Returns their gallery, and what each took of the processors in seconds, here and there.
async fn send(scenario: &Scenario, photos: &Photos, folder: &Path, count: u64) -> Result<(String, f64)> {
    let deployment = Deployment::start(folder, "api", scenario, (1, 1))?;
    let client = deployment.client();
    let gallery = client.open("Calibration", Urgency::StandardDelivery).await?;
    let spent = || anyhow::Ok(processor_seconds(deployment.id())? + processor_seconds(std::process::id())?);
    let before = spent()?;
    for first in (0..count as usize).step_by(AT_A_TIME) {
        let sent = (first..(first + AT_A_TIME).min(count as usize)).map(|number| client.send(&gallery, photos, number));
        futures::future::try_join_all(sent).await?;
    }
    // The first looks are made a little later.
    let mut seen = spent()?;
    loop {
        pause(1_000).await;
        let now = spent()?;
        if now - seen < 0.05 {
            break;
        }
        seen = now;
    }
    let each = (seen - before) / count as f64;
    deployment.end()?;
    Ok((gallery, each))
}

/// Seconds from a worker's start until it holds photos.
async fn first_claim(deployment: &Deployment) -> Result<f64> {
    let begun = Instant::now();
    let in_time = |what: &str| {
        ensure!(begun.elapsed().as_secs_f64() < PATIENCE_SECONDS, "{what}");
        Ok(())
    };
    let child = loop {
        if let Some(child) = children(deployment.id()).first() {
            break *child;
        }
        in_time("no worker was started")?;
        pause(10).await;
    };
    let (started, mark) = (Instant::now(), format!("-{child}-"));
    loop {
        let (_, _, seen) = deployment.client().look().await?;
        let workers = seen["workers"].as_array().context("no workers")?;
        let is_it = |of: &&serde_json::Value| of["worker"].as_str().is_some_and(|name| name.contains(&mark));
        if workers.iter().find(is_it).is_some_and(|of| of["held"].as_u64() > Some(0)) {
            return Ok(started.elapsed().as_secs_f64());
        }
        in_time("a worker claims nothing")?;
        pause(20).await;
    }
}

/// Photos that are finished in a second, with so many at work, and the processors that this takes.
async fn rate(deployment: &Deployment, gallery: &str, workers: u64) -> Result<(f64, f64)> {
    let (begun, client) = (Instant::now(), deployment.client());
    while client.look().await?.1 < workers {
        ensure!(begun.elapsed().as_secs_f64() < PATIENCE_SECONDS, "{workers} workers are not there");
        pause(50).await;
    }
    let at_first = client.done(gallery).await?;
    // Each has finished two before it counts.
    let spent = || {
        let all = [vec![deployment.id()], children(deployment.id())].concat();
        all.into_iter().map(processor_seconds).sum::<Result<f64>>()
    };
    let (mut from, mut last): (Option<(u64, Instant, f64)>, u64) = (None, at_first);
    loop {
        pause(40).await;
        let (done, now) = (client.done(gallery).await?, Instant::now());
        if done > last {
            last = done;
            match from {
                None if done >= at_first + 2 * workers => from = Some((done, now, spent()?)),
                Some((first, since, before)) if done >= first + needed(workers) => {
                    let seconds = now.duration_since(since).as_secs_f64();
                    return Ok(((done - first) as f64 / seconds, (spent()? - before) / seconds));
                }
                _ => {}
            }
        }
        ensure!(begun.elapsed().as_secs_f64() < PATIENCE_SECONDS, "{done} photos are finished, and no more");
    }
}
