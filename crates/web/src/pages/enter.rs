//! In and out: a key opens a session, which is a cookie.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Form, Router,
    extract::{ConnectInfo, FromRequestParts, Query, State},
    http::{HeaderMap, Method, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use maud::html;
use serde::Deserialize;

use super::shell::{Failure, Page, icon, sentence};
use crate::{
    Problem, Result, Service,
    access::{Caller, Visitor, end_session_cookie, network_of, refuse_foreign_pages, session_cookie},
};

pub(super) fn routes() -> Router<Arc<Service>> {
    Router::new().route("/", get(start)).route("/enter", get(show).post(enter)).route("/leave", post(leave))
}

/// Somebody of a studio; whoever is not is led to the log-in, and from there back.
pub(super) struct Member(pub(super) Caller);

impl FromRequestParts<Arc<Service>> for Member {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Self, Response> {
        match Visitor::from_request_parts(parts, service).await {
            Ok(Visitor(Some(caller))) => Ok(Self(caller)),
            Ok(Visitor(None)) => Err(Redirect::to(&enter_address(&parts.uri)).into_response()),
            Err(problem) => Err(Failure(problem).into_response()),
        }
    }
}

fn enter_address(from: &Uri) -> String {
    match from.path() {
        "/studio" => "/enter".to_owned(),
        path => format!("/enter?next={path}"),
    }
}

async fn start(Visitor(caller): Visitor) -> Redirect {
    Redirect::to(if caller.is_some() { "/studio" } else { "/enter" })
}

/// Where to go after the log-in.
#[derive(Default, Deserialize)]
struct Next {
    next: Option<String>,
}

impl Next {
    /// A page of the studio and nothing else: nobody is sent away by an address that somebody else made.
    fn path(&self) -> &str {
        let is_ours = |path: &&str| {
            let is_plain = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_'));
            is_plain && (path.starts_with("/studio") || *path == "/operations")
        };
        self.next.as_deref().filter(is_ours).unwrap_or("/studio")
    }
}

async fn show(Query(next): Query<Next>) -> Page {
    page(next.path(), None)
}

fn page(next: &str, fault: Option<&str>) -> Page {
    let body = html! {
        main.lone.enter {
            p.mark { "Procession" }
            h1 { "Your studio" }
            p.quiet {
                "Log in with a key. The first one was shown where Procession was started; further ones are made in the studio, \
                 under Keys."
            }
            form #enter method="post" action="/enter" data-next=(next) {
                input type="hidden" name="next" value=(next);
                // For password managers, which keep a name beside each secret.
                input.unseen type="text" name="name" value="studio" autocomplete="username" tabindex="-1" aria-hidden="true" readonly;
                div.field {
                    label for="key" { "Key" }
                    input #key type="password" name="key" required autofocus spellcheck="false" autocapitalize="off"
                        autocomplete="current-password" placeholder="pk_…" aria-invalid=[fault.map(|_| "true")]
                        aria-describedby=[fault.map(|_| "fault")];
                    p #fault.fault role="alert" { @if let Some(fault) = fault { (icon("alert")) " " (fault) } }
                }
                button.button type="submit" { "Log in" }
            }
        }
    };
    Page { title: "Log in · Procession".to_owned(), styles: &["enter.css"], script: Some("enter.js"), body }
}

#[derive(Deserialize)]
struct Entry {
    key: String,
    #[serde(flatten)]
    next: Next,
}

async fn enter(
    State(service): State<Arc<Service>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Form(entry): Form<Entry>,
) -> Result<Response, Failure> {
    refuse_foreign_pages(&Method::POST, &headers)?;
    let from = network_of(peer.ip());
    let caller = match service.key_tries.take(&from, service.system.clock.now()) {
        Ok(()) => Caller::of(&service, entry.key.trim()).await,
        Err(problem) => Err(problem),
    };
    match caller {
        Ok(caller) => {
            service.key_tries.give_back(&from);
            let is_secure = service.settings.public_url.as_ref().is_some_and(|url| url.starts_with("https:"));
            let cookie = session_cookie(&service.keyring, &caller.key, service.system.clock.now(), is_secure);
            Ok(([(header::SET_COOKIE, cookie)], Redirect::to(entry.next.path())).into_response())
        }
        Err(problem) => Ok(refused(&problem, entry.next.path())),
    }
}

fn refused(problem: &Problem, next: &str) -> Response {
    let words = match problem.status {
        401 => "This key opens nothing. It may have been revoked, or a part of it is missing.".to_owned(),
        _ => sentence(&problem.detail),
    };
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let retry = problem.retry_after_seconds.map(|seconds| [(header::RETRY_AFTER, seconds.to_string())]);
    (status, retry, page(next, Some(&words))).into_response()
}

async fn leave(headers: HeaderMap) -> Result<Response, Failure> {
    refuse_foreign_pages(&Method::POST, &headers)?;
    let clear = [(header::SET_COOKIE.as_str(), end_session_cookie()), ("clear-site-data", "\"cache\"".to_owned())];
    Ok((clear, Redirect::to("/enter")).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_elsewhere() {
        let to = |next: &str| Next { next: Some(next.to_owned()) }.path().to_owned();
        assert_eq!(to("/studio/galleries/0123"), "/studio/galleries/0123");
        assert_eq!(to("/operations"), "/operations");
        for elsewhere in
            ["//evil.example", "https://evil.example", "/studio\\..", "/studio?x", "/api/v1", "", "/studio/../x"]
        {
            assert_eq!(to(elsewhere), "/studio", "{elsewhere}");
        }
    }
}
