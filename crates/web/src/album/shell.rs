//! The page's markup: what can be read before a script runs, and the empty places that the scripts fill.

use jiff::tz::TimeZone;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use procession_domain::{
    album::{Album, AlbumPhoto},
    recipe::OutputFormat,
};

use super::{
    data::{Numbered, PageData, PageMoment, zone_of},
    details::{Files, for_screens},
    url_of, words,
};

/// What is inlined as it is.
pub(super) struct Parts<'a> {
    pub(super) style: &'a str,
    pub(super) icons: &'a str,
    pub(super) script: &'a str,
    /// JSON without `<`.
    pub(super) data: &'a str,
    pub(super) nonce: &'a str,
}

/// The whole document.
pub(super) fn document(album: &Album, numbered: &Numbered<'_>, page: &PageData<'_>, parts: &Parts<'_>) -> String {
    let zone = zone_of(album);
    let cover = cover_of(&numbered.photos, &page.moments);
    // `'self'` is for a server; `file:` for the disk, where a document has no origin that `'self'` could match.
    let policy = format!(
        "default-src 'none'; img-src 'self' file: data:; style-src 'nonce-{0}'; script-src 'nonce-{0}'; base-uri 'none'; \
         form-action 'none'",
        parts.nonce
    );
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (album.title) }
                link rel="icon" href="data:,";
                style nonce=(parts.nonce) {
                    (PreEscaped(parts.style))
                    @if let Some(photo) = cover { (PreEscaped(cover_style(photo))) }
                }
            }
            body {
                (PreEscaped(parts.icons))
                a.skip href="#gallery" { "Skip to the photos" }
                (header(album, page, cover, &zone))
                (notices(album))
                (guests(album, page))
                (navigation(&page.moments, numbered.knows_best(), &html! {}))
                main #gallery tabindex="-1" aria-label="Photos" {
                    noscript { p.empty { "This page needs JavaScript to show the photos. They are in the folders beside it." } }
                }
                (failures(album))
                (footer(album, &zone))
                (lightbox(&html! {}))
                script #album-data type="application/json" nonce=(parts.nonce) { (PreEscaped(parts.data)) }
                script type="module" nonce=(parts.nonce) { (PreEscaped(parts.script)) }
            }
        }
    };
    document.into_string()
}

pub(crate) fn icon(name: &str) -> Markup {
    html! { svg.icon aria-hidden="true" { use href={ "#icon-" (name) } {} } }
}

