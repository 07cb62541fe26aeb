//! Favourites without an account: whoever taps a heart gets a cookie that stands for them in this gallery alone.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use procession_domain::{GalleryId, PhotoId, Timestamp};
use procession_vault::{Document, Versioned};
use serde::{Deserialize, Serialize};

use super::{closed::UNLISTED, shown::Shown, visit::Visit};
use crate::{
    Problem, Result, Service,
    access::{cookie, hex, random, refuse_foreign_pages},
    api::Json,
};

/// The cookie's name begins so and ends with the gallery's id.
const COOKIE: &str = "procession_visitor_";
/// It lasts so long after the last change.
const COOKIE_SECONDS: u64 = 365 * 24 * 60 * 60;
/// So many people may choose in one gallery.
pub(crate) const MOST_VISITORS: usize = 500;
/// So many photos may one of them choose.
const MOST_PHOTOS: usize = 2_000;
const LONGEST_NAME: usize = 80;

/// What one visitor of a gallery chose.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Favourites {
    pub(crate) gallery: GalleryId,
    /// Who chose: made of the cookie by hashing, so whoever reads this cannot be them.
    pub(crate) visitor: String,
    /// What they call themselves.
    pub(crate) name: Option<String>,
    pub(crate) photos: BTreeSet<PhotoId>,
    pub(crate) created_at: Timestamp,
    pub(crate) changed_at: Timestamp,
}

impl Document for Favourites {
    const KIND: &'static str = "favourites";

    fn id(&self) -> String {
        document_id(self.gallery, &self.visitor)
    }

    fn owner(&self) -> String {
        self.gallery.to_string()
    }
}

fn document_id(gallery: GalleryId, visitor: &str) -> String {
    format!("{gallery}-{visitor}")
}

/// A visitor's favourites as their browser has them.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Chosen {
    /// 0 if there is nothing yet; what a change was made of.
    version: i64,
    #[serde(default)]
    name: Option<String>,
    photos: Vec<PhotoId>,
}

impl From<Versioned<Favourites>> for Chosen {
    fn from(Versioned { version, document }: Versioned<Favourites>) -> Self {
        Self { version, name: document.name, photos: document.photos.into_iter().collect() }
    }
}

/// What the visitor has chosen.
pub(super) async fn get(State(service): State<Arc<Service>>, visit: Visit, headers: HeaderMap) -> Result<Response> {
    let found = find(&service, visit.gallery.id, &headers).await?;
    Ok(answer(found.map_or_else(Chosen::default, Chosen::from), None))
}

/// The photos that whoever sends these headers has chosen in a gallery.
pub(super) async fn chosen(service: &Service, gallery: GalleryId, headers: &HeaderMap) -> Result<BTreeSet<PhotoId>> {
    Ok(find(service, gallery, headers).await?.map(|found| found.document.photos).unwrap_or_default())
}

async fn find(service: &Service, gallery: GalleryId, headers: &HeaderMap) -> Result<Option<Versioned<Favourites>>> {
    let Some(secret) = cookie_of(headers, gallery) else { return Ok(None) };
    Ok(service.documents.get::<Favourites>(&document_id(gallery, &visitor_of(secret))).await?)
}

/// Replaces what the visitor has chosen, if nobody else did since `version` was read: another tab, another device.
pub(super) async fn put(
    State(service): State<Arc<Service>>,
    visit: Visit,
    headers: HeaderMap,
    Json(wanted): Json<Chosen>,
) -> Result<Response> {
    refuse_foreign_pages(&Method::PUT, &headers)?;
    let gallery = visit.gallery.id;
    let secret = match cookie_of(&headers, gallery) {
        Some(secret) => secret.to_owned(),
        None => hex(&random::<16>()?),
    };
    let visitor = visitor_of(&secret);
    let now = service.system.clock.now();
    service.clients.changes.take(&document_id(gallery, &visitor), now)?;
    let known = service.documents.get::<Favourites>(&document_id(gallery, &visitor)).await?;
    if known.as_ref().map_or(0, |known| known.version) != wanted.version {
        return Err(Problem::conflict("the favourites were changed elsewhere; read them again"));
    }
    let shown = Shown::of(&service, gallery).await?;
    let created_at = known.as_ref().map_or(now, |known| known.document.created_at);
    let favourites = Favourites {
        gallery,
        visitor,
        name: wanted.name.as_deref().map(checked_name).transpose()?.flatten(),
        // One that is gone since the page was drawn is no fault of the visitor's.
        photos: wanted.photos.into_iter().filter(|id| shown.find(*id).is_some()).collect(),
        created_at,
        changed_at: now,
    };
    if favourites.photos.len() > MOST_PHOTOS {
        return Err(Problem::invalid(format!("photos: choose at most {MOST_PHOTOS}")));
    }
    let version = if known.is_some() {
        service.documents.replace(&favourites, wanted.version).await?
    } else {
        service.clients.newcomers.take(&(gallery, visit.door.network), now)?;
        let visitors = service.documents.list::<Favourites>(&gallery.to_string(), None, MOST_VISITORS).await?;
        if visitors.len() == MOST_VISITORS {
            let detail =
                format!("{MOST_VISITORS} people have chosen favourites in this gallery; there is room for no more");
            return Err(Problem::new(StatusCode::INSUFFICIENT_STORAGE, "no_room", detail));
        }
        service.documents.create(&favourites).await?
    };
    let secure = if service.is_secure() { "; Secure" } else { "" };
    let cookie =
        format!("{COOKIE}{gallery}={secret}; Path=/g/; Max-Age={COOKIE_SECONDS}; HttpOnly; SameSite=Lax{secure}");
    Ok(answer(Versioned { version, document: favourites }.into(), Some(cookie)))
}

fn checked_name(name: &str) -> Result<Option<String>> {
    let name = name.trim();
    if name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(Problem::invalid(format!("name: give at most {LONGEST_NAME} characters")));
    }
    Ok((!name.is_empty()).then(|| name.to_owned()))
}

fn answer(chosen: Chosen, cookie: Option<String>) -> Response {
    let head = [UNLISTED, (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (head, cookie.map(|cookie| [(header::SET_COOKIE, cookie)]), Json(chosen)).into_response()
}

/// The visitor's cookie for this gallery, if it is one.
fn cookie_of(headers: &HeaderMap, gallery: GalleryId) -> Option<&str> {
    let value = cookie(headers, &format!("{COOKIE}{gallery}"))?;
    (value.len() == 32 && value.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(value)
}

/// Who a cookie stands for: 24 hex digits.
fn visitor_of(secret: &str) -> String {
    hex(&blake3::derive_key("procession gallery visitor 1", secret.as_bytes())[..12])
}
