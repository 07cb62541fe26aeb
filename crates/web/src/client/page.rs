//! The gallery's page: what can be read and seen before a script runs, small enough for the first round trips of a phone.

use std::sync::{Arc, LazyLock};

use axum::{
    extract::State,
    http::{HeaderName, HeaderValue, header},
    response::{Html, IntoResponse, Response},
};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use procession_domain::{
    album::{AlbumFile, AlbumPhoto},
    recipe::OutputFormat,
};

use super::{
    closed::UNLISTED,
    shown::{Shown, address, guests},
    visit::{Door, Visit},
};
use crate::{
    Problem, Result, Service,
    access::{Downloads, hex, random},
    album::{
        data::{Numbered, PageGuest, PageMoment},
        details::Files,
        shell::{cover_of, cover_picture, cover_style, icon, lightbox, navigation, srcset},
        words,
    },
    pages::{assets, shell::ICONS},
};

/// All styles, in the page: a phone needs no second round trip before it can draw.
static STYLE: LazyLock<String> = LazyLock::new(|| {
    let shared = ["base.css", "serif.css", "controls.css"].map(assets::style);
    [&shared.concat(), include_str!("../album/page.css"), include_str!("client.css")].concat()
});

/// The font of the headings, which the first screen shows.
const FONT: &str = "newsreader-latin-400-normal.woff2";

/// A gallery's page.
pub(super) async fn show(State(service): State<Arc<Service>>, visit: Visit) -> Response {
    match page(&service, &visit).await {
        Ok(response) => response,
        Err(problem) => visit.door.closed(problem).into_response(),
    }
}

async fn page(service: &Arc<Service>, visit: &Visit) -> Result<Response> {
    let shown = Shown::of(service, visit.gallery.id).await?;
    let now = service.system.clock.now();
    let address = |photo: &AlbumPhoto, file: &AlbumFile| address(service, now, photo, file);
    let nonce = hex(&random::<16>()?);
    let document = document(&visit.door, &shown, Files::At(&address), &nonce).into_string();
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'nonce-{nonce}'; img-src 'self' data: blob:; connect-src 'self'; \
         font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    let policy = HeaderValue::from_str(&policy).map_err(|_| Problem::invalid("the page's policy is no header"))?;
    let head = [
        UNLISTED,
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    ];
    Ok((head, Html(document)).into_response())
}

fn document(door: &Door, shown: &Shown, files: Files<'_>, nonce: &str) -> Markup {
    let album = &shown.corrected.album;
    let numbered = Numbered::of(album, &shown.coming);
    let (moments, guests) = (numbered.moments(), guests(&numbered));
    let cover = cover_of(&numbered.photos, &moments);
    let overview = format!("{}/album", door.path);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex, nofollow";
                title { (album.title) }
                link rel="icon" href="data:,";
                @if let Some(photo) = cover { (preload(photo, files)) }
                link rel="preload" as="fetch" href=(overview) crossorigin;
                link rel="preload" as="font" type="font/woff2" href=(assets::address(FONT)) crossorigin;
                style nonce=(nonce) {
                    (PreEscaped(STYLE.as_str()))
                    @if let Some(photo) = cover { (PreEscaped(cover_style(photo))) }
                }
                script type="module" src=(assets::address("gallery.js")) {}
            }
            body {
                (PreEscaped(ICONS))
                a.skip href="#gallery" { "Skip to the photos" }
                (header(door, &numbered, &moments, cover, files))
                (note(shown))
                (guests_section(&guests))
                (navigation(&moments, numbered.knows_best(), &favourites_toggle()))
                main #gallery tabindex="-1" aria-label="Photos" {
                    @if shown.len() == 0 { p.empty { "The photos are on their way. Come back a little later." } }
                    noscript { p.empty { "This page needs JavaScript to show the photos." } }
                }
                (footer(door, shown))
                (lightbox(&heart()))
                (favourites_sheet(door))
                @if has_downloads(door) { (download_sheet(door, &moments)) }
                script #album-data type="application/json" data-home=(door.path) data-from=(overview)
                    data-gallery=(album.gallery) data-downloads=[has_downloads(door).then_some("yes")] {}
            }
        }
    }
}

fn has_downloads(door: &Door) -> bool {
    door.link.downloads != Downloads::None
}

/// The opening photo is asked for before the styles are read.
fn preload(photo: &AlbumPhoto, files: Files<'_>) -> Markup {
    let best = [OutputFormat::Avif, OutputFormat::WebP, OutputFormat::Jpeg].into_iter();
    let found = best.map(|format| (format, srcset(photo, format, files))).find(|(_, sources)| !sources.is_empty());
    html! {
        @if let Some((format, sources)) = found {
            link rel="preload" as="image" type=(format.media_type()) imagesrcset=(sources) imagesizes="100vw"
                fetchpriority="high";
        }
    }
}

