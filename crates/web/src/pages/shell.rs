//! The document around every page: head, policy, icons. What a page says is its own.

use std::sync::LazyLock;

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use super::assets::{IMPORTS, address};
use crate::Problem;

pub(crate) const ICONS: &str = include_str!("icons.svg");

/// The styles of every page, before its own.
const STYLES: [&str; 3] = ["base.css", "serif.css", "controls.css"];

/// A page.
pub(crate) struct Page {
    /// For the tab and the history.
    pub(crate) title: String,
    /// Assets: the page's own styles, after those that every page has.
    pub(crate) styles: &'static [&'static str],
    /// Asset: the module that starts the page's scripts.
    pub(crate) script: Option<&'static str>,
    /// All that is in the body.
    pub(crate) body: Markup,
}

/// Everything from here, nothing from elsewhere, nothing in the markup itself. The import map is the same in all pages and
/// known by its hash.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let imports = STANDARD.encode(Sha256::digest(IMPORTS.as_bytes()));
    let policy = format!(
        "default-src 'none'; script-src 'self' 'sha256-{imports}'; style-src 'self'; img-src 'self' data: blob:; \
         connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
});

impl Page {
    fn document(&self) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover";
                    meta name="color-scheme" content="light dark";
                    meta name="robots" content="noindex, nofollow";
                    title { (self.title) }
                    link rel="icon" href="data:,";
                    @for style in STYLES.iter().chain(self.styles) { link rel="stylesheet" href=(address(style)); }
                    @if let Some(script) = self.script {
                        script type="importmap" { (PreEscaped(&*IMPORTS)) }
                        script type="module" src=(address(script)) {}
                    }
                }
                body { (PreEscaped(ICONS)) (self.body) }
            }
        }
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let fixed = |text| HeaderValue::from_static(text);
        let head = [
            (header::CONTENT_SECURITY_POLICY, POLICY.clone()),
            (header::CACHE_CONTROL, fixed("no-store")),
            (header::REFERRER_POLICY, fixed("no-referrer")),
            (header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff")),
            (HeaderName::from_static("cross-origin-opener-policy"), fixed("same-origin")),
        ];
        (head, Html(self.document().into_string())).into_response()
    }
}

/// An icon of `icons.svg`, for the eye alone: what it means is said in words beside it or in a label.
pub(crate) fn icon(name: &str) -> Markup {
    html! { svg.icon aria-hidden="true" { use href={ "#icon-" (name) } {} } }
}

/// A problem as a page, for whoever follows a link in a browser.
pub(crate) struct Failure(pub(crate) Problem);

impl<E: Into<Problem>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Self(problem) = self;
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let heading = match problem.status {
            404 => "There is nothing here",
            403 => "This is not yours to open",
            429 => "A moment, please",
            _ => "That did not work",
        };
        let body = html! {
            main.lone {
                h1 { (heading) }
                p.quiet { (sentence(&problem.detail)) }
                p { a.button href="/" { "To the start" } }
            }
        };
        let page = Page { title: heading.to_owned(), styles: &[], script: None, body };
        let retry = problem.retry_after_seconds.map(|seconds| [(header::RETRY_AFTER, HeaderValue::from(seconds))]);
        (status, retry, page).into_response()
    }
}

/// A problem's detail as a sentence.
pub(crate) fn sentence(detail: &str) -> String {
    let mut letters = detail.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detail_becomes_one_sentence() {
        assert_eq!(sentence("gallery 1 is not there"), "Gallery 1 is not there.");
        assert_eq!(sentence("Done."), "Done.");
    }
}
