//! One photo, from the card to its acknowledgement.

use std::{ops::Range, path::Path, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::future::try_join_all;
use procession_domain::{ContentHash, GalleryId, PhotoId, photo::Format};
use tokio::sync::Semaphore;

use super::{
    Content,
    api::{Api, Tries},
    coding::{Coded, Coder},
    error::{Failure, Refusal, Stop, Trouble},
    link::Link,
    memory::Memory,
    tus::{New, Progress},
};

/// What takes longer to send is given an address first, at which it can be continued.
const SENT_AT_ONCE_SECONDS: f64 = 2.0;
/// So much is sent at once as long as nobody knows how fast the link is.
const SENT_AT_ONCE_BYTES: u64 = 1 << 20;
/// Parts that the service has forgotten are sent again so often.
const ATTEMPTS_AT_PARTS: u32 = 3;

/// What all photos share.
pub(super) struct Sender {
    pub(super) api: Arc<Api>,
    pub(super) gallery: GalleryId,
    pub(super) coder: Coder,
    pub(super) link: Link,
    /// One permit for each request with bytes.
    pub(super) connections: Semaphore,
    pub(super) part_bytes: u64,
    pub(super) memory: Memory,
}

/// A photo of the card.
#[derive(Clone, Copy, Debug)]
pub(super) struct Photo<'a> {
    pub(super) name: &'a str,
    pub(super) path: &'a Path,
    pub(super) hash: ContentHash,
    pub(super) format: Option<Format>,
    pub(super) length: u64,
}

/// A photo that is durable.
pub(super) struct Sent {
    pub(super) photo: PhotoId,
    /// Bytes that travelled.
    pub(super) bytes: u64,
    pub(super) coding: Option<&'static str>,
}

/// Bytes that are one upload, and by what the memory knows it.
struct Piece<'a> {
    new: New<'a>,
    content: &'a Content,
    range: Range<u64>,
    what: String,
}

impl Sender {
    /// Sends a photo until it is durable or refused.
    pub(super) async fn send(&self, photo: Photo<'_>) -> Result<Sent, Failure> {
        let coded = self.coder.code(photo.path, photo.format, photo.length, &self.link).await;
        let is_coded = coded.coding.is_some();
        match self.send_coded(photo, coded).await {
            // The service cannot do with the coding what it can do with the photo.
            Err(Failure::Refused(refusal)) if is_coded && matches!(&*refusal.code, "wrong_coding" | "too_large") => {
                self.send_coded(photo, Coded::plain(photo.path, photo.length)).await
            }
            // No access, or no such gallery: for no photo.
            Err(Failure::Refused(refusal)) if matches!(refusal.status, 401 | 403 | 404) => {
                Err(Failure::Stop(Stop::because(&refusal)))
            }
            other => other,
        }
    }

    async fn send_coded(&self, photo: Photo<'_>, coded: Coded) -> Result<Sent, Failure> {
        let Coded { content, coding, metadata } = coded;
        let (gallery, hash) = (self.gallery.to_string(), photo.hash.to_string());
        let mut pairs = vec![("gallery", &*gallery), ("filename", photo.name), ("hash", &hash)];
        pairs.extend(coding.map(|coding| ("coding", coding)));
        pairs.extend(metadata.iter().map(|(key, value)| (*key, &**value)));
        let pairs: Vec<String> = pairs.iter().map(|(key, value)| format!("{key} {}", STANDARD.encode(value))).collect();
        let (metadata, bytes) = (pairs.join(","), content.length());
        let what = format!("{hash} {} {bytes}", coding.unwrap_or("plain"));
        let progress = if bytes > self.part_bytes {
            self.send_parts(&metadata, &content, &what).await?
        } else {
            self.send_piece(Piece { new: New::Photo(&metadata), content: &content, range: 0..bytes, what }).await?
        };
        let photo = progress.photo.ok_or_else(|| {
            let detail = "the service has all bytes and names no photo; is it a Procession?".to_owned();
            Failure::Refused(Refusal { status: 200, code: "no_photo".to_owned(), detail, state: None })
        })?;
        Ok(Sent { photo, bytes, coding })
    }

