//! What the first look needs of each photo and no more: ten thousand of these are a megabyte or two.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    routing::get,
};
use procession_domain::{
    GalleryId, PhotoId, Timestamp,
    photo::{Photo, PhotoState},
};
use serde::{Deserialize, Serialize};

use super::super::cover::preview;
use crate::{
    Problem, Result, Service,
    access::{Caller, Scope},
};

/// So many photos can be asked for by id.
const MOST: usize = 200;

pub(super) fn routes() -> Router<Arc<Service>> {
    Router::new().route("/studio/galleries/{gallery}/tiles", get(tiles))
}

/// A photo in the grid.
#[derive(Serialize)]
struct Tile {
    id: PhotoId,
    name: String,
    width: u32,
    height: u32,
    stored_at: Timestamp,
    preview: String,
    /// `stored`, `done` or `quarantined`.
    state: &'static str,
    /// Why it is quarantined.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
}

#[derive(Deserialize)]
struct Wanted {
    /// Ids with commas between them; without them, all photos.
    photos: Option<String>,
}

async fn tiles(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(id): Path<GalleryId>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Vec<Tile>>> {
    caller.require(Scope::Read)?;
    caller.gallery(&service, id).await?;
    let photos = match wanted.photos {
        None => service.system.ledger.photos(id).await?,
        Some(ids) => some(&service, id, &ids).await?,
    };
    Ok(Json(photos.iter().map(|(photo, state)| tile(&service, photo, state)).collect()))
}

/// The photos with these ids, those that are not in the gallery left out.
async fn some(service: &Service, gallery: GalleryId, ids: &str) -> Result<Vec<(Photo, PhotoState)>> {
    let ids: Vec<PhotoId> = ids.split(',').take(MOST).map(str::parse).collect::<Result<_, _>>()?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        match service.system.ledger.photo(id).await.map_err(Problem::from) {
            Ok((photo, state)) if photo.gallery == gallery => found.push((photo, state)),
            Ok(_) => {}
            Err(problem) if problem.status == 404 => {}
            Err(problem) => return Err(problem),
        }
    }
    Ok(found)
}

fn tile(service: &Service, photo: &Photo, state: &PhotoState) -> Tile {
    let (name, failure) = match state {
        PhotoState::Stored => ("stored", None),
        PhotoState::Done(_) => ("done", None),
        PhotoState::Quarantined(failure) => ("quarantined", Some(failure.message.clone())),
    };
    let (width, height, stored_at) = (photo.width, photo.height, photo.stored_at);
    let preview = preview(service, photo);
    Tile { id: photo.id, name: photo.name().to_owned(), width, height, stored_at, preview, state: name, failure }
}
