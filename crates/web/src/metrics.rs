//! Figures for Prometheus, at `/metrics`: base units, few labels, and none that names a gallery, a photo or a studio.
//!
//! A figure belongs on the list in docs/operations.md, which a test compares with what is served.

mod collect;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicU64};

use axum::{
    Router,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use procession_flow::Event;
use prometheus_client::{
    encoding::{EncodeLabelSet, prometheus_text},
    metrics::{
        MetricType,
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Metric, Registry},
};

use crate::{Service, live::journal::stages};

use collect::Collected;

/// Every name but those of the process begins so.
const PREFIX: &str = "procession";

type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// The figures.
#[derive(Debug)]
pub(crate) struct Metrics {
    figures: Mutex<Figures>,
    /// Answers by route, method and status.
    pub(crate) requests: Family<Answered, Counter>,
    /// Seconds from the head of a request to the head of its answer.
    pub(crate) request_seconds: Histograms<Asked>,
    /// Connections that are open.
    pub(crate) connections: Gauge,
    /// Events that could not be taken in because there were too many at once.
    pub(crate) events_missed: Counter,
    photos_stored: Counter,
    bytes_stored: Counter,
    files_refused: Counter,
    photos_done: Counter,
    formats_made: Counter,
    photos_quarantined: Counter,
    photos_retried: Counter,
    webhook_attempts: Family<Outcome, Counter>,
    stage_seconds: Histograms<Stage>,
    collected: Collected,
}

/// A request, as far as it is counted: the route's template, never its path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Asked {
    pub(crate) route: String,
    pub(crate) method: String,
}

/// A request and how it was answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Answered {
    pub(crate) route: String,
    pub(crate) method: String,
    pub(crate) status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Stage {
    stage: &'static str,
}

/// What came of a webhook's request: it was `delivered`, is to be `repeated`, or was the last one and `failed`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

/// The route.
pub(crate) fn routes() -> Router<Arc<Service>> {
    Router::new().route("/metrics", get(serve))
}

async fn serve(State(service): State<Arc<Service>>) -> Response {
    let metrics = &service.live.metrics;
    if let Err(problem) = metrics.collected.refresh(&service).await {
        // The rest is worth having.
        tracing::warn!(error = problem.detail, "the queue could not be counted");
    }
    let mut text = String::new();
    let encoded = prometheus_text::encode(&mut text, &metrics.figures().registry);
    match encoded {
        Ok(()) => {
            let kind = HeaderValue::from_static(prometheus_text::CONTENT_TYPE);
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut figures = Figures { registry: Registry::with_prefix(PREFIX), table: Vec::new() };
        let to = &mut figures;
        // From 0.5 ms to 16 s.
        let requests = || Histogram::new(exponential_buckets(0.000_5, 2.0, 16));
        // From 1 ms to 32 s.
        let stages = || Histogram::new(exponential_buckets(0.001, 2.0, 16));
        Self {
            requests: to.add("http_requests", "Answered requests", Family::default()),
            request_seconds: to.add(
                "http_request_duration_seconds",
                "Time from the head of a request to the head of its answer",
                Family::new_with_constructor(requests),
            ),
            connections: to.add("http_connections", "Open connections", Gauge::default()),
            events_missed: to.add("events_missed", "Events that these figures lack", Counter::default()),
            photos_stored: to.add("photos_stored", "Photos whose original became durable", Counter::default()),
            bytes_stored: to.add("photos_stored_bytes", "Bytes of originals that became durable", Counter::default()),
            files_refused: to.add("files_refused", "Files that were not accepted as photos", Counter::default()),
            photos_done: to.add("photos_done", "Photos that were finished", Counter::default()),
            formats_made: to.add(
                "formats_made",
                "Finished photos that got the formats that they were owed",
                Counter::default(),
            ),
            photos_quarantined: to.add("photos_quarantined", "Photos that cannot be processed", Counter::default()),
            photos_retried: to.add("photos_retried", "Attempts that failed and are repeated", Counter::default()),
            webhook_attempts: to.add("webhook_attempts", "Requests of webhooks", Family::default()),
            stage_seconds: to.add(
                "stage_duration_seconds",
                "Time that a stage of one photo's work took",
                Family::new_with_constructor(stages),
            ),
            collected: Collected::new(to),
            figures: Mutex::new(figures),
        }
    }
}

impl Metrics {
    /// Counts a request of a webhook by what came of it.
    pub(crate) fn delivered(&self, outcome: &'static str) {
        self.webhook_attempts.get_or_create(&Outcome { outcome }).inc();
    }

    fn figures(&self) -> MutexGuard<'_, Figures> {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts what happened.
    pub(crate) fn take(&self, event: &Event) {
        match event {
            Event::PhotoStored { bytes, new: true, .. } => {
                self.photos_stored.inc();
                self.bytes_stored.inc_by(*bytes);
            }
            Event::FileRefused { .. } => drop(self.files_refused.inc()),
            Event::PhotoDone { timings, .. } => {
                self.photos_done.inc();
                for (stage, seconds) in stages(timings) {
                    self.stage_seconds.get_or_create(&Stage { stage }).observe(seconds);
                }
            }
            Event::FormatsMade { .. } => drop(self.formats_made.inc()),
            Event::PhotoQuarantined { .. } => drop(self.photos_quarantined.inc()),
            Event::PhotoRetried { .. } => drop(self.photos_retried.inc()),
            _ => {}
        }
    }
}

type Float = Gauge<f64, AtomicU64>;

/// The registry, and what is in it: a family that has no value yet is not served.
#[derive(Debug)]
struct Figures {
    registry: Registry,
    /// Names and types, as they are served.
    table: Vec<(String, &'static str)>,
}

impl Figures {
    fn add<M: Metric + Clone>(&mut self, name: &str, help: &str, metric: M) -> M {
        let (suffix, kind) = match metric.metric_type() {
            MetricType::Counter => ("_total", "counter"),
            MetricType::Histogram => ("", "histogram"),
            _ => ("", "gauge"),
        };
        self.table.push((format!("{PREFIX}_{name}{suffix}"), kind));
        self.registry.register(name, help, metric.clone());
        metric
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_page_for_operators_has_every_figure_with_its_type() {
        let page = include_str!("../../../docs/operations.md");
        let row = |line: &str| {
            let (name, rest) = line.strip_prefix("| `procession_")?.split_once('`')?;
            Some((format!("procession_{name}"), rest.split('|').nth(1)?.trim().to_owned()))
        };
        let listed: BTreeSet<(String, String)> = page.lines().filter_map(row).collect();
        let metrics = Metrics::default();
        let table = &metrics.figures().table;
        let served: BTreeSet<(String, String)> =
            table.iter().map(|(name, kind)| (name.clone(), (*kind).to_owned())).collect();
        assert_eq!(listed, served);
    }
}
