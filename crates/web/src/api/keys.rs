//! A studio's API keys. No key makes another that may do more than itself, and a studio always keeps one that may make keys.

use std::{collections::BTreeSet, sync::Arc};

use axum::{Extension, extract::State, http::StatusCode};
use procession_domain::Timestamp;
use procession_vault::{Decision, Expect, Turn, Versioned};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Json, Keeping, Page, Paging, Path, Query};
use crate::{
    Problem, Result, Service,
    access::{ApiKey, Caller, Scope, Token, create_key},
};

/// More keys than any studio has.
const MOST_KEYS: usize = 100_000;

/// An API key without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyView {
    /// The public part: 24 hex digits.
    id: String,
    /// What people call it.
    name: String,
    /// What it may do.
    scopes: BTreeSet<Scope>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// From then on it opens nothing.
    #[schema(value_type = Option<String>, format = DateTime)]
    revoked_at: Option<Timestamp>,
}

/// A key that was just made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MadeKey {
    /// The key.
    #[serde(flatten)]
    key: KeyView,
    /// What its holder sends: `Authorization: Bearer pk_…`. It is shown now and never again.
    token: String,
}

/// A key to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewKey {
    /// What people call it, 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// What it may do: at least one scope, and none that the key has not that makes it.
    #[schema(value_type = Vec<Scope>, min_items = 1)]
    scopes: BTreeSet<Scope>,
}

/// Which key.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OfKey {
    /// The key's id.
    #[param(pattern = "^[0-9a-f]{24}$")]
    key: String,
}

impl From<ApiKey> for KeyView {
    fn from(key: ApiKey) -> Self {
        let ApiKey { id, name, scopes, created_at, revoked_at, .. } = key;
        Self { id, name, scopes, created_at, revoked_at }
    }
}

impl MadeKey {
    /// What whoever asked for the key is shown.
    pub(super) fn new(key: ApiKey, token: &Token) -> Self {
        Self { key: key.into(), token: token.to_string() }
    }
}

/// A name as people give it to keys and studios.
pub(super) fn checked_name(name: &str) -> Result<String> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 200 || name.chars().any(char::is_control) {
        return Err(Problem::invalid("name: give 1 to 200 characters"));
    }
    Ok(name.to_owned())
}

/// The keys of the studio by id, revoked ones too.
#[utoipa::path(get, path = "/api/v1/keys", operation_id = "list_keys", tag = "keys", params(Paging),
    responses((status = 200, body = Page<KeyView>), Problem))]
pub(crate) async fn list(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<KeyView>>> {
    caller.require(Scope::Admin)?;
    let limit = paging.limit()?;
    let after: Option<String> = paging.after()?;
    let found = service.documents.list::<ApiKey>(&caller.studio.to_string(), after.as_deref(), limit).await?;
    let items = found.into_iter().map(|found| found.document.into()).collect();
    Ok(Json(Page::of(items, limit, |last: &KeyView| last.id.clone())))
}

/// Makes a key. Its token is in the answer and nowhere else.
#[utoipa::path(post, path = "/api/v1/keys", operation_id = "make_key", tag = "keys", request_body = NewKey,
    responses((status = 201, body = MadeKey), Problem))]
pub(crate) async fn create(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Json(wanted): Json<NewKey>,
) -> Result<(StatusCode, Extension<Keeping>, Json<MadeKey>)> {
    caller.require(Scope::Admin)?;
    let name = checked_name(&wanted.name)?;
    if wanted.scopes.is_empty() {
        return Err(Problem::invalid("scopes: give at least one"));
    }
    wanted.scopes.iter().try_for_each(|scope| caller.require(*scope))?;
    let now = service.system.clock.now();
    let (key, token) = create_key(&service.documents, caller.studio, &name, wanted.scopes, now).await?;
    let keeping = Keeping::Fact(format!("key {}", key.id));
    Ok((StatusCode::CREATED, Extension(keeping), Json(MadeKey::new(key, &token))))
}

/// Revokes a key, for ever and at once. The last key of the studio that may make keys stays.
#[utoipa::path(delete, path = "/api/v1/keys/{key}", operation_id = "revoke_key", tag = "keys", params(OfKey),
    responses((status = 204), Problem))]
pub(crate) async fn revoke(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(OfKey { key }): Path<OfKey>,
) -> Result<StatusCode> {
    caller.require(Scope::Admin)?;
    let owner = caller.studio.to_string();
    // Two keys that revoke each other must not both succeed.
    service.documents.in_turn(&Turn::new(&owner, "keys"), || to_revoke(&service, &owner, &key)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What revokes a key; nothing if it is revoked already.
async fn to_revoke(service: &Service, owner: &str, key: &str) -> Result<Option<Decision<ApiKey>>> {
    let keys = service.documents.list::<ApiKey>(owner, None, MOST_KEYS).await?;
    let found = keys.iter().find(|known| known.document.id == key);
    let Versioned { version, document } = found.ok_or_else(|| Problem::not_found(format!("key {key}")))?;
    if document.revoked_at.is_some() {
        return Ok(None);
    }
    let may_make_keys = |key: &ApiKey| key.revoked_at.is_none() && key.scopes.contains(&Scope::Admin);
    if may_make_keys(document) && keys.iter().filter(|key| may_make_keys(&key.document)).count() == 1 {
        return Err(Problem::conflict(format!("key {key} is the last with the scope `admin`; make another one first")));
    }
    let document = ApiKey { revoked_at: Some(service.system.clock.now()), ..document.clone() };
    Ok(Some(Decision { document, expect: Expect::Version(*version) }))
}
