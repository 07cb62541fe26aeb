//! From bytes on the disk to a durable photo: the end of every upload, whoever sees to it — the request that brings the last
//! byte, one that asks what became of it, or the start after a crash.

use std::{path::PathBuf, sync::Arc};

use axum::http::StatusCode;
use bytes::Bytes;
use procession_domain::{Classified as _, ContentHash, Kind, PhotoId, error::chain};
use procession_flow::{prepare_preview, take_photo};

use super::{
    PATIENCE,
    place::{Manner, Place},
    receive::{Files, read},
    spool::blocking,
    upload::{Because, Outcome, Refused, Target, Upload, UploadId, UploadKind},
};
use crate::{Problem, Result, Service};

/// Ends an upload whose bytes are all there. Whoever calls has the upload's place.
///
/// # Errors
/// What may pass: the vault is full or does not answer. Then the bytes stay, and the same can be tried again.
pub(super) async fn finish(service: &Arc<Service>, upload: Upload, place: Place) -> Result<Upload> {
    let spool = &service.uploads.spool;
    let (target, parts) = match &upload.kind {
        UploadKind::Photo(target) => (target.clone(), Vec::new()),
        UploadKind::Joined(target, parts) => (target.clone(), parts.clone()),
        UploadKind::Part => return Ok(upload),
    };
    let gallery = target.gallery;
    let _parts_places = take_all(service, &parts).await?;
    let sources = if parts.is_empty() { vec![upload.id.clone()] } else { parts.clone() };
    let found = spool.run(move |spool| {
        let sizes = sources.iter().map(|id| Ok((spool.data(id), spool.on_disk(id)?)));
        sizes.collect::<std::io::Result<Vec<(PathBuf, u64)>>>()
    });
    let (files, sizes): (Vec<PathBuf>, Vec<u64>) = found.await?.into_iter().unzip();
    let length = sizes.iter().sum();
    let outcome = if upload.length.is_some_and(|announced| announced != length) {
        // A part was terminated, or has expired, before it was joined.
        Outcome::Refused(Refused::new(
            Because::PartsGone,
            "the parts of this upload are there no more; send them again",
        ))
    } else {
        become_photo(service, target, files, length).await?
    };
    if let Outcome::Stored(photo) = outcome
        && service.live.watched.contains(gallery)
    {
        look_first(service, photo);
    }
    let now = service.system.clock.now();
    let mut ended = upload.clone();
    ended.end(outcome, length, now);
    let answer = ended.clone();
    spool
        .run(move |spool| {
            spool.end(&upload, &ended)?;
            for before in parts.iter().filter_map(|id| spool.find(id).transpose()) {
                let before = before?;
                let (mut part, length) = (before.clone(), before.length.unwrap_or_default());
                if before.outcome.is_none() {
                    part.end(Outcome::Joined, length, now);
                    spool.end(&before, &part)?;
                }
            }
            Ok(())
        })
        .await?;
    drop(place);
    Ok(answer)
}

/// Nobody else joins these parts, or terminates them, meanwhile.
async fn take_all(service: &Service, parts: &[UploadId]) -> Result<Vec<Place>> {
    let mut parts = parts.to_vec();
    // In one order, so that two who want the same parts do not wait for each other.
    parts.sort();
    parts.dedup();
    let mut places = Vec::with_capacity(parts.len());
    for part in parts {
        places.push(service.uploads.spool.places.take(&part, Manner::Waiting, PATIENCE).await.ok_or_else(locked)?);
    }
    Ok(places)
}

/// Somebody else is at it.
pub(super) fn locked() -> Problem {
    let problem = Problem::new(StatusCode::LOCKED, "locked", "this upload is being worked on; ask again");
    Problem { retry_after_seconds: Some(1), ..problem }
}

async fn become_photo(service: &Arc<Service>, target: Target, files: Vec<PathBuf>, length: u64) -> Result<Outcome> {
    let system = &service.system;
    let gallery = match system.ledger.gallery(target.gallery).await {
        Ok((gallery, _)) => gallery,
        Err(error) if error.kind() == Kind::NotFound => {
            let detail = format!("gallery {} is there no more", target.gallery);
            return Ok(Outcome::Refused(Refused::new(Because::NoGallery, detail)));
        }
        Err(error) => return Err(error.into()),
    };
    // A photo is in memory from here on. Where hundreds arrive at once, the rest waits on the disk.
    let _turn = service.uploads.finishing.acquire().await.map_err(|_| locked())?;
    let needed = target.coding.map_or(length, |coding| coding.memory_bytes());
    let memory = system.budget.grant(needed).await?;
    let bytes: Bytes = match target.coding {
        None => read(files, length).await?.map_err(|error| unreadable(&error))?,
        Some(coding) => match blocking(move || coding.decode(Files::new(files))).await? {
            Ok(photo) => photo.into(),
            Err(why) => {
                let detail = format!("the bytes are not the photo in the coding that was announced: {why}");
                return Ok(Outcome::Refused(Refused::new(Because::WrongCoding, detail)));
            }
        },
    };
    if let Some(expected) = target.hash {
        let whole = bytes.clone();
        let found = blocking(move || ContentHash::of(&whole)).await?;
        if found != expected {
            let detail = format!("the photo has the hash {found}, and {expected} was announced; send it again");
            return Ok(Outcome::Refused(Refused::new(Because::HashMismatch, detail)));
        }
    }
    let taken = take_photo(system, &gallery, target.name, (bytes, target.hash), &service.events).await;
    drop(memory);
    match taken {
        Ok(photo) => Ok(Outcome::Stored(photo)),
        Err(error @ procession_flow::Error::Pixel(_)) => {
            let because = if error.kind() == Kind::Limit { Because::TooLarge } else { Because::NotAPhoto };
            Ok(Outcome::Refused(Refused::new(because, chain(&error))))
        }
        Err(error) => Err(passing(error.into())),
    }
}

/// Whatever the vault says, it says of itself: the client cannot change it, and tries again.
fn passing(problem: Problem) -> Problem {
    let status = if problem.status < 500 { 503 } else { problem.status };
    Problem { status, retry_after_seconds: Some(problem.retry_after_seconds.unwrap_or(10)), ..problem }
}

fn unreadable(error: &std::io::Error) -> Problem {
    tracing::error!(%error, "an upload cannot be read");
    passing(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "the upload cannot be read; the log says why"))
}

/// The first look, made before the page of those who watch asks for it. Where many photos come at once, some looks are made when they
/// are asked for.
fn look_first(service: &Arc<Service>, photo: PhotoId) {
    let Ok(turn) = Arc::clone(&service.uploads.first_looks).try_acquire_owned() else { return };
    let system = Arc::clone(&service.system);
    tokio::spawn(async move {
        let _turn = turn;
        let looked = match system.ledger.photo(photo).await {
            Ok((photo, _)) => prepare_preview(&system, &photo).await,
            Err(error) => Err(error.into()),
        };
        if let Err(error) = looked {
            // The photo's own job says what is wrong with it.
            tracing::debug!(photo.id = %photo, error = chain(&error), "no first look");
        }
    });
}
