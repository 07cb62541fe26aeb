//! Who makes a request.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, Method, header, request::Parts},
};
use procession_domain::{
    GalleryId, StudioId,
    gallery::{Gallery, Rank},
};

use super::{ApiKey, SESSION_COOKIE, Scope, Token, session_key};
use crate::{Problem, Result, Service};

/// Somebody with a valid key.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The key's id.
    pub key: String,
    /// Whose it is.
    pub studio: StudioId,
    /// What it may do.
    pub scopes: BTreeSet<Scope>,
}

impl Caller {
    /// The holder of a key, given as text.
    ///
    /// # Errors
    /// 401.
    pub async fn of(service: &Service, token: &str) -> Result<Self> {
        let token: Token = token.parse().map_err(|_| Problem::unauthenticated())?;
        let key = service.documents.get::<ApiKey>(token.id()).await?;
        let key = key.filter(|key| token.opens(&key.document)).ok_or_else(Problem::unauthenticated)?;
        Ok(key.document.into())
    }

    /// Goes on only if the caller may do this.
    ///
    /// # Errors
    /// 403.
    pub fn require(&self, scope: Scope) -> Result<()> {
        if self.scopes.contains(&scope) {
            return Ok(());
        }
        Err(Problem::forbidden(format!("this key has not the scope `{}`", scope.name())))
    }

    /// A gallery of the caller's studio.
    ///
    /// # Errors
    /// 404, for another studio's gallery too.
    pub async fn gallery(&self, service: &Service, id: GalleryId) -> Result<(Gallery, Rank)> {
        let found = service.system.ledger.gallery(id).await?;
        if found.0.studio == self.studio { Ok(found) } else { Err(Problem::not_found(format!("gallery {id}"))) }
    }
}

impl FromRequestParts<Arc<Service>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Self> {
        let id = match bearer(&parts.headers) {
            Some(token) => return Self::of(service, token).await,
            None => cookie(&parts.headers, SESSION_COOKIE)
                .and_then(|value| session_key(&service.keyring, value, service.system.clock.now())),
        };
        refuse_foreign_pages(&parts.method, &parts.headers)?;
        let key = service.documents.get::<ApiKey>(&id.ok_or_else(Problem::unauthenticated)?).await?;
        let key = key.filter(|key| key.document.revoked_at.is_none()).ok_or_else(Problem::unauthenticated)?;
        Ok(key.document.into())
    }
}

impl From<ApiKey> for Caller {
    fn from(key: ApiKey) -> Self {
        Self { key: key.id, studio: key.studio, scopes: key.scopes }
    }
}

/// Somebody who may have a key or not: for pages that show a log-in instead of a problem.
#[derive(Clone, Debug)]
pub struct Visitor(pub Option<Caller>);

impl FromRequestParts<Arc<Service>> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Self> {
        match Caller::from_request_parts(parts, service).await {
            Ok(caller) => Ok(Self(Some(caller))),
            Err(problem) if problem.status == 401 => Ok(Self(None)),
            Err(problem) => Err(problem),
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The value of a cookie.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|value| value.split(';')).find_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then_some(value)
    })
}

/// A browser sends a session's cookie along with what another site's page asks for, unless it honours `SameSite`. Browsers
/// that say where a request comes from are held to it.
pub(crate) fn refuse_foreign_pages(method: &Method, headers: &HeaderMap) -> Result<()> {
    let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    let is_foreign = site.is_some_and(|site| !matches!(site, "same-origin" | "none"));
    if is_foreign && !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Err(Problem::forbidden("this request comes from a page of another site"));
    }
    Ok(())
}
