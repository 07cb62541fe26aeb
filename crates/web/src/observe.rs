//! What is kept of each request: a number by which it is found again, a line in the log, a span, two figures.
//!
//! Only the route's template is written down, never the path: paths carry signatures and tokens of links.

use std::sync::Arc;

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method},
    middleware::Next,
    response::Response,
};
use tracing::Instrument as _;

use crate::{
    Service,
    access::{hex, random},
    metrics::{Answered, Asked},
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// A client's own id is kept if it is no longer.
const LONGEST_ID: usize = 64;
/// Routes that machines ask all the time: their lines are only in a detailed log.
const QUIET: [&str; 3] = ["/livez", "/readyz", "/metrics"];

/// Answers a request, and keeps what is to be kept of it.
pub(crate) async fn observe(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let clock = Arc::clone(&service.system.clock);
    let begun = clock.now();
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let method = method(request.method());
    let id = request_id(request.headers().get(REQUEST_ID));
    let span = tracing::info_span!(
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        request.id = id,
        http.request.method = method,
        http.route = route,
        http.response.status_code = tracing::field::Empty,
    );
    let mut response = next.run(request).instrument(span.clone()).await;
    let (status, took) = (response.status().as_u16(), clock.now().since(begun));
    span.record("http.response.status_code", status);
    let duration_ms = took.as_secs_f64() * 1_000.0;
    if QUIET.contains(&route.as_str()) {
        tracing::debug!(request.id = id, method, route, status, duration_ms, "request");
    } else {
        tracing::info!(request.id = id, method, route, status, duration_ms, "request");
    }
    let metrics = &service.live.metrics;
    let asked = Asked { route: route.clone(), method: method.to_owned() };
    metrics.request_seconds.get_or_create(&asked).observe(took.as_secs_f64());
    metrics.requests.get_or_create(&Answered { route, method: method.to_owned(), status }).inc();
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// The client's id if it is a plain one, or a new one.
fn request_id(given: Option<&HeaderValue>) -> String {
    let is_plain = |id: &&str| {
        (1..=LONGEST_ID).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    match given.and_then(|value| value.to_str().ok()).filter(is_plain) {
        Some(id) => id.to_owned(),
        None => hex(&random::<8>().unwrap_or_default()),
    }
}

/// Anybody can invent a method; only those that exist are counted apart.
fn method(method: &Method) -> &'static str {
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    known.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_ids_are_taken_over() {
        let given = |text: &'static str| request_id(Some(&HeaderValue::from_static(text)));
        assert_eq!(given("7f3a-x_1.b"), "7f3a-x_1.b");
        for odd in ["", "a b", "{\"a\":1}", "ü"] {
            assert_eq!(HeaderValue::from_str(odd).map(|value| request_id(Some(&value)).len()).unwrap(), 16, "{odd}");
        }
        assert_eq!(request_id(Some(&HeaderValue::from_str(&"a".repeat(65)).unwrap())).len(), 16);
        assert_ne!(request_id(None), request_id(None));
    }

    #[test]
    fn invented_methods_are_one() {
        assert_eq!(method(&Method::PATCH), "PATCH");
        assert_eq!(method(&Method::from_bytes(b"INVENTED").unwrap()), "other");
    }
}
