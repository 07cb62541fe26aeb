//! The installation at a glance, on a wall or on a phone. The script draws it from `/api/v1/operations` every other second.

use std::sync::Arc;

use axum::{Router, extract::State, routing::get};
use futures::try_join;
use maud::{Markup, html};

use super::{
    enter::Member,
    forecast,
    frame::{Place, frame, studio},
    shell::{Failure, Page},
};
use crate::{Service, access::Scope, live::forecast::forecasts};

pub(super) fn routes() -> Router<Arc<Service>> {
    Router::new().route("/operations", get(show))
}

async fn show(State(service): State<Arc<Service>>, Member(caller): Member) -> Result<Page, Failure> {
    caller.require(Scope::Operate)?;
    let (forecasts, studio) = try_join!(forecasts(&service), studio(&service, &caller)).map_err(Failure)?;
    let main = html! {
        div.opening {
            h1 { "Operations" }
            p.state #state role="status" {}
        }
        div #operations {
            div.figures #figures {}
            div.board {
                div.side {
                    (part("galleries", "Deadlines"))
                    section.part.part-ahead aria-labelledby="ahead-title" {
                        h2 id="ahead-title" { "The days to come" }
                        div #ahead data-refreshes { (forecast::drawn(&forecasts)) }
                    }
                    (part("decisions", "Recent decisions"))
                }
                div.side {
                    (part("queue", "Queue by urgency"))
                    (part("workers", "Clusters and workers"))
                    (part("latency", "How long a photo takes"))
                    (part("stores", "Storage"))
                }
            }
        }
        noscript { p { "This page needs JavaScript to stay up to date. The same figures are at /api/v1/operations and /metrics." } }
    };
    let body = frame(studio, &caller, Place::Operations, &main);
    let styles = &["frame.css", "operations.css"];
    Ok(Page { title: "Operations · Procession".to_owned(), styles, script: Some("operations.js"), body })
}

fn part(id: &str, title: &str) -> Markup {
    html! {
        section.part.{ "part-" (id) } aria-labelledby={ (id) "-title" } {
            h2 id={ (id) "-title" } { (title) }
            div id=(id) {}
        }
    }
}