/// The photo that opens the page, among the covers of the moments: a landscape if there is one, with a few people near enough
/// to be known, of the moment with the most photos.
pub(crate) fn cover_of<'a>(photos: &[&'a AlbumPhoto], moments: &[PageMoment<'_>]) -> Option<&'a AlbumPhoto> {
    let landscape = |photo: &AlbumPhoto| photo.width > photo.height && photo.width < 3 * photo.height;
    let covers = moments.iter().map(|moment| (photos[moment.cover], moment.photos.len()));
    covers.max_by_key(|(photo, size)| (landscape(photo), shows_people(photo), *size)).map(|(photo, _)| photo)
}

/// One to four faces, the largest of which covers at least a two-hundredth of a photo that is wide enough for a whole screen.
fn shows_people(photo: &AlbumPhoto) -> bool {
    let faces = photo.analysis.faces.as_deref().unwrap_or_default();
    let is_near = faces.first().is_some_and(|face| face.region.area() >= 0.005);
    (1..=4).contains(&faces.len()) && is_near && photo.width >= 1200
}

/// Keeps the faces of the opening photo in view however it is cropped.
pub(crate) fn cover_style(photo: &AlbumPhoto) -> String {
    let faces = photo.analysis.faces.as_deref().unwrap_or_default();
    let centre = |middle: fn(&procession_domain::analysis::Face) -> f32| {
        let sum: f32 = faces.iter().map(middle).sum();
        if faces.is_empty() { 50.0 } else { (100.0 * sum / faces.len() as f32).clamp(0.0, 100.0) }
    };
    let x = centre(|face| face.region.x + face.region.width / 2.0);
    let y = centre(|face| face.region.y + face.region.height / 2.0);
    format!(".cover img{{object-position:{x:.0}% {y:.0}%}}")
}

/// A photo's files for screens in one format, as a `srcset`.
pub(crate) fn srcset(photo: &AlbumPhoto, format: OutputFormat, files: Files<'_>) -> String {
    let candidates = for_screens(photo).into_iter().filter(|file| file.format == format).map(|file| {
        let address = match files {
            Files::Beside => url_of(&file.path),
            Files::At(address) => address(photo, file),
        };
        format!("{address} {}w", file.width)
    });
    candidates.collect::<Vec<_>>().join(", ")
}

/// The opening photo.
pub(crate) fn cover_picture(photo: &AlbumPhoto, files: Files<'_>) -> Markup {
    html! {
        picture.cover aria-hidden="true" {
            @for format in [OutputFormat::Avif, OutputFormat::WebP] {
                @let sources = srcset(photo, format, files);
                @if !sources.is_empty() { source type=(format.media_type()) srcset=(sources) sizes="100vw"; }
            }
            img srcset=(srcset(photo, OutputFormat::Jpeg, files)) sizes="100vw" width=(photo.width) height=(photo.height)
                alt="" fetchpriority="high" decoding="async";
        }
    }
}

fn header(album: &Album, page: &PageData<'_>, cover: Option<&AlbumPhoto>, zone: &TimeZone) -> Markup {
    let delivery = words::delivery(album, zone);
    html! {
        header.hero.with-cover[cover.is_some()] {
            @if let Some(photo) = cover { (cover_picture(photo, Files::Beside)) }
            div.hero-text {
                @if let Some(wedding) = &album.wedding {
                    p.date { time datetime=(wedding.date) { (words::long_date(wedding.date)) } }
                }
                h1 { (album.title) }
                p.facts {
                    span { (words::count(album.photos.len(), "photo")) }
                    @if !album.moments.is_empty() { span { (words::count(page.moments.len(), "moment")) } }
                    @if !page.guests.is_empty() { span { (words::count(page.guests.len(), "guest")) } }
                }
                ul.badges {
                    li.badge.{ (delivery.state) } title={ "Promised for " (words::date_and_time(album.deadline, zone)) } {
                        (icon("clock")) (delivery.text)
                    }
                    @if let Some(receipt) = &album.receipt {
                        li { a.badge href=(url_of(receipt)) { (icon("shield")) "Receipt of the originals" } }
                    }
                    @if !album.failures.is_empty() {
                        li { a.badge.attention href="#failures" {
                            (icon("alert")) (words::count(album.failures.len(), "file")) " not shown"
                        } }
                    }
                }
            }
        }
    }
}

fn notices(album: &Album) -> Markup {
    html! {
        @if !album.notices.is_empty() {
            aside.notices aria-label="Notices" {
                ul { @for notice in &album.notices { li { (icon("info")) span { (notice) } } } }
            }
        }
    }
}

fn guests(album: &Album, page: &PageData<'_>) -> Markup {
    html! {
        section.guests aria-labelledby="guests-title" {
            h2 #guests-title { "Guests" }
            @if !page.guests.is_empty() {
                ul #guests aria-label="Show only photos with these guests" {}
            } @else if album.consent.faces {
                p.quiet { "No guest was recognised on these photos." }
            } @else {
                p.quiet { "Faces are grouped only with consent. The studio has not recorded it for this gallery." }
            }
        }
    }
}

/// The bar over the photos; `more` stands at its end.
pub(crate) fn navigation(moments: &[PageMoment<'_>], knows_best: bool, more: &Markup) -> Markup {
    html! {
        nav.bar #bar aria-label="The day" {
            div.bar-row {
                ol.moments #moments {
                    @for (at, moment) in moments.iter().enumerate() {
                        li { a href={ "#moment=" (at) } data-moment=(at) { bdi { (moment.title) } } }
                    }
                }
                @if knows_best {
                    button.toggle #best type="button" aria-pressed="false"
                        title="Leaves out the softest quarter of the gallery and photos on which somebody blinks" {
                        (icon("star")) span { "Sharp, eyes open" }
                    }
                }
                (more)
            }
            div.timeline #timeline role="slider" tabindex="0" aria-label="Time of day" aria-valuemin="0" hidden {}
            p.filter #filter role="status" hidden {}
        }
    }
}

fn failures(album: &Album) -> Markup {
    html! {
        @if !album.failures.is_empty() {
            section.failures #failures aria-labelledby="failures-title" {
                h2 #failures-title { "Not shown" }
                p.quiet { "These files are not in the gallery. Nothing was left out without a line here." }
                ul {
                    @for failure in &album.failures {
                        li {
                            p.name { bdi { (failure.name) } }
                            p { (failure.failure.message) }
                            @if failure.stored {
                                p.safe { (icon("shield")) "The original is safe in the vault." }
                            } @else {
                                p.unsafe { (icon("alert")) "Not taken into the vault: keep your copy." }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn footer(album: &Album, zone: &TimeZone) -> Markup {
    let time = |label: &str, moment| {
        html! { div { dt { (label) } dd { time datetime=(words::machine_time(moment)) { (words::date_and_time(moment, zone)) } } } }
    };
    html! {
        footer {
            dl {
                (time("Received", album.opened_at))
                (time("Promised", album.deadline))
                @if let Some(finished) = album.finished_at { (time("Finished", finished)) }
                div { dt { "Urgency" } dd { (album.urgency.name().replace('_', " ")) ": " (album.urgency_reason) } }
                div { dt { "Times" } dd { (zone.iana_name().unwrap_or("UTC")) } }
                div { dt { "Made by" } dd { (album.engine) } }
            }
        }
    }
}

/// One photo over the page; `more` are tools beside those that each photo has.
pub(crate) fn lightbox(more: &Markup) -> Markup {
    html! {
        dialog.lightbox #lightbox aria-label="Photo" tabindex="-1" {
            div.stage #stage { div.track #track {} }
            div.top {
                p.counter #counter aria-live="polite" {}
                (more)
                a.tool #download download target="_blank" aria-label="Download this photo" { (icon("download")) }
                button.tool #details-button type="button" aria-expanded="false" aria-controls="details"
                    aria-label="Details" { (icon("info")) }
                button.tool #close type="button" aria-label="Close" { (icon("close")) }
            }
            button.step.previous #previous type="button" aria-label="Previous photo" { (icon("left")) }
            button.step.next #next type="button" aria-label="Next photo" { (icon("right")) }
            div.caption #caption {}
            aside.details #details aria-label="Details" hidden {}
        }
    }
}
