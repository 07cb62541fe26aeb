//! What clients take away, as far as their link allows.

use std::sync::Arc;

use axum::{
    extract::{Path, Query, State},
    http::{HeaderMap, Method},
    response::Response,
};
use procession_domain::{PhotoId, album::AlbumPhoto};
use serde::Deserialize;

use super::{favourites, shown::Shown, visit::Visit};
use crate::{
    Problem, Result, Service,
    access::{Downloads, refuse_foreign_pages},
    album::data::Numbered,
    api::{Json, send_original},
    deliver::send_screen_image,
    download::{self, Made, Of, archive_url},
};

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

/// An archive that is wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Archive {
    of: Part,
    files: Option<Files>,
}

/// Photos of the gallery as it is shown.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Part {
    All,
    /// The visitor's.
    Favourites,
    /// By its place on the page.
    Moment(usize),
}

/// The address of many photos as one file.
pub(super) async fn archive(
    State(service): State<Arc<Service>>,
    visit: Visit,
    headers: HeaderMap,
    Json(wanted): Json<Archive>,
) -> Result<Json<Made>> {
    refuse_foreign_pages(&Method::POST, &headers)?;
    let files = allowed(visit.door.link.downloads, wanted.files)?;
    let here = (visit.door.link.id.clone(), visit.door.network);
    service.clients.archives.take(&here, service.system.clock.now())?;
    let shown = Shown::of(&service, visit.gallery.id).await?;
    let of = match wanted.of {
        Part::All => Of::Photos(given(shown.photos(), &shown, files)),
        Part::Favourites => {
            let chosen = favourites::chosen(&service, visit.gallery.id, &headers).await?;
            Of::Photos(given(shown.photos().filter(|photo| chosen.contains(&photo.id)), &shown, files))
        }
        Part::Moment(place) => moment(&shown, place, files)?,
    };
    let by_moment = matches!(wanted.of, Part::All);
    let files = match files {
        Files::Web => download::Files::Web,
        Files::Originals => download::Files::Originals,
    };
    let wanted = download::Wanted { of, files, by_moment };
    Ok(Json(archive_url(&service, &visit.gallery, &wanted).await?))
}

/// Those of some photos that are there: an original always, an image once it is made.
fn given<'a>(photos: impl Iterator<Item = &'a AlbumPhoto>, shown: &Shown, files: Files) -> Vec<PhotoId> {
    let is_there = |photo: &&AlbumPhoto| files == Files::Originals || !shown.is_coming(photo.id);
    photos.filter(is_there).map(|photo| photo.id).collect()
}

/// A moment of the page: one of the album's, under its name, or the photos that are in none.
fn moment(shown: &Shown, place: usize, files: Files) -> Result<Of> {
    let album = &shown.corrected.album;
    let numbered = Numbered::of(album, &shown.coming);
    let moment = numbered.moments().into_iter().nth(place);
    let moment = moment.ok_or_else(|| Problem::not_found(format!("moment {place}")))?;
    let photos: Vec<&AlbumPhoto> = moment.photos.iter().map(|&number| numbered.photos[number]).collect();
    let same = album.moments.iter().position(|known| photos.iter().any(|photo| known.photos.contains(&photo.id)));
    Ok(same.map_or_else(|| Of::Photos(given(photos.into_iter(), shown, files)), Of::Moment))
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
