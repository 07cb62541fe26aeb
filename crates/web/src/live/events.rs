//! A gallery watched: its status at first and whenever it changes, and what happens in it, as server-sent events.
//!
//! A watcher that is too slow for everything that happens misses some of it and is sent the status anew, so what it shows is
//! right again.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use axum::{
    extract::State,
    http::{HeaderName, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use procession_domain::{GalleryId, Timestamp};
use tokio::sync::{broadcast, watch::Receiver};

use super::status::{self, Status};
use crate::{
    Dated, Problem, Result, Service,
    access::{ApiKey, Caller, Scope},
    api::{OfGallery, Path},
};

/// At most two statuses a second.
const PAUSE: Duration = Duration::from_millis(500);
/// The prediction changes though nothing happens here, and photos are finished by other processes; the right to see it can
/// be taken away.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// Proxies cut off what is silent; a comment is enough.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// What is passed on under its own name. The rest only changes the status.
const NAMES: [&str; 7] = [
    "photo_stored",
    "photo_done",
    "photo_quarantined",
    "file_refused",
    "receipt_issued",
    "receipt_refused",
    "gallery_finished",
];

/// The galleries that somebody watches in this process: what is for their eyes is prepared before they ask.
#[derive(Debug, Default)]
pub(crate) struct Watched(Mutex<HashMap<GalleryId, Weak<()>>>);

impl Watched {
    /// Whether somebody watches this gallery.
    pub(crate) fn contains(&self, gallery: GalleryId) -> bool {
        let watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        watched.get(&gallery).is_some_and(|watchers| watchers.strong_count() > 0)
    }

    /// Somebody watches this gallery as long as the value is kept.
    fn enter(&self, gallery: GalleryId) -> Arc<()> {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        watched.retain(|_, watchers| watchers.strong_count() > 0);
        let watcher = watched.get(&gallery).and_then(Weak::upgrade).unwrap_or_default();
        watched.insert(gallery, Arc::downgrade(&watcher));
        watcher
    }
}

/// What happens in a gallery, as it happens: `status` first and whenever it changed (at most twice a second), and
/// `photo_stored`, `photo_done`, `photo_quarantined`, `file_refused`, `receipt_issued`, `receipt_refused` and
/// `gallery_finished` with the same fields as in docs/events.md.
#[utoipa::path(get, path = "/api/v1/galleries/{gallery}/events", operation_id = "watch_gallery", tag = "galleries",
    params(OfGallery), responses((status = 200, content_type = "text/event-stream", body = String), Problem))]
pub(crate) async fn watch(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(OfGallery { gallery }): Path<OfGallery>,
) -> Result<Response> {
    caller.require(Scope::Read)?;
    let events = service.hub.watch();
    caller.gallery(&service, gallery).await?;
    let now = service.system.clock.now();
    let stopping = service.stopping.clone();
    let _watching = service.live.watched.enter(gallery);
    let watcher =
        Watcher { service, caller, gallery, events, stopping, latest: None, look_at: now, not_before: now, _watching };
    let stream = futures::stream::unfold(watcher, Watcher::next);
    let heartbeat = KeepAlive::new().interval(HEARTBEAT).text("alive");
    // Neither stored nor gathered up on the way.
    let headers = [(header::CACHE_CONTROL, "no-store"), (HeaderName::from_static("x-accel-buffering"), "no")];
    Ok((headers, Sse::new(stream).keep_alive(heartbeat)).into_response())
}

struct Watcher {
    service: Arc<Service>,
    caller: Caller,
    gallery: GalleryId,
    events: broadcast::Receiver<Arc<Dated>>,
    stopping: Receiver<bool>,
    /// What was sent last.
    latest: Option<Status>,
    /// When the status is looked at again.
    look_at: Timestamp,
    /// It is not looked at before that.
    not_before: Timestamp,
    _watching: Arc<()>,
}

impl Watcher {
    /// Waits for the next event to be sent. Nothing ends the stream.
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        loop {
            let now = self.service.system.clock.now();
            if now >= self.look_at {
                (self.look_at, self.not_before) = (now.after(LOOK_AGAIN), now.after(PAUSE));
                let status = self.status().await?;
                if self.latest.as_ref() != Some(&status) {
                    let event = Event::default().event("status").json_data(&status).ok()?;
                    self.latest = Some(status);
                    return Some((Ok(event), self));
                }
            }
            let told = tokio::select! {
                told = tokio::time::timeout(self.look_at.since(now), self.events.recv()) => told,
                _ = self.stopping.wait_for(|stopping| *stopping) => return None,
            };
            match told {
                Err(_elapsed) => {}
                Ok(Ok(dated)) if dated.told.gallery == self.gallery => {
                    self.look_at = self.not_before.min(self.look_at);
                    let name = dated.told.event.name();
                    if NAMES.contains(&name) {
                        return Some((Ok(Event::default().event(name).json_data(&*dated).ok()?), self));
                    }
                }
                Ok(Ok(_)) => {}
                Ok(Err(broadcast::error::RecvError::Lagged(_))) => {
                    self.latest = None;
                    self.look_at = now;
                }
                Ok(Err(broadcast::error::RecvError::Closed)) => return None,
            }
        }
    }

    /// The status, as long as the gallery is there and the caller may see it.
    async fn status(&self) -> Option<Status> {
        let key = self.service.documents.get::<ApiKey>(&self.caller.key).await.ok()??;
        if key.document.revoked_at.is_some() {
            return None;
        }
        status::of(&self.service, &self.caller, self.gallery).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gallery_is_watched_until_the_last_has_left() {
        let (watched, anna, ben) = (Watched::default(), GalleryId::named("anna"), GalleryId::named("ben"));
        assert!(!watched.contains(anna));
        let (first, second) = (watched.enter(anna), watched.enter(anna));
        drop(first);
        assert!(watched.contains(anna) && !watched.contains(ben));
        drop(second);
        assert!(!watched.contains(anna));
        let _other = watched.enter(ben);
        assert_eq!(watched.0.lock().unwrap().len(), 1);
    }
}
