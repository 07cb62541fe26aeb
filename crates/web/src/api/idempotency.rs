//! `Idempotency-Key`: a POST that is sent again is carried out once
//! ([draft-ietf-httpapi-idempotency-key-header](https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/)).
//!
//! The key is claimed in the ledger before the handler runs, so it holds on all nodes and after a crash. Answers are kept for
//! a day if they are successes: what was refused has changed nothing, and is tried again.

mod answer;

use std::{pin::pin, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes, HttpBody as _, to_bytes},
    extract::{FromRequest as _, FromRequestParts as _, Request, State},
    http::{HeaderMap, HeaderName, Method, StatusCode, header},
    middleware::Next,
    response::Response,
};
use procession_domain::GalleryId;
use tracing::Instrument as _;

use self::answer::{Answer, Asked, CLAIM, Claim, Outcome, Standing, claim};
use super::extract::unreadable;
use crate::{Problem, Result, Service, access::Caller};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The longest key, in bytes.
pub(super) const LONGEST_KEY: usize = 200;
/// A longer answer is not kept.
const LONGEST_BODY: u64 = 1 << 20;
/// How often expired answers are removed, and how many at a time.
const PERIOD: Duration = Duration::from_secs(60);
const SWEPT: usize = 1_000;

/// What may be kept of an answer, told by the handler in the response's extensions; without it, all.
#[derive(Clone, Debug)]
pub(crate) enum Keeping {
    /// All, for as long as the gallery is there.
    With(GalleryId),
    /// Only that it made this: the answer has a secret in it, or a guest's name, which must not stay when it is erased.
    Fact(String),
    /// Nothing: to ask again does no harm, and the answer ages.
    Nothing,
}

/// Carries a POST with a key out once.
pub(super) async fn carry_out_once(
    State(service): State<Arc<Service>>,
    request: Request,
    next: Next,
) -> Result<Response> {
    if request.method() != Method::POST || !request.headers().contains_key(KEY) {
        return Ok(next.run(request).await);
    }
    let (mut parts, body) = request.into_parts();
    let key = key(&parts.headers)?;
    let caller = Caller::from_request_parts(&mut parts, &service).await?;
    let body = Bytes::from_request(Request::from_parts(parts.clone(), body), &()).await;
    let body = body.map_err(|error| unreadable(error.status(), error.body_text()))?;
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let asked = Asked::new(&key, &caller, &parts.method, path, &body);
    match claim(&service.documents, &asked, service.system.clock.now()).await? {
        Standing::Settled(outcome) => Ok(outcome.replay()),
        Standing::Claimed(claim) => {
            let request = Request::from_parts(parts, Body::from(body));
            // In a task of its own: a client that goes away would otherwise end it between its effect and its answer.
            let task = tokio::spawn(carry_out(service, claim, request, next).in_current_span());
            task.await.map_err(|_| Problem::internal())
        }
    }
}

fn key(headers: &HeaderMap) -> Result<String> {
    let mut given = headers.get_all(KEY).iter();
    let key = given.next().and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_key = (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    if is_key && given.next().is_none() {
        return Ok(key.to_owned());
    }
    let detail = format!("Idempotency-Key: give one, of 1 to {LONGEST_KEY} visible ASCII characters");
    Err(Problem::new(StatusCode::BAD_REQUEST, "malformed", detail))
}

async fn carry_out(service: Arc<Service>, mut claim: Claim, request: Request, next: Next) -> Response {
    let mut running = pin!(next.run(request));
    let response = loop {
        match tokio::time::timeout(CLAIM / 3, &mut running).await {
            Ok(response) => break response,
            Err(_) => {
                let renewed = claim.renew(&service.documents, service.system.clock.now()).await;
                warn_of(renewed, "the claim of a request could not be renewed; it may be carried out twice");
            }
        }
    };
    let (parts, body) = response.into_parts();
    let keeping = parts.extensions.get::<Keeping>().cloned();
    let (documents, now) = (&service.documents, service.system.clock.now());
    if !parts.status.is_success() || matches!(keeping, Some(Keeping::Nothing)) {
        warn_of(
            claim.release(documents, now).await,
            "an idempotency key could not be given back; it is free in a minute",
        );
        return Response::from_parts(parts, body);
    }
    let (owner, is_kept, made) = match keeping {
        Some(Keeping::With(gallery)) => (Some(gallery.to_string()), true, None),
        Some(Keeping::Fact(made)) => (None, false, Some(made)),
        Some(Keeping::Nothing) | None => (None, true, None),
    };
    let (told, body) = if is_kept { told(&parts, body).await } else { (None, body) };
    let outcome = told.unwrap_or(Outcome::Done { made });
    let settled = claim.settle(documents, outcome, owner, now).await;
    warn_of(settled, "an answer could not be kept; its request may be carried out twice");
    Response::from_parts(parts, body)
}

/// What is to be told again, if it can be kept, and the body as it was.
async fn told(parts: &axum::http::response::Parts, body: Body) -> (Option<Outcome>, Body) {
    if body.size_hint().exact().is_none_or(|length| length > LONGEST_BODY) {
        return (None, body);
    }
    let bytes = to_bytes(body, LONGEST_BODY as usize).await.unwrap_or_default();
    let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let outcome = str::from_utf8(&bytes).ok().map(|text| Outcome::Told {
        status: parts.status.as_u16(),
        content_type: content_type.unwrap_or_default().to_owned(),
        body: text.to_owned(),
    });
    (outcome, Body::from(bytes))
}

fn warn_of(result: Result<()>, what: &str) {
    if let Err(problem) = result {
        tracing::warn!(problem.detail, "{what}");
    }
}

/// Removes answers that have expired, again and again, until the service stops.
pub async fn keep_sweeping_answers(service: Arc<Service>) {
    let mut stopping = service.stopping.clone();
    loop {
        let swept = service.documents.sweep::<Answer>(service.system.clock.now(), SWEPT).await;
        warn_of(swept.map(drop).map_err(Problem::from), "expired answers could not be removed; trying again");
        if tokio::time::timeout(PERIOD, stopping.wait_for(|stop| *stop)).await.is_ok() {
            return;
        }
    }
}
