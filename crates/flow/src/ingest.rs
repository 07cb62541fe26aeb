//! From a file to a durable photo.
//!
//! The order is the guarantee: `staged` in the ledger → the blob and its manifest in the replicas → every replica that is
//! not owed read back and hashed → one transaction that marks the photo stored and inserts its job → only then is anybody told. A crash between
//! any two of these leaves nothing that the same steps, taken again, do not put right.

mod walk;

use std::{collections::HashSet, io, path::Path, sync::Arc};

use bytes::Bytes;
use futures::TryStreamExt;
use procession_domain::{
    Classified, ContentHash, Key, Kind, PhotoId,
    capture::Capture,
    error::chain,
    gallery::{Gallery, PipelineChoice, Rank},
    manifest::Manifest,
    photo::{Failure, Format, Photo, Refusal},
    recipe::Priority,
};
use procession_pixel::{probe, sniff};
use procession_vault::{Arrival, Blobs, Stored, bulk};

pub use walk::{File, claims_to_be_a_photo, walk};

use crate::{Error, Event, Events, Result, System, gallery::rank_of};

/// Files that are read and made durable at the same time: enough to keep a disk busy, few enough to leave the memory to
/// the workers.
const CONCURRENT_FILES: usize = 4;
/// The part of a file that tells what it is.
const HEAD_BYTES: usize = 64;

/// Takes every file into the gallery. A file that cannot be taken is recorded and told; it never holds back another.
///
/// # Errors
/// Only what would meet every file: the vault is full or does not answer.
pub async fn ingest(system: &Arc<System>, gallery: &Gallery, files: Vec<File>, events: &Events) -> Result<()> {
    system.ledger.clear_refusals(gallery.id).await?;
    let known = system.ledger.photos(gallery.id).await?.into_iter().map(|(photo, _)| photo.id).collect();
    let ingest = Ingest { system, gallery, known, events };
    futures::stream::iter(files.into_iter().map(Ok))
        .try_for_each_concurrent(CONCURRENT_FILES, |file| ingest.take(file))
        .await?;
    ingest.settle_staged().await
}

/// Takes one photo whose bytes are here already, and their hash where somebody needed it before: an upload. It is durable in every
/// replica when this returns.
///
/// # Errors
/// `Invalid` if the bytes are no photo: they are not kept, and the gallery records the refusal. Whatever the vault says:
/// then nothing was promised, and the same call can be made again.
pub async fn take_photo(
    system: &Arc<System>,
    gallery: &Gallery,
    name: String,
    (bytes, hash): (Bytes, Option<ContentHash>),
    events: &Events,
) -> Result<PhotoId> {
    let ingest = Ingest { system, gallery, known: HashSet::new(), events };
    let limit = system.settings.limits.max_bytes;
    let outcome = match sniff(&bytes[..bytes.len().min(HEAD_BYTES)]) {
        _ if bytes.len() as u64 > limit => {
            let value = bytes.len() as u64;
            Err(procession_pixel::Error::TooLarge { what: "its length in bytes", value, limit }.into())
        }
        None => Err(unrecognised(bytes.len() as u64)),
        Some(format) => ingest.store(name.clone(), format, bytes, hash).await,
    };
    if let Err(error @ Error::Pixel(_)) = &outcome {
        ingest.refuse(name, Failure { kind: error.kind(), message: chain(error) }).await?;
    }
    outcome
}

/// Settles what a crash left between the first step of ingest and the last, in every gallery: to be called before anything
/// is served.
///
/// # Errors
/// Whatever the vault says.
pub async fn settle_staged(system: &Arc<System>, events: &Events) -> Result<()> {
    for photo in system.ledger.abandoned(system.clock.now()).await? {
        let (gallery, _) = system.ledger.gallery(photo.gallery).await?;
        let ingest = Ingest { system, gallery: &gallery, known: HashSet::new(), events };
        ingest.settle(photo).await?;
    }
    Ok(())
}

fn unrecognised(length: u64) -> Error {
    let why = if length == 0 { "the file is empty" } else { "its content is of no kind that is known" };
    procession_pixel::Error::Unrecognised(why.to_owned()).into()
}

struct Ingest<'a> {
    system: &'a Arc<System>,
    gallery: &'a Gallery,
    /// Photos that were stored by an earlier run.
    known: HashSet<PhotoId>,
    events: &'a Events,
}

