//! A gallery's page: photos come in, are watched, corrected and delivered. The server draws what stays; the scripts fill in
//! what moves, from the API.

mod tiles;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    routing::get,
};
use futures::try_join;
use maud::{Markup, html};
use procession_domain::{
    GalleryId,
    gallery::{Gallery, PipelineChoice},
};

use super::{
    enter::Member,
    forms::{pipeline_field, wedding_fields},
    frame::{Place, frame, studio},
    shell::{Failure, Page, icon},
};
use crate::{
    Result, Service,
    access::{Caller, Scope},
    album::words,
};

pub(super) fn routes() -> Router<Arc<Service>> {
    Router::new().route("/studio/galleries/{gallery}", get(show)).merge(tiles::routes())
}

async fn show(
    State(service): State<Arc<Service>>,
    Member(caller): Member,
    Path(id): Path<GalleryId>,
) -> Result<Page, Failure> {
    caller.require(Scope::Read)?;
    let ((gallery, _), studio) = try_join!(caller.gallery(&service, id), studio(&service, &caller))?;
    let may = |scope| caller.scopes.contains(&scope);
    let main = html! {
        div #gallery data-id=(gallery.id) data-title=(gallery.title) data-zone=[zone(&gallery)]
            data-faces[gallery.consent.faces] data-edits[may(Scope::Edit)] data-uploads[may(Scope::Upload)] {
            (opening(&gallery, &caller))
            section #standing.standing aria-label="How far it is" {}
            (upload_panel())
            (tabs(may(Scope::Edit)))
            (photos(may(Scope::Upload)))
            (guests(&gallery))
            (moments())
            (delivery(may(Scope::Edit)))
            @if may(Scope::Edit) { (settings(&service, &gallery)) (delete_dialog(&gallery)) }
            @if may(Scope::Upload) { (add_dialog()) }
        }
        dialog.viewer #viewer aria-label="Photo" {}
    };
    let body = frame(studio, &caller, Place::Galleries, &main);
    let title = format!("{} · Procession", gallery.title);
    Ok(Page { title, styles: &["frame.css", "studio.css"], script: Some("studio.js"), body })
}

fn zone(gallery: &Gallery) -> Option<&str> {
    gallery.wedding.as_ref().map(|wedding| wedding.time_zone.as_str())
}

fn opening(gallery: &Gallery, caller: &Caller) -> Markup {
    html! {
        p.back { a href="/studio" { (icon("left")) "Galleries" } }
        div.opening {
            div {
                h1 #title { (gallery.title) }
                @if let Some(wedding) = &gallery.wedding {
                    p.quiet { time datetime=(wedding.date) { (words::long_date(wedding.date)) } " · " (wedding.time_zone.as_str()) }
                } @else {
                    p.quiet { "No wedding date yet: it is finished within the standard time." }
                }
            }
            @if caller.scopes.contains(&Scope::Upload) {
                div.actions { button.button type="button" data-opens="add" { (icon("plus")) "Add photos" } }
            }
        }
    }
}

/// What is being sent from this browser. Shown by the script while there is something.
fn upload_panel() -> Markup {
    html! {
        section #upload.upload aria-label="Upload" hidden {
            div.upload-head {
                p.upload-title #upload-title {}
                div.actions {
                    button.button.plain.small #upload-pause type="button" { "Pause" }
                    button.button.bare.small #upload-stop type="button" { "Stop" }
                }
            }
            progress #upload-bar aria-label="Sent" max="1" value="0" {}
            p.upload-facts.quiet.number #upload-facts {}
            details #upload-faults hidden { summary {} ul.lines {} }
            p.unseen #upload-said role="status" {}
        }
    }
}

