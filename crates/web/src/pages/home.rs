//! The studio's galleries: what is at work first, the most urgent before the others, then all that were opened.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Query, State},
    routing::get,
};
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream, try_join};
use maud::{Markup, html};
use procession_domain::{
    Classified as _, GalleryId, Kind, Timestamp,
    gallery::{Gallery, Progress, Rank},
    photo::Photo,
};
use procession_flow::{
    Delivery,
    status::{State as Stage, Status},
};

use super::{
    cover::{cover, preview},
    enter::Member,
    forms::{consent_field, pipeline_field, wedding_fields},
    frame::{Place, frame, studio},
    shell::{Failure, Page, icon, sentence},
};
use crate::{
    Result, Service,
    access::{Caller, Scope},
    album::words,
    api::Paging,
};

/// What is unfinished may be told by a look so old.
const FRESH: Duration = Duration::from_millis(500);
/// So many galleries are asked for at the same time.
const AT_ONCE: usize = 8;

pub(super) fn routes() -> Router<Arc<Service>> {
    Router::new().route("/studio", get(show))
}

/// A gallery as it is shown among others.
struct Card {
    gallery: Gallery,
    status: Status,
    cover: Option<Photo>,
}

impl Card {
    fn is_at_work(&self) -> bool {
        !self.status.progress.is_finished()
    }

    /// The most urgent first: late before at risk before in time, and within each by what there is to spare.
    fn order(&self) -> (u8, i64, Timestamp, GalleryId) {
        let severity = match self.status.delivery {
            Delivery::Late => 0,
            Delivery::AtRisk => 1,
            Delivery::OnTime | Delivery::Delivered => 2,
        };
        (severity, self.status.slack_seconds.unwrap_or(i64::MAX), self.status.deadline, self.gallery.id)
    }
}

async fn show(
    State(service): State<Arc<Service>>,
    Member(caller): Member,
    Query(paging): Query<Paging>,
) -> Result<Page, Failure> {
    caller.require(Scope::Read)?;
    let limit = 48;
    let after = paging.after()?;
    let is_first = after.is_none();
    let listed = async { Ok(service.system.ledger.galleries_of(caller.studio, after, limit).await?) };
    let (mut found, studio) = try_join!(listed, studio(&service, &caller)).map_err(Failure)?;
    let older = found.last().filter(|_| found.len() == limit).map(|(last, ..)| (last.opened_at, last.id));
    if is_first {
        add_older_at_work(&service, &caller, &mut found).await?;
    }
    let cards = cards(&service, found).await?;
    let (mut at_work, others): (Vec<Card>, Vec<Card>) = cards.into_iter().partition(Card::is_at_work);
    at_work.sort_by_key(Card::order);
    let main = html! {
        (opening(&caller))
        div #galleries data-refreshes {
            @if at_work.is_empty() && others.is_empty() { (nothing_yet()) }
            @if !at_work.is_empty() { (group(&service, "At work", true, &at_work)) }
            @if !others.is_empty() { (group(&service, "All galleries", !at_work.is_empty(), &others)) }
            @if let Some(cursor) = older { (older_link(cursor)) }
        }
        @if caller.scopes.contains(&Scope::Upload) { (new_gallery(&service)) }
    };
    let body = frame(studio, &caller, Place::Galleries, &main);
    Ok(Page {
        title: "Galleries · Procession".to_owned(),
        styles: &["frame.css", "home.css"],
        script: Some("home.js"),
        body,
    })
}

/// A gallery as the ledger lists it.
type Listed = (Gallery, Rank, Progress);

async fn cards(service: &Service, listed: Vec<Listed>) -> Result<Vec<Card>> {
    let (system, observer) = (&service.system, &service.live.observer);
    let counted = listed.iter().map(|(gallery, _, progress)| (gallery.id, *progress)).collect();
    let looks = async { Ok(observer.looks(system, counted).await?) };
    let covers: Vec<_> = listed.iter().map(|(gallery, ..)| cover(service, gallery.id)).collect();
    // Their type is too much for whoever serves this.
    let covers = stream::iter(covers).buffered(AT_ONCE).boxed().try_collect::<Vec<_>>();
    let (looks, covers) = try_join!(looks, covers)?;
    let now = system.clock.now();
    let card = |(((gallery, rank, _), look), cover)| {
        let status = observer.status(look, &rank, None, now);
        Card { gallery, status, cover }
    };
    Ok(listed.into_iter().zip(looks).zip(covers).map(card).collect())
}