fn header(
    door: &Door,
    numbered: &Numbered<'_>,
    moments: &[PageMoment<'_>],
    cover: Option<&AlbumPhoto>,
    files: Files<'_>,
) -> Markup {
    let album = numbered.album();
    html! {
        header.hero.with-cover[cover.is_some()] {
            @if let Some(photo) = cover { (cover_picture(photo, files)) }
            div.hero-text {
                @if let Some(wedding) = &album.wedding {
                    p.date { time datetime=(wedding.date) { (words::long_date(wedding.date)) } }
                }
                h1 { (album.title) }
                p.facts {
                    span { (words::count(numbered.photos.len(), "photo")) }
                    @if moments.len() > 1 { span { (words::count(moments.len(), "moment")) } }
                }
                ul.badges {
                    li { button.badge type="button" data-sheet="favourites-sheet" {
                        (icon("heart")) span { "Favourites" } span.number data-favourites {}
                    } }
                    @if has_downloads(door) {
                        li { button.badge type="button" data-sheet="download-sheet" { (icon("download")) "Download" } }
                    }
                }
            }
        }
    }
}

/// What goes on while the gallery is still made.
fn note(shown: &Shown) -> Markup {
    let coming = shown.coming.len();
    html! {
        aside.notices aria-label="About this gallery" {
            ul {
                @if coming > 0 {
                    li { (icon("clock")) span {
                        "This gallery is still being prepared: " (words::count(coming, "photo"))
                        @if coming == 1 { " is" } @else { " are" }
                        " shown in a first, smaller version."
                    } }
                }
                li #news hidden { (icon("photo")) span {
                    "There is something new. " button.text-button type="button" #renew { "Show it" }
                } }
            }
        }
    }
}

fn guests_section(guests: &[PageGuest<'_>]) -> Markup {
    html! {
        @if !guests.is_empty() {
            section.guests aria-labelledby="guests-title" {
                h2 #guests-title { "People" }
                ul #guests aria-label="Show only photos with these guests" {}
            }
        }
    }
}

fn favourites_toggle() -> Markup {
    html! {
        button.toggle #favourites type="button" aria-pressed="false" {
            (icon("heart")) span { "Favourites" }
        }
    }
}

fn heart() -> Markup {
    html! {
        button.tool.heart #heart type="button" aria-pressed="false" aria-label="Favourite" { (icon("heart")) }
    }
}

/// Whose the favourites are, and what to do with them.
fn favourites_sheet(door: &Door) -> Markup {
    html! {
        dialog.sheet #favourites-sheet aria-labelledby="favourites-title" {
            button.button.bare.round.shut type="button" data-shut aria-label="Close" { (icon("close")) }
            h2 #favourites-title { "Your favourites" }
            p.lead #favourites-count {}
            div.field {
                label for="visitor-name" { "Whose favourites are these?" }
                input #visitor-name type="text" maxlength="80" autocomplete="name" placeholder="Anna";
                p.hint { (door.studio) " sees what you choose, and this name if you give one. Other guests do not." }
            }
            div.actions {
                @if has_downloads(door) {
                    button.button.plain type="button" data-sheet="download-sheet" data-part="favourites" data-needs-favourites {
                        (icon("download")) "Download"
                    }
                }
                button.button type="button" #show-favourites data-needs-favourites { (icon("heart")) "Show them" }
            }
        }
        p.toast #toast role="status" hidden { (icon("info")) span {} }
    }
}

/// What is to be taken away, and how large.
fn download_sheet(door: &Door, moments: &[PageMoment<'_>]) -> Markup {
    let choice = |name: &str, value: &str, is_first: bool, words: Markup| {
        html! {
            label.choice { input type="radio" name=(name) value=(value) checked[is_first]; span { (words) } }
        }
    };
    html! {
        dialog.sheet #download-sheet aria-labelledby="download-title" {
            button.button.bare.round.shut type="button" data-shut aria-label="Close" { (icon("close")) }
            h2 #download-title { "Download" }
            form #download-form {
                fieldset {
                    legend { "Which photos" }
                    (choice("of", "all", true, html! { "Everything" }))
                    label.choice {
                        input type="radio" name="of" value="favourites" data-needs-favourites;
                        span { "Your favourites" span.number.bracketed data-favourites {} }
                    }
                    @if moments.len() > 1 {
                        (choice("of", "moment", false, html! { "One moment" }))
                        select #download-moment aria-label="Moment" {
                            @for (at, moment) in moments.iter().enumerate() { option value=(at) { (moment.title) } }
                        }
                    }
                }
                @if door.link.downloads == Downloads::Originals {
                    fieldset {
                        legend { "How large" }
                        (choice("files", "originals", true, html! { "As they were taken, for prints and albums" }))
                        (choice("files", "web", false, html! { "Smaller, for screens and for sharing" }))
                    }
                }
                p.fault role="alert" {}
                div.actions { button.button type="submit" { (icon("download")) "Download" } }
            }
        }
    }
}

fn footer(door: &Door, shown: &Shown) -> Markup {
    let album = &shown.corrected.album;
    html! {
        footer.by {
            @if !door.studio.is_empty() { p { "Photographs by " bdi { (door.studio) } } }
            @if album.wedding.is_some() {
                p { "All times are local." }
            }
        }
    }
}