fn tabs(edits: bool) -> Markup {
    let tab = |id: &str, title: &str| {
        html! { a #{ "tab-" (id) } href={ "#" (id) } data-tab=(id) { (title) " " span.count.number {} } }
    };
    html! {
        nav.tabs aria-label="Parts of the gallery" {
            (tab("photos", "Photos")) (tab("guests", "Guests")) (tab("moments", "Moments")) (tab("delivery", "Delivery"))
            @if edits { (tab("settings", "Settings")) }
        }
    }
}

/// The two ways to choose files; a folder can also be dropped anywhere.
fn choosers() -> Markup {
    html! {
        div.actions.choosers {
            label.button { (icon("folder")) "Choose a folder" input.unseen type="file" data-adds webkitdirectory multiple; }
            label.button.plain { (icon("photo")) "Choose photos" input.unseen type="file" data-adds multiple; }
        }
    }
}

fn photos(uploads: bool) -> Markup {
    html! {
        section #photos.panel aria-labelledby="tab-photos" {
            div #faults {}
            @if uploads {
                div #drop.drop hidden {
                    h2 { "Drop the folder here" }
                    p.quiet { "Whole cards with their folders, JPEG, HEIC or RAW: everything in it is found, and kept as it is." }
                    (choosers())
                }
                p.arriving.quiet { "The first photos appear here in a moment." }
            } @else { p #drop.quiet hidden { "There is no photo here yet." } }
            div #grid.grid {}
        }
    }
}

fn add_dialog() -> Markup {
    html! {
        dialog.sheet #add aria-labelledby="add-title" {
            button.button.bare.round.small.shut type="button" data-shuts aria-label="Close" { (icon("close")) }
            h2 #add-title { "Add photos" }
            p.quiet { "Drop a folder anywhere on this page, or choose one. What is here already is not sent again." }
            (choosers())
        }
    }
}

fn guests(gallery: &Gallery) -> Markup {
    html! {
        section #guests.panel aria-labelledby="tab-guests" {
            @if !gallery.consent.faces {
                div.nothing {
                    h2 { "Guests are not recognised here" }
                    p.quiet {
                        "That needs the couple’s consent. Once you have it, record it under " a href="#settings" { "Settings" }
                        "; the photos are then looked at again."
                    }
                }
            }
            div #guest-list {}
            div #guest-log.log {}
        }
    }
}

fn moments() -> Markup {
    html! {
        section #moments.panel aria-labelledby="tab-moments" {
            div #moment-list {}
            div #moment-log.log {}
        }
    }
}

fn delivery(edits: bool) -> Markup {
    html! {
        section #delivery.panel aria-labelledby="tab-delivery" {
            div.cards-2 {
                section.card-box #receipt aria-labelledby="receipt-title" {
                    h2 #receipt-title { "Is the card safe to format?" }
                    p.quiet {
                        "A receipt answers that. Every copy of every original is read back from the disks and compared, byte by \
                         byte, and only then is it signed."
                    }
                    div #receipt-state aria-live="polite" {}
                }
                section.card-box #downloads aria-labelledby="downloads-title" {
                    h2 #downloads-title { "Take it with you" }
                    p.quiet { "The whole gallery as one ZIP file. A download that breaks off can be continued." }
                    div #archive-state {}
                }
            }
            section #links.links aria-labelledby="links-title" {
                div.section-head {
                    h2 #links-title { "Links for the couple" }
                    @if edits {
                        button.button.plain type="button" data-opens="new-link" { (icon("link")) "New link" }
                    }
                }
                p.quiet { "Whoever has a link sees the gallery, without an account. It ends when you say so." }
                ul #link-list.lines {}
            }
            @if edits { (link_dialog()) }
        }
    }
}

