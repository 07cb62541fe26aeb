//! The studio's keys: who may do what, made and ended.

use std::sync::Arc;

use axum::{Router, extract::State, routing::get};
use jiff::tz::TimeZone;
use maud::{Markup, html};
use procession_domain::Timestamp;

use super::{
    enter::Member,
    frame::{Place, framed},
    shell::{Failure, Page, icon},
};
use crate::{
    Service,
    access::{ApiKey, Caller, Scope},
    album::words,
};

/// So many keys are shown, which is more than any studio has use for.
const SHOWN: usize = 1_000;

pub(super) fn routes() -> Router<Arc<Service>> {
    Router::new().route("/studio/keys", get(show))
}

async fn show(State(service): State<Arc<Service>>, Member(caller): Member) -> Result<Page, Failure> {
    caller.require(Scope::Admin)?;
    let found = service.documents.list::<ApiKey>(&caller.studio.to_string(), None, SHOWN).await?;
    let mut keys: Vec<ApiKey> = found.into_iter().map(|found| found.document).collect();
    keys.sort_by_key(|key| (key.revoked_at.is_some(), std::cmp::Reverse(key.created_at)));
    let main = html! {
        div.opening {
            div {
                h1 { "Keys" }
                p.quiet { "A key lets a person or a program in. Give each its own, so that you can end one without the others." }
            }
            button.button type="button" data-opens="new-key" { (icon("plus")) "New key" }
        }
        ul #keys.lines.keys data-refreshes { @for key in &keys { (line(key, &caller)) } }
        (new_key(&caller))
        (revoke_dialog())
    };
    let body = framed(&service, &caller, Place::Keys, main).await?;
    Ok(Page {
        title: "Keys · Procession".to_owned(),
        styles: &["frame.css", "keys.css"],
        script: Some("keys.js"),
        body,
    })
}

fn line(key: &ApiKey, caller: &Caller) -> Markup {
    let day = |moment: Timestamp| words::short_date(TimeZone::UTC.to_datetime(moment.calendar()).date());
    html! {
        li.row.is-over[key.revoked_at.is_some()] id={ "key-" (key.id) } {
            div {
                p.name {
                    bdi { (key.name) }
                    @if key.id == caller.key { " " span.tag { "the one you use now" } }
                }
                p.quiet {
                    @for (at, scope) in key.scopes.iter().enumerate() { @if at > 0 { ", " } (scope_words(*scope).0) }
                }
                p.quiet.small {
                    code { "pk_" (&key.id[..8]) "…" } " · made " (day(key.created_at))
                    @if let Some(ended) = key.revoked_at { " · ended " (day(ended)) }
                }
            }
            @if key.revoked_at.is_none() {
                button.button.plain.small type="button" data-revokes=(key.id) data-name=(key.name) aria-label={ "End the key " (key.name) } { "End" }
            }
        }
    }
}

/// What a scope allows: in a word, and in a sentence.
fn scope_words(scope: Scope) -> (&'static str, &'static str) {
    match scope {
        Scope::Read => ("look", "See galleries, photos, guests, moments and receipts"),
        Scope::Upload => ("upload", "Open galleries and add photos to them"),
        Scope::Edit => ("edit", "Change, correct, share and delete galleries"),
        Scope::Admin => ("keys", "Make and end keys, and say who is told of what happens"),
        Scope::Operate => ("operate", "See the whole installation and its studios"),
    }
}

fn new_key(caller: &Caller) -> Markup {
    html! {
        dialog.sheet #new-key aria-labelledby="new-key-title" {
            form #new-key-form method="dialog" novalidate {
                h2 #new-key-title { "New key" }
                div.field {
                    label for="key-name" { "Who or what is it for?" }
                    input #key-name type="text" name="name" maxlength="200" autocomplete="off" placeholder="Lightroom on the studio’s computer";
                }
                fieldset.choices {
                    legend { "It may" }
                    @for scope in Scope::ALL.into_iter().filter(|scope| caller.scopes.contains(scope)) {
                        @let (word, sentence) = scope_words(scope);
                        label.check {
                            input type="checkbox" name="scopes" value=(scope.name())
                                checked[matches!(scope, Scope::Read | Scope::Upload)];
                            span.word { (word) }
                            span.hint { (sentence) }
                        }
                    }
                }
                p.fault role="alert" {}
                div.actions {
                    button.button.plain type="button" data-shuts { "Cancel" }
                    button.button type="submit" { "Make the key" }
                }
            }
            div #made-key hidden {
                h2 { "Here it is" }
                p.quiet { "Copy it now, and keep it like a password. It is shown this once; nobody can read it again." }
                div.field.copy-row {
                    input #made-key-token type="text" readonly aria-label="The key";
                    button.button type="button" data-copies="made-key-token" { (icon("copy")) "Copy" }
                }
                div.actions { button.button.plain type="button" data-shuts { "Done" } }
            }
        }
    }
}

fn revoke_dialog() -> Markup {
    html! {
        dialog.sheet #revoke aria-labelledby="revoke-title" {
            form #revoke-form method="dialog" novalidate {
                h2 #revoke-title { "End this key?" }
                p.quiet { "Whoever uses it is out at once, and it cannot be brought back." }
                p.fault role="alert" {}
                div.actions {
                    button.button.plain type="button" data-shuts { "Keep it" }
                    button.button.danger type="submit" { "End it" }
                }
            }
        }
    }
}
