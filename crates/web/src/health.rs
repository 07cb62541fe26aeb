//! Whether the service lives, and whether it can do its work: `/livez` and `/readyz`.
//!
//! Being ready is tried, not believed: every store and the ledger take a write. The answer is kept for a second, so that
//! asking often costs nothing. Whoever only shows it is shown the last answer, and does not wait for a busy disk.

use std::{
    collections::HashSet,
    sync::{Arc, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use procession_domain::{Classified, Key, Kind, Timestamp, error::chain};
use procession_vault::{Blobs, Document};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::Service;

/// So long an answer is given again.
const FRESH: Duration = Duration::from_secs(1);
/// Who does not answer in this time does not work.
const PATIENCE: Duration = Duration::from_secs(5);
/// What is shown may be so old: it says when it was found.
const SHOWN: Duration = Duration::from_secs(30);

/// The two routes. They name no folder and no gallery: anybody may ask.
pub(crate) fn routes() -> Router<Arc<Service>> {
    Router::new().route("/livez", get(async || "ok\n")).route("/readyz", get(ready))
}

/// What was found at the last look.
#[derive(Debug, Default)]
pub(crate) struct Health {
    /// Held by whoever looks.
    looking: Mutex<()>,
    found: std::sync::Mutex<Option<Arc<Report>>>,
    /// The stores to which a write has not ended, however long that takes: no second one is begun meanwhile.
    writing: Arc<std::sync::Mutex<HashSet<usize>>>,
}

/// All that was looked at.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) at: Timestamp,
    pub(crate) checks: Vec<Check>,
    /// Everything that is needed does what it should: of the stores, as many as a write needs.
    ready: bool,
}

/// One part, and whether it does what it should.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Check {
    /// `store 1`, `ledger`, `models`, `workers`.
    pub(crate) part: String,
    pub(crate) ok: bool,
    /// What is wrong, for anybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) wrong: Option<&'static str>,
    /// What is wrong, for the operator.
    #[serde(skip)]
    pub(crate) detail: Option<String>,
}

/// What the ledger is asked to write.
#[derive(Serialize, Deserialize)]
struct Probe {
    at: Timestamp,
}

impl Document for Probe {
    const KIND: &'static str = "probe";

    fn id(&self) -> String {
        "ready".to_owned()
    }

    fn owner(&self) -> String {
        String::new()
    }
}

async fn ready(State(service): State<Arc<Service>>) -> Response {
    let report = service.live.health.report(&service).await;
    let is_stopping = *service.stopping.borrow();
    let ready = !is_stopping && report.ready;
    let mut wrong: Vec<String> = report.checks.iter().filter_map(Check::words).collect();
    if is_stopping {
        wrong.push("the service is shutting down".to_owned());
    }
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = serde_json::json!({ "ready": ready, "wrong": wrong, "checks": report.checks });
    let no_store = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    (status, [no_store], axum::Json(body)).into_response()
}

impl Health {
    /// What is found now, or was found a moment ago.
    pub(crate) async fn report(&self, service: &Service) -> Arc<Report> {
        let _looking = self.looking.lock().await;
        let now = service.system.clock.now();
        if let Some(report) = self.found_within(FRESH, now) {
            return report;
        }
        let report = Arc::new(self.look(service, now).await);
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&report));
        report
    }

    /// What was found last, for those who only show it: a write that lasts, in which they have no part, does not hold them up.
    /// Where that is not new, it is looked again meanwhile.
    pub(crate) async fn last_report(service: &Arc<Service>) -> Arc<Report> {
        let (health, now) = (&service.live.health, service.system.clock.now());
        let Some(report) = health.found_within(SHOWN, now) else { return health.report(service).await };
        if now.since(report.at) >= FRESH && health.looking.try_lock().is_ok() {
            let service = Arc::clone(service);
            tokio::spawn(async move { service.live.health.report(&service).await });
        }
        report
    }

    fn found_within(&self, age: Duration, now: Timestamp) -> Option<Arc<Report>> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner).clone();
        found.filter(|report| now.since(report.at) < age)
    }

    async fn look(&self, service: &Service, now: Timestamp) -> Report {
        let blobs = &service.system.blobs;
        let stores = blobs.replicas().into_iter().enumerate().map(|(index, store)| self.try_store(index, store, now));
        let (mut checks, ledger) = futures::join!(futures::future::join_all(stores), try_ledger(service, now));
        let live = checks.iter().enumerate().filter_map(|(index, check)| check.ok.then_some(index));
        let enough_stores = blobs.suffice(&live.collect::<Vec<_>>());
        let stores = checks.len();
        checks.push(ledger);
        let models = service.system.has_models();
        // Galleries are made without them too, and say what they lack.
        checks.push(Check { detail: (!models).then(|| "not installed".to_owned()), ..Check::of("models", Ok(())) });
        let pause = service.live.observer.paused(now);
        checks.push(Check::of("workers", pause.map_or(Ok(()), |pause| Err((pause.kind, pause.why)))));
        let ready = enough_stores && checks[stores..].iter().all(|check| check.ok);
        Report { at: service.system.clock.now(), checks, ready }
    }

    async fn try_store(&self, index: usize, store: Arc<dyn Blobs>, now: Timestamp) -> Check {
        let silent = || Err((Kind::Unavailable, format!("{}: a write does not end", store.name())));
        let outcome = if self.writing.lock().unwrap_or_else(PoisonError::into_inner).insert(index) {
            let (store, writing) = (Arc::clone(&store), Arc::clone(&self.writing));
            let write = tokio::spawn(async move {
                let written = store.repair(&Key::Probe, Bytes::from(now.to_string())).await;
                writing.lock().unwrap_or_else(PoisonError::into_inner).remove(&index);
                written
            });
            match tokio::time::timeout(PATIENCE, write).await {
                Ok(Ok(Ok(()))) => Ok(()),
                Ok(Ok(Err(error))) => Err((error.kind(), chain(&error))),
                Ok(Err(error)) => Err((Kind::Bug, error.to_string())),
                Err(_) => silent(),
            }
        } else {
            silent()
        };
        Check::of(format!("store {}", index + 1), outcome)
    }
}

async fn try_ledger(service: &Service, now: Timestamp) -> Check {
    let writing = tokio::time::timeout(PATIENCE, service.documents.put(&Probe { at: now })).await;
    Check::of(
        "ledger",
        match writing {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err((error.kind(), chain(&error))),
            Err(_) => Err((Kind::Unavailable, "no answer to a write".to_owned())),
        },
    )
}

impl Check {
    fn of(part: impl Into<String>, outcome: Result<(), (Kind, String)>) -> Self {
        let (ok, wrong, detail) = match outcome {
            Ok(()) => (true, None, None),
            Err((kind, detail)) => (false, Some(words(kind)), Some(detail)),
        };
        Self { part: part.into(), ok, wrong, detail }
    }

    fn words(&self) -> Option<String> {
        self.wrong.map(|wrong| format!("{} {wrong}", self.part))
    }
}

fn words(kind: Kind) -> &'static str {
    match kind {
        Kind::Limit => "has no room",
        Kind::Unavailable | Kind::Cancelled | Kind::NotFound => "does not answer",
        Kind::Corrupt | Kind::Conflict | Kind::Invalid => "is damaged",
        Kind::Bug => "fails",
    }
}
