//! What a gallery's clients chose.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::Arc,
};

use axum::{extract::State, http::header, response::IntoResponse};
use procession_domain::{GalleryId, PhotoId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Json, OfGallery, Path, Query};
use crate::{
    Problem, Result, Service,
    access::{Caller, Scope},
    client::{Favourites, MOST_VISITORS, Shown},
};

/// The favourites of a gallery's visitors.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FavouritesView {
    /// Whoever chose, the latest change first; at most 500.
    visitors: Vec<VisitorView>,
    /// The photos that were chosen, the most often chosen first, equals in the order of the day.
    photos: Vec<ChosenPhotoView>,
}

/// Somebody who chose photos, without an account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VisitorView {
    /// 24 hex digits.
    id: String,
    /// What they call themselves, if they said.
    name: Option<String>,
    /// How many photos they chose.
    photos: usize,
    /// When they changed their choice last (RFC 3339).
    #[schema(value_type = String, format = DateTime)]
    changed_at: Timestamp,
}

/// A photo that was chosen.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChosenPhotoView {
    /// 24 hex digits.
    #[schema(value_type = String)]
    photo: PhotoId,
    /// The first path that it came under.
    name: String,
    /// How many visitors chose it.
    count: usize,
}

/// Whose favourites are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Whose {
    /// Only those of this visitor.
    #[param(pattern = "^[0-9a-f]{24}$")]
    visitor: Option<String>,
}

/// The photos that a gallery's clients chose, and who chose how many.
#[utoipa::path(get, path = "/api/v1/galleries/{gallery}/favourites", operation_id = "get_favourites",
    tag = "favourites", params(OfGallery, Whose), responses((status = 200, body = FavouritesView), Problem))]
pub(crate) async fn list(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(OfGallery { gallery }): Path<OfGallery>,
    Query(whose): Query<Whose>,
) -> Result<Json<FavouritesView>> {
    let chosen = choices(&service, &caller, gallery, &whose).await?;
    let mut visitors: Vec<VisitorView> = chosen
        .iter()
        .map(|one| VisitorView {
            id: one.visitor.clone(),
            name: one.name.clone(),
            photos: one.photos.len(),
            changed_at: one.changed_at,
        })
        .collect();
    visitors.sort_by_key(|visitor| Reverse(visitor.changed_at));
    let mut counts: BTreeMap<PhotoId, usize> = BTreeMap::new();
    for photo in chosen.iter().flat_map(|one| &one.photos) {
        *counts.entry(*photo).or_default() += 1;
    }
    let shown = Shown::of(&service, gallery).await?;
    let mut photos: Vec<ChosenPhotoView> = shown
        .photos()
        .filter_map(|photo| Some((photo, *counts.get(&photo.id)?)))
        .map(|(photo, count)| ChosenPhotoView { photo: photo.id, name: photo.name.clone(), count })
        .collect();
    photos.sort_by_key(|photo| Reverse(photo.count));
    Ok(Json(FavouritesView { visitors, photos }))
}

/// The file names of the chosen photos in the order of the day, one a line: to be pasted into a program's search for photos.
#[utoipa::path(get, path = "/api/v1/galleries/{gallery}/favourites/names", operation_id = "get_favourite_names",
    tag = "favourites", params(OfGallery, Whose),
    responses((status = 200, body = String, content_type = "text/plain"), Problem))]
pub(crate) async fn names(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(OfGallery { gallery }): Path<OfGallery>,
    Query(whose): Query<Whose>,
) -> Result<impl IntoResponse> {
    let chosen = choices(&service, &caller, gallery, &whose).await?;
    let chosen: BTreeSet<PhotoId> = chosen.into_iter().flat_map(|one| one.photos).collect();
    let shown = Shown::of(&service, gallery).await?;
    let mut lines = String::new();
    for photo in shown.photos().filter(|photo| chosen.contains(&photo.id)) {
        // A line break in a name would make it two.
        let name = photo.name.rsplit('/').next().unwrap_or_default().replace(char::is_control, "_");
        let _ = writeln!(lines, "{name}");
    }
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], lines))
}

fn is_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

async fn choices(service: &Service, caller: &Caller, gallery: GalleryId, whose: &Whose) -> Result<Vec<Favourites>> {
    caller.require(Scope::Read)?;
    let is_id = |text: &String| text.len() == 24 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if !whose.visitor.as_ref().is_none_or(is_id) {
        return Err(Problem::invalid("visitor: give the id of one of the visitors, 24 hex digits"));
    }
    caller.gallery(service, gallery).await?;
    if whose.visitor.as_ref().is_some_and(|visitor| visitor.len() != 24 || !visitor.bytes().all(is_hex)) {
        return Err(Problem::invalid("visitor: give the id of one of the visitors"));
    }
    let found = service.documents.list::<Favourites>(&gallery.to_string(), None, MOST_VISITORS).await?;
    let all = found.into_iter().map(|found| found.document);
    // Whoever chose nothing, or took it all back, is not worth a line.
    let chosen = all.filter(|one| !one.photos.is_empty());
    Ok(chosen.filter(|one| whose.visitor.as_ref().is_none_or(|visitor| *visitor == one.visitor)).collect())
}
