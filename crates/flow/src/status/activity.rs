//! In which galleries something is happening.

use std::{collections::HashMap, time::Duration};

use procession_domain::{GalleryId, Timestamp};

use crate::{Event, Told};

/// A gallery in which nothing happens for so long is settled.
const QUIET: Duration = Duration::from_secs(5);

/// When something happened last, for the galleries that are not settled.
#[derive(Debug, Default)]
pub(super) struct Activities(HashMap<GalleryId, Activity>);

#[derive(Clone, Copy, Debug)]
pub(super) struct Activity {
    /// When a file came.
    arrived_at: Option<Timestamp>,
    /// When anything happened.
    latest_at: Timestamp,
}

impl Activities {
    /// Takes in what happened. Returns true if it brings something new to be finished.
    pub(super) fn take(&mut self, at: Timestamp, told: &Told) -> bool {
        let (arrives, is_new) = match told.event {
            Event::PhotoStored { new, .. } => (true, new),
            Event::FileRefused { .. } => (true, true),
            Event::PhotoStarted { .. } => (false, true),
            Event::PhotoDone { .. }
            | Event::PhotoPassedOn { .. }
            | Event::PhotoQuarantined { .. }
            | Event::PhotoRetried { .. } => (false, false),
            _ => return false,
        };
        let activity = self.touch(told.gallery, at);
        if arrives {
            activity.arrived_at = Some(at);
        }
        is_new
    }

    pub(super) fn touch(&mut self, gallery: GalleryId, at: Timestamp) -> &mut Activity {
        let activity = self.0.entry(gallery).or_insert(Activity { arrived_at: None, latest_at: at });
        activity.latest_at = at;
        activity
    }

    /// Whether files are arriving in the gallery, and whether anything is happening in it.
    pub(super) fn of(&self, gallery: GalleryId, now: Timestamp) -> (bool, bool) {
        let Some(activity) = self.0.get(&gallery) else { return (false, false) };
        (activity.arrived_at.is_some_and(|at| now.since(at) < QUIET), true)
    }

    /// Takes out the galleries that are settled.
    pub(super) fn settled(&mut self, now: Timestamp) -> Vec<(GalleryId, Timestamp)> {
        let settled = self.0.extract_if(|_, activity| now.since(activity.latest_at) >= QUIET);
        settled.map(|(gallery, activity)| (gallery, activity.latest_at)).collect()
    }
}
