//! Deliveries are sent: each as soon as it is due, again after longer and longer waits, until it is taken or given up.
//!
//! A receiver that fails rests: while it does, nothing else is sent to it, and others do not wait for it.

use std::{
    collections::HashMap,
    sync::{Arc, MutexGuard, PoisonError},
    time::Duration,
};

use procession_domain::{Classified, Kind, Timestamp, error::chain};
use procession_flow::{Retry, retry};
use procession_vault::Versioned;
use reqwest::{Client, redirect::Policy};
use tokio::task::JoinSet;

use super::{
    Attempt, Delivery, DeliveryState, Webhook,
    address::{Forbidden, Resolver, check_url},
    sign::signature,
};
use crate::{Problem, Result, Service};

/// Requests at the same time.
const CONCURRENT: usize = 32;
/// A receiver has so long to connect and answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// A delivery that is being sent belongs to this process for so long. If it dies, another sends it after that.
const CLAIM: Duration = Duration::from_secs(30);
/// Without a ring, it is looked for due deliveries so often.
const TICK: Duration = Duration::from_secs(1);
/// What is older is given up at its next failure, however few attempts it had while its receiver rested.
const OLDEST: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// What has ended is shown for so long.
const SHOWN: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Sends what is due until the service stops; then ends what it has begun.
pub(crate) async fn deliver(service: Arc<Service>) {
    let client = match client(service.settings.private_webhooks) {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(%error, "webhooks cannot be called: there is no HTTP client");
            return;
        }
    };
    let (mut stopping, mut sending) = (service.stopping.clone(), JoinSet::new());
    while !*stopping.borrow() {
        if let Err(problem) = send_due(&service, &client, &mut sending).await {
            tracing::warn!(error = problem.detail, "webhooks that are due could not be read");
        }
        tokio::select! {
            _ = sending.join_next(), if !sending.is_empty() => {}
            () = service.webhooks.wake.notified(), if sending.len() < CONCURRENT => {}
            _ = tokio::time::timeout(TICK, std::future::pending::<()>()), if sending.len() < CONCURRENT => {}
            _ = stopping.wait_for(|stopping| *stopping) => {}
        }
    }
    while sending.join_next().await.is_some() {}
}

