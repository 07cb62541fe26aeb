//! The bytes of a request on their way to the disk: a photo is never whole in memory here, and nobody holds a place without
//! sending.

use std::{fs::File, os::unix::fs::FileExt as _, path::PathBuf, sync::Arc, time::Duration};

use axum::{
    body::{Body, BodyDataStream, HttpBody as _},
    http::{HeaderMap, StatusCode, header},
};
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use procession_domain::{Clock, Timestamp};
use tokio::sync::watch;

use super::{
    checksum::Checksum,
    place::Place,
    spool::{Spool, blocking},
};
use crate::{Problem, Result, Service};

/// So much is gathered before it is written.
const CHUNK_BYTES: usize = 256 << 10;
/// Whoever sends less than this in a second, on the average of the idle time, is as good as idle.
const LEAST_BYTES_PER_SECOND: u64 = 1 << 10;
/// A connection on which nothing came for so long gives way to another request for the same upload.
const QUIET: Duration = Duration::from_secs(1);
/// An answer that comes before the request has ended may not reach a client that still sends: so much of the rest is taken and
/// dropped, for so long at most.
const LINGER_BYTES: u64 = 16 << 20;
const LINGER: Duration = Duration::from_secs(5);

/// A request's body.
pub(super) struct Incoming {
    body: BodyDataStream,
    /// What the client announced.
    length: Option<u64>,
    /// The client sends only after it was told to.
    asks_first: bool,
    is_empty: bool,
    idle: Duration,
    stopping: watch::Receiver<bool>,
    clock: Arc<dyn Clock>,
    began: Timestamp,
    /// How long it was waited for bytes.
    waited: Duration,
}

/// What came of a request.
pub(super) struct Received {
    /// So many bytes are on the disk.
    pub(super) bytes: u64,
    pub(super) checksum: Option<Checksum>,
    /// Why no more came, if the request did not end by itself.
    pub(super) end: Result<()>,
}

impl Incoming {
    pub(super) fn new(body: Body, headers: &HeaderMap, service: &Service) -> Self {
        Self {
            is_empty: body.is_end_stream(),
            length: body.size_hint().exact(),
            asks_first: headers.contains_key(header::EXPECT),
            body: body.into_data_stream(),
            idle: service.settings.idle,
            stopping: service.stopping.clone(),
            clock: Arc::clone(&service.system.clock),
            began: service.system.clock.now(),
            waited: Duration::ZERO,
        }
    }

    /// True if there are no bytes.
    pub(super) fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// How long the request took so far without what it waited for bytes.
    pub(super) fn worked(&self) -> Duration {
        self.clock.now().since(self.began).saturating_sub(self.waited)
    }

    /// Goes on only if the client does not announce more.
    ///
    /// # Errors
    /// 413.
    pub(super) fn check_length(&self, most: u64) -> Result<()> {
        if self.length.is_some_and(|length| length > most) { Err(excess(most)) } else { Ok(()) }
    }

    /// Writes the bytes to a file, from an offset on and so many at most.
    pub(super) async fn receive(
        &mut self,
        spool: &Arc<Spool>,
        place: &mut Place,
        (data, from, most): (PathBuf, u64, u64),
        checksum: Option<Checksum>,
    ) -> Received {
        let mut received = Received { bytes: 0, checksum, end: Ok(()) };
        let mut file: Option<File> = None;
        let mut buffer = BytesMut::with_capacity(CHUNK_BYTES);
        loop {
            let more = self.gather(place, &mut buffer).await;
            if received.bytes + buffer.len() as u64 > most {
                received.end = Err(excess(most));
                return received;
            }
            // What came before an interruption is kept too.
            let (bytes, at, path) = (buffer.split().freeze(), from + received.bytes, data.clone());
            let length = bytes.len() as u64;
            let mut sum = received.checksum.take();
            let written = spool.run(move |_| {
                let file =
                    file.map_or_else(|| File::options().create(true).truncate(false).write(true).open(&path), Ok)?;
                file.write_all_at(&bytes, at)?;
                sum.iter_mut().for_each(|sum| sum.add(&bytes));
                Ok((file, sum))
            });
            match written.await {
                Ok((written, sum)) => (file, received.checksum) = (Some(written), sum),
                Err(problem) => {
                    received.end = Err(problem);
                    return received;
                }
            }
            received.bytes += length;
            match more {
                Ok(true) => {}
                Ok(false) => return received,
                Err(problem) => {
                    received.end = Err(problem);
                    return received;
                }
            }
        }
    }