/// What is at work belongs on the first page, however long ago it was opened.
async fn add_older_at_work(service: &Service, caller: &Caller, listed: &mut Vec<Listed>) -> Result<()> {
    let (ledger, observer) = (&service.system.ledger, &service.live.observer);
    let expected = observer.expected(&service.system, FRESH).await?;
    let at_work = expected.galleries.iter().map(|(backlog, _)| backlog.gallery);
    let others = at_work.filter(|id| !listed.iter().any(|(gallery, ..)| gallery.id == *id));
    let asked: Vec<_> =
        others.map(|id| async move { try_join!(ledger.gallery(id), ledger.progress(id)) }.boxed()).collect();
    for found in stream::iter(asked).buffered(AT_ONCE).collect::<Vec<_>>().await {
        match found {
            Ok(((gallery, rank), progress)) if gallery.studio == caller.studio => {
                listed.push((gallery, rank, progress));
            }
            Ok(_) => {}
            // It was removed a moment ago.
            Err(error) if error.kind() == Kind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn opening(caller: &Caller) -> Markup {
    html! {
        div.opening {
            h1 { "Galleries" }
            @if caller.scopes.contains(&Scope::Upload) {
                button.button type="button" data-opens="new-gallery" { (icon("plus")) "New gallery" }
            }
        }
    }
}

fn nothing_yet() -> Markup {
    html! {
        div.nothing {
            h2 { "Your first wedding" }
            p.quiet {
                "Open a gallery and drop the card's folder into it. Every original is kept safe, and finished photos appear \
                 while the rest still uploads."
            }
        }
    }
}

/// Some of the cards. Where there is one group only, its title is for those who do not see the page.
fn group(service: &Service, title: &str, titled: bool, cards: &[Card]) -> Markup {
    html! {
        section.group {
            h2.unseen[!titled] { (title) }
            ul.cards { @for card in cards { (card_markup(service, card)) } }
        }
    }
}

fn card_markup(service: &Service, card: &Card) -> Markup {
    let Card { gallery, status, cover } = card;
    let stored = status.progress.stored();
    html! {
        li.card id={ "gallery-" (gallery.id) } {
            a.picture href={ "/studio/galleries/" (gallery.id) } tabindex="-1" aria-hidden="true" {
                @match cover {
                    Some(photo) => img src=(preview(service, photo)) alt="" loading="lazy" decoding="async"
                        width=(photo.width) height=(photo.height);,
                    None => span.initials { (initials(&gallery.title)) },
                }
            }
            div.words {
                h3 { a href={ "/studio/galleries/" (gallery.id) } { (gallery.title) } }
                @if status.state != Stage::Empty { (mark(&gallery.id, status)) }
                p.quiet {
                    @if let Some(wedding) = &gallery.wedding { time datetime=(wedding.date) { (words::short_date(wedding.date)) } " · " }
                    @if stored == 0 { "no photos yet" } @else { (words::count(stored as usize, "photo")) }
                }
                @if card.is_at_work() { (pace(&gallery.title, status, service.system.clock.now())) }
            }
        }
    }
}

/// Whether it will be in time, and on a second look why.
fn mark(gallery: &GalleryId, status: &Status) -> Markup {
    let (kind, sign, text) = match status.delivery {
        Delivery::OnTime => ("good", "clock", "In time"),
        Delivery::AtRisk => ("warn", "alert", "Close to the deadline"),
        Delivery::Late => ("bad", "alert", "Late"),
        Delivery::Delivered => ("good", "check", "Delivered"),
    };
    html! {
        div.why tabindex="0" role="group" aria-label=(text) aria-describedby={ "why-" (gallery) } {
            span.tag.{ (kind) } { (icon(sign)) (text) }
            span role="tooltip" id={ "why-" (gallery) } { (sentence(&status.reason)) }
        }
    }
}

/// How far it is, and when it will be finished.
fn pace(title: &str, status: &Status, now: Timestamp) -> Markup {
    let progress = status.progress;
    let finished = progress.done + progress.quarantined;
    let left = status.finishes_at.map(|end| format!("{} left", words::span(end.since(now))));
    let slack = status.slack_seconds.map(|slack| {
        let span = words::span(Duration::from_secs(slack.unsigned_abs()));
        if slack < 0 { format!("{span} too late") } else { format!("{span} to spare") }
    });
    let facts: Vec<String> = [Some(format!("{finished} finished")), left, slack].into_iter().flatten().collect();
    html! {
        div.pace {
            progress max=(progress.stored()) value=(finished) aria-label={ "Finished of " (title) } {}
            p.number { (facts.join(" · ")) }
        }
    }
}

/// "A & B" of "Anna & Ben": what stands where there is no photo yet.
fn initials(title: &str) -> String {
    let letters = title.split_whitespace().filter_map(|word| word.chars().next());
    letters.filter(|letter| letter.is_uppercase() || *letter == '&').take(3).collect::<Vec<char>>().iter().fold(
        String::new(),
        |mut text, letter| {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push(*letter);
            text
        },
    )
}

fn older_link((opened_at, id): (Timestamp, GalleryId)) -> Markup {
    html! { p.older { a.button.plain href={ "/studio?after=" (Paging::cursor(&(opened_at, id))) } { "Older galleries" } } }
}

fn new_gallery(service: &Service) -> Markup {
    html! {
        dialog.sheet #new-gallery aria-labelledby="new-gallery-title" {
            form #new-gallery-form method="dialog" novalidate {
                h2 #new-gallery-title { "New gallery" }
                div.field {
                    label for="title" { "Whose wedding?" }
                    input #title type="text" name="title" required maxlength="200" autocomplete="off" placeholder="Anna & Ben";
                }
                (wedding_fields(service, None))
                (pipeline_field(service, "auto"))
                (consent_field(false))
                p.fault role="alert" {}
                div.actions {
                    button.button.plain type="button" data-shuts { "Cancel" }
                    button.button type="submit" { "Open the gallery" }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_those_of_the_names() {
        assert_eq!(initials("Anna & Ben"), "A & B");
        assert_eq!(initials("Die Hochzeit von Clara und David"), "D H C");
        assert_eq!(initials("wedding"), "");
    }
}
