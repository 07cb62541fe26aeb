//! The port to the ledger: what exists, what is to be done, who does it.

#![allow(
    clippy::duplicate_mod,
    reason = "what both ledgers say in the same words is written once, and compiled for each"
)]

pub mod conformance;
#[cfg(test)]
mod model;
mod postgres;
mod rows;
mod sqlite;

use async_trait::async_trait;
use jiff::civil::Date;
use procession_domain::{
    ContentHash, GalleryId, PhotoId, Region, Stage, Stages, StudioId, Timestamp, WorkerId,
    demand::{Arrivals, Booked},
    gallery::{Backlog, Gallery, Progress, Rank},
    job::{Claim, Found, Holder, Lease},
    photo::{Failure, Finished, Owing, Photo, PhotoState, Refusal},
    recipe::{Fingerprint, Priority},
    urgency::Urgency,
    variant::Variant,
};

use crate::{
    Error, Result,
    documents::{Expect, Record, Removal, Versioned, Write},
};

pub use postgres::{PostgresLedger, PostgresOptions};
pub use sqlite::{LedgerOptions, SqliteLedger};

/// The tables of every ledger, in SQL that SQLite and PostgreSQL understand. Each file is applied once, in this order, in one
/// transaction. A file that was released never changes.
const MIGRATIONS: [&str; 8] = [
    include_str!("../migrations/0001_ledger.sql"),
    include_str!("../migrations/0002_service.sql"),
    include_str!("../migrations/0003_removal.sql"),
    include_str!("../migrations/0004_placement.sql"),
    include_str!("../migrations/0005_promise.sql"),
    include_str!("../migrations/0006_stages.sql"),
    include_str!("../migrations/0007_demand.sql"),
    include_str!("../migrations/0008_owed.sql"),
];

/// What a worker asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ask<'a> {
    /// Who asks.
    pub worker: &'a WorkerId,
    /// Where it works: of other galleries than those that may be worked on there, it gets nothing. Without it, all galleries
    /// are the worker's.
    pub region: Option<&'a Region>,
    /// So many jobs at most.
    pub count: usize,
    /// Of this gallery alone, wherever it was placed.
    pub only: Option<GalleryId>,
    /// Jobs of which the next stage is one of these.
    pub at: Stages,
    /// What it does of a job, as far as they follow each other; those of `at` are among them.
    pub stages: Stages,
    /// What expired or is due by then counts as waiting.
    pub now: Timestamp,
    /// From then on others may have what is not finished.
    pub expires_at: Timestamp,
}

/// What the ledger is told of a photo that arrives, beside the photo.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrival {
    /// The place of its job among its gallery's.
    pub priority: Priority,
    /// What its job takes of the gallery's share, in megapixels.
    pub cost: f64,
    /// The rank that its gallery would have if this photo were its only one.
    pub rank: Rank,
}

/// What became of a new photo's gallery.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stored {
    /// Its rank now.
    pub rank: Rank,
    /// Its class before.
    pub was: Urgency,
}

/// The index over the vault, and the queue of work.
///
/// What every implementation guarantees, and `conformance` checks:
/// - Every method is one transaction: after a crash, all of it happened or none, and what returned is durable; but leases may
///   be forgotten when a machine loses its power together with those that it had given them to.
/// - A photo's job exists exactly if the photo is stored and not finished.
/// - A job is held by one lease at a time. An expired lease can be claimed by anybody; whoever held it cannot complete it.
/// - The time is the caller's `now`; the ledger asks no clock.
#[async_trait]
pub trait Ledger: Send + Sync + std::fmt::Debug {
    /// Records a gallery with its rank. A gallery with this id that exists keeps its `opened_at` and takes everything else
    /// from the argument. Returns it as it is now.
    ///
    /// # Errors
    /// `Conflict` if it is another studio's: a gallery's studio never changes.
    async fn open_gallery(&self, gallery: &Gallery, rank: &Rank) -> Result<Gallery>;

    /// One gallery.
    ///
    /// # Errors
    /// `NotFound`.
    async fn gallery(&self, id: GalleryId) -> Result<(Gallery, Rank)>;

    /// All galleries, the latest first.
    async fn galleries(&self) -> Result<Vec<(Gallery, Rank)>>;

