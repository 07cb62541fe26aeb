//! Studios: all of them for the operator, each its own for itself.

use std::sync::Arc;

use axum::{Extension, extract::State, http::StatusCode};
use procession_domain::{StudioId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Json, Keeping, Page, Paging, Query,
    keys::{MadeKey, checked_name},
};
use crate::{
    Problem, Result, Service,
    access::{Caller, Scope, Studio, create_key, random},
};

/// What the first key of a studio may do: everything but operate the installation.
const FIRST_SCOPES: [Scope; 4] = [Scope::Read, Scope::Upload, Scope::Edit, Scope::Admin];

/// A studio.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StudioView {
    /// 24 hex digits.
    #[schema(value_type = String)]
    id: StudioId,
    /// What its clients read.
    name: String,
    /// When it joined.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// A studio's name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StudioName {
    /// What its clients read, 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
}

/// A studio that was just made, with the key that it begins with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MadeStudio {
    /// The studio.
    studio: StudioView,
    /// Its first key. It may do everything in the studio, and make further keys.
    key: MadeKey,
}

impl From<Studio> for StudioView {
    fn from(studio: Studio) -> Self {
        let Studio { id, name, created_at } = studio;
        Self { id, name, created_at }
    }
}

/// All studios of the installation, by id.
#[utoipa::path(get, path = "/api/v1/studios", operation_id = "list_studios", tag = "studios", params(Paging),
    responses((status = 200, body = Page<StudioView>), Problem))]
pub(crate) async fn list(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<StudioView>>> {
    caller.require(Scope::Operate)?;
    let limit = paging.limit()?;
    let after: Option<String> = paging.after()?;
    let found = service.documents.list::<Studio>("", after.as_deref(), limit).await?;
    let items = found.into_iter().map(|found| found.document.into()).collect();
    Ok(Json(Page::of(items, limit, |last: &StudioView| last.id)))
}

/// Adds a studio. Its first key is in the answer and nowhere else.
#[utoipa::path(post, path = "/api/v1/studios", operation_id = "add_studio", tag = "studios", request_body = StudioName,
    responses((status = 201, body = MadeStudio), Problem))]
pub(crate) async fn create(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Json(wanted): Json<StudioName>,
) -> Result<(StatusCode, Extension<Keeping>, Json<MadeStudio>)> {
    caller.require(Scope::Operate)?;
    let now = service.system.clock.now();
    let studio = Studio { id: StudioId::from_bytes(random()?), name: checked_name(&wanted.name)?, created_at: now };
    // The key first: a key without a studio harms nobody, a studio without a key could not be reached.
    let (key, token) = create_key(&service.documents, studio.id, "first key", FIRST_SCOPES, now).await?;
    service.documents.create(&studio).await?;
    let keeping = Keeping::Fact(format!("studio {} with key {}", studio.id, key.id));
    let made = MadeStudio { studio: studio.into(), key: MadeKey::new(key, &token) };
    Ok((StatusCode::CREATED, Extension(keeping), Json(made)))
}

/// The studio of the key.
#[utoipa::path(get, path = "/api/v1/studio", operation_id = "get_own_studio", tag = "studios",
    responses((status = 200, body = StudioView), Problem))]
pub(crate) async fn get_own(State(service): State<Arc<Service>>, caller: Caller) -> Result<Json<StudioView>> {
    caller.require(Scope::Read)?;
    let found = service.documents.get::<Studio>(&caller.studio.to_string()).await?;
    let studio = found.ok_or_else(|| Problem::not_found(format!("studio {}", caller.studio)))?;
    Ok(Json(studio.document.into()))
}

/// Renames the studio of the key.
#[utoipa::path(patch, path = "/api/v1/studio", operation_id = "rename_own_studio", tag = "studios",
    request_body = StudioName, responses((status = 200, body = StudioView), Problem))]
pub(crate) async fn rename_own(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Json(change): Json<StudioName>,
) -> Result<Json<StudioView>> {
    caller.require(Scope::Admin)?;
    let found = service.documents.get::<Studio>(&caller.studio.to_string()).await?;
    let found = found.ok_or_else(|| Problem::not_found(format!("studio {}", caller.studio)))?;
    let studio = Studio { name: checked_name(&change.name)?, ..found.document };
    service.documents.replace(&studio, found.version).await?;
    Ok(Json(studio.into()))
}
