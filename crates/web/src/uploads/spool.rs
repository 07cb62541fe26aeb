//! Uploads on the disk, until they are photos.
//!
//! `open/ID.json` says what an upload is, `open/ID.data` has its bytes: the file's length is the offset, so whatever happens to
//! this process, a look at the folder tells what is there. `done/ID.json` says how an upload ended. A record appears by a
//! rename, whole.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use procession_vault::bulk;
use tokio::sync::Semaphore;

use super::{
    place::Places,
    upload::{Upload, UploadId},
};
use crate::{Problem, Result};

/// So many pieces of work with the disk are done at the same time.
const AT_ONCE: usize = 8;
const OPEN: &str = "open";
const DONE: &str = "done";
const RECORD: &str = "json";
const DATA: &str = "data";

/// The folder of uploads. Methods that are not asynchronous wait for the disk.
#[derive(Debug)]
pub(crate) struct Spool {
    root: PathBuf,
    /// Bytes that uploads may take together, and one of them alone.
    room_bytes: u64,
    most_bytes: u64,
    /// What open uploads take of the room.
    taken_bytes: AtomicU64,
    /// Who works on which upload.
    pub(super) places: Arc<Places>,
    /// For what works with the disk.
    turns: Semaphore,
}

impl Spool {
    /// The uploads in this folder, which is made if it is not there. What a crash left of no use is removed.
    ///
    /// # Errors
    /// The folder cannot be made, read or written.
    pub(crate) fn open(root: &Path, room_bytes: u64, most_bytes: u64) -> Result<Self> {
        let spool = Self {
            root: root.to_owned(),
            room_bytes,
            most_bytes,
            taken_bytes: AtomicU64::new(0),
            places: Arc::default(),
            turns: Semaphore::new(AT_ONCE),
        };
        for folder in [OPEN, DONE] {
            fs::create_dir_all(root.join(folder)).map_err(|error| spool.failed(&error))?;
        }
        spool.tidy().map_err(|error| spool.failed(&error))?;
        Ok(spool)
    }

    /// What one upload can have at most.
    pub(super) fn most_bytes(&self) -> u64 {
        self.most_bytes
    }

