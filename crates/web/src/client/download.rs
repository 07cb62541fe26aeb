//! What clients take away, as far as their link allows.

use std::sync::Arc;

use axum::{
    extract::{Path, Query, State},
    http::{HeaderMap, Method},
    response::Response,
};
use procession_domain::PhotoId;
use serde::Deserialize;

use super::{shown::Shown, visit::Visit};
use crate::{Problem, Result, Service, access::Downloads, api::send_original, deliver::send_screen_image};

/// Which files are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Files {
    Web,
    Originals,
}

#[derive(Deserialize)]
pub(super) struct Wanted {
    /// The best that the link allows, unless it is said.
    files: Option<Files>,
}

/// The files that a link gives.
fn allowed(downloads: Downloads, wanted: Option<Files>) -> Result<Files> {
    match (downloads, wanted) {
        (Downloads::None, _) => Err(Problem::forbidden("with this link photos can be looked at, not downloaded")),
        (Downloads::Web, Some(Files::Originals)) => {
            Err(Problem::forbidden("this link gives the photos as they are shown, not the originals"))
        }
        (Downloads::Web, _) | (Downloads::Originals, Some(Files::Web)) => Ok(Files::Web),
        (Downloads::Originals, _) => Ok(Files::Originals),
    }
}

/// One photo, to be saved under its name.
pub(super) async fn photo(
    State(service): State<Arc<Service>>,
    visit: Visit,
    Path((_, id)): Path<(String, PhotoId)>,
    Query(wanted): Query<Wanted>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response> {
    let files = allowed(visit.door.link.downloads, wanted.files)?;
    let shown = Shown::of(&service, visit.gallery.id).await?;
    let photo = shown.find(id).ok_or_else(|| Problem::not_found(format!("photo {id}")))?;
    match files {
        Files::Originals => {
            let (photo, _) = service.system.ledger.photo(photo.id).await?;
            send_original(&service, &photo, &method, &headers).await
        }
        Files::Web => {
            let name = photo.name.rsplit('/').next().unwrap_or_default();
            let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
            send_screen_image(&service, photo.id, stem, &method, &headers).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_gives_what_it_allows_and_no_more() {
        let given = |downloads, wanted| allowed(downloads, wanted).ok();
        for wanted in [None, Some(Files::Web), Some(Files::Originals)] {
            assert_eq!(given(Downloads::None, wanted), None);
        }
        assert_eq!(given(Downloads::Web, None), Some(Files::Web));
        assert_eq!(given(Downloads::Web, Some(Files::Web)), Some(Files::Web));
        assert_eq!(given(Downloads::Web, Some(Files::Originals)), None);
        assert_eq!(given(Downloads::Originals, None), Some(Files::Originals));
        assert_eq!(given(Downloads::Originals, Some(Files::Web)), Some(Files::Web));
        assert_eq!(given(Downloads::Originals, Some(Files::Originals)), Some(Files::Originals));
    }
}
