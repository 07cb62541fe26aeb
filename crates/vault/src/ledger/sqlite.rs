//! The ledger in one SQLite file.
//!
//! One connection writes, in immediate transactions; a few others read. Several processes may have the file open: SQLite's
//! lock makes their transactions one after the other.

mod backlog;
mod claim;
mod documents;
mod galleries;
mod leases;
mod open;
mod photos;
mod removal;
mod rows;

use std::path::Path;

use async_trait::async_trait;
use procession_domain::{
    ContentHash, GalleryId, PhotoId, StudioId, Timestamp, WorkerId,
    gallery::{Backlog, Gallery, Progress, Rank},
    job::{Claim, Holder, Lease},
    photo::{Failure, Finished, Photo, PhotoState, Refusal},
    recipe::Priority,
};
use sqlx::{Sqlite, SqlitePool, Transaction};

use super::Ledger;
use crate::{
    Error, Result,
    documents::{Expect, Record, Removal, Versioned},
};

/// What a ledger is told when it is opened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LedgerOptions {
    /// The part of the work, 0 to 1, that critical galleries take while others wait.
    pub critical_share: f64,
}

impl Default for LedgerOptions {
    fn default() -> Self {
        Self { critical_share: 0.7 }
    }
}

/// A [`Ledger`] in one SQLite file: for one machine.
#[derive(Debug)]
pub struct SqliteLedger {
    writer: SqlitePool,
    readers: SqlitePool,
    options: LedgerOptions,
}

impl SqliteLedger {
    /// Opens the ledger in the file at `path`. Makes the file and its folder if they are not there, and brings an older
    /// ledger up to date.
    ///
    /// # Errors
    /// `Invalid` if a newer version wrote the file; `Corrupt` if it is no ledger; `Unavailable` if it cannot be opened.
    pub async fn open(path: &Path) -> Result<Self> {
        Self::open_with(path, LedgerOptions::default()).await
    }

    /// As [`SqliteLedger::open`], with options.
    ///
    /// # Errors
    /// As for `open`.
    pub async fn open_with(path: &Path, options: LedgerOptions) -> Result<Self> {
        let (writer, readers) = open::pools(path).await?;
        Ok(Self { writer, readers, options })
    }

    /// Closes the file once all that runs has ended. A ledger that is dropped instead loses nothing.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// Begins a transaction that alone may write.
    async fn write(&self, action: &'static str) -> Result<Transaction<'static, Sqlite>> {
        self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed(action))
    }

    /// Leaves nothing of what was deleted: its pages were overwritten in the log; now in the file, and the log is emptied.
    /// While another process reads, a part of this is left to the next checkpoint.
    async fn overwrite(&self, action: &'static str) -> Result<()> {
        let done = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&self.writer).await;
        done.map(|_| ()).map_err(failed(action))
    }
}

fn failed(action: &'static str) -> impl Fn(sqlx::Error) -> Error {
    move |source| Error::Database { action, source }
}

fn absent(what: &impl ToString) -> Error {
    Error::NotFound { place: "ledger".to_owned(), what: what.to_string() }
}

#[async_trait]
impl Ledger for SqliteLedger {
    async fn open_gallery(&self, gallery: &Gallery, rank: &Rank) -> Result<Gallery> {
        galleries::open(self, gallery, rank).await
    }

    async fn gallery(&self, id: GalleryId) -> Result<(Gallery, Rank)> {
        galleries::one(self, id).await
    }

    async fn galleries(&self) -> Result<Vec<(Gallery, Rank)>> {
        galleries::all(self).await
    }

    async fn galleries_of(
        &self,
        studio: StudioId,
        after: Option<(Timestamp, GalleryId)>,
        limit: usize,
    ) -> Result<Vec<(Gallery, Rank)>> {
        galleries::of_studio(self, studio, after, limit).await
    }

    async fn update_gallery(&self, gallery: &Gallery, rank: &Rank, expected: &Gallery) -> Result<()> {
        galleries::update(self, gallery, rank, expected).await
    }

    async fn remove_gallery(&self, id: GalleryId, now: Timestamp, due_at: Timestamp) -> Result<Removal> {
        removal::remove(self, id, now, due_at).await
    }

    async fn condemn_originals(&self, removal: &Removal, originals: &[ContentHash]) -> Result<Vec<ContentHash>> {
        removal::condemn(self, removal, originals).await
    }

    async fn pardon_originals(&self, removal: &Removal) -> Result<()> {
        removal::pardon(self, removal).await
    }

    async fn rank_gallery(&self, id: GalleryId, rank: &Rank) -> Result<()> {
        galleries::rank(self, id, rank).await
    }