    /// Works with the disk off the threads that serve tasks, when it is its turn: where hundreds send at the same time, their
    /// bytes are not copied faster by hundreds of threads, and whoever asks for something else would wait behind them.
    pub(super) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> io::Result<T> + Send + 'static,
    ) -> Result<T> {
        let spool = Arc::clone(self);
        let _turn = self.turns.acquire().await.map_err(|_| Problem::internal())?;
        blocking(move || work(&spool).map_err(|error| spool.failed(&error))).await?
    }

    /// Begins an upload, if there is room for it. It is durable after [`Spool::sync`].
    ///
    /// # Errors
    /// 507 without room; what the disk says.
    pub(super) async fn create(self: &Arc<Self>, upload: &Upload) -> Result<()> {
        let (bytes, room) = (upload.room_bytes(self.most_bytes), self.room_bytes);
        let take = |taken: u64| taken.checked_add(bytes).filter(|taken| *taken <= room);
        if self.taken_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_err() {
            return Err(no_room(format!(
                "uploads that are not complete take all the room there is for them ({room} bytes, \
                 service.upload_room_gib); continue those, or try again later"
            )));
        }
        let record = upload.clone();
        let written = self.run(move |spool| spool.write(OPEN, &record, false)).await;
        if written.is_err() {
            self.give_room_back(bytes);
        }
        written
    }

    /// What is recorded of an upload, whether it is open or has ended.
    pub(super) fn find(&self, id: &UploadId) -> io::Result<Option<Upload>> {
        // An upload that ends is in `done` before it leaves `open`.
        match self.read(OPEN, id)? {
            Some(upload) => Ok(Some(upload)),
            None => self.read(DONE, id),
        }
    }

    /// Bytes of an upload that are on the disk.
    pub(super) fn on_disk(&self, id: &UploadId) -> io::Result<u64> {
        match fs::metadata(self.data(id)) {
            Ok(metadata) => Ok(metadata.len()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// The file of an upload's bytes.
    pub(super) fn data(&self, id: &UploadId) -> PathBuf {
        self.path(OPEN, id, DATA)
    }

    /// Records what became of an upload that goes on. `durable` if the record must survive a loss of power.
    pub(super) fn update(&self, before: &Upload, now: &Upload, durable: bool) -> io::Result<()> {
        self.write(OPEN, now, durable)?;
        let (old, new) = (before.room_bytes(self.most_bytes), now.room_bytes(self.most_bytes));
        // A length that was announced late is at most what was kept for it.
        self.give_room_back(old.saturating_sub(new));
        Ok(())
    }

    /// Makes record and bytes of an upload durable.
    pub(super) fn sync(&self, id: &UploadId) -> io::Result<()> {
        match File::open(self.data(id)) {
            Ok(data) => data.sync_data()?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        File::open(self.path(OPEN, id, RECORD))?.sync_all()?;
        File::open(self.root.join(OPEN))?.sync_all()
    }

    /// Records how an upload ended, and lets go of its bytes. Where the disk has no room for the record, the bytes go first: nobody
    /// needs them any more, and after a crash in between the client sends them again.
    pub(super) fn end(&self, before: &Upload, ended: &Upload) -> io::Result<()> {
        match self.write(DONE, ended, true) {
            Err(error) if is_full(&error) => {
                remove_file(&self.data(&before.id))?;
                self.write(DONE, ended, true)?;
            }
            written => written?,
        }
        self.leave(before)
    }

    /// Forgets an upload.
    pub(super) fn remove(&self, upload: &Upload) -> io::Result<()> {
        if upload.outcome.is_some() {
            return remove_file(&self.path(DONE, &upload.id, RECORD));
        }
        self.leave(upload)
    }

    /// The uploads that have not ended.
    pub(super) fn open_uploads(&self) -> io::Result<Vec<UploadId>> {
        self.list(OPEN)
    }

    /// The uploads that have ended and are remembered.
    pub(super) fn ended_uploads(&self) -> io::Result<Vec<UploadId>> {
        self.list(DONE)
    }

    /// How many uploads have not ended, and how many bytes they have received.
    pub(super) async fn occupancy(self: &Arc<Self>) -> Result<(u64, u64)> {
        let spool = Arc::clone(self);
        // Somebody waits for this: it does not give way.
        let counted = tokio::task::spawn_blocking(move || spool.count().map_err(|error| spool.failed(&error))).await;
        counted.map_err(ended_early)?
    }

    fn count(&self) -> io::Result<(u64, u64)> {
        let open = self.open_uploads()?;
        let bytes = open.iter().map(|id| self.on_disk(id)).sum::<io::Result<u64>>()?;
        Ok((open.len() as u64, bytes))
    }

    fn leave(&self, upload: &Upload) -> io::Result<()> {
        remove_file(&self.path(OPEN, &upload.id, RECORD))?;
        self.give_room_back(upload.room_bytes(self.most_bytes));
        remove_file(&self.data(&upload.id))
    }

    fn give_room_back(&self, bytes: u64) {
        self.taken_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    fn path(&self, folder: &str, id: &UploadId, extension: &str) -> PathBuf {
        self.root.join(folder).join(format!("{id}.{extension}"))
    }

    fn read(&self, folder: &str, id: &UploadId) -> io::Result<Option<Upload>> {
        match fs::read(self.path(folder, id, RECORD)) {
            Ok(text) => Ok(serde_json::from_slice(&text).map_or_else(|error| broken(id, &error), Some)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write(&self, folder: &str, upload: &Upload, durable: bool) -> io::Result<()> {
        let temporary = self.path(folder, &upload.id, "new");
        let written = File::create(&temporary).and_then(|mut file| {
            file.write_all(&serde_json::to_vec(upload)?)?;
            if durable { file.sync_all() } else { Ok(()) }
        });
        let appeared = written.and_then(|()| fs::rename(&temporary, self.path(folder, &upload.id, RECORD)));
        if appeared.is_err() {
            // On a full disk, room is all that matters.
            let _ = remove_file(&temporary);
        }
        appeared
    }

    fn list(&self, folder: &str) -> io::Result<Vec<UploadId>> {
        let mut ids = Vec::new();
        for entry in fs::read_dir(self.root.join(folder))? {
            let name = entry?.file_name();
            let id = Path::new(&name).file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
            if Path::new(&name).extension().is_some_and(|extension| extension == RECORD) {
                ids.extend(id);
            }
        }
        Ok(ids)
    }

    /// Counts the room that is taken; removes records that are broken or were left half written, and bytes that nothing is
    /// recorded of.
    fn tidy(&self) -> io::Result<()> {
        for id in self.open_uploads()? {
            match (self.read(OPEN, &id)?, self.read(DONE, &id)?) {
                (Some(upload), None) => {
                    self.taken_bytes.fetch_add(upload.room_bytes(self.most_bytes), Ordering::Relaxed);
                }
                // It ended, and this is what was not removed any more.
                _ => remove_file(&self.path(OPEN, &id, RECORD))?,
            }
        }
        for folder in [OPEN, DONE] {
            for entry in fs::read_dir(self.root.join(folder))? {
                let path = entry?.path();
                let is_record = path.extension().is_some_and(|extension| extension == RECORD);
                let is_data = path.extension().is_some_and(|extension| extension == DATA);
                if !(is_record || is_data && path.with_extension(RECORD).exists()) {
                    remove_file(&path)?;
                }
            }
        }
        Ok(())
    }

    fn failed(&self, error: &io::Error) -> Problem {
        let folder = self.root.display();
        tracing::error!(%error, %folder, "the folder of uploads failed");
        if is_full(error) {
            let detail = "the disk of the service's folder of uploads is full; try again when there is room";
            return no_room(detail.to_owned());
        }
        let detail = "the service's folder of uploads cannot be read or written; its log says why";
        let problem = Problem::new(axum::http::StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail);
        Problem { retry_after_seconds: Some(10), ..problem }
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

fn no_room(detail: String) -> Problem {
    let problem = Problem::new(axum::http::StatusCode::INSUFFICIENT_STORAGE, "no_room", detail);
    Problem { retry_after_seconds: Some(30), ..problem }
}

/// A record that a loss of power left unfinished: nothing was promised of its upload.
fn broken(id: &UploadId, error: &serde_json::Error) -> Option<Upload> {
    tracing::warn!(upload.id = %id, %error, "the record of an upload is broken; it is forgotten");
    None
}

fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Runs work that computes or waits for a disk off the threads that serve tasks, and so that it gives way to them.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    bulk::spawn(work).await.map_err(ended_early)
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
fn ended_early(error: tokio::task::JoinError) -> Problem {
    tracing::error!(%error, "a thread ended early");
    Problem::internal()
}

#[cfg(test)]
#[path = "spool/tests.rs"]
mod tests;
