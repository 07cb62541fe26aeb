//! The galleries and their photos: what the ledger is in production. Who is next, `plan` says.

use std::{collections::VecDeque, time::Duration};

use procession_domain::{
    GalleryId, Timestamp,
    gallery::Rank,
    urgency::{Promises, Urgency},
};
use procession_plan::{Candidate, CriticalShare, Unfinished, charge, default_margin, join, next, rank};

use crate::{PromiseFrom, Upload};

/// A gallery that is not finished.
#[derive(Debug)]
pub(crate) struct Course {
    pub(crate) gallery: GalleryId,
    pub(crate) rank: Rank,
    pub(crate) margin: Duration,
    /// The region whose workers take its photos; [`World::shared`] for all of them.
    pub(crate) place: usize,
    /// The size of a photo.
    pub(crate) megapixels: f64,
    /// Photos that have yet to arrive, and when the last one did.
    pub(crate) coming: u32,
    arrived_at: Timestamp,
    /// Photos that wait, and since when, the first first.
    chunks: VecDeque<(Timestamp, u32)>,
    pub(crate) waiting: u32,
    /// Photos that are worked on.
    pub(crate) working: u32,
    virtual_time: f64,
    listed: Option<usize>,
    /// Where it is in the queue of its place, while photos of it wait, and among those that are open.
    queued_at: usize,
    open_at: usize,
}

/// Photos of a gallery that are worked on together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    pub(crate) course: usize,
    pub(crate) photos: u32,
    pub(crate) megapixels: f64,
    /// Since when the first of them waited.
    pub(crate) since: Timestamp,
}

/// A gallery that is finished.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finished {
    pub(crate) urgency: Urgency,
    pub(crate) deadline: Timestamp,
    /// When its last photo arrived.
    pub(crate) arrived_at: Timestamp,
    /// Which of those that the scenario lists it is.
    pub(crate) listed: Option<usize>,
}

/// All galleries.
#[derive(Debug)]
pub(crate) struct World {
    courses: Vec<Course>,
    free: Vec<usize>,
    pub(crate) open: Vec<usize>,
    /// The galleries with waiting photos: those of each region, then the shared ones.
    queues: Vec<Vec<usize>>,
    share: CriticalShare,
    promises: Promises,
    promise_from: PromiseFrom,
    /// The virtual time of the gallery that was served last.
    served: f64,
    opened: u64,
    pub(crate) waiting_photos: u64,
    candidates: Vec<Candidate>,
}

impl World {
    pub(crate) fn new(regions: usize, promises: Promises, promise_from: PromiseFrom) -> Self {
        Self {
            courses: Vec::new(),
            free: Vec::new(),
            open: Vec::new(),
            queues: vec![Vec::new(); regions + 1],
            share: CriticalShare::default(),
            promises,
            promise_from,
            served: 0.0,
            opened: 0,
            waiting_photos: 0,
            candidates: Vec::new(),
        }
    }

    /// The place of what is everybody's.
    pub(crate) fn shared(&self) -> usize {
        self.queues.len() - 1
    }

    pub(crate) fn course(&self, index: usize) -> &Course {
        &self.courses[index]
    }

    /// The galleries that have photos which are not finished.
    pub(crate) fn unfinished(&self) -> impl Iterator<Item = (usize, &Course)> {
        let courses = self.open.iter().map(|index| (*index, &self.courses[*index]));
        courses.filter(|(_, course)| course.waiting + course.working > 0)
    }

    /// The galleries of a place that have waiting photos.
    pub(crate) fn queue(&self, place: usize) -> impl Iterator<Item = &Course> {
        self.queues[place].iter().map(|index| &self.courses[*index])
    }

    /// Whether workers of a region would find something.
    pub(crate) fn has_work(&self, region: usize) -> bool {
        !self.queues[region].is_empty() || !self.queues[self.shared()].is_empty()
    }

    /// Opens a gallery none of whose photos is there yet.
    pub(crate) fn open(&mut self, upload: &Upload, place: usize, now: Timestamp) -> usize {
        let mut id = [0; 12];
        id[4..].copy_from_slice(&self.opened.to_be_bytes());
        self.opened += 1;
        let margin = default_margin(self.promises.of(upload.urgency));
        let course = Course {
            gallery: GalleryId::from_bytes(id),
            rank: rank(now, upload.urgency, &self.promises, margin),
            margin,
            place,
            megapixels: upload.megapixels,
            coming: upload.photos,
            arrived_at: now,
            chunks: VecDeque::new(),
            waiting: 0,
            working: 0,
            virtual_time: 0.0,
            listed: upload.listed,
            queued_at: 0,
            open_at: self.open.len(),
        };
        let index = match self.free.pop() {
            Some(index) => {
                self.courses[index] = course;
                index
            }
            None => {
                self.courses.push(course);
                self.courses.len() - 1
            }
        };
        self.open.push(index);
        index
    }

    /// Photos of a gallery have arrived.
    pub(crate) fn arrive(&mut self, index: usize, photos: u32, now: Timestamp) {
        let course = &mut self.courses[index];
        course.coming -= photos;
        course.arrived_at = now;
        course.chunks.push_back((now, photos));
        if self.promise_from == PromiseFrom::LatestPhoto {
            course.rank = rank(now, course.rank.urgency, &self.promises, course.margin);
        }
        self.wait(index, photos);
    }

