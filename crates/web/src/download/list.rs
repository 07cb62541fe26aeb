//! What is in an archive, written down.

use jiff::civil::DateTime;
use procession_domain::{ContentHash, GalleryId, PhotoId, Timestamp, gallery::Gallery, recipe::OutputFormat};
use procession_vault::Document;
use serde::{Deserialize, Serialize};

use super::select::{Wanted, select};
use crate::{
    Problem, Result, Service,
    zip::{Archive, Entry},
};

/// A list outlives the addresses of its archive by this many of their lives.
const LIVES: u32 = 4;
/// Expired lists that are removed whenever one is made.
const SWEPT: usize = 10;

/// The files of an archive in their order. The same files have the same id.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct List {
    /// The gallery's id and the hash of the archive's layout, which has in it the hash of every file.
    pub(super) id: String,
    pub(super) gallery: GalleryId,
    /// What the archive is called, without its extension.
    pub(super) title: String,
    pub(super) items: Vec<Item>,
    expires_at: Timestamp,
}

/// A file of an archive. Ten thousand of them are one document: the names of its fields are short.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Item {
    /// The photo.
    #[serde(rename = "p")]
    pub(super) photo: PhotoId,
    /// Name and format of the variant; none for the original.
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub(super) variant: Option<(String, OutputFormat)>,
    #[serde(rename = "n")]
    pub(super) name: String,
    #[serde(rename = "h")]
    pub(super) hash: ContentHash,
    #[serde(rename = "b")]
    pub(super) bytes: u64,
    #[serde(rename = "c")]
    pub(super) crc32: u32,
    /// When it was taken, by the clock of the place.
    #[serde(rename = "t")]
    pub(super) taken: DateTime,
}

impl Document for List {
    const KIND: &'static str = "archive";

    fn id(&self) -> String {
        self.id.clone()
    }

    fn owner(&self) -> String {
        self.gallery.to_string()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.expires_at)
    }
}

impl List {
    /// The list of what is wanted of a gallery as it is now, and how many photos are not in it because they cannot be processed.
    pub(super) async fn of(service: &Service, gallery: &Gallery, wanted: &Wanted) -> Result<(Self, usize)> {
        let selected = select(service, gallery, wanted).await?;
        let expires_at = service.system.clock.now().after(service.settings.url_life * LIVES);
        let title = selected.title;
        let mut list = Self { id: String::new(), gallery: gallery.id, title, items: selected.items, expires_at };
        let etag = list.archive()?.etag();
        list.id = format!("{}-{}", gallery.id, etag.trim_matches('"'));
        Ok((list, selected.left_out))
    }

    /// Writes the list down, unless it is written already and stays for long enough.
    pub(super) async fn keep(&self, service: &Service) -> Result<()> {
        let now = service.system.clock.now();
        service.documents.sweep::<Self>(now, SWEPT).await?;
        let needed = now.after(service.settings.url_life * (LIVES - 1));
        let known = service.documents.get::<Self>(&self.id).await?;
        if known.is_none_or(|known| known.document.expires_at < needed) {
            service.documents.put(self).await?;
        }
        Ok(())
    }

    /// Where each byte of the archive is.
    pub(super) fn archive(&self) -> Result<Archive> {
        let entries = self.items.iter().map(|item| Entry {
            name: item.name.clone(),
            bytes: item.bytes,
            crc32: item.crc32,
            hash: item.hash,
            modified: item.taken,
        });
        Archive::new(entries.collect()).ok_or_else(|| Problem::invalid("no archive is that large"))
    }

    /// Length of the archive.
    pub(super) fn bytes(&self) -> Result<u64> {
        Ok(self.archive()?.length())
    }

    pub(super) fn photos(&self) -> usize {
        self.items.len()
    }
}
