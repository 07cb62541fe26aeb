//! POST: an upload begins, alone, with its bytes, or as what its parts are joined to.

use std::sync::Arc;

use axum::{
    http::{HeaderMap, HeaderName, StatusCode},
    response::Response,
};

use super::{
    PATIENCE,
    answer::{created, location, refusal},
    append::{check_most, take_in},
    checksum::Checksum,
    finish::{finish, locked},
    headers::{self, Concat, UPLOAD_CONCAT, UPLOAD_LENGTH, UPLOAD_METADATA, check_content_type, malformed},
    place::Manner,
    receive::Incoming,
    upload::{Outcome, Target, Upload, UploadId, UploadKind},
};
use crate::{Problem, Result, Service, access::Caller};

/// Metadata is given back in a header, so it must fit in one.
const LONGEST_METADATA_BYTES: usize = 16 << 10;

/// Begins an upload.
pub(super) async fn create(
    service: &Arc<Service>,
    caller: &Caller,
    headers: &HeaderMap,
    incoming: &mut Incoming,
) -> Result<Response> {
    let given = |name: &HeaderName| Ok::<_, Problem>(headers::text(headers, name)?.map(str::to_owned));
    let concat = headers::concat(headers)?;
    let kind = match &concat {
        Concat::Part => UploadKind::Part,
        Concat::Whole => UploadKind::Photo(target(service, caller, headers).await?),
        Concat::Final(parts) => UploadKind::Joined(target(service, caller, headers).await?, parts.clone()),
    };
    let metadata = given(&UPLOAD_METADATA)?;
    if metadata.as_ref().is_some_and(|metadata| metadata.len() > LONGEST_METADATA_BYTES) {
        return Err(malformed(format!("Upload-Metadata: use at most {LONGEST_METADATA_BYTES} bytes")));
    }
    let mut upload = Upload {
        id: UploadId::random()?,
        studio: caller.studio,
        concat: given(&UPLOAD_CONCAT)?,
        length: None,
        unverified_from: None,
        expires_at: service.system.clock.now().after(service.settings.upload_life),
        outcome: None,
        metadata,
        kind,
    };
    if let Concat::Final(parts) = concat {
        if headers.contains_key(UPLOAD_LENGTH) {
            return Err(malformed("a final upload is as long as its parts together; leave Upload-Length out"));
        }
        upload.id = UploadId::joined(caller.studio, &parts, upload.metadata.as_deref().unwrap_or_default());
        return join(service, upload, &parts).await;
    }
    upload.length = headers::length(headers)?;
    check_most(upload.length.unwrap_or_default(), service.uploads.spool.most_bytes())?;
    begin(service, upload, headers, incoming).await
}

/// What the metadata says, where it can be.
async fn target(service: &Service, caller: &Caller, headers: &HeaderMap) -> Result<Target> {
    let target = Target::read(&headers::metadata(headers)?)?;
    caller.gallery(service, target.gallery).await?;
    if let Some(coding) = target.coding {
        check_most(coding.length(), service.uploads.spool.most_bytes())?;
        check_most(coding.memory_bytes(), service.system.budget.bytes())?;
    }
    Ok(target)
}

async fn begin(
    service: &Arc<Service>,
    upload: Upload,
    headers: &HeaderMap,
    incoming: &mut Incoming,
) -> Result<Response> {
    let spool = &service.uploads.spool;
    let checksum = Checksum::read(headers)?;
    if !incoming.is_empty() {
        check_content_type(headers)?;
    }
    spool.create(&upload).await?;
    if incoming.is_empty() && upload.length != Some(0) {
        let id = upload.id.clone();
        spool.run(move |spool| spool.sync(&id)).await?;
        return Ok(created(service, &upload, 0));
    }
    let place = spool.places.take(&upload.id, Manner::Waiting, PATIENCE).await.ok_or_else(locked)?;
    match take_in(service, upload.clone(), place, 0, incoming, checksum).await {
        Ok((upload, offset)) => refusal(&upload).map(|()| created(service, &upload, offset)),
        Err(problem) => {
            // Nobody knows its URL. But if all the bytes are here and wait for the vault, they are kept for it.
            let forgotten =
                spool.run(
                    move |spool| {
                        if upload.is_to_finish(spool.on_disk(&upload.id)?) { Ok(()) } else { spool.remove(&upload) }
                    },
                );
            forgotten.await.and(Err(problem))
        }
    }
}

/// Makes one upload of complete parts. The same again is the same upload: a client that lost the answer asks again.
async fn join(service: &Arc<Service>, mut upload: Upload, parts: &[UploadId]) -> Result<Response> {
    let spool = &service.uploads.spool;
    let place = spool.places.take(&upload.id, Manner::Waiting, PATIENCE).await.ok_or_else(locked)?;
    let id = upload.id.clone();
    let known = spool.run(move |spool| spool.find(&id)).await?;
    let joined = match known {
        Some(known) if known.outcome.is_some() => known,
        Some(known) => finish(service, known, place).await?,
        None => {
            upload.length = Some(measure(service, &upload, parts).await?);
            spool.create(&upload).await?;
            finish(service, upload, place).await?
        }
    };
    refusal(&joined)?;
    Ok(created(service, &joined, joined.length.unwrap_or_default()))
}

/// The length of all parts together.
async fn measure(service: &Service, upload: &Upload, parts: &[UploadId]) -> Result<u64> {
    let (ids, studio) = (parts.to_vec(), upload.studio);
    let found = service.uploads.spool.run(move |spool| {
        ids.iter().map(|id| Ok((spool.find(id)?, spool.on_disk(id)?))).collect::<std::io::Result<Vec<_>>>()
    });
    let mut length = 0_u64;
    for (part, on_disk) in found.await? {
        let part = part.filter(|part| part.studio == studio);
        let part = part.ok_or_else(|| Problem::not_found("one of the parts of Upload-Concat"))?;
        let url = location(service, &part);
        match (&part.kind, &part.outcome) {
            (UploadKind::Part, None) if part.is_complete(part.offset(on_disk)) => {}
            (UploadKind::Part, None) => {
                return Err(Problem::conflict(format!("{url} is not complete; send the rest of it first")));
            }
            (UploadKind::Part, Some(Outcome::Joined | Outcome::Stored(_) | Outcome::Refused(_))) => {
                let detail = format!("{url} was joined already, and its bytes are not kept");
                return Err(Problem::new(StatusCode::GONE, "expired", detail));
            }
            _ => return Err(malformed(format!("{url} is no partial upload"))),
        }
        length = length.saturating_add(part.length.unwrap_or_default());
    }
    check_most(length, service.uploads.spool.most_bytes())?;
    Ok(length)
}
