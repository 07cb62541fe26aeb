//! Archives: photos of a gallery as one ZIP file that is streamed and never stored.
//!
//! What is in an archive is written down when its address is made, by hashes, so the same address is the same bytes on every
//! node and after every restart, and a download that broke off goes on anywhere. Where one of these photos is gone or was
//! replaced, the address ends; it never turns into other bytes.

mod address;
mod checksum;
mod contents;
mod list;
mod plan;
mod select;

use std::{ops::Range, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, Method, StatusCode},
    response::Response,
    routing::get,
};
use procession_domain::gallery::Gallery;
use quick_cache::sync::Cache;

use crate::{
    Problem, Result, Service,
    access::not_ours,
    representation::{Representation, attachment},
};
use address::Address;
use contents::contents;
use list::List;
use plan::Plan;

pub(crate) use select::{Files, Made, Of, Wanted};

/// Archives whose plans are remembered. One of 10,000 photos takes about 5 MB.
const PLANS: usize = 32;
/// A plan is held against the ledger again after this time.
const FRESH: Duration = Duration::from_secs(60);

/// The archives that were asked for lately.
#[derive(Debug)]
pub(crate) struct Archives(Cache<String, Arc<Plan>>);

impl Archives {
    pub(crate) fn new() -> Self {
        Self(Cache::new(PLANS))
    }

    /// Where the parts of an archive are. However many ask, one finds out.
    async fn plan(&self, service: &Service, id: &str) -> Result<Arc<Plan>> {
        loop {
            let plan = self.0.get_or_insert_async(id, Plan::of(service, id)).await?;
            if service.system.clock.now().since(plan.read_at) < FRESH {
                return Ok(plan);
            }
            self.0.remove_if(id, |there| Arc::ptr_eq(there, &plan));
        }
    }
}

/// The routes of archives.
pub(crate) fn routes() -> Router<Arc<Service>> {
    Router::new().route("/z/{token}/{name}", get(archive))
}

/// The address of an archive, and what is in it. The same photos and names have the same address for hours.
///
/// # Errors
/// 404 for what the gallery has not; 409 if photos are not finished yet; 422 if nothing is left to be in it.
pub(crate) async fn archive_url(service: &Service, gallery: &Gallery, wanted: &Wanted) -> Result<Made> {
    let (list, left_out) = List::of(service, gallery, wanted).await?;
    list.keep(service).await?;
    let path = Address::sign(service, &list);
    let url = format!("{}{path}", service.settings.public_url.as_deref().unwrap_or_default());
    Ok(Made { url, bytes: list.bytes()?, photos: list.photos(), left_out })
}

async fn archive(
    State(service): State<Arc<Service>>,
    method: Method,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response> {
    let Path((token, _)) = path.map_err(|_| not_ours())?;
    let address = Address::parse(&token).ok_or_else(not_ours)?;
    let left = address.check(&service).await?;
    let plan = service.archives.plan(&service, &address.id).await?;
    let representation = Representation {
        etag: plan.archive.etag(),
        length: plan.archive.length(),
        media_type: "application/zip",
        // Gigabytes in a cache that others share push out what is asked for often.
        caching: format!("private, max-age={}, immutable, no-transform", left.as_secs()),
        disposition: attachment(&plan.name),
        vary: Vec::new(),
    };
    let body = async |range: Range<u64>| Ok(Body::from_stream(contents(Arc::clone(&service), plan, range)));
    representation.answer(&method, &headers, body).await
}

/// The answer where a part of an archive is no longer what it was.
fn replaced() -> Problem {
    let detail = "photos of this archive were removed or replaced; ask for a new one";
    Problem::new(StatusCode::GONE, "replaced", detail)
}