    /// Up to `limit` galleries of a studio and how far they are, the latest first, from the one that follows the one that was
    /// opened then and has this id.
    async fn galleries_of(
        &self,
        studio: StudioId,
        after: Option<(Timestamp, GalleryId)>,
        limit: usize,
    ) -> Result<Vec<(Gallery, Rank, Progress)>>;

    /// Replaces what is known of a gallery if it still is as `expected`. It keeps its `opened_at`, and its promise never counts
    /// from an earlier moment than before.
    ///
    /// # Errors
    /// `Conflict` if it is not, or if `gallery` names another studio; `NotFound`.
    async fn update_gallery(&self, gallery: &Gallery, rank: &Rank, expected: &Gallery) -> Result<()>;

    /// Forgets a gallery with its photos, jobs, embeddings, refusals and the documents that its id owns. Whoever holds one of
    /// its jobs cannot complete it. Leaves a [`Removal`] that is due at `due_at`, as a document, and returns it.
    ///
    /// # Errors
    /// `NotFound`.
    async fn remove_gallery(&self, id: GalleryId, now: Timestamp, due_at: Timestamp) -> Result<Removal>;

    /// Returns those of `originals` that no gallery has, not even staged: their blobs may be deleted. Until they are pardoned,
    /// nobody can stage or store a photo of them. What another removal has condemned, or a later attempt at this one (by its
    /// `due_at`), is left to it.
    async fn condemn_originals(&self, removal: &Removal, originals: &[ContentHash]) -> Result<Vec<ContentHash>>;

    /// Lets everybody stage photos again of what this attempt at the removal condemned.
    async fn pardon_originals(&self, removal: &Removal) -> Result<()>;

    /// Records that a blob is about to be written, so the sweeper knows whose it is if nothing follows.
    ///
    /// # Errors
    /// `NotFound` without the gallery; `Unavailable` while the original is condemned.
    async fn stage_photo(&self, photo: &Photo) -> Result<()>;

    /// Marks a photo's original as durable, inserts its job, counts it among the [`Arrivals`] of this process's region, and ranks
    /// its gallery anew ([`Rank::with`]). A photo that is stored already gains `photo.names` and nothing else happens: then it
    /// returns none.
    ///
    /// # Errors
    /// `NotFound` without the gallery; `Unavailable` while the original is condemned.
    async fn store_photo(&self, photo: &Photo, arrival: &Arrival) -> Result<Option<Stored>>;

    /// Records a file that was not accepted, replacing what was known of that name.
    async fn refuse_file(&self, gallery: GalleryId, refusal: &Refusal, now: Timestamp) -> Result<()>;

    /// Forgets the refusals of a gallery: its folder is walked anew.
    async fn clear_refusals(&self, gallery: GalleryId) -> Result<()>;

    /// The files of a gallery that were not accepted, by name.
    async fn refusals(&self, gallery: GalleryId) -> Result<Vec<Refusal>>;

    /// The photos of a gallery with their state, by first name. Embeddings are not read: see [`Ledger::embeddings`].
    async fn photos(&self, gallery: GalleryId) -> Result<Vec<(Photo, PhotoState)>>;

    /// One photo with its state, without embeddings.
    ///
    /// # Errors
    /// `NotFound`, also if the photo is only staged.
    async fn photo(&self, id: PhotoId) -> Result<(Photo, PhotoState)>;

    /// Up to `limit` photos of a gallery with their state, by id, from the one that follows `after`. A photo that is there
    /// throughout is on one page exactly, whatever is stored or finished meanwhile.
    async fn photos_page(
        &self,
        gallery: GalleryId,
        after: Option<PhotoId>,
        limit: usize,
    ) -> Result<Vec<(Photo, PhotoState)>>;

    /// The face embeddings of a gallery, those of photos on their way with them: photo, index of the face in `Analysis::faces`, 128 numbers.
    async fn embeddings(&self, gallery: GalleryId) -> Result<Vec<(PhotoId, usize, Vec<f32>)>>;

    /// Erases the face embeddings of a gallery for ever: neither they nor a document that was deleted before can be found
    /// in what is stored. Returns how many there were.
    async fn erase_embeddings(&self, gallery: GalleryId) -> Result<u64>;

