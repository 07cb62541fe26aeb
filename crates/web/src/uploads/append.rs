//! PATCH: bytes for an upload that was begun.

use std::{fs::File, sync::Arc};

use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};
use procession_domain::Timestamp;

use super::{
    Found, PATIENCE,
    answer::{answer, refusal},
    checksum::Checksum,
    find,
    finish::{finish, locked},
    headers::{UPLOAD_LENGTH, UPLOAD_OFFSET, check_content_type, malformed, number},
    place::{Manner, Place},
    receive::Incoming,
    upload::{Upload, UploadId, UploadKind},
};
use crate::{Problem, Result, Service, access::Caller};

/// Takes the bytes in. The answer to the last of them comes when the photo is durable.
pub(super) async fn append(
    service: &Arc<Service>,
    caller: &Caller,
    id: &UploadId,
    headers: &HeaderMap,
    incoming: &mut Incoming,
) -> Result<Response> {
    check_content_type(headers)?;
    let claimed = number(headers, &UPLOAD_OFFSET)?.ok_or_else(|| malformed("PATCH needs the header Upload-Offset"))?;
    let checksum = Checksum::read(headers)?;
    // Before anybody is disturbed who has more of this upload already.
    check(service, &find(service, caller, id).await?, claimed)?;
    let place = service.uploads.spool.places.take(id, Manner::Asking, PATIENCE).await.ok_or_else(locked)?;
    let found = find(service, caller, id).await?;
    check(service, &found, claimed)?;
    if found.upload.outcome.is_some() {
        incoming.check_length(0)?;
        return Ok(answer(StatusCode::NO_CONTENT, &found.upload, claimed));
    }
    let upload = settle(service, found, headers).await?;
    let (upload, offset) = take_in(service, upload, place, claimed, incoming, checksum).await?;
    refusal(&upload)?;
    Ok(answer(StatusCode::NO_CONTENT, &upload, offset))
}

/// Goes on only if bytes from this offset on can be taken.
fn check(service: &Service, found: &Found, claimed: u64) -> Result<()> {
    let Found { upload, on_disk } = found;
    if matches!(upload.kind, UploadKind::Joined(..)) {
        let detail = "this upload is made of its parts; it takes no bytes";
        return Err(Problem::new(StatusCode::FORBIDDEN, "final_upload", detail));
    }
    refusal(upload)?;
    check_expiry(upload, service.system.clock.now())?;
    match upload.offset(*on_disk) {
        offset if offset == claimed => Ok(()),
        offset => {
            let detail = format!("the upload has {offset} bytes, so Upload-Offset {claimed} does not continue it");
            Err(Problem::new(StatusCode::CONFLICT, "offset_conflict", detail))
        }
    }
}

/// Goes on only if the upload can still be continued.
pub(super) fn check_expiry(upload: &Upload, now: Timestamp) -> Result<()> {
    if upload.outcome.is_none() && upload.expires_at <= now {
        return Err(Problem::new(StatusCode::GONE, "expired", "this upload was not continued in time; begin again"));
    }
    Ok(())
}

/// Takes note of a length that was deferred, and drops bytes that a crash left unverified.
async fn settle(service: &Service, found: Found, headers: &HeaderMap) -> Result<Upload> {
    let spool = &service.uploads.spool;
    let Found { upload: before, on_disk } = found;
    let offset = before.offset(on_disk);
    let mut upload = Upload { unverified_from: None, ..before.clone() };
    match (number(headers, &UPLOAD_LENGTH)?, before.length) {
        (Some(length), None) if length < offset => return Err(malformed("Upload-Length is less than what is there")),
        (Some(length), None) => {
            check_most(length, spool.most_bytes())?;
            upload.length = Some(length);
        }
        (Some(length), Some(known)) if length != known => {
            return Err(malformed(format!("Upload-Length was announced as {known} and never changes")));
        }
        _ => {}
    }
    if upload == before {
        return Ok(upload);
    }
    let now = upload.clone();
    spool
        .run(move |spool| {
            if on_disk > offset {
                File::options().write(true).open(spool.data(&now.id))?.set_len(offset)?;
            }
            spool.update(&before, &now, true)
        })
        .await?;
    Ok(upload)
}

/// Goes on only if a photo may be so long.
pub(super) fn check_most(length: u64, most: u64) -> Result<()> {
    if length <= most {
        return Ok(());
    }
    let detail = format!("{length} bytes are more than the {most} that are accepted (Tus-Max-Size)");
    Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail))
}

/// Adds what a request brings to an upload, and ends the upload if that was all. Returns it with its new offset.
pub(super) async fn take_in(
    service: &Arc<Service>,
    mut upload: Upload,
    mut place: Place,
    offset: u64,
    incoming: &mut Incoming,
    checksum: Option<Checksum>,
) -> Result<(Upload, u64)> {
    let spool = &service.uploads.spool;
    let most = upload.length.unwrap_or_else(|| spool.most_bytes()).saturating_sub(offset);
    incoming.check_length(most)?;
    let before = upload.clone();
    if checksum.is_some() {
        upload.unverified_from = Some(offset);
        let (before, now) = (before.clone(), upload.clone());
        spool.run(move |spool| spool.update(&before, &now, true)).await?;
    }
    let received = incoming.receive(spool, &mut place, (spool.data(&upload.id), offset, most), checksum).await;
    let is_checked = received.checksum.is_some();
    let end = match received.checksum {
        Some(checksum) => received.end.and_then(|()| checksum.check()),
        None => received.end,
    };
    // With a checksum it is all or nothing. Without, what came is kept, but for bytes that nobody announced.
    let is_kept = match &end {
        Ok(()) => true,
        Err(problem) => !is_checked && problem.code != "too_large",
    };
    let now_at = if is_kept { offset + received.bytes } else { offset };
    upload = before.clone();
    upload.expires_at = service.system.clock.now().after(service.settings.upload_life);
    // A photo that is about to be durable in the vault need not be durable here.
    let is_to_finish = end.is_ok() && upload.is_to_finish(now_at);
    let now = upload.clone();
    spool
        .run(move |spool| {
            if !is_kept {
                File::options().create(true).truncate(false).write(true).open(spool.data(&now.id))?.set_len(now_at)?;
            }
            if !is_to_finish || is_checked {
                spool.update(&before, &now, is_checked)?;
            }
            if is_to_finish { Ok(()) } else { spool.sync(&now.id) }
        })
        .await?;
    end?;
    if !is_to_finish {
        return Ok((upload, now_at));
    }
    let id = upload.id.clone();
    let ended = finish(service, upload, place).await;
    if ended.is_err() {
        // It waits here for the vault.
        spool.run(move |spool| spool.sync(&id)).await?;
    }
    ended.map(|upload| (upload, now_at))
}
