//! Where the program's own words go: lines on standard error, and spans to a collector where one is configured.

use std::{io, str::FromStr};

use anyhow::Context as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tracing_subscriber::{EnvFilter, Layer as _, Registry, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// Warnings, but for those of the flow: each of them is told as an event already.
const USUAL: &str = "warn,procession_flow=error";
/// For programs that read the log: a line for each request too.
const USUAL_JSON: &str = "warn,procession_flow=error,procession_web=info";
/// The spans that a collector gets: requests, and the steps of a photo's life.
const TRACED: &str = "off,procession_web=info,procession_flow=info";
/// Where the OTLP specification has a collector take spans, below its endpoint.
const TRACES_PATH: &str = "/v1/traces";

/// How lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// An object a line.
    Json,
}

impl LogFormat {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Text, Self::Json]
            .into_iter()
            .find(|format| format.name() == text)
            .ok_or_else(|| format!("{text:?} is neither text nor json"))
    }
}

/// The log while it is kept. What is still to be sent is sent when it is dropped.
pub(crate) struct Log {
    traces: Option<SdkTracerProvider>,
}

impl Log {
    /// Starts the log. Spans go to the collector at `endpoint` (OTLP over HTTP), where there is one. To be called outside of
    /// any task: what sends the spans has a thread of its own.
    ///
    /// # Errors
    /// The filter or the endpoint cannot be read.
    pub(crate) fn start(filter: Option<&str>, format: LogFormat, endpoint: Option<&str>) -> anyhow::Result<Self> {
        let usual = if format == LogFormat::Json { USUAL_JSON } else { USUAL };
        let filter = match filter {
            Some(filter) => EnvFilter::try_new(filter).with_context(|| format!("--log {filter}"))?,
            None => EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual)),
        };
        let coloured = io::IsTerminal::is_terminal(&io::stderr()) && std::env::var_os("NO_COLOR").is_none();
        let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
        let lines = match format {
            LogFormat::Text => lines.with_ansi(coloured).boxed(),
            LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
        };
        let traces = endpoint.map(collector).transpose()?;
        let spans = traces.as_ref().map(|provider| {
            let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("procession"));
            layer.with_filter(EnvFilter::new(TRACED))
        });
        Registry::default().with(lines.with_filter(filter)).with(spans).init();
        Ok(Self { traces })
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.traces.as_ref().map(SdkTracerProvider::shutdown) {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }
}

fn collector(endpoint: &str) -> anyhow::Result<SdkTracerProvider> {
    let url = format!("{}{TRACES_PATH}", endpoint.trim_end_matches('/'));
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().with_endpoint(&url).build();
    let exporter = exporter.with_context(|| format!("traces.endpoint {endpoint}"))?;
    let resource = Resource::builder().with_service_name("procession").build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}