fn link_dialog() -> Markup {
    html! {
        dialog.sheet #new-link aria-labelledby="new-link-title" {
            form #new-link-form method="dialog" novalidate {
                h2 #new-link-title { "New link" }
                div.field {
                    label for="link-name" { "Whom is it for?" }
                    input #link-name type="text" name="name" maxlength="200" autocomplete="off" placeholder="Anna and Ben";
                }
                div.columns-2 {
                    div.field {
                        label for="link-password" { "Password, if you want one" }
                        input #link-password type="text" name="password" maxlength="200" autocomplete="off" spellcheck="false";
                    }
                    div.field {
                        label for="link-end" { "Ends on, if ever" }
                        input #link-end type="date" name="expires_on";
                    }
                }
                fieldset.choices {
                    legend { "What may be downloaded?" }
                    @for (value, title, hint) in [
                        ("web", "Photos for the screen", "Up to 2048 pixels, for sharing"),
                        ("originals", "Everything", "The originals too, for print"),
                        ("none", "Nothing", "To look at only"),
                    ] {
                        label.check {
                            input type="radio" name="downloads" value=(value) checked[value == "web"];
                            span { (title) }
                            span.hint { (hint) }
                        }
                    }
                }
                p.fault role="alert" {}
                div.actions {
                    button.button.plain type="button" data-shuts { "Cancel" }
                    button.button type="submit" { "Make the link" }
                }
            }
            div #made-link hidden {
                h2 { "Here it is" }
                p.quiet { "Copy it now. It is shown this once, and cannot be read again." }
                div.field.copy-row {
                    input #made-link-url type="text" readonly aria-label="The link";
                    button.button type="button" data-copies="made-link-url" { (icon("copy")) "Copy" }
                }
                div.actions { button.button.plain type="button" data-shuts { "Done" } }
            }
        }
    }
}

fn settings(service: &Service, gallery: &Gallery) -> Markup {
    let pipeline = match &gallery.pipeline {
        PipelineChoice::Auto => "auto",
        PipelineChoice::Named(name) => name,
    };
    html! {
        section #settings.panel aria-labelledby="tab-settings" {
            div.settings {
                form #details-form novalidate {
                    h2 { "Details" }
                    div.field {
                        label for="title-field" { "Whose wedding?" }
                        input #title-field type="text" name="title" required maxlength="200" autocomplete="off" value=(gallery.title);
                    }
                    (wedding_fields(service, gallery.wedding.as_ref()))
                    (pipeline_field(service, pipeline))
                    p.fault role="alert" {}
                    div.actions { button.button type="submit" { "Save" } }
                }
                (consent(gallery.consent.faces))
                section {
                    h2 { "Delete this gallery" }
                    p.quiet {
                        "Nobody finds anything of it any more: faces and guests are erased at once, originals and finished photos an hour \
                         later, from every disk."
                    }
                    div.actions { button.button.danger type="button" data-opens="delete" { "Delete the gallery" } }
                }
            }
        }
    }
}

fn consent(given: bool) -> Markup {
    html! {
        section #consent {
            h2 { "Recognising guests" }
            @if given {
                p {
                    "You recorded the couple’s consent. Faces are compared within this gallery and nowhere else."
                }
                p.quiet {
                    "Taking it back erases at once the numbers that describe the faces, and with them all guests, the names you gave \
                     them and who was merged with whom. The photos stay."
                }
                div.actions { button.button.plain #consent-switch type="button" data-given="true" { "Take the consent back" } }
            } @else {
                p { "There is no consent, so no face in this gallery is compared with another." }
                p.quiet {
                    "Record it only if the couple agreed. Each guest’s photos can then be found; what is learnt about a face stays in \
                     this gallery, and is erased when you take the consent back."
                }
                div.actions { button.button.plain #consent-switch type="button" data-given="false" { "The couple agreed" } }
            }
            p.fault role="alert" {}
        }
    }
}

fn delete_dialog(gallery: &Gallery) -> Markup {
    html! {
        dialog.sheet #delete aria-labelledby="delete-title" {
            form #delete-form method="dialog" novalidate {
                h2 #delete-title { "Delete “" (gallery.title) "” for ever?" }
                p.quiet {
                    "Every original of this gallery is erased. If these are your only copies, they are lost. Type the gallery’s name \
                     to go on."
                }
                div.field {
                    label for="delete-name" { "Name of the gallery" }
                    input #delete-name type="text" name="name" autocomplete="off" spellcheck="false";
                }
                p.fault role="alert" {}
                div.actions {
                    button.button.plain type="button" data-shuts { "Keep it" }
                    button.button.danger type="submit" { "Delete for ever" }
                }
            }
        }
    }
}
