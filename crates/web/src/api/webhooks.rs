//! A studio's webhooks, and what became of what they were to tell.

use std::{collections::BTreeSet, sync::Arc};

use axum::{Extension, extract::State, http::StatusCode};
use procession_domain::Timestamp;
use procession_vault::{Decision, Expect, Turn};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Json, Keeping, Page, Paging, Path, Query};
use crate::{
    Problem, Result, Service,
    access::{Caller, Scope},
    webhook::{Attempt, Delivery, DeliveryState, MOST, Topic, Webhook, check_url, of_studio},
};

/// A webhook without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WebhookView {
    /// 24 hex digits.
    id: String,
    /// Where it is told.
    url: String,
    /// What is told.
    #[schema(value_type = Vec<Topic>)]
    events: BTreeSet<Topic>,
    /// When it was made (RFC 3339).
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When the receiver answered 410 (RFC 3339). Nothing is told from then on.
    #[schema(value_type = Option<String>, format = DateTime)]
    gone_at: Option<Timestamp>,
}

/// A webhook that was just made.
#[derive(Serialize, ToSchema)]
pub(crate) struct MadeWebhook {
    /// The webhook.
    #[serde(flatten)]
    webhook: WebhookView,
    /// What its requests are signed with: `whsec_…`. It is shown now and never again.
    secret: String,
}

/// A webhook to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewWebhook {
    /// Where it is to be told: an address on the public internet, with `https`.
    #[schema(max_length = 2000, example = "https://example.com/hooks/procession")]
    url: String,
    /// What is to be told; everything unless it is given.
    #[schema(value_type = Option<Vec<Topic>>, min_items = 1)]
    events: Option<BTreeSet<Topic>>,
}

/// Something that was to be told.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryView {
    /// The `webhook-id` of its requests.
    id: String,
    /// What it is about.
    event: Topic,
    /// When that happened (RFC 3339).
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// How far it is.
    state: DeliveryState,
    /// How many requests were made.
    attempts: u32,
    /// The last ten of them, the latest first.
    latest: Vec<Attempt>,
    /// When the next one is made (RFC 3339).
    #[schema(value_type = Option<String>, format = DateTime)]
    next_attempt_at: Option<Timestamp>,
    /// The body of these requests.
    body: String,
}

/// Which webhook.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OfWebhook {
    /// The webhook's id.
    #[param(pattern = "^[0-9a-f]{24}$")]
    webhook: String,
}

impl From<Webhook> for WebhookView {
    fn from(webhook: Webhook) -> Self {
        let Webhook { id, url, topics, created_at, gone_at, .. } = webhook;
        Self { id, url, events: topics, created_at, gone_at }
    }
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        let Delivery { id, topic, created_at, state, attempts, latest, due_at, body, .. } = delivery;
        let next_attempt_at = (state == DeliveryState::Pending).then_some(due_at);
        Self { id, event: topic, created_at, state, attempts, latest, next_attempt_at, body }
    }
}

/// The webhooks of the studio by id.
#[utoipa::path(get, path = "/api/v1/webhooks", operation_id = "list_webhooks", tag = "webhooks", params(Paging),
    responses((status = 200, body = Page<WebhookView>), Problem))]
pub(crate) async fn list(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<WebhookView>>> {
    caller.require(Scope::Admin)?;
    let limit = paging.limit()?;
    let after: Option<String> = paging.after()?;
    let found = service.documents.list::<Webhook>(&caller.studio.to_string(), after.as_deref(), limit).await?;
    let items = found.into_iter().map(|found| found.document.into()).collect();
    Ok(Json(Page::of(items, limit, |last: &WebhookView| last.id.clone())))
}

/// Makes a webhook. The secret that signs its requests is in the answer and nowhere else.
#[utoipa::path(post, path = "/api/v1/webhooks", operation_id = "make_webhook", tag = "webhooks", request_body = NewWebhook,
    responses((status = 201, body = MadeWebhook), Problem))]
pub(crate) async fn create(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Json(wanted): Json<NewWebhook>,
) -> Result<(StatusCode, Extension<Keeping>, Json<MadeWebhook>)> {
    caller.require(Scope::Admin)?;
    let url = check_url(&wanted.url, service.settings.private_webhooks);
    let url = url.map_err(|why| Problem::invalid(format!("url: {why}")))?;
    let topics = wanted.events.unwrap_or_else(|| Topic::ALL.into());
    if topics.is_empty() {
        return Err(Problem::invalid("events: give at least one, or leave it out for all"));
    }
    let webhook = Webhook::new(caller.studio, url.into(), topics, service.system.clock.now())?;
    let decide = || async {
        let has_room = of_studio(&service, caller.studio).await?.len() < MOST;
        Ok::<_, Problem>(has_room.then(|| Decision { document: webhook.clone(), expect: Expect::Absent }))
    };
    let turn = Turn::new(&caller.studio, "webhooks");
    let Some(webhook) = service.documents.in_turn(&turn, decide).await? else {
        return Err(Problem::conflict(format!("the studio has {MOST} webhooks; remove one first")));
    };
    let secret = webhook.secret.clone();
    let keeping = Keeping::Fact(format!("webhook {}", webhook.id));
    Ok((StatusCode::CREATED, Extension(keeping), Json(MadeWebhook { webhook: webhook.into(), secret })))
}

/// One webhook.
#[utoipa::path(get, path = "/api/v1/webhooks/{webhook}", operation_id = "get_webhook", tag = "webhooks",
    params(OfWebhook), responses((status = 200, body = WebhookView), Problem))]
pub(crate) async fn get(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(OfWebhook { webhook }): Path<OfWebhook>,
) -> Result<Json<WebhookView>> {
    caller.require(Scope::Admin)?;
    Ok(Json(find(&service, &caller, &webhook).await?.into()))
}

/// Removes a webhook. What it has not told yet is never told.
#[utoipa::path(delete, path = "/api/v1/webhooks/{webhook}", operation_id = "remove_webhook", tag = "webhooks",
    params(OfWebhook), responses((status = 204), Problem))]
pub(crate) async fn remove(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(OfWebhook { webhook }): Path<OfWebhook>,
) -> Result<StatusCode> {
    caller.require(Scope::Admin)?;
    let webhook = find(&service, &caller, &webhook).await?;
    service.documents.delete::<Webhook>(&webhook.id).await?;
    service.system.ledger.delete_documents(&webhook.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a webhook was to tell, the latest first: what is still to be told, and what has ended in the last seven days.
#[utoipa::path(get, path = "/api/v1/webhooks/{webhook}/deliveries", operation_id = "list_deliveries", tag = "webhooks",
    params(OfWebhook, Paging), responses((status = 200, body = Page<DeliveryView>), Problem))]
pub(crate) async fn deliveries(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(OfWebhook { webhook }): Path<OfWebhook>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<DeliveryView>>> {
    caller.require(Scope::Admin)?;
    let webhook = find(&service, &caller, &webhook).await?;
    let limit = paging.limit()?;
    let after: Option<String> = paging.after()?;
    let found = service.documents.list::<Delivery>(&webhook.id, after.as_deref(), limit).await?;
    let items = found.into_iter().map(|found| found.document.into()).collect();
    Ok(Json(Page::of(items, limit, |last: &DeliveryView| last.id.clone())))
}

async fn find(service: &Service, caller: &Caller, id: &str) -> Result<Webhook> {
    let found = service.documents.get::<Webhook>(id).await?;
    let own = found.filter(|found| found.document.studio == caller.studio);
    own.map(|found| found.document).ok_or_else(|| Problem::not_found(format!("webhook {id}")))
}