    async fn stage_photo(&self, photo: &Photo) -> Result<()> {
        photos::stage(self, photo).await
    }

    async fn store_photo(&self, photo: &Photo, priority: Priority, cost: f64) -> Result<bool> {
        photos::store(self, photo, priority, cost).await
    }

    async fn refuse_file(&self, gallery: GalleryId, refusal: &Refusal, now: Timestamp) -> Result<()> {
        galleries::refuse(self, gallery, refusal, now).await
    }

    async fn clear_refusals(&self, gallery: GalleryId) -> Result<()> {
        galleries::clear_refusals(self, gallery).await
    }

    async fn refusals(&self, gallery: GalleryId) -> Result<Vec<Refusal>> {
        galleries::refusals(self, gallery).await
    }

    async fn photos(&self, gallery: GalleryId) -> Result<Vec<(Photo, PhotoState)>> {
        photos::all(self, gallery).await
    }

    async fn photo(&self, id: PhotoId) -> Result<(Photo, PhotoState)> {
        photos::one(self, id).await
    }

    async fn photos_page(
        &self,
        gallery: GalleryId,
        after: Option<PhotoId>,
        limit: usize,
    ) -> Result<Vec<(Photo, PhotoState)>> {
        photos::page(self, gallery, after, limit).await
    }

    async fn embeddings(&self, gallery: GalleryId) -> Result<Vec<(PhotoId, usize, Vec<f32>)>> {
        photos::embeddings(self, gallery).await
    }

    async fn erase_embeddings(&self, gallery: GalleryId) -> Result<u64> {
        photos::erase_embeddings(self, gallery).await
    }

    async fn redo_photos(&self, photos: &[PhotoId]) -> Result<u64> {
        photos::redo(self, photos).await
    }

    async fn claim(
        &self,
        worker: &WorkerId,
        count: usize,
        only: Option<GalleryId>,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Vec<Claim>> {
        claim::claim(self, worker, count, only, now, expires_at).await
    }

    async fn renew(&self, leases: &[Lease], expires_at: Timestamp) -> Result<Vec<Lease>> {
        leases::renew(self, leases, expires_at).await
    }

    async fn complete(&self, lease: &Lease, finished: &Finished) -> Result<()> {
        leases::complete(self, lease, finished).await
    }

    async fn quarantine(&self, lease: &Lease, failure: &Failure, now: Timestamp) -> Result<()> {
        leases::quarantine(self, lease, failure, now).await
    }

    async fn retry(&self, lease: &Lease, failure: &Failure, retry_at: Timestamp) -> Result<()> {
        leases::retry(self, lease, failure, retry_at).await
    }

    async fn release(&self, leases: &[Lease]) -> Result<()> {
        leases::release(self, leases).await
    }

    async fn progress(&self, gallery: GalleryId) -> Result<Progress> {
        galleries::progress(self, gallery).await
    }

    async fn backlog(&self) -> Result<Vec<Backlog>> {
        backlog::backlog(self).await
    }

    async fn workers_held(&self) -> Result<Vec<Holder>> {
        backlog::holders(self).await
    }

    async fn abandoned(&self, before: Timestamp) -> Result<Vec<Photo>> {
        photos::abandoned(self, before).await
    }

    async fn unstage(&self, photo: PhotoId) -> Result<()> {
        photos::unstage(self, photo).await
    }

    async fn put_document(&self, kind: &str, record: &Record, expect: Expect) -> Result<i64> {
        documents::put(self, kind, record, expect).await
    }

    async fn document(&self, kind: &str, id: &str) -> Result<Option<Versioned<Record>>> {
        documents::one(self, kind, id).await
    }

    async fn documents(
        &self,
        kind: &str,
        owner: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Versioned<Record>>> {
        documents::list(self, kind, owner, after, limit).await
    }

    async fn due_documents(&self, kind: &str, now: Timestamp, limit: usize) -> Result<Vec<Versioned<Record>>> {
        documents::due(self, kind, now, limit).await
    }

    async fn sweep_documents(&self, kind: &str, now: Timestamp, limit: usize) -> Result<u64> {
        documents::sweep(self, kind, now, limit).await
    }

    async fn delete_document(&self, kind: &str, id: &str) -> Result<bool> {
        documents::delete(self, kind, id).await
    }

    async fn delete_documents(&self, owner: &str) -> Result<u64> {
        let mut connection = self.writer.acquire().await.map_err(failed("delete an owner's documents"))?;
        documents::delete_owned(&mut connection, owner).await
    }
}

#[cfg(test)]
mod tests;