    /// Fills the buffer as far as bytes come. False if they were the last.
    async fn gather(&mut self, place: &mut Place, buffer: &mut BytesMut) -> Result<bool> {
        self.asks_first = false;
        let before = self.clock.now();
        let Self { body, stopping, idle, .. } = self;
        let gathered = tokio::select! {
            biased;
            _ = stopping.wait_for(|stop| *stop) => Err(ending()),
            gathered = tokio::time::timeout(*idle, fill(body, place, buffer)) => {
                gathered.unwrap_or_else(|_| Err(too_slow()))
            }
        };
        self.waited += self.clock.now().since(before);
        let least = self.idle.as_secs().max(1) * LEAST_BYTES_PER_SECOND;
        match gathered {
            Err(problem) if problem.status == StatusCode::REQUEST_TIMEOUT && buffer.len() as u64 >= least => Ok(true),
            gathered => gathered,
        }
    }

    /// Takes and drops what the client still sends, so that it gets to read the answer.
    pub(super) async fn linger(mut self) {
        if self.asks_first || self.is_empty {
            return;
        }
        let drop_the_rest = async {
            let mut dropped = 0;
            while let Some(Ok(bytes)) = self.body.next().await {
                dropped += bytes.len() as u64;
                if dropped > LINGER_BYTES {
                    break;
                }
            }
        };
        // Whether it ended or not, the answer is given now.
        let _ = tokio::time::timeout(LINGER, drop_the_rest).await;
    }
}

async fn fill(body: &mut BodyDataStream, place: &mut Place, buffer: &mut BytesMut) -> Result<bool> {
    while buffer.len() < CHUNK_BYTES {
        let next = tokio::select! {
            biased;
            next = body.next() => next,
            () = place.wanted(QUIET) => return Err(wanted()),
        };
        match next {
            None => return Ok(false),
            Some(Ok(bytes)) => buffer.extend_from_slice(&bytes),
            Some(Err(_)) => {
                return Err(Problem::new(StatusCode::BAD_REQUEST, "interrupted", "the request ended early"));
            }
        }
    }
    Ok(true)
}

/// The bytes of a whole file. Its memory was granted.
pub(super) async fn read(files: Vec<PathBuf>, length: u64) -> Result<std::io::Result<Bytes>> {
    blocking(move || {
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        std::io::Read::read_to_end(&mut Files::new(files), &mut bytes).map(|_| bytes.into())
    })
    .await
}

/// Files one after the other.
pub(super) struct Files {
    rest: std::vec::IntoIter<PathBuf>,
    current: Option<File>,
}

impl Files {
    pub(super) fn new(files: Vec<PathBuf>) -> Self {
        Self { rest: files.into_iter(), current: None }
    }
}

impl std::io::Read for Files {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            if let Some(file) = &mut self.current {
                match file.read(buffer)? {
                    0 if !buffer.is_empty() => self.current = None,
                    count => return Ok(count),
                }
            }
            let Some(next) = self.rest.next() else { return Ok(0) };
            self.current = Some(File::open(next)?);
        }
    }
}

fn excess(most: u64) -> Problem {
    let detail = format!("more bytes than the {most} that are still to come; nothing of this request was kept");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
}

fn too_slow() -> Problem {
    let detail = "too little came for too long; what came is kept, continue from the offset that HEAD tells";
    Problem::new(StatusCode::REQUEST_TIMEOUT, "too_slow", detail)
}

fn wanted() -> Problem {
    let detail = "another request continues this upload";
    Problem::new(StatusCode::LOCKED, "locked", detail)
}

fn ending() -> Problem {
    let detail = "the service ends; what came is kept, continue when it is back";
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail);
    Problem { retry_after_seconds: Some(2), ..problem }
}
