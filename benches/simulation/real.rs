//! The scenario, as it really goes.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use procession_domain::urgency::Urgency;
use procession_sim::{Ended, Listed, Scenario, Witness, stretches};
use tokio::task::JoinSet;

use crate::deployment::{Client, Deployment, Photos, children, pause};

/// Photos that are done before it begins, so that the first worker has loaded what it needs.
const BEFOREHAND: usize = 4;
/// How often it is looked.
const LOOK: Duration = Duration::from_millis(200);

/// Sends the scenario's galleries to a real deployment, and says what came of it.
pub(crate) async fn run(scenario: &Scenario, photos: &Photos, folder: &Path) -> Result<Witness> {
    let most = scenario.scale.most_instances_in_region;
    let instances = (scenario.scale.base_instances, most);
    let deployment = Deployment::start(folder, "api,worker,controller", scenario, instances)?;
    let client = deployment.client().clone();
    let photos = Arc::new(Photos::clone(photos));
    let before = client.open("Beforehand", Urgency::StandardDelivery).await?;
    for number in 0..BEFOREHAND {
        client.send(&before, &photos, 90_000_000 + number).await?;
    }
    while client.done(&before).await? < BEFOREHAND as u64 {
        pause(100).await;
    }
    pause(2_000).await;
    let begun = Instant::now();
    let mut galleries: JoinSet<Result<(usize, Ended)>> = JoinSet::new();
    for (number, listed) in scenario.galleries.iter().cloned().enumerate() {
        let (client, photos) = (client.clone(), Arc::clone(&photos));
        galleries.spawn(async move { Ok((number, gallery(&client, &photos, &listed, number, begun).await?)) });
    }
    let ends = scenario.ends_at().since(scenario.begins_at());
    let (mut seen, mut peak, mut instance_seconds) = (Vec::new(), 0, 0.0);
    let mut looked = begun;
    while begun.elapsed() < ends {
        let instances = 1 + children(deployment.id()).len();
        let now = Instant::now();
        instance_seconds += instances as f64 * now.duration_since(looked).as_secs_f64();
        looked = now;
        seen.push((begun.elapsed().as_secs_f64(), instances as f64));
        let (waiting, _, operations) = client.look().await?;
        peak = peak.max(waiting);
        trace(begun, instances, waiting, &operations);
        tokio::time::sleep(LOOK).await;
    }
    let mut ended = vec![Ended::default(); scenario.galleries.len()];
    while let Some(gallery) = galleries.try_join_next() {
        let (number, of) = gallery.context("a photographer gave up")??;
        ended[number] = of;
    }
    ensure!(galleries.is_empty(), "{} galleries are not finished in time", galleries.len());
    deployment.end()?;
    let megapixels = scenario.galleries.iter().map(|listed| f64::from(listed.photos) * listed.megapixels).sum();
    Ok(Witness {
        galleries: ended,
        instance_seconds,
        peak_waiting_photos: peak,
        megapixels,
        instances: stretches(seen),
    })
}

/// A photographer: opens a gallery, sends each photo when it is due, and waits for the end.
async fn gallery(
    client: &Client,
    photos: &Arc<Photos>,
    listed: &Listed,
    number: usize,
    begun: Instant,
) -> Result<Ended> {
    let due = |seconds: f64| tokio::time::Instant::from_std(begun + Duration::from_secs_f64(seconds));
    tokio::time::sleep_until(due(listed.at_seconds)).await;
    let id = Arc::new(client.open(&listed.name, listed.urgency).await?);
    let apart = listed.upload_seconds / f64::from(listed.photos);
    let mut sent: JoinSet<Result<()>> = JoinSet::new();
    for photo in 0..listed.photos {
        tokio::time::sleep_until(due(listed.at_seconds + apart * f64::from(photo + 1))).await;
        let (client, photos, id) = (client.clone(), Arc::clone(photos), Arc::clone(&id));
        sent.spawn(async move { client.send(&id, &photos, number * 1_000_000 + photo as usize).await });
    }
    while let Some(one) = sent.join_next().await {
        one??;
    }
    let arrived_seconds = begun.elapsed().as_secs_f64();
    while client.done(&id).await? < u64::from(listed.photos) {
        tokio::time::sleep(LOOK).await;
    }
    let finished_seconds = begun.elapsed().as_secs_f64();
    eprintln!("{}: arrived by {arrived_seconds:.1} s, finished by {finished_seconds:.1} s", listed.name);
    Ok(Ended { arrived_seconds, finished_seconds })
}

/// What the controller decided, for whoever looks for a difference: with PROCESSION_TRACE set.
fn trace(begun: Instant, instances: usize, waiting: u64, operations: &serde_json::Value) {
    if std::env::var_os("PROCESSION_TRACE").is_some() {
        let fleet = &operations["fleets"][0];
        let at = begun.elapsed().as_secs_f64();
        eprintln!("{at:6.1} s: {instances} there, {waiting} wait; {} {}", fleet["desired"], fleet["reason"]);
    }
}
