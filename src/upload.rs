//! Folders to a service: the client side of uploads.
//!
//! What is sent is asked of the gallery first, and every upload that has begun is remembered in the data folder, so the same
//! command goes on where a killed one ended. Each photo's hash travels along: the service stores what was on the card or says
//! that it did not.

mod api;
mod coding;
mod error;
mod link;
mod memory;
mod report;
mod send;
mod tus;

use std::{
    collections::HashSet,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::TryStreamExt as _;
use procession_domain::{Clock, ContentHash};
use procession_flow::{File, claims_to_be_a_photo, receipt::Receipt, walk};
use procession_pixel::sniff;
use tokio::sync::{Semaphore, mpsc};

pub(crate) use api::Wanted;
pub(crate) use coding::CodingChoice;
pub(crate) use report::{Event, Listener};

use self::{
    api::Api,
    coding::Coder,
    error::{Failure, Stop},
    link::Link,
    memory::Memory,
    send::{Photo, Sender},
};

/// What is to be done.
#[derive(Debug)]
pub(crate) struct Request {
    /// The service: `https://photos.example.com`.
    pub(crate) to: String,
    /// The API key.
    pub(crate) key: String,
    /// The gallery.
    pub(crate) gallery: Wanted,
    /// Where the photos are.
    pub(crate) folders: Vec<PathBuf>,
    /// Folders that are not looked into.
    pub(crate) except: Vec<PathBuf>,
    /// Requests with bytes at the same time.
    pub(crate) parallel: usize,
    /// A longer photo goes in parts, at the same time.
    pub(crate) part_bytes: u64,
    /// How photos travel.
    pub(crate) coding: CodingChoice,
    /// Where uploads that have begun are remembered.
    pub(crate) memory: PathBuf,
    /// How long nothing may succeed before it is given up.
    pub(crate) patience: Duration,
}

/// How it ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// Photos that are durable now and were not before, and that were already.
    pub(crate) stored: u64,
    pub(crate) known: u64,
    /// Files that were not taken, or could not be read.
    pub(crate) refused: u64,
    /// Bytes of photos that are durable now, and bytes that travelled for it.
    pub(crate) bytes: u64,
    pub(crate) sent_bytes: u64,
    /// What is safe.
    safe: HashSet<ContentHash>,
}

/// Uploads folders. Events go to `events`.
///
/// # Errors
/// What stops everything: no access, or no answer for longer than the patience. The same request goes on where this ended.
pub(crate) async fn upload(
    request: &Request,
    clock: Arc<dyn Clock>,
    events: mpsc::UnboundedSender<Event>,
) -> anyhow::Result<(Outcome, Result<Receipt, String>)> {
    let api = Arc::new(Api::new(&request.to, &request.key, Arc::clone(&clock), request.patience, events.clone())?);
    let offered = api.codings().await.map_err(Stop::into_error)?;
    let gallery = api.open(&request.gallery).await.map_err(Stop::into_error)?;
    let known = api.originals(gallery).await.map_err(Stop::into_error)?;
    let (folders, except) = (request.folders.clone(), request.except.clone());
    let files = tokio::task::spawn_blocking(move || walk(&folders, &except)).await?;
    let bytes = files.iter().filter_map(|file| file.bytes.as_ref().ok()).sum();
    drop(events.send(Event::FilesFound { files: files.len() as u64, bytes }));

    let memory = Memory::open(&request.memory, &request.to, gallery)?;
    let sender = Sender {
        coder: Coder::new(request.coding, &offered, Arc::clone(&clock)),
        link: Link::new(clock),
        connections: Semaphore::new(request.parallel),
        part_bytes: request.part_bytes,
        api: Arc::clone(&api),
        gallery,
        memory,
    };
    let work = Work { sender, events, outcome: Mutex::new(Outcome { safe: known, ..Outcome::default() }) };
    let sent = futures::stream::iter(files.into_iter().map(Ok))
        .try_for_each_concurrent(request.parallel, |file| work.take(file))
        .await;
    sent.map_err(Stop::into_error)?;
    let Work { sender, events, outcome } = work;
    let outcome = outcome.into_inner().unwrap_or_else(PoisonError::into_inner);
    let Outcome { stored, known, refused, bytes, sent_bytes: sent, .. } = outcome;
    drop(events.send(Event::FilesSent { stored, known, refused, bytes, sent }));
    let receipt = api.receipt(gallery, &outcome.safe).await.map_err(Stop::into_error)?;
    drop(events.send(match &receipt {
        Ok(Receipt { statement, .. }) => {
            Event::ReceiptIssued { originals: statement.originals.len(), stores: statement.stores.len() }
        }
        Err(why) => Event::ReceiptRefused { why: why.clone() },
    }));
    // Everything that was begun has ended.
    sender.memory.forget();
    Ok((outcome, receipt))
}

