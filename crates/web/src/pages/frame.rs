//! What stands around the studio's pages: where one is, where one can go, and the way out.

use maud::{Markup, html};

use crate::{
    Result, Service,
    access::{Caller, Scope, Studio},
};

/// The places of the studio.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Galleries,
    Keys,
    Operations,
}

/// A page's body with the frame around it.
pub(super) async fn framed(service: &Service, caller: &Caller, place: Place, main: Markup) -> Result<Markup> {
    Ok(frame(studio(service, caller).await?, caller, place, &main))
}

/// Whose pages these are, for [`frame`].
pub(super) async fn studio(service: &Service, caller: &Caller) -> Result<Option<Studio>> {
    let found = service.documents.get::<Studio>(&caller.studio.to_string()).await?;
    Ok(found.map(|found| found.document))
}

/// As [`framed`], where the studio was asked for together with what the page shows.
pub(super) fn frame(studio: Option<Studio>, caller: &Caller, place: Place, main: &Markup) -> Markup {
    let may = |scope| caller.scopes.contains(&scope);
    let links = [
        (Place::Galleries, "/studio", "Galleries", true),
        (Place::Keys, "/studio/keys", "Keys", may(Scope::Admin)),
        (Place::Operations, "/operations", "Operations", may(Scope::Operate)),
    ];
    html! {
        a.skip href="#main" { "Skip to the content" }
        header.frame {
            a.mark href="/studio" { "Procession" }
            nav aria-label="Studio" {
                @for (at, address, text, _) in links.iter().filter(|link| link.3) {
                    a href=(address) aria-current=[(*at == place).then_some("page")] { (text) }
                }
            }
            div.end {
                @if let Some(studio) = studio { span.whose { (studio.name) } }
                form method="post" action="/leave" { button.leave type="submit" { "Log out" } }
            }
        }
        main.room #main tabindex="-1" { (main) }
    }
}