    /// Puts photos back to work as if they were new, whatever their state, if their work was done by another engine or
    /// recipe than the gallery's now: the ids are the caller's choice. Photos that a worker holds are left alone.
    async fn redo_photos(&self, photos: &[PhotoId]) -> Result<u64>;

    /// Takes up to `count` jobs of the gallery that comes first: critical galleries (`now` ≥ `critical_at`) by earliest
    /// deadline, unless the critical share cap of the policy is used up; then the smallest virtual time. The gallery's
    /// virtual time advances by cost ÷ weight; of a job that others did a part of, or will, by
    /// [`part`](Stages::part_from) × cost ÷ weight. Within a gallery: what is furthest along, then priority, then the order of
    /// arrival. Jobs whose lease expired, or whose retry time has come, count as waiting. Returns nothing if nothing waits at
    /// the stages that were asked for.
    async fn claim(&self, ask: &Ask<'_>) -> Result<Vec<Claim>>;

    /// Extends leases. Returns those that were lost (expired and claimed by another, or finished).
    async fn renew(&self, leases: &[Lease], expires_at: Timestamp) -> Result<Vec<Lease>>;

    /// Finishes a job: the photo is done, the job is gone, its embeddings are kept if the gallery has consent for them now.
    ///
    /// # Errors
    /// `Conflict` if the lease's epoch is not the job's: somebody else has it, or it is finished.
    async fn complete(&self, lease: &Lease, finished: &Finished) -> Result<()> {
        let mut results = self.complete_all(&[(lease.clone(), finished.clone())]).await?;
        results.pop().unwrap_or_else(|| Err(Error::Bug("a completed job has no result".to_owned())))
    }

    /// As `complete`, for many jobs in one transaction. Returns what became of each: one stale lease hinders no other.
    async fn complete_all(&self, done: &[(Lease, Finished)]) -> Result<Vec<Result<()>>>;

    /// Passes jobs on in one transaction: each waits at that stage from now on, in its old place in the order of arrival, and
    /// whoever claims it gets what was found. What failed before is forgotten. Embeddings are kept as by `complete`, apart
    /// from the rest, and erased with the others. Returns what became of each, as `complete_all`.
    async fn pass_on(&self, passed: &[(Lease, Stage, Found)]) -> Result<Vec<Result<()>>>;

    /// Ends a job whose photo cannot be processed. The original stays.
    ///
    /// # Errors
    /// `Conflict` as for `complete`.
    async fn quarantine(&self, lease: &Lease, failure: &Failure, now: Timestamp) -> Result<()>;

    /// Gives a job back after a transient failure, to be claimed from `retry_at` on.
    ///
    /// # Errors
    /// `Conflict` as for `complete`.
    async fn retry(&self, lease: &Lease, failure: &Failure, retry_at: Timestamp) -> Result<()>;

    /// Gives jobs back untouched, at shutdown. Stale leases are ignored.
    async fn release(&self, leases: &[Lease]) -> Result<()>;

    /// Up to `count` finished photos that are owed outputs, those first that were finished first; `only` one gallery's, if that
    /// is given. Until `expires_at` nobody else gets them; then, if they are not paid, whoever asks.
    async fn claim_owing(
        &self,
        only: Option<GalleryId>,
        count: usize,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Vec<Owing>>;

    /// Replaces the outputs of a finished photo by these, which are those that it had and what it was owed; nothing is owed any
    /// more. Returns false, and changes nothing, if the photo is not finished, has another fingerprint, or is owed nothing: with
    /// the same outputs it may be called as often as one likes.
    async fn pay_owing(&self, photo: PhotoId, fingerprint: Fingerprint, variants: &[Variant]) -> Result<bool>;

    /// How many finished photos are owed outputs.
    async fn owing(&self) -> Result<u64>;

    /// How far a gallery is.
    async fn progress(&self, gallery: GalleryId) -> Result<Progress> {
        let counted = self.progress_of(&[gallery]).await?.pop();
        counted.ok_or_else(|| Error::Bug("a gallery was not counted".to_owned()))
    }

    /// How far each of these galleries is, in their order, from one look: a list of many is as quick as one.
    async fn progress_of(&self, galleries: &[GalleryId]) -> Result<Vec<Progress>>;

    /// What is unfinished of each gallery that has unfinished photos, by deadline. Its cost grows with the unfinished photos,
    /// not with the finished ones.
    async fn backlog(&self) -> Result<Vec<Backlog>>;

    /// Who holds jobs, by worker.
    async fn workers_held(&self) -> Result<Vec<Holder>>;

    /// Staged photos that never became stored and are older than `before`: what a crash left.
    async fn abandoned(&self, before: Timestamp) -> Result<Vec<Photo>>;

    /// Forgets a staged photo.
    async fn unstage(&self, photo: PhotoId) -> Result<()>;

    /// Writes a document if what is there is as expected. Returns its version: 1 for a new one, one more with every
    /// replacement.
    ///
    /// # Errors
    /// `Conflict` if it is not as expected; `NotFound` if a version was expected and nothing is there; `Invalid` if the id is
    /// empty, or id or owner have more than [`Record::NAME_BYTES`].
    async fn put_document(&self, kind: &str, record: &Record, expect: Expect) -> Result<i64> {
        let versions = self.put_documents(&[Write { kind, record, expect }]).await?;
        versions.first().copied().ok_or_else(|| Error::Bug("a document that was written has no version".to_owned()))
    }

    /// As `put_document`, for several documents in this order: all are written, or none. Returns their versions.
    async fn put_documents(&self, writes: &[Write<'_>]) -> Result<Vec<i64>>;

    /// One document.
    async fn document(&self, kind: &str, id: &str) -> Result<Option<Versioned<Record>>>;

    /// Up to `limit` documents of an owner in the order of their ids' bytes, from the one that follows `after`.
    async fn documents(
        &self,
        kind: &str,
        owner: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Versioned<Record>>>;

    /// Up to `limit` documents with `expires_at` ≤ `now`, the earliest first.
    async fn due_documents(&self, kind: &str, now: Timestamp, limit: usize) -> Result<Vec<Versioned<Record>>>;

    /// Deletes up to `limit` documents with `expires_at` ≤ `now`, the earliest first. Returns how many there were.
    async fn sweep_documents(&self, kind: &str, now: Timestamp, limit: usize) -> Result<u64>;

    /// Deletes a document, or only this version of it. Returns false if there was none.
    async fn delete_document(&self, kind: &str, id: &str, version: Option<i64>) -> Result<bool>;

    /// Deletes the documents of an owner, of all kinds. Returns how many there were.
    ///
    /// # Errors
    /// `Invalid` for the empty owner: nobody's documents do not belong together.
    async fn delete_documents(&self, owner: &str) -> Result<u64>;

    /// Says which cluster's workers process a gallery, and why; without a cluster, any worker may.
    ///
    /// # Errors
    /// `NotFound`.
    async fn place_gallery(&self, id: GalleryId, cluster: Option<&Region>, reason: &str) -> Result<()>;

    /// What arrived in each region in each hour from the one that has `from`, by hour. Hours without photos are not there.
    /// It does not change when galleries are removed.
    async fn arrivals(&self, from: Timestamp) -> Result<Vec<Arrivals>>;

    /// Replaces what is known of these hours.
    async fn set_arrivals(&self, arrivals: &[Arrivals]) -> Result<()>;

    /// The weddings on this day and later that were announced, by day: those of all galleries that have a date, of galleries that
    /// were removed after their wedding, and imported ones.
    async fn bookings(&self, from: Date) -> Result<Vec<Booked>>;

    /// Adds weddings that no gallery of this ledger announces, each under a name of its own, unless the name is known.
    /// Returns how many are new.
    async fn import_bookings(&self, bookings: &[(String, Booked)]) -> Result<u64>;

    /// Returns when another process may have added work. A ledger that nobody tells never returns: whoever waits for work
    /// asks now and then as well.
    async fn work_arrived(&self);
}

fn failed(action: &'static str) -> impl Fn(sqlx::Error) -> Error {
    move |source| Error::Database { action, source }
}

fn absent(what: &impl ToString) -> Error {
    Error::NotFound { place: "ledger".to_owned(), what: what.to_string() }
}
