//! What somebody is told whom a link does not lead into a gallery: kindly on a page, exactly to a script.

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use maud::{Markup, html};

use crate::{
    Problem,
    pages::shell::{Page, icon},
};

/// Why somebody is not let in.
pub(super) struct Closed {
    pub(super) problem: Problem,
    /// What clients call the studio, if the link is one.
    pub(super) studio: Option<String>,
    /// A person reads the answer.
    pub(super) wants_page: bool,
}

impl IntoResponse for Closed {
    fn into_response(self) -> Response {
        if !self.wants_page {
            return self.problem.into_response();
        }
        match self.problem.code {
            "password_required" => password_page(self.studio.as_deref(), None),
            _ => self.page(),
        }
    }
}

impl Closed {
    fn page(&self) -> Response {
        let studio = self.studio.as_deref().unwrap_or("your photographer");
        let (heading, words) = match self.problem.status {
            404 => (
                "There is no gallery here",
                "Look whether the whole link was copied: it ends in a long row of letters. If it was, ask your photographer \
                 for it once more."
                    .to_owned(),
            ),
            410 => (
                "This link has ended",
                format!("The gallery was open for a while and is closed now. Ask {studio} for a new link."),
            ),
            429 => ("A moment, please", format!("{}.", wait_words(&self.problem))),
            503 => ("We will be back in a moment", "The photos are safe. Please try again a little later.".to_owned()),
            _ => ("That did not work", "Please try again a little later.".to_owned()),
        };
        let body = html! {
            main.lone {
                @if let Some(studio) = &self.studio { p.mark { (studio) } }
                h1 { (heading) }
                p.quiet { (words) }
            }
        };
        answer(&self.problem, heading, body)
    }
}

/// Where the password is given; `problem` is what was wrong with the one before.
pub(super) fn password_page(studio: Option<&str>, problem: Option<&Problem>) -> Response {
    let fault = problem.map(|problem| match problem.status {
        429 => format!("Too many wrong passwords. {}.", wait_words(problem)),
        403 => "That is not the password. Small and capital letters matter.".to_owned(),
        _ => "That did not work. Please try again a little later.".to_owned(),
    });
    let body = html! {
        main.lone.enter {
            p.mark { (studio.unwrap_or_default()) }
            h1 { "A private gallery" }
            p.quiet { "It opens with the password that you were given with the link." }
            form method="post" {
                // For password managers, which keep a name beside each secret.
                input.unseen type="text" name="name" value="gallery" autocomplete="username" tabindex="-1" aria-hidden="true" readonly;
                div.field {
                    label for="password" { "Password" }
                    input #password type="password" name="password" required autofocus autocomplete="current-password"
                        maxlength="200" aria-invalid=[fault.as_ref().map(|_| "true")]
                        aria-describedby=[fault.as_ref().map(|_| "fault")];
                    p #fault.fault role="alert" { @if let Some(fault) = &fault { (icon("alert")) " " (fault) } }
                }
                button.button type="submit" { "Open the gallery" }
            }
        }
    };
    let locked = Problem::forbidden("");
    answer(problem.unwrap_or(&locked), "A private gallery", body)
}

fn wait_words(problem: &Problem) -> String {
    match problem.retry_after_seconds.unwrap_or(60) {
        seconds @ 0..=90 => format!("Please try again in {} seconds", seconds.max(2)),
        seconds => format!("Please try again in {} minutes", seconds.div_ceil(60)),
    }
}

fn answer(problem: &Problem, title: &str, body: Markup) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let retry = problem.retry_after_seconds.map(|seconds| [(header::RETRY_AFTER, HeaderValue::from(seconds))]);
    let page = Page { title: title.to_owned(), styles: &["enter.css"], script: None, body };
    (status, [UNLISTED], retry, page).into_response()
}

/// No search engine is to know an address that opens a gallery.
pub(super) const UNLISTED: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex, nofollow"));
