//! What happened becomes deliveries.

use std::collections::HashSet;

use procession_domain::{
    Classified, GalleryId, Kind,
    gallery::Gallery,
    photo::{Failure, PhotoState},
};
use procession_flow::{Event, Told};
use serde_json::json;

use super::{Delivery, Topic, Webhook, of_studio};
use crate::{Dated, Problem, Result, Service};

/// Deliveries of a webhook, and photos of a gallery, that are read at a time.
const PAGE: usize = 1_000;

/// Writes down what is to be told of an event, for each webhook that wants to know.
pub(crate) async fn record(service: &Service, dated: &Dated) -> Result<()> {
    let Some(topic) = Topic::of(&dated.told.event) else { return Ok(()) };
    let Some(gallery) = find(service, dated.told.gallery).await? else { return Ok(()) };
    for webhook in wanting(service, &gallery, &[topic]).await? {
        create(service, &webhook, topic, dated).await?;
    }
    Ok(())
}

/// Writes down what may have been missed of a gallery in which something was going on when this process, or the one before it,
/// could not listen: of the files that were refused and the photos that cannot be processed, those that no delivery is about.
pub(crate) async fn catch_up(service: &Service, gallery: GalleryId) -> Result<()> {
    let Some(gallery) = find(service, gallery).await? else { return Ok(()) };
    let webhooks = wanting(service, &gallery, &[Topic::PhotoQuarantined, Topic::FileRefused]).await?;
    if webhooks.is_empty() {
        return Ok(());
    }
    let events = failures(service, gallery.id).await?;
    let now = service.system.clock.now();
    for webhook in webhooks {
        let known = known(service, &webhook.id).await?;
        for event in &events {
            let told = Told { gallery: gallery.id, event: event.clone() };
            let Some(topic) = Topic::of(event).filter(|topic| webhook.topics.contains(topic)) else { continue };
            if !known.contains(&(topic, subject(&told))) {
                create(service, &webhook, topic, &Dated { at: now, told }).await?;
            }
        }
    }
    Ok(())
}

async fn find(service: &Service, gallery: GalleryId) -> Result<Option<Gallery>> {
    match service.system.ledger.gallery(gallery).await {
        Ok((gallery, _)) => Ok(Some(gallery)),
        Err(error) if error.kind() == Kind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The webhooks of a gallery's studio that want to know of one of these.
async fn wanting(service: &Service, gallery: &Gallery, topics: &[Topic]) -> Result<Vec<Webhook>> {
    let webhooks = of_studio(service, gallery.studio).await?.into_iter();
    let wants = |webhook: &Webhook| topics.iter().any(|topic| webhook.topics.contains(topic));
    Ok(webhooks.filter(|webhook| webhook.gone_at.is_none() && wants(webhook)).collect())
}

async fn create(service: &Service, webhook: &Webhook, topic: Topic, dated: &Dated) -> Result<()> {
    let body = json!({ "type": topic, "timestamp": dated.at, "data": dated.told }).to_string();
    let (subject, now) = (subject(&dated.told), service.system.clock.now());
    let delivery = Delivery::new(&webhook.id, topic, subject, body, dated.at, now)?;
    service.documents.create(&delivery).await?;
    service.webhooks.wake.notify_one();
    Ok(())
}

/// What a message is about, within its topic.
fn subject(told: &Told) -> String {
    match &told.event {
        Event::PhotoQuarantined { photo, .. } => photo.to_string(),
        Event::FileRefused { name, .. } => format!("{} {name}", told.gallery),
        _ => told.gallery.to_string(),
    }
}

/// What went wrong in a gallery, as events.
async fn failures(service: &Service, gallery: GalleryId) -> Result<Vec<Event>> {
    let ledger = &service.system.ledger;
    let refused = ledger.refusals(gallery).await?.into_iter();
    let mut events: Vec<Event> =
        refused.map(|refusal| Event::FileRefused { name: refusal.name, failure: refusal.failure }).collect();
    let mut after = None;
    loop {
        let page = ledger.photos_page(gallery, after, PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(events) };
        after = Some(last.id);
        events.extend(page.into_iter().filter_map(|(photo, state)| match state {
            PhotoState::Quarantined(failure) => Some(quarantined(&photo, failure)),
            _ => None,
        }));
    }
}

fn quarantined(photo: &procession_domain::photo::Photo, failure: Failure) -> Event {
    Event::PhotoQuarantined { photo: photo.id, name: photo.name().to_owned(), failure }
}

/// What the deliveries of a webhook are about.
async fn known(service: &Service, webhook: &str) -> Result<HashSet<(Topic, String)>, Problem> {
    let (mut known, mut after) = (HashSet::new(), None::<String>);
    loop {
        let page = service.documents.list::<Delivery>(webhook, after.as_deref(), PAGE).await?;
        let Some(last) = page.last() else { return Ok(known) };
        after = Some(last.document.id.clone());
        known.extend(page.into_iter().map(|found| (found.document.topic, found.document.subject)));
    }
}
