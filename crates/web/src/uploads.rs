//! Uploads by tus 1.0.0 (<https://tus.io/protocols/resumable-upload>), resumable after a crash of either side.
//!
//! The protocol is our own code because what there is for axum (tus-axum 0.1, fileloft 0.3) is young, and because the last
//! answer means more here than there: the photo is durable.

mod answer;
mod append;
mod checksum;
mod coding;
mod create;
mod finish;
mod headers;
mod place;
mod receive;
mod spool;
mod target;
mod tend;
mod upload;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{FromRequestParts as _, Path, Request, State},
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::map_response,
    response::{IntoResponse as _, Response},
    routing::any,
};
use tokio::sync::Semaphore;

use self::{
    answer::{described, refusal},
    append::{append, check_expiry},
    create::create,
    finish::{finish, locked},
    place::Manner,
    receive::Incoming,
    spool::{Spool, blocking},
    upload::{Upload, UploadId},
};
use crate::{
    Problem, Result, Service, ServiceSettings,
    access::{Caller, Scope},
};

pub use tend::tend_uploads;

/// So long a request waits for another that works on the same upload.
const PATIENCE: Duration = Duration::from_secs(20);
/// First looks that wait to be made.
const FIRST_LOOKS: usize = 256;

/// What the handlers of uploads share.
pub(crate) struct Uploads {
    spool: Arc<Spool>,
    first_looks: Arc<Semaphore>,
    /// One permit for each upload that becomes a photo at the same time.
    finishing: Semaphore,
}

impl Uploads {
    /// Opens the folder of uploads. Of one upload so much is taken as fits a photo in memory.
    ///
    /// # Errors
    /// The folder cannot be made, read or written.
    pub(crate) async fn open(settings: &ServiceSettings, most_bytes: u64) -> Result<Self> {
        let (folder, room_bytes) = (settings.uploads.clone(), settings.upload_room_bytes);
        let spool = blocking(move || Spool::open(&folder, room_bytes, most_bytes)).await??;
        let first_looks = Arc::new(Semaphore::new(FIRST_LOOKS));
        Ok(Self { spool: Arc::new(spool), first_looks, finishing: Semaphore::new(settings.uploads_at_once.max(1)) })
    }

    /// How many uploads have not ended, and how many bytes they have received.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub(crate) async fn occupancy(&self) -> Result<(u64, u64)> {
        self.spool.occupancy().await
    }
}

/// The routes of uploads.
pub(crate) fn routes() -> Router<Arc<Service>> {
    Router::new()
        .route("/files", any(handle))
        .route("/files/", any(handle))
        .route("/files/{upload}", any(handle))
        .layer(map_response(speak_tus))
}

/// What is in every answer.
async fn speak_tus(mut response: Response) -> Response {
    let is_other_version = response.status() == StatusCode::PRECONDITION_FAILED;
    let headers = response.headers_mut();
    headers.insert(headers::TUS_RESUMABLE, HeaderValue::from_static(headers::VERSION));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if is_other_version {
        headers.insert(headers::TUS_VERSION, HeaderValue::from_static(headers::VERSION));
    }
    response
}

/// A request goes on in a task of its own, so that what has come is kept and a photo is finished when its client goes away.
async fn handle(State(service): State<Arc<Service>>, request: Request) -> Response {
    let task = tokio::spawn(async move {
        let (mut parts, body) = request.into_parts();
        let mut incoming = Incoming::new(body, &parts.headers, &service);
        match route(&service, &mut parts, &mut incoming).await {
            Ok(response) => headers::timed(response, incoming.worked()),
            Err(problem) => {
                incoming.linger().await;
                problem.into_response()
            }
        }
    });
    task.await.unwrap_or_else(|error| {
        tracing::error!(%error, "a request for an upload ended early");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "internal error").into_response()
    })
}