/// Nobody stands between: a proxy of the environment would resolve names by itself.
fn client(private: bool) -> reqwest::Result<Client> {
    Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .timeout(PATIENCE)
        .dns_resolver(Arc::new(Resolver { private }))
        .user_agent(concat!("Procession-Webhooks/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Claims what is due, and sends it in tasks of its own.
async fn send_due(service: &Arc<Service>, client: &Client, sending: &mut JoinSet<()>) -> Result<()> {
    let free = CONCURRENT.saturating_sub(sending.len());
    let now = service.system.clock.now();
    for Versioned { version, mut document } in service.documents.due::<Delivery>(now, free).await? {
        if document.state != DeliveryState::Pending {
            service.documents.delete::<Delivery>(&document.id).await?;
            continue;
        }
        let is_old = now.since(document.created_at) > OLDEST;
        let rest = service.webhooks.rest(&document.webhook, now).filter(|_| !is_old);
        document.due_at = rest.unwrap_or(now.after(CLAIM));
        let version = match service.documents.replace(&document, version).await {
            Ok(version) => version,
            // Another process has it, or it is gone with its webhook.
            Err(error) if matches!(error.kind(), Kind::Conflict | Kind::NotFound) => continue,
            Err(error) => return Err(error.into()),
        };
        if rest.is_none() {
            let (service, client) = (Arc::clone(service), client.clone());
            sending.spawn(async move {
                if let Err(problem) = send(&service, &client, document, version).await {
                    tracing::warn!(
                        error = problem.detail,
                        "what came of a webhook could not be noted; it is sent again"
                    );
                }
            });
        }
    }
    Ok(())
}

/// Sends one, and notes what came of it.
async fn send(service: &Service, client: &Client, mut delivery: Delivery, version: i64) -> Result<()> {
    let Some(found) = service.documents.get::<Webhook>(&delivery.webhook).await? else {
        service.documents.delete::<Delivery>(&delivery.id).await?;
        return Ok(());
    };
    let clock = &service.system.clock;
    let began = clock.now();
    let (status, error) = match request(service, client, &found.document, &delivery, began).await {
        Ok(status) => (Some(status), None),
        Err(why) => (None, Some(why)),
    };
    let now = clock.now();
    let duration_ms = u64::try_from(now.since(began).as_millis()).unwrap_or(u64::MAX);
    let attempt = Attempt { at: began, status, error, duration_ms };
    let policy = &service.settings.webhook_retry;
    let next = match retry(Kind::Unavailable, delivery.attempts, policy) {
        _ if attempt.is_success() || attempt.is_goodbye() => None,
        Retry::After(wait, _) if now.since(delivery.created_at) < OLDEST => Some(now.after(wait)),
        Retry::After(..) | Retry::Never(_) => None,
    };
    (delivery.state, delivery.due_at) = match next {
        Some(next) => (DeliveryState::Pending, next),
        None if attempt.is_success() => (DeliveryState::Delivered, now.after(SHOWN)),
        None => (DeliveryState::Failed, now.after(SHOWN)),
    };
    let outcome = match delivery.state {
        DeliveryState::Pending => "repeated",
        DeliveryState::Delivered => "delivered",
        DeliveryState::Failed => "failed",
    };
    service.live.metrics.delivered(outcome);
    service.webhooks.note(&delivery.webhook, attempt.is_success(), |failures| {
        match retry(Kind::Unavailable, failures, policy) {
            Retry::After(wait, _) => now.after(wait),
            Retry::Never(_) => now.after(Duration::from_secs(policy.longest_wait_seconds.into())),
        }
    });
    if attempt.is_goodbye() {
        let gone = Webhook { gone_at: Some(now), ..found.document };
        service.documents.replace(&gone, found.version).await?;
    }
    delivery.note(attempt);
    match service.documents.replace(&delivery, version).await {
        // It is gone with its webhook, or another process thought that this one had died.
        Err(error) if matches!(error.kind(), Kind::Conflict | Kind::NotFound) => Ok(()),
        other => other.map(|_| ()).map_err(Problem::from),
    }
}

/// Makes the request. What goes wrong is told in words that say nothing of the network that this stands in.
async fn request(
    service: &Service,
    client: &Client,
    webhook: &Webhook,
    delivery: &Delivery,
    now: Timestamp,
) -> Result<u16, String> {
    if webhook.gone_at.is_some() {
        return Err("the receiver said that it is gone".to_owned());
    }
    // The rules may have changed since the webhook was made.
    let url = check_url(&webhook.url, service.settings.private_webhooks)?;
    let seconds = now.micros().div_euclid(1_000_000);
    let signature = signature(&webhook.secret, &delivery.id, seconds, &delivery.body).ok_or("the secret is damaged")?;
    let request = client
        .post(url)
        .header("content-type", "application/json")
        .header("webhook-id", &delivery.id)
        .header("webhook-timestamp", seconds)
        .header("webhook-signature", signature)
        .body(delivery.body.clone());
    match request.send().await {
        // Its body is of no interest, and may have no end.
        Ok(response) => Ok(response.status().as_u16()),
        Err(error) => Err(words(&error)),
    }
}

fn words(error: &reqwest::Error) -> String {
    // The cause is wrapped on its way up until only its words are left.
    match () {
        () if chain(error).ends_with(&Forbidden.to_string()) => Forbidden.to_string(),
        () if error.is_timeout() => format!("no answer within {} s", PATIENCE.as_secs()),
        () if error.is_connect() => "no connection".to_owned(),
        () => "the connection ended without an answer".to_owned(),
    }
}

impl super::Webhooks {
    /// Until when a receiver is left alone, if it is. Whoever finds that its rest is over sends the one request by which it is
    /// tried again.
    fn rest(&self, webhook: &str, now: Timestamp) -> Option<Timestamp> {
        let mut resting = self.resting();
        let (_, until) = resting.get_mut(webhook)?;
        if *until > now {
            return Some(*until);
        }
        *until = now.after(CLAIM);
        None
    }

    /// Notes what came of a request to a receiver. `until` is told how often it had failed in a row.
    fn note(&self, webhook: &str, is_success: bool, until: impl Fn(u32) -> Timestamp) {
        let mut resting = self.resting();
        if is_success {
            resting.remove(webhook);
        } else {
            let failures = resting.get(webhook).map_or(0, |(failures, _)| *failures);
            resting.insert(webhook.to_owned(), (failures.saturating_add(1), until(failures)));
        }
    }

    fn resting(&self) -> MutexGuard<'_, HashMap<String, (u32, Timestamp)>> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Webhooks, *};

    #[test]
    fn a_receiver_that_fails_rests_longer_each_time_and_is_tried_by_one_request() {
        let webhooks = Webhooks::default();
        let at = |seconds: u64| Timestamp::from_micros(0).after(Duration::from_secs(seconds));
        let fail = |now: u64| webhooks.note("a", false, |failures| at(now + 60 * (1 << failures)));
        assert_eq!(webhooks.rest("a", at(0)), None);
        fail(0);
        assert_eq!(webhooks.rest("a", at(59)), Some(at(60)));
        assert_eq!(webhooks.rest("b", at(59)), None);
        assert_eq!(webhooks.rest("a", at(60)), None, "one request tries it again");
        assert_eq!(webhooks.rest("a", at(60)), Some(at(90)), "and the others wait for what comes of it");
        fail(60);
        assert_eq!(webhooks.rest("a", at(61)), Some(at(180)));
        webhooks.note("a", true, |_| at(0));
        assert_eq!(webhooks.rest("a", at(61)), None);
    }
}
