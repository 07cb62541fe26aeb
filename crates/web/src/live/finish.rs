//! That a gallery is finished is told once, until something new arrives in it.
//!
//! A document for each gallery says whether that is still to be told, so a restart tells what the process before it owed.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use procession_domain::{Classified, GalleryId, Kind, Timestamp};
use procession_flow::Event;
use procession_vault::Document;
use serde::{Deserialize, Serialize};

use crate::{Result, Service, webhook};

/// So many galleries that were not finished are taken up again at the start; the others when something happens in them.
const MOST_OWED: usize = 100_000;
/// Whoever began to tell has so long until it is taken to have died over it.
const TELLING: Duration = Duration::from_secs(60);

/// Whether a gallery's end is still to be told, and when it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Finish {
    gallery: GalleryId,
    /// When something new came that has not been told to be finished.
    owed_since: Option<Timestamp>,
    /// When the gallery was finished last.
    finished_at: Option<Timestamp>,
}

impl Document for Finish {
    const KIND: &'static str = "finish";

    fn id(&self) -> String {
        self.gallery.to_string()
    }

    fn owner(&self) -> String {
        self.gallery.to_string()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        self.owed_since
    }
}

/// The galleries whose end is still to be told, each with the moment at which something new came last.
#[derive(Debug, Default)]
pub(super) struct Finishes(Mutex<HashMap<GalleryId, Timestamp>>);

impl Finishes {
    fn owed(&self) -> MutexGuard<'_, HashMap<GalleryId, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When a gallery was finished, if nothing new came since.
pub(super) async fn finished_at(service: &Service, gallery: GalleryId) -> Result<Option<Timestamp>> {
    let found = service.documents.get::<Finish>(&gallery.to_string()).await?;
    Ok(found.and_then(|found| found.document.finished_at))
}

/// Takes up what the process before this one owed.
pub(super) async fn resume(service: &Service) -> Result<()> {
    let now = service.system.clock.now();
    for owed in service.documents.due::<Finish>(now, MOST_OWED).await? {
        let gallery = owed.document.gallery;
        service.live.finishes.owed().insert(gallery, now);
        service.live.observer.expect(gallery, now);
        webhook::catch_up(service, gallery).await?;
    }
    Ok(())
}

/// Something new came.
pub(super) async fn owe(service: &Service, gallery: GalleryId, at: Timestamp) -> Result<()> {
    if service.live.finishes.owed().insert(gallery, at).is_none() {
        service.documents.put(&Finish { gallery, owed_since: Some(at), finished_at: None }).await?;
    }
    Ok(())
}

/// Tells of the galleries that are finished by now.
pub(super) async fn tell(service: &Service, now: Timestamp) -> Result<()> {
    for (gallery, finished_at) in service.live.observer.settled(now) {
        if !service.live.finishes.owed().contains_key(&gallery) {
            continue;
        }
        let (_, rank) = match service.system.ledger.gallery(gallery).await {
            Err(error) if error.kind() == Kind::NotFound => {
                service.live.finishes.owed().remove(&gallery);
                service.documents.delete::<Finish>(&gallery.to_string()).await?;
                continue;
            }
            found => found?,
        };
        let progress = service.system.ledger.progress(gallery).await?;
        if progress.stored() == 0 || !progress.is_finished() {
            continue;
        }
        match turn(service, gallery, finished_at, now).await? {
            Turn::Ours => {}
            Turn::Nobodys => {
                service.live.finishes.owed().remove(&gallery);
                continue;
            }
            // If that other process dies over it, a later look finds it still owed.
            Turn::Anothers => {
                service.live.observer.expect(gallery, now);
                continue;
            }
        }
        let slack_seconds = (rank.deadline.micros() - finished_at.micros()).div_euclid(1_000_000);
        service.events.tell(gallery, Event::GalleryFinished { progress, finished_at, slack_seconds, out: None });
    }
    Ok(())
}

/// Who tells that a gallery is finished, of the processes that see it end.
enum Turn {
    /// This one: that is written down.
    Ours,
    /// Another is about to.
    Anothers,
    /// It was told.
    Nobodys,
}

async fn turn(service: &Service, gallery: GalleryId, finished_at: Timestamp, now: Timestamp) -> Result<Turn> {
    // Who asks for the status when it is told finds the moment there.
    let finish = Finish { gallery, owed_since: Some(finished_at), finished_at: Some(finished_at) };
    let written = match service.documents.get::<Finish>(&gallery.to_string()).await? {
        None => service.documents.create(&finish).await,
        Some(known) => {
            let Finish { owed_since, finished_at, .. } = known.document;
            if owed_since.is_none() {
                return Ok(Turn::Nobodys);
            }
            if finished_at.is_some_and(|at| now.since(at) < TELLING) {
                return Ok(Turn::Anothers);
            }
            service.documents.replace(&finish, known.version).await
        }
    };
    match written {
        Ok(_) => Ok(Turn::Ours),
        Err(error) if matches!(error.kind(), Kind::Conflict | Kind::NotFound) => Ok(Turn::Anothers),
        Err(error) => Err(error.into()),
    }
}

/// It was told that a gallery was finished at this moment: unless something came since, nothing is owed any more.
pub(super) async fn told(service: &Service, gallery: GalleryId, finished_at: Timestamp) -> Result<()> {
    let is_settled = {
        let mut owed = service.live.finishes.owed();
        let is_settled = owed.get(&gallery).is_none_or(|since| *since <= finished_at);
        if is_settled {
            owed.remove(&gallery);
        }
        is_settled
    };
    if is_settled {
        service.documents.put(&Finish { gallery, owed_since: None, finished_at: Some(finished_at) }).await?;
    }
    Ok(())
}
