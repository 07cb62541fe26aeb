//! CRC-32s, which an archive states before the bytes. They are known of everything that this version stored; what an older one
//! stored is read once.

use procession_domain::{ContentHash, GalleryId, Key, recipe::OutputFormat};
use procession_flow::Error;
use procession_vault::Document;
use serde::{Deserialize, Serialize};

use crate::{Problem, Result, Service};

/// A file to be in an archive.
pub(super) struct File {
    pub(super) key: Key,
    /// Name and format of the variant; none for the original.
    pub(super) variant: Option<(String, OutputFormat)>,
    pub(super) hash: ContentHash,
    pub(super) bytes: u64,
    /// None if nobody has computed it.
    pub(super) crc32: Option<u32>,
    pub(super) extension: String,
}

/// A checksum that was computed here.
#[derive(Serialize, Deserialize)]
struct Computed {
    gallery: GalleryId,
    hash: ContentHash,
    crc32: u32,
}

impl Document for Computed {
    const KIND: &'static str = "crc32";

    fn id(&self) -> String {
        name(self.gallery, self.hash)
    }

    fn owner(&self) -> String {
        self.gallery.to_string()
    }
}

/// It goes with its gallery, so it is the gallery's, although the bytes may be in others.
fn name(gallery: GalleryId, hash: ContentHash) -> String {
    format!("{gallery}-{hash}")
}

/// The CRC-32 of a file: known, or computed once.
///
/// # Errors
/// 404 if the vault has the file no more.
pub(super) async fn checksum(service: &Service, gallery: GalleryId, file: &File) -> Result<u32> {
    if let Some(crc32) = file.crc32 {
        return Ok(crc32);
    }
    if let Some(known) = service.documents.get::<Computed>(&name(gallery, file.hash)).await? {
        return Ok(known.document.crc32);
    }
    let bytes = service.delivery.read(&service.system, &file.key, file.hash, file.bytes).await?;
    let bytes = bytes.ok_or_else(|| Problem::not_found(&file.key))?;
    let crc32 = tokio::task::spawn_blocking(move || crc32fast::hash(&bytes)).await;
    let crc32 = crc32.map_err(|error| Error::Bug(format!("a thread ended early: {error}")))?;
    service.documents.put(&Computed { gallery, hash: file.hash, crc32 }).await?;
    Ok(crc32)
}
