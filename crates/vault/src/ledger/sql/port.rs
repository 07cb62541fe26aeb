//! The port, method by method.

use async_trait::async_trait;
use jiff::civil::Date;
use procession_domain::{
    ContentHash, GalleryId, PhotoId, Region, Stage, StudioId, Timestamp,
    demand::{Arrivals, Booked},
    gallery::{Backlog, Gallery, Progress, Rank},
    job::{Claim, Found, Holder, Lease},
    photo::{Failure, Finished, Owing, Photo, PhotoState, Refusal},
    recipe::Fingerprint,
    variant::Variant,
};

use super::{Store, backlog, claim, demand, documents, galleries, leases, owing, photos, removal};
use crate::{
    Result,
    documents::{Record, Removal, Versioned, Write},
    ledger::{Arrival, Ask, Ledger, Stored},
};

#[async_trait]
impl Ledger for Store {
    async fn open_gallery(&self, gallery: &Gallery, rank: &Rank) -> Result<Gallery> {
        self.lasting("open a gallery", || galleries::open(self, gallery, rank)).await
    }

    async fn gallery(&self, id: GalleryId) -> Result<(Gallery, Rank)> {
        self.attempt("read a gallery", || galleries::one(self, id)).await
    }

    async fn galleries(&self) -> Result<Vec<(Gallery, Rank)>> {
        self.attempt("list galleries", || galleries::all(self)).await
    }

    async fn galleries_of(
        &self,
        studio: StudioId,
        after: Option<(Timestamp, GalleryId)>,
        limit: usize,
    ) -> Result<Vec<(Gallery, Rank, Progress)>> {
        self.attempt("list a studio's galleries", || galleries::of_studio(self, studio, after, limit)).await
    }

    async fn update_gallery(&self, gallery: &Gallery, rank: &Rank, expected: &Gallery) -> Result<()> {
        self.lasting("update a gallery", || galleries::update(self, gallery, rank, expected)).await
    }

    async fn remove_gallery(&self, id: GalleryId, now: Timestamp, due_at: Timestamp) -> Result<Removal> {
        let removal = self.lasting("remove a gallery", || removal::remove(self, id, now, due_at)).await?;
        self.overwrite("remove a gallery").await?;
        Ok(removal)
    }

    async fn condemn_originals(&self, removal: &Removal, originals: &[ContentHash]) -> Result<Vec<ContentHash>> {
        self.lasting("condemn originals", || removal::condemn(self, removal, originals)).await
    }

    async fn pardon_originals(&self, removal: &Removal) -> Result<()> {
        self.lasting("pardon originals", || removal::pardon(self, removal)).await
    }

    async fn stage_photo(&self, photo: &Photo) -> Result<()> {
        self.lasting("stage a photo", || photos::stage(self, photo)).await
    }

    async fn store_photo(&self, photo: &Photo, arrival: &Arrival) -> Result<Option<Stored>> {
        self.lasting("store a photo", || photos::store(self, photo, arrival)).await
    }

    async fn refuse_file(&self, gallery: GalleryId, refusal: &Refusal, now: Timestamp) -> Result<()> {
        self.lasting("record a refused file", || galleries::refuse(self, gallery, refusal, now)).await
    }

    async fn clear_refusals(&self, gallery: GalleryId) -> Result<()> {
        self.lasting("forget refused files", || galleries::clear_refusals(self, gallery)).await
    }

    async fn refusals(&self, gallery: GalleryId) -> Result<Vec<Refusal>> {
        self.attempt("list refused files", || galleries::refusals(self, gallery)).await
    }

    async fn photos(&self, gallery: GalleryId) -> Result<Vec<(Photo, PhotoState)>> {
        self.attempt("list a gallery's photos", || photos::all(self, gallery)).await
    }

    async fn photo(&self, id: PhotoId) -> Result<(Photo, PhotoState)> {
        self.attempt("read a photo", || photos::one(self, id)).await
    }

    async fn photos_page(
        &self,
        gallery: GalleryId,
        after: Option<PhotoId>,
        limit: usize,
    ) -> Result<Vec<(Photo, PhotoState)>> {
        self.attempt("list a gallery's photos", || photos::page(self, gallery, after, limit)).await
    }

    async fn embeddings(&self, gallery: GalleryId) -> Result<Vec<(PhotoId, usize, Vec<f32>)>> {
        self.attempt("read embeddings", || photos::embeddings(self, gallery)).await
    }

    async fn erase_embeddings(&self, gallery: GalleryId) -> Result<u64> {
        let erased = self.lasting("erase embeddings", || photos::erase_embeddings(self, gallery)).await?;
        self.overwrite("erase embeddings").await?;
        Ok(erased)
    }

    async fn redo_photos(&self, photos: &[PhotoId]) -> Result<u64> {
        self.lasting("put photos back to work", || photos::redo(self, photos)).await
    }

