//! Fields of the studio's forms.

use maud::{Markup, html};
use procession_domain::{gallery::Wedding, urgency::Urgency};

use crate::{Service, album::words};

/// Date and place of the wedding. The browser knows the names of the time zones, and a likely one.
pub(super) fn wedding_fields(service: &Service, wedding: Option<&Wedding>) -> Markup {
    let promised = |urgency| promise_words(service.system.settings.promises.of(urgency).complete_within_minutes);
    html! {
        div.columns-2 {
            div.field {
                label for="date" { "Wedding date" }
                input #date type="date" name="date" value=[wedding.map(|wedding| wedding.date)] aria-describedby="date-hint";
            }
            div.field {
                label for="zone" { "Time zone of the venue" }
                input #zone type="text" name="time_zone" list="zones" autocomplete="off" spellcheck="false"
                    placeholder="Europe/Rome" value=[wedding.map(|wedding| wedding.time_zone.as_str())];
                datalist #zones {}
            }
        }
        p.hint.quiet #date-hint {
            "The date decides how soon it is finished: today’s wedding within " (promised(Urgency::SameDayWedding))
            ", yesterday’s within " (promised(Urgency::NextDayDelivery)) ", any other within "
            (promised(Urgency::StandardDelivery)) "."
        }
    }
}

fn promise_words(minutes: u32) -> String {
    if minutes.is_multiple_of(60) {
        words::count(minutes as usize / 60, "hour")
    } else {
        words::count(minutes as usize, "minute")
    }
}

/// Which pipeline the photos take.
pub(super) fn pipeline_field(service: &Service, chosen: &str) -> Markup {
    html! {
        div.field {
            label for="pipeline" { "Finish photos as" }
            select #pipeline name="pipeline" {
                option value="auto" selected[chosen == "auto"] { "Whatever suits each photo" }
                @for name in service.system.settings.pipelines.keys() {
                    option value=(name) selected[chosen == name] { (pipeline_words(name)) }
                }
            }
        }
    }
}

fn pipeline_words(name: &str) -> String {
    match name {
        "high_resolution_portraits" => "Portraits: full size for print".to_owned(),
        "reception_photos" => "Reception: sizes for the web".to_owned(),
        "social_media_variants" => "Social media: small, with crops".to_owned(),
        other => other.replace('_', " "),
    }
}

/// The consent, in words that its giver would understand.
pub(super) fn consent_field(given: bool) -> Markup {
    html! {
        label.check {
            input type="checkbox" name="faces" checked[given];
            span { "Recognise the guests" }
            span.hint {
                "Tick this only if the couple agreed to it. Faces are compared within this gallery and nowhere else, so that each \
                 guest’s photos can be found. You can take it back at any time, which erases what was learnt."
            }
        }
    }
}