    /// Photos that somebody held are nobody's again.
    pub(crate) fn give_back(&mut self, claim: Claim) {
        let course = &mut self.courses[claim.course];
        course.working -= claim.photos;
        course.chunks.push_front((claim.since, claim.photos));
        self.wait(claim.course, claim.photos);
    }

    fn wait(&mut self, index: usize, photos: u32) {
        let was = self.courses[index].waiting;
        self.courses[index].waiting += photos;
        self.waiting_photos += u64::from(photos);
        if was == 0 && photos > 0 {
            let others = self.queues.iter().flatten().map(|other| self.courses[*other].virtual_time);
            let own = self.courses[index].virtual_time;
            let joined = match others.clone().next() {
                Some(_) => join(own, others),
                None => join(own, [self.served]),
            };
            self.courses[index].virtual_time = joined;
            self.enqueue(index);
        }
    }

    /// What workers of a region get now: photos of the gallery that comes first, of about so many megapixels.
    pub(crate) fn claim(&mut self, region: usize, megapixels: f64, now: Timestamp) -> Option<Claim> {
        let shared = self.shared();
        let mut candidates = std::mem::take(&mut self.candidates);
        candidates.clear();
        let mut indices = self.queues[region].iter().chain(&self.queues[shared]);
        candidates.extend(indices.clone().map(|index| {
            let Course { gallery, rank, virtual_time, .. } = self.courses[*index];
            Candidate { gallery, rank, virtual_time }
        }));
        let turn = next(&candidates, now, &self.share);
        let index = turn.as_ref().and_then(|turn| indices.find(|index| self.courses[**index].gallery == turn.gallery));
        let found = index.copied().zip(turn);
        self.candidates = candidates;
        let (index, turn) = found?;
        let course = &mut self.courses[index];
        let since = course.chunks.front().map_or(now, |(since, _)| *since);
        let photos = ((megapixels / course.megapixels).round().max(1.0) as u32).min(course.waiting);
        course.take(photos);
        let cost = f64::from(photos) * course.megapixels;
        course.virtual_time = charge(course.virtual_time, cost, course.rank.weight);
        self.served = course.virtual_time;
        self.share.charge(&turn, cost);
        self.waiting_photos -= u64::from(photos);
        if self.courses[index].waiting == 0 {
            self.dequeue(index);
        }
        Some(Claim { course: index, photos, megapixels: cost, since })
    }

    /// Claimed photos are finished. Returns the gallery, if it was the end of it.
    pub(crate) fn finish(&mut self, claim: Claim) -> Option<Finished> {
        let course = &mut self.courses[claim.course];
        course.working -= claim.photos;
        if course.working > 0 || course.waiting > 0 || course.coming > 0 {
            return None;
        }
        let Course { rank, arrived_at, listed, open_at: at, .. } = *course;
        let finished = Finished { urgency: rank.urgency, deadline: rank.deadline, arrived_at, listed };
        self.open.swap_remove(at);
        if let Some(moved) = self.open.get(at) {
            self.courses[*moved].open_at = at;
        }
        self.free.push(claim.course);
        Some(finished)
    }

    /// Puts a gallery elsewhere.
    pub(crate) fn put(&mut self, index: usize, place: usize) {
        let waits = self.courses[index].waiting > 0;
        if waits {
            self.dequeue(index);
        }
        self.courses[index].place = place;
        if waits {
            self.enqueue(index);
        }
    }

    /// From when on a gallery is critical.
    pub(crate) fn set_critical(&mut self, index: usize, at: Timestamp) {
        self.courses[index].rank.critical_at = at;
    }

    fn enqueue(&mut self, index: usize) {
        let course = &mut self.courses[index];
        let queue = &mut self.queues[course.place];
        course.queued_at = queue.len();
        queue.push(index);
    }

    fn dequeue(&mut self, index: usize) {
        let Course { place, queued_at, .. } = self.courses[index];
        self.queues[place].swap_remove(queued_at);
        if let Some(moved) = self.queues[place].get(queued_at) {
            self.courses[*moved].queued_at = queued_at;
        }
    }
}

impl Course {
    /// What is left of it, as the controller sees it.
    pub(crate) fn left(&self) -> Unfinished {
        let photos = u64::from(self.waiting + self.working);
        let Self { gallery, rank, margin, .. } = *self;
        Unfinished { gallery, rank, margin, photos, megapixels: photos as f64 * self.megapixels }
    }

    /// Since when the first of its waiting photos waits.
    pub(crate) fn waits_since(&self) -> Option<Timestamp> {
        self.chunks.front().map(|(since, _)| *since)
    }

    /// Takes the first photos out of those that wait.
    fn take(&mut self, photos: u32) {
        self.waiting -= photos;
        self.working += photos;
        let mut left = photos;
        while let Some((_, chunk)) = self.chunks.front_mut().filter(|_| left > 0) {
            let taken = left.min(*chunk);
            *chunk -= taken;
            left -= taken;
            if *chunk == 0 {
                self.chunks.pop_front();
            }
        }
    }
}
