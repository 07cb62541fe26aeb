//! The result's folder: variants under readable names, `gallery.json`, the receipt, the page.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Component, Path, PathBuf},
};

use futures::StreamExt as _;
use procession_domain::{
    Classified, ContentHash, Key, Kind, PhotoId,
    album::Album,
    photo::{Photo, PhotoState},
    variant::Variant,
};

use crate::{Error, Event, Events, Result, System, ingest::blocking};

/// What Procession wrote here, so that it removes its own outdated files and nobody else's.
const INVENTORY: &str = ".procession-files";

/// Files that are written at the same time.
const CONCURRENT_FILES: usize = 8;

/// The album as its writer needs it: where each output goes and where its bytes are.
struct Item {
    photo: PhotoId,
    key: Key,
    hash: ContentHash,
    bytes: u64,
    path: String,
}

/// Brings `out` to exactly what the album says. Files that are right already stay as they are; files of an earlier export
/// that the album no longer names are removed. Returns the photos whose variants the vault has lost.
///
/// # Errors
/// `File` if the folder cannot be written; `Vault` if the vault does not answer.
pub(crate) async fn export_variants(
    system: &System,
    album: &Album,
    photos: &[(Photo, PhotoState)],
    out: &Path,
    events: &Events,
) -> Result<Vec<PhotoId>> {
    let items = items(album, photos);
    let names: BTreeSet<String> = items.iter().map(|item| item.path.clone()).collect();
    let before = begin(out, &names)?;
    let total = items.len() as u64;
    let mut lost = BTreeSet::new();
    let mut placed = futures::stream::iter(items)
        .map(|item| async move { Ok::<_, Error>((item.photo, place(system, item, out).await?)) })
        .buffer_unordered(CONCURRENT_FILES)
        .enumerate();
    while let Some((index, outcome)) = placed.next().await {
        let (photo, is_there) = outcome?;
        if !is_there {
            lost.insert(photo);
        }
        events.tell(album.gallery, Event::Exporting { done: index as u64 + 1, total });
    }
    if lost.is_empty() {
        prune(out, &before, &names)?;
    }
    Ok(lost.into_iter().collect())
}

fn items(album: &Album, photos: &[(Photo, PhotoState)]) -> Vec<Item> {
    let variants = photos.iter().filter_map(|(photo, state)| match state {
        PhotoState::Done(finished) => Some((photo.id, (photo.original, finished.fingerprint, &finished.variants))),
        PhotoState::Stored | PhotoState::Quarantined(_) => None,
    });
    let variants: std::collections::HashMap<_, _> = variants.collect();
    let mut items = Vec::new();
    for photo in &album.photos {
        let Some((original, fingerprint, made)) = variants.get(&photo.id) else { continue };
        for (file, Variant { name, format, .. }) in photo.files.iter().zip(made.iter()) {
            let key =
                Key::Variant { original: *original, fingerprint: *fingerprint, name: name.clone(), format: *format };
            items.push(Item { photo: photo.id, key, hash: file.hash, bytes: file.bytes, path: file.path.clone() });
        }
    }
    items
}

/// Puts one output in place. False if the vault no longer has it as it was made.
async fn place(system: &System, item: Item, out: &Path) -> Result<bool> {
    let path = out.join(&item.path);
    let (there, hash, length) = (path.clone(), item.hash, item.bytes);
    let is_right = move || {
        fs::metadata(&there).is_ok_and(|metadata| metadata.len() == length)
            && fs::read(&there).is_ok_and(|bytes| ContentHash::of(&bytes) == hash)
    };
    if blocking(is_right).await? {
        return Ok(true);
    }
    let bytes = match system.blobs.get(&item.key).await {
        Ok(bytes) => bytes,
        Err(error) if matches!(error.kind(), Kind::NotFound | Kind::Corrupt) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    if ContentHash::of(&bytes) != item.hash {
        // A variant's key does not tell its hash; the ledger does. The damaged copy must go, or it could not be replaced.
        system.blobs.delete(&item.key).await?;
        return Ok(false);
    }
    blocking(move || write(&path, &bytes)).await??;
    Ok(true)
}

/// Writes a file of the result's folder: whole or not at all.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = folder.join(format!(".{name}.part"));
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&temporary, bytes))
        .and_then(|()| fs::rename(&temporary, path))
        .map_err(|source| Error::file(path, "write", source))
}

/// Writes down what will be here before anything is, and returns what may be here from before.
fn begin(out: &Path, names: &BTreeSet<String>) -> Result<BTreeSet<String>> {
    let before: BTreeSet<String> = match fs::read_to_string(out.join(INVENTORY)) {
        Ok(text) => text.lines().map(str::to_owned).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeSet::new(),
        Err(source) => return Err(Error::file(out.join(INVENTORY), "read", source)),
    };
    let union: Vec<&str> = before.union(names).map(String::as_str).collect();
    write(&out.join(INVENTORY), union.join("\n").as_bytes())?;
    Ok(before)
}

fn prune(out: &Path, before: &BTreeSet<String>, names: &BTreeSet<String>) -> Result<()> {
    for name in before.union(names) {
        let relative = PathBuf::from(name);
        if !relative.components().all(|part| matches!(part, Component::Normal(_))) {
            continue;
        }
        let path = out.join(&relative);
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        remove(&path.with_file_name(format!(".{file}.part")))?;
        if !names.contains(name) {
            remove(&path)?;
            // Only an empty folder goes.
            let _ = path.parent().map(fs::remove_dir);
        }
    }
    let lines: Vec<&str> = names.iter().map(String::as_str).collect();
    write(&out.join(INVENTORY), lines.join("\n").as_bytes())
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(Error::file(path, "remove", source)),
    }
}