    /// Sends parts at the same time, and has them joined.
    async fn send_parts(&self, metadata: &str, content: &Content, what: &str) -> Result<Progress, Failure> {
        let length = content.length();
        let count = length.div_ceil(self.part_bytes);
        let size = length.div_ceil(count);
        let mut attempts = 0;
        loop {
            let parts = (0..count).map(|index| {
                let range = index * size..((index + 1) * size).min(length);
                self.send_piece(Piece { new: New::Part, content, range, what: format!("{what} {index}/{count}") })
            });
            let urls: Vec<String> = try_join_all(parts).await?.into_iter().map(|part| part.url).collect();
            let joined = self.api.persist(async || self.api.join(metadata, &urls).await).await;
            attempts += 1;
            match joined {
                Err(Failure::Refused(refusal))
                    if matches!(refusal.status, 404 | 410) && attempts < ATTEMPTS_AT_PARTS =>
                {
                    (0..count).for_each(|index| self.memory.drop(&format!("{what} {index}/{count}")));
                }
                other => return other,
            }
        }
    }

    /// Sends a piece, from wherever it was left.
    async fn send_piece(&self, piece: Piece<'_>) -> Result<Progress, Failure> {
        let length = piece.range.end - piece.range.start;
        let (mut tries, mut offset) = (Tries::default(), 0);
        loop {
            match self.try_piece(&piece).await {
                Ok(progress) if progress.offset == length => return Ok(progress),
                Ok(progress) if progress.offset > offset => (tries, offset) = (Tries::default(), progress.offset),
                Ok(_) => self.api.wait(&mut tries, "the service takes no bytes", None).await?,
                Err(Trouble::Refused(refusal)) => return Err(Failure::Refused(refusal)),
                Err(Trouble::Passing { why, wait }) => self.api.wait(&mut tries, &why, wait).await?,
            }
        }
    }

    async fn try_piece(&self, piece: &Piece<'_>) -> Result<Progress, Trouble> {
        let Piece { new, content, range, what } = piece;
        let length = range.end - range.start;
        let known = match self.memory.recall(what) {
            Some(url) => match self.api.head(&url).await {
                // HEAD has no words: the end of the upload says why.
                Err(Trouble::Refused(_)) => return self.api.patch(&url, length, content, range.end..range.end).await,
                known => known?,
            },
            None => None,
        };
        let progress = match known {
            Some(progress) => progress,
            None if self.is_sent_at_once(length) => {
                let _connection = self.connections.acquire().await;
                let passage = self.link.enter();
                let begun = self.api.begin(*new, content, range.clone(), true).await?;
                passage.brought(length, begun.worked);
                begun
            }
            None => self.api.begin(*new, content, range.clone(), false).await?,
        };
        if progress.photo.is_some() {
            return Ok(progress);
        }
        // Of a part that is complete too: it is still to be joined.
        self.memory.remember(what, &progress.url);
        if progress.offset == length {
            return Ok(progress);
        }
        let _connection = self.connections.acquire().await;
        let passage = self.link.enter();
        let rest = range.start + progress.offset..range.end;
        match self.api.patch(&progress.url, progress.offset, content, rest).await {
            Err(Trouble::Refused(refusal)) if matches!(refusal.status, 404 | 410) => {
                Err(Trouble::Passing { why: refusal.detail, wait: None })
            }
            other => {
                let now = other?;
                passage.brought(now.offset - progress.offset, now.worked);
                Ok(now)
            }
        }
    }

    fn is_sent_at_once(&self, bytes: u64) -> bool {
        match self.link.bytes_per_second() {
            Some(speed) => bytes as f64 <= speed * SENT_AT_ONCE_SECONDS,
            None => bytes <= SENT_AT_ONCE_BYTES,
        }
    }
}