struct Work {
    sender: Sender,
    events: mpsc::UnboundedSender<Event>,
    outcome: Mutex<Outcome>,
}

impl Work {
    /// One file, whatever it is. Only what would meet every file is an error.
    async fn take(&self, file: File) -> Result<(), Stop> {
        let name = file.name.clone();
        let path = file.path.clone();
        let looked = blocking(move || look(&file)).await;
        let (hash, format, length) = match looked {
            Ok(Some(found)) => found,
            Ok(None) => return self.tell(Event::FileSkipped { name }),
            Err(error) => return self.refuse(name, "unreadable".to_owned(), error.to_string()),
        };
        if self.outcome().safe.contains(&hash) {
            self.outcome().known += 1;
            return self.tell(Event::PhotoKnown { name, original: hash });
        }
        match self.sender.send(Photo { name: &name, path: &path, hash, format, length }).await {
            Ok(sent) => {
                let mut outcome = self.outcome();
                outcome.stored += 1;
                outcome.bytes += length;
                outcome.sent_bytes += sent.bytes;
                outcome.safe.insert(hash);
                drop(outcome);
                let (photo, coding) = (sent.photo, sent.coding);
                self.tell(Event::PhotoStored { name, photo, original: hash, bytes: length, sent: sent.bytes, coding })
            }
            Err(Failure::Refused(refusal)) => self.refuse(name, refusal.code, refusal.detail),
            Err(Failure::Stop(stop)) => Err(stop),
        }
    }

    fn refuse(&self, name: String, code: String, message: String) -> Result<(), Stop> {
        self.outcome().refused += 1;
        self.tell(Event::FileRefused { name, code, message })
    }

    fn tell(&self, event: Event) -> Result<(), Stop> {
        // A listener that went away misses the rest.
        drop(self.events.send(event));
        Ok(())
    }

    fn outcome(&self) -> std::sync::MutexGuard<'_, Outcome> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Looked = (ContentHash, Option<procession_domain::photo::Format>, u64);

/// Reads a file once: its hash, what it is, and its length. `None` if it is no photo and does not claim to be one.
fn look(file: &File) -> std::io::Result<Option<Looked>> {
    use std::io::Read as _;
    if let Err(error) = &file.bytes {
        return Err(std::io::Error::new(error.kind(), error.to_string()));
    }
    let mut open = std::fs::File::open(&file.path)?;
    let mut buffer = vec![0; 256 << 10];
    let (mut hasher, mut length, mut format) = (blake3::Hasher::new(), 0, None);
    loop {
        let count = open.read(&mut buffer)?;
        if length == 0 {
            format = sniff(&buffer[..count.min(64)]);
            if format.is_none() && !claims_to_be_a_photo(&file.path) {
                return Ok(None);
            }
        }
        if count == 0 {
            break;
        }
        hasher.update(&buffer[..count]);
        length += count as u64;
    }
    let hash = hasher.finalize().to_hex().parse().map_err(std::io::Error::other)?;
    Ok(Some((hash, format, length)))
}

/// Runs work that computes or waits for a disk off the threads that serve tasks.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> std::io::Result<T> + Send + 'static) -> std::io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other)?
}

/// All that is sent at a time is read again from the start if it breaks, so files are streams and never whole in memory,
/// unless they are coded.
#[derive(Clone, Debug)]
enum Content {
    File(PathBuf, u64),
    Coded(bytes::Bytes),
}

impl Content {
    fn length(&self) -> u64 {
        match self {
            Self::File(_, length) => *length,
            Self::Coded(bytes) => bytes.len() as u64,
        }
    }
}