async fn route(service: &Arc<Service>, parts: &mut Parts, incoming: &mut Incoming) -> Result<Response> {
    if let Some(method) = headers::text(&parts.headers, &headers::METHOD_OVERRIDE)? {
        parts.method = method.parse().map_err(|_| headers::malformed("X-HTTP-Method-Override names no method"))?;
    }
    if parts.method == Method::OPTIONS {
        return Ok(options(service));
    }
    headers::check_version(&parts.headers)?;
    let caller = Caller::from_request_parts(parts, service).await?;
    caller.require(Scope::Upload)?;
    let id = match Option::<Path<String>>::from_request_parts(parts, service).await {
        Ok(Some(Path(id))) => Some(id.parse().map_err(|_| gone())?),
        _ => None,
    };
    match (&parts.method, &id) {
        (&Method::POST, None) => create(service, &caller, &parts.headers, incoming).await,
        (&Method::PATCH, Some(id)) => append(service, &caller, id, &parts.headers, incoming).await,
        (&Method::HEAD, Some(id)) => look(service, &caller, id).await,
        (&Method::DELETE, Some(id)) => terminate(service, &caller, id).await,
        _ => {
            let detail = "POST begins an upload at /files; HEAD, PATCH and DELETE go to its URL";
            Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail))
        }
    }
}

/// What is understood here.
fn options(service: &Service) -> Response {
    let fixed = [
        (headers::TUS_VERSION, headers::VERSION),
        (headers::TUS_EXTENSION, headers::EXTENSIONS),
        (headers::TUS_CHECKSUM_ALGORITHM, checksum::ALGORITHMS),
        (headers::CODINGS, coding::CODINGS),
    ];
    (StatusCode::NO_CONTENT, fixed, [(headers::TUS_MAX_SIZE, service.uploads.spool.most_bytes().to_string())])
        .into_response()
}

/// An upload, and its bytes on the disk.
struct Found {
    upload: Upload,
    on_disk: u64,
}

/// An upload of the caller's studio.
///
/// # Errors
/// 404, for another studio's too.
async fn find(service: &Service, caller: &Caller, id: &UploadId) -> Result<Found> {
    let (wanted, now) = (id.clone(), service.system.clock.now());
    let found = service.uploads.spool.run(move |spool| Ok(spool.find(&wanted)?.zip(Some(spool.on_disk(&wanted)?))));
    let found = found
        .await?
        .filter(|(upload, _)| upload.studio == caller.studio && (upload.outcome.is_none() || now < upload.expires_at));
    found.map(|(upload, on_disk)| Found { upload, on_disk }).ok_or_else(gone)
}

fn gone() -> Problem {
    Problem::not_found("this upload")
}

/// HEAD: how far an upload is. One whose bytes are all there is told of as complete only when its photo is durable.
async fn look(service: &Arc<Service>, caller: &Caller, id: &UploadId) -> Result<Response> {
    let Found { mut upload, on_disk } = find(service, caller, id).await?;
    if upload.is_to_finish(on_disk) {
        let place = service.uploads.spool.places.take(id, Manner::Waiting, PATIENCE).await.ok_or_else(locked)?;
        upload = find(service, caller, id).await?.upload;
        if upload.outcome.is_none() {
            // Locked, and not unavailable: at that, clients would begin again and send everything twice.
            upload = finish(service, upload, place).await.map_err(|_| locked())?;
        }
    }
    refusal(&upload)?;
    check_expiry(&upload, service.system.clock.now())?;
    let offset = upload.offset(on_disk);
    Ok(described(&upload, offset))
}

/// DELETE: the upload is forgotten. A photo that it became stays.
async fn terminate(service: &Arc<Service>, caller: &Caller, id: &UploadId) -> Result<Response> {
    find(service, caller, id).await?;
    let spool = &service.uploads.spool;
    let _place = spool.places.take(id, Manner::Asking, PATIENCE).await.ok_or_else(locked)?;
    let Found { upload, .. } = find(service, caller, id).await?;
    spool.run(move |spool| spool.remove(&upload)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
