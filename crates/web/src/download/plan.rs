//! Where the parts of an archive are: its list, held against the photos as they are now.

use std::{collections::HashMap, sync::Arc};

use procession_domain::{
    Classified, Key, Kind, PhotoId, Timestamp,
    photo::{Photo, PhotoState},
};
use procession_flow::System;

use super::{
    list::{Item, List},
    replaced,
};
use crate::{Result, Service, deliver::being_made, zip::Archive};

/// Up to so many photos are looked up one by one; for more the whole gallery is read.
const FEW: usize = 64;
/// Rows that are read at a time.
const PAGE: usize = 500;

/// An archive that can be sent.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) archive: Archive,
    /// For each of the archive's entries.
    pub(super) sources: Vec<Source>,
    /// The archive's file name.
    pub(super) name: String,
    /// When it was held against the photos.
    pub(super) read_at: Timestamp,
}

/// Where a file's bytes are.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) photo: PhotoId,
    pub(super) key: Key,
}

impl Plan {
    /// The plan of the archive whose list has this id.
    ///
    /// # Errors
    /// 410 if one of its photos is gone or has other bytes now; 503 while one is processed again.
    pub(super) async fn of(service: &Service, id: &str) -> Result<Arc<Self>> {
        let read_at = service.system.clock.now();
        let list = service.documents.get::<List>(id).await?.ok_or_else(replaced)?.document;
        let mut items: HashMap<PhotoId, Vec<usize>> = HashMap::new();
        for (index, item) in list.items.iter().enumerate() {
            items.entry(item.photo).or_default().push(index);
        }
        let mut keys: Vec<Option<Key>> = vec![None; list.items.len()];
        let mut place = |photo: &Photo, state: &PhotoState| {
            for &index in items.get(&photo.id).into_iter().flatten() {
                keys[index] = Some(key(&list.items[index], photo, state)?);
            }
            Ok(())
        };
        each_photo(&service.system, &list, &mut place).await?;
        let sources = list.items.iter().zip(keys);
        let sources = sources.map(|(item, key)| Some(Source { photo: item.photo, key: key? }));
        let sources = sources.collect::<Option<Vec<_>>>().ok_or_else(replaced)?;
        let name = format!("{}.zip", list.title);
        Ok(Arc::new(Self { archive: list.archive()?, sources, name, read_at }))
    }
}

/// Shows every photo of a list that is still there.
async fn each_photo(
    system: &System,
    list: &List,
    place: &mut impl FnMut(&Photo, &PhotoState) -> Result<()>,
) -> Result<()> {
    if list.items.len() <= FEW {
        for item in &list.items {
            match system.ledger.photo(item.photo).await {
                Ok((photo, state)) => place(&photo, &state)?,
                Err(error) if error.kind() == Kind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        return Ok(());
    }
    let mut after = None;
    loop {
        let page = system.ledger.photos_page(list.gallery, after, PAGE).await?;
        page.iter().try_for_each(|(photo, state)| place(photo, state))?;
        if page.len() < PAGE {
            return Ok(());
        }
        after = page.last().map(|(photo, _)| photo.id);
    }
}

/// Where the bytes are that an item stands for.
fn key(item: &Item, photo: &Photo, state: &PhotoState) -> Result<Key> {
    let Some((name, format)) = &item.variant else {
        return if photo.original == item.hash { Ok(Key::Original(photo.original)) } else { Err(replaced()) };
    };
    let finished = match state {
        PhotoState::Done(finished) => finished,
        PhotoState::Stored => return Err(being_made()),
        PhotoState::Quarantined(_) => return Err(replaced()),
    };
    let is_it = finished
        .variants
        .iter()
        .any(|variant| variant.name == *name && variant.format == *format && variant.hash == item.hash);
    let (original, fingerprint) = (photo.original, finished.fingerprint);
    if is_it {
        Ok(Key::Variant { original, fingerprint, name: name.clone(), format: *format })
    } else {
        Err(replaced())
    }
}