impl Ingest<'_> {
    async fn take(&self, file: File) -> Result<()> {
        let outcome = match &file.bytes {
            Err(unreadable) => {
                Err(Error::file(&file.path, "read", io::Error::new(unreadable.kind(), unreadable.to_string())))
            }
            Ok(length) => self.take_readable(&file, *length).await,
        };
        match outcome {
            Ok(()) => Ok(()),
            // What lies with this file is recorded; what lies with the vault stops everything.
            Err(error) if !matches!(error, Error::File { .. }) && error.stops_everything() => Err(error),
            Err(error) => {
                let failure = Failure { kind: error.kind(), message: chain(&error) };
                self.refuse(file.name, failure).await
            }
        }
    }

    async fn take_readable(&self, file: &File, length: u64) -> Result<()> {
        let limit = self.system.settings.limits.max_bytes;
        if length > limit {
            return Err(procession_pixel::Error::TooLarge { what: "its length in bytes", value: length, limit }.into());
        }
        let head = read(&file.path, Some(HEAD_BYTES)).await?;
        let Some(format) = sniff(&head) else {
            if claims_to_be_a_photo(&file.path) {
                return Err(unrecognised(length));
            }
            self.events.tell(self.gallery.id, Event::FileSkipped { name: file.name.clone() });
            return Ok(());
        };
        let _memory = self.system.budget.grant(length).await?;
        let bytes = Bytes::from(read(&file.path, None).await?);
        self.store(file.name.clone(), format, bytes, None).await.map(drop)
    }

    /// Makes one photo durable, and tells so. Bytes that are recognised as a photo but cannot be read as one are made
    /// durable too: they may be all that is left of it. Their job will say what is wrong.
    async fn store(&self, name: String, format: Format, bytes: Bytes, hash: Option<ContentHash>) -> Result<PhotoId> {
        let (system, gallery) = (self.system, self.gallery);
        let photo = self.describe(name, format, bytes.clone(), hash).await?;
        // From here on nobody deletes these bytes, were they ever those of a gallery that was removed.
        system.ledger.stage_photo(&photo).await?;
        if !(self.known.contains(&photo.id) && is_safe(system, &photo).await) {
            keep(system, gallery, &photo, bytes).await?;
            read_back(system.blobs.as_ref(), photo.original).await?;
        }
        self.acknowledge(photo).await
    }

    /// Photos that a crash left between the first step and the last, and that no file brought again. Those that every
    /// replica holds whole are photos like any other; of the rest nothing is known to be safe, and nothing was promised.
    async fn settle_staged(&self) -> Result<()> {
        let system = self.system;
        let staged = system.ledger.abandoned(system.clock.now()).await?;
        for photo in staged.into_iter().filter(|photo| photo.gallery == self.gallery.id) {
            self.settle(photo).await?;
        }
        Ok(())
    }

    async fn settle(&self, photo: Photo) -> Result<()> {
        if is_safe(self.system, &photo).await {
            self.acknowledge(photo).await.map(drop)
        } else {
            Ok(self.system.ledger.unstage(photo.id).await?)
        }
    }

    /// The last step: from here on the photo is safe, and its job waits.
    async fn acknowledge(&self, photo: Photo) -> Result<PhotoId> {
        let system = self.system;
        let (rank, reason) = rank_of(system, self.gallery, photo.stored_at)?;
        let arrival = Arrival { priority: priority(system, self.gallery), cost: cost(&photo), rank };
        let stored = system.ledger.store_photo(&photo, &arrival).await?;
        system.wake.notify_one();
        let name = photo.name().to_owned();
        let Photo { id, original, bytes, .. } = photo;
        let new = stored.is_some();
        self.events.tell(self.gallery.id, Event::PhotoStored { photo: id, name, original, bytes, new });
        if let Some(Stored { rank: Rank { urgency, deadline, .. }, was }) = stored
            && urgency != was
        {
            self.events.tell(self.gallery.id, Event::GalleryRanked { urgency, reason, deadline });
        }
        Ok(id)
    }

    /// Hash, checksum and header of a photo.
    async fn describe(&self, name: String, format: Format, bytes: Bytes, hash: Option<ContentHash>) -> Result<Photo> {
        let (limits, gallery) = (self.system.settings.limits, self.gallery.id);
        let stored_at = self.system.clock.now();
        in_bulk(move || {
            let original = hash.unwrap_or_else(|| ContentHash::of(&bytes));
            let (format, (width, height), capture, single_scan) = match probe(&bytes, &limits) {
                Ok(probe) => (probe.format, probe.upright(), probe.capture, probe.single_scan),
                Err(_) => (format, (0, 0), Capture::default(), false),
            };
            let id = PhotoId::of(gallery, &original);
            let (crc32, bytes) = (Some(crc32fast::hash(&bytes)), bytes.len() as u64);
            let names = vec![name];
            Photo { id, gallery, original, bytes, crc32, format, width, height, single_scan, names, capture, stored_at }
        })
        .await
    }

    async fn refuse(&self, name: String, failure: Failure) -> Result<()> {
        tracing::warn!(gallery.id = %self.gallery.id, error.kind = ?failure.kind, "file refused");
        let refusal = Refusal { name: name.clone(), failure: failure.clone() };
        self.system.ledger.refuse_file(self.gallery.id, &refusal, self.system.clock.now()).await?;
        self.events.tell(self.gallery.id, Event::FileRefused { name, failure });
        Ok(())
    }
}

