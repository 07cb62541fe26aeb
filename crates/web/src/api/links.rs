//! Links by which a gallery's clients reach it: made, listed, ended.

use std::sync::Arc;

use axum::{Extension, extract::State, http::StatusCode};
use procession_domain::{GalleryId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Json, Keeping, OfGallery, Page, Paging, Path, Query};
use crate::{
    Problem, Result, Service,
    access::{Caller, Downloads, Link, LinkToken, Scope, hash_password},
};

/// A gallery link. Its address is told once, when it is made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LinkView {
    /// 16 hex digits.
    id: String,
    /// What the studio calls it.
    name: Option<String>,
    /// Whether a password is wanted.
    has_password: bool,
    /// What may be taken away.
    downloads: Downloads,
    /// When it was made (RFC 3339).
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// From then on it opens nothing (RFC 3339).
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// When the studio ended it (RFC 3339).
    #[schema(value_type = Option<String>, format = DateTime)]
    revoked_at: Option<Timestamp>,
}

/// A link that was just made.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewLinkView {
    #[serde(flatten)]
    link: LinkView,
    /// Give this to the clients. It cannot be told again.
    url: String,
}

/// A link to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewLink {
    /// What to call it, 1 to 200 characters: "For the parents".
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// 4 to 200 characters; anybody with the address may enter without one.
    #[schema(min_length = 4, max_length = 200)]
    password: Option<String>,
    /// When it ends (RFC 3339), in the future; without it, when it is revoked.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// What may be taken away; nothing unless it is given.
    #[serde(default)]
    downloads: Downloads,
}

/// Which link.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OfLink {
    /// The gallery's id.
    #[param(value_type = String, pattern = "^[0-9a-f]{24}$")]
    gallery: GalleryId,
    /// The link's id.
    #[param(pattern = "^[0-9a-f]{16}$")]
    link: String,
}

impl From<Link> for LinkView {
    fn from(link: Link) -> Self {
        let Link { id, name, password_hash, downloads, created_at, expires_at, revoked_at, .. } = link;
        Self { id, name, has_password: password_hash.is_some(), downloads, created_at, expires_at, revoked_at }
    }
}

impl NewLink {
    fn check(&self, now: Timestamp) -> Result<()> {
        let length = |text: &str| text.chars().count();
        if self.name.as_deref().is_some_and(|name| name.trim().is_empty() || length(name) > 200) {
            return Err(Problem::invalid("name: give 1 to 200 characters, or none"));
        }
        if self.password.as_deref().is_some_and(|password| !(4..=200).contains(&length(password))) {
            return Err(Problem::invalid("password: give 4 to 200 characters, or none"));
        }
        if self.expires_at.is_some_and(|end| end <= now) {
            return Err(Problem::invalid("expires_at: give a moment in the future"));
        }
        Ok(())
    }
}

/// The links of a gallery, in the order of their ids.
#[utoipa::path(get, path = "/api/v1/galleries/{gallery}/links", operation_id = "list_links", tag = "links",
    params(OfGallery, Paging), responses((status = 200, body = Page<LinkView>), Problem))]
pub(crate) async fn list(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(OfGallery { gallery }): Path<OfGallery>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<LinkView>>> {
    caller.require(Scope::Read)?;
    caller.gallery(&service, gallery).await?;
    let limit = paging.limit()?;
    let after: Option<String> = paging.after()?;
    let found = service.documents.list::<Link>(&gallery.to_string(), after.as_deref(), limit).await?;
    let items = found.into_iter().map(|found| found.document.into()).collect();
    Ok(Json(Page::of(items, limit, |last: &LinkView| last.id.clone())))
}

/// Makes a link. Its address is in the answer and nowhere else.
#[utoipa::path(post, path = "/api/v1/galleries/{gallery}/links", operation_id = "make_link", tag = "links",
    params(OfGallery), request_body = NewLink, responses((status = 201, body = NewLinkView), Problem))]
pub(crate) async fn create(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(OfGallery { gallery }): Path<OfGallery>,
    Json(wanted): Json<NewLink>,
) -> Result<(StatusCode, Extension<Keeping>, Json<NewLinkView>)> {
    caller.require(Scope::Edit)?;
    let (gallery, _) = caller.gallery(&service, gallery).await?;
    let now = service.system.clock.now();
    wanted.check(now)?;
    let password_hash = match wanted.password {
        Some(password) => Some(hash_password(password).await?),
        None => None,
    };
    let token = LinkToken::draw()?;
    let link = Link {
        id: token.id().to_owned(),
        gallery: gallery.id,
        studio: gallery.studio,
        name: wanted.name.map(|name| name.trim().to_owned()),
        secret_hash: token.secret_hash().to_hex().to_string(),
        password_hash,
        downloads: wanted.downloads,
        created_at: now,
        expires_at: wanted.expires_at,
        revoked_at: None,
    };
    service.documents.create(&link).await?;
    let url = format!("{}/g/{token}", service.settings.public_url.as_deref().unwrap_or_default());
    let keeping = Keeping::Fact(format!("link {}", link.id));
    Ok((StatusCode::CREATED, Extension(keeping), Json(NewLinkView { link: link.into(), url })))
}

/// Ends a link: it opens nothing any more. Addresses of images that were given out through it end within two days.
#[utoipa::path(delete, path = "/api/v1/galleries/{gallery}/links/{link}", operation_id = "revoke_link", tag = "links",
    params(OfLink), responses((status = 204), Problem))]
pub(crate) async fn revoke(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(OfLink { gallery, link }): Path<OfLink>,
) -> Result<StatusCode> {
    caller.require(Scope::Edit)?;
    caller.gallery(&service, gallery).await?;
    let found = service.documents.get::<Link>(&link).await?;
    let found = found.filter(|found| found.document.gallery == gallery);
    let found = found.ok_or_else(|| Problem::not_found("this link"))?;
    if found.document.revoked_at.is_none() {
        let revoked = Link { revoked_at: Some(service.system.clock.now()), ..found.document };
        service.documents.replace(&revoked, found.version).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
