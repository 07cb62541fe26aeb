//! One request at a time works on an upload.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

use super::upload::UploadId;

/// Who works on which upload now.
#[derive(Debug, Default)]
pub(super) struct Places(Mutex<HashMap<UploadId, watch::Sender<bool>>>);

/// The right to work on an upload, given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    id: UploadId,
    stop: watch::Receiver<bool>,
}

/// What whoever wants a place does while another has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Waits until the other has done.
    Waiting,
    /// Asks the other to stop if it does nothing: its client may have lost the connection long ago, and be this one.
    Asking,
}

impl Places {
    /// The place at an upload, or `None` if another does not leave it in so long a time.
    pub(super) async fn take(self: &Arc<Self>, id: &UploadId, manner: Manner, patience: Duration) -> Option<Place> {
        loop {
            let holder = match self.take_free(id) {
                Ok(place) => return Some(place),
                Err(holder) => holder,
            };
            if manner == Manner::Asking {
                holder.send_replace(true);
            }
            tokio::time::timeout(patience, holder.closed()).await.ok()?;
        }
    }

    /// The place at an upload if nobody has it.
    pub(super) fn take_free(self: &Arc<Self>, id: &UploadId) -> Result<Place, watch::Sender<bool>> {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(id.clone()) {
            Entry::Occupied(holder) => Err(holder.get().clone()),
            Entry::Vacant(free) => {
                let (sender, stop) = watch::channel(false);
                free.insert(sender);
                Ok(Place { places: Arc::clone(self), id: id.clone(), stop })
            }
        }
    }
}

impl Place {
    /// Waits until somebody asks for this place, and then so much longer. Whoever still does something meanwhile keeps it.
    pub(super) async fn wanted(&mut self, longer: Duration) {
        // Without anybody who could ask, for ever.
        let asked = self.stop.wait_for(|stop| *stop).await.is_ok();
        let forever = std::future::pending::<()>();
        if asked { drop(tokio::time::timeout(longer, forever).await) } else { forever.await }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Before the receiver goes, whose end tells those who wait.
        self.places.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_has_it_until_another_asks() {
        let (places, id) = (Arc::new(Places::default()), UploadId::random().unwrap());
        let mut place = places.take_free(&id).unwrap();
        assert!(places.take(&id, Manner::Waiting, Duration::ZERO).await.is_none());
        assert!(futures::poll!(Box::pin(place.wanted(Duration::ZERO))).is_pending(), "who waits does not ask");
        let mut other = Box::pin(places.take(&id, Manner::Asking, Duration::from_secs(3_600)));
        assert!(futures::poll!(&mut other).is_pending());
        place.wanted(Duration::ZERO).await;
        drop(place);
        assert!(other.await.is_some());
        assert!(places.take_free(&id).is_ok());
    }
}