/// True if every replica holds the photo whole, but for those to which it is owed. Where one does not, the bytes at hand are
/// what it is repaired with.
async fn is_safe(system: &System, photo: &Photo) -> bool {
    read_back(system.blobs.as_ref(), photo.original).await.is_ok()
}

async fn keep(system: &System, gallery: &Gallery, photo: &Photo, bytes: Bytes) -> Result<()> {
    system.blobs.put(&Key::Original(photo.original), bytes).await?;
    let manifest = Manifest { version: 1, gallery: gallery.clone(), photo: photo.clone() };
    let text = serde_json::to_vec_pretty(&manifest).map_err(|error| Error::Bug(error.to_string()))?;
    match system.blobs.put(&Key::Manifest(gallery.id, photo.id), text.into()).await {
        // The manifest of an earlier arrival stands: it names the same bytes.
        Err(error) if error.kind() == Kind::Conflict => Ok(()),
        other => Ok(other?),
    }
}

/// Reads an original from the medium of a replica, or of all that must have it, and compares it with its hash. A copy that is
/// wrong is the store's fault and not the photo's: nothing more is entrusted to that store.
pub(crate) async fn read_back(store: &dyn Blobs, hash: ContentHash) -> Result<()> {
    match store.prove(hash).await {
        Ok(()) => Ok(()),
        Err(source) if matches!(source.kind(), Kind::Corrupt | Kind::NotFound) => Err(Error::ReadBack { hash, source }),
        Err(source) => Err(source.into()),
    }
}

/// A photo's place in its gallery: its pipeline's, where that is known before anybody looked at it.
fn priority(system: &System, gallery: &Gallery) -> Priority {
    match &gallery.pipeline {
        PipelineChoice::Auto => Priority::Medium,
        PipelineChoice::Named(name) => {
            system.settings.pipelines.get(name).map_or(Priority::Medium, |pipeline| pipeline.priority)
        }
    }
}

/// What a photo costs in the schedule: its megapixels, at least one.
pub(crate) fn cost(photo: &Photo) -> f64 {
    (f64::from(photo.width) * f64::from(photo.height) / 1e6).max(1.0)
}

async fn read(path: &Path, head: Option<usize>) -> Result<Vec<u8>> {
    let path = path.to_owned();
    in_bulk(move || {
        use std::io::Read as _;
        let mut bytes = Vec::new();
        let read = std::fs::File::open(&path).and_then(|file| match head {
            Some(length) => file.take(length as u64).read_to_end(&mut bytes),
            None => (&file).read_to_end(&mut bytes),
        });
        read.map_err(|source| Error::file(&path, "read", source)).map(|_| bytes)
    })
    .await?
}

/// As [`blocking`], for what nobody looks at meanwhile.
async fn in_bulk<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    bulk::spawn(work).await.map_err(|error| Error::Bug(format!("a thread ended early: {error}")))
}

/// Runs work that computes or waits for a disk off the threads that serve tasks.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::Bug(format!("a thread ended early: {error}")))
}