    async fn claim(&self, ask: &Ask<'_>) -> Result<Vec<Claim>> {
        self.attempt("claim jobs", || claim::claim(self, ask)).await
    }

    async fn renew(&self, leases: &[Lease], expires_at: Timestamp) -> Result<Vec<Lease>> {
        self.attempt("renew leases", || leases::renew(self, leases, expires_at)).await
    }

    async fn complete_all(&self, done: &[(Lease, Finished)]) -> Result<Vec<Result<()>>> {
        self.lasting("complete jobs", || leases::complete_all(self, done)).await
    }

    async fn pass_on(&self, passed: &[(Lease, Stage, Found)]) -> Result<Vec<Result<()>>> {
        self.lasting("pass jobs on", || leases::pass_on(self, passed)).await
    }

    async fn quarantine(&self, lease: &Lease, failure: &Failure, now: Timestamp) -> Result<()> {
        self.lasting("quarantine a photo", || leases::quarantine(self, lease, failure, now)).await
    }

    async fn retry(&self, lease: &Lease, failure: &Failure, retry_at: Timestamp) -> Result<()> {
        self.lasting("give a job back", || leases::retry(self, lease, failure, retry_at)).await
    }

    async fn release(&self, leases: &[Lease]) -> Result<()> {
        self.attempt("give jobs back", || leases::release(self, leases)).await
    }

    async fn claim_owing(
        &self,
        only: Option<GalleryId>,
        count: usize,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Vec<Owing>> {
        self.attempt("claim what is owed", || owing::claim(self, only, count, now, expires_at)).await
    }

    async fn pay_owing(&self, photo: PhotoId, fingerprint: Fingerprint, variants: &[Variant]) -> Result<bool> {
        self.lasting("add outputs to a photo", || owing::pay(self, photo, fingerprint, variants)).await
    }

    async fn owing(&self) -> Result<u64> {
        self.attempt("count what is owed", || owing::count(self)).await
    }

    async fn progress_of(&self, galleries: &[GalleryId]) -> Result<Vec<Progress>> {
        self.attempt("count galleries' photos", || galleries::progress(self, galleries)).await
    }

    async fn backlog(&self) -> Result<Vec<Backlog>> {
        self.attempt("count what is unfinished", || backlog::backlog(self)).await
    }

    async fn workers_held(&self) -> Result<Vec<Holder>> {
        self.attempt("list who holds jobs", || backlog::holders(self)).await
    }

    async fn abandoned(&self, before: Timestamp) -> Result<Vec<Photo>> {
        self.attempt("list abandoned photos", || photos::abandoned(self, before)).await
    }

    async fn unstage(&self, photo: PhotoId) -> Result<()> {
        self.lasting("forget a staged photo", || photos::unstage(self, photo)).await
    }

    async fn put_documents(&self, writes: &[Write<'_>]) -> Result<Vec<i64>> {
        self.lasting("write documents", || documents::put(self, writes)).await
    }

    async fn document(&self, kind: &str, id: &str) -> Result<Option<Versioned<Record>>> {
        self.attempt("read a document", || documents::one(self, kind, id)).await
    }

    async fn documents(
        &self,
        kind: &str,
        owner: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Versioned<Record>>> {
        self.attempt("list documents", || documents::list(self, kind, owner, after, limit)).await
    }

    async fn due_documents(&self, kind: &str, now: Timestamp, limit: usize) -> Result<Vec<Versioned<Record>>> {
        self.attempt("list due documents", || documents::due(self, kind, now, limit)).await
    }

    async fn sweep_documents(&self, kind: &str, now: Timestamp, limit: usize) -> Result<u64> {
        self.lasting("sweep documents", || documents::sweep(self, kind, now, limit)).await
    }

    async fn delete_document(&self, kind: &str, id: &str, version: Option<i64>) -> Result<bool> {
        self.lasting("delete a document", || documents::delete(self, kind, id, version)).await
    }

    async fn delete_documents(&self, owner: &str) -> Result<u64> {
        self.lasting("delete an owner's documents", || documents::delete_all(self, owner)).await
    }

    async fn place_gallery(&self, id: GalleryId, cluster: Option<&Region>, reason: &str) -> Result<()> {
        self.lasting("place a gallery", || galleries::place(self, id, cluster, reason)).await
    }

    async fn arrivals(&self, from: Timestamp) -> Result<Vec<Arrivals>> {
        self.attempt("list arrivals", || demand::list(self, from)).await
    }

    async fn set_arrivals(&self, arrivals: &[Arrivals]) -> Result<()> {
        self.attempt("write arrivals", || demand::set(self, arrivals)).await
    }

    async fn bookings(&self, from: Date) -> Result<Vec<Booked>> {
        self.attempt("list bookings", || demand::bookings(self, from)).await
    }

    async fn import_bookings(&self, bookings: &[(String, Booked)]) -> Result<u64> {
        self.attempt("import bookings", || demand::import(self, bookings)).await
    }

    async fn work_arrived(&self) {
        self.arrival().await;
    }
}
