//! A store in a folder.
//!
//! An object appears by a rename that refuses to replace, after its bytes were synced, and before its folder is. So it is there
//! whole or not at all, whoever crashes when.

mod direct;

use std::{
    collections::{BTreeSet, HashSet},
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use procession_domain::{ContentHash, Key};
use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::{Blobs, Room, blocking};
use crate::{Error, Result, bulk};
use direct::Pieces;

/// Says that a folder is a store, and which.
const MARKER: &str = "procession-store";
const MARKER_VERSION: &str = "procession store 1";
/// Where objects are written before they appear: on the same file system.
const TEMPORARY: &str = "tmp";

/// Objects as files below one folder. Clones are handles on the same store; several processes may use one folder.
#[derive(Clone, Debug)]
pub struct DiskBlobs(Arc<Store>);

#[derive(Debug)]
struct Store {
    root: PathBuf,
    name: String,
    identity: String,
    /// Tells this process's temporary files from those of others.
    prefix: String,
    counter: AtomicU64,
    /// Folders that this process knows to be durable in their parents.
    folders: Mutex<HashSet<PathBuf>>,
}

impl DiskBlobs {
    /// The store in this folder, which is made if it is not there. What a killed process left unfinished is removed.
    ///
    /// # Errors
    /// `Invalid` if the folder holds something else than a store; `Unavailable` if it cannot be written.
    pub fn open(root: impl AsRef<Path>) -> Result<Self> {
        let place = root.as_ref().display().to_string();
        let failed = |action| move |source| Error::io(&place, action, "the folder", source);
        let failed_twice = failed.clone();
        fs::create_dir_all(root.as_ref()).map_err(failed("make"))?;
        let root = root.as_ref().canonicalize().map_err(failed_twice("read"))?;
        // The store's own folder must survive a loss of power as well as what is in it.
        let _ = root.parent().map(sync_folder);
        let name = root.display().to_string();
        let identity = identity(&root, &name)?;
        let prefix = format!("{}-{}-", host(), std::process::id());
        let store = Store { root, name, identity, prefix, counter: AtomicU64::new(0), folders: Mutex::default() };
        store.remove_leftovers()?;
        Ok(Self(Arc::new(store)))
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce(&Store) -> Result<T> + Send + 'static) -> Result<T> {
        let store = Arc::clone(&self.0);
        blocking(move || work(&store)).await
    }

    /// As `run`, for what nobody looks at meanwhile.
    async fn run_in_bulk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let store = Arc::clone(&self.0);
        let done = bulk::spawn(move || work(&store)).await;
        done.map_err(|error| Error::Bug(format!("a thread ended early: {error}")))?
    }
}

/// Reads the marker, or makes it in a folder that has nothing else.
fn identity(root: &Path, name: &str) -> Result<String> {
    let path = root.join(MARKER);
    let refused = |why: &str| Error::Refused { place: name.to_owned(), why: why.to_owned() };
    let failed = |action| move |source| Error::io(name, action, MARKER, source);
    if !path.exists() {
        let mut others = fs::read_dir(root).map_err(failed("list"))?.filter_map(io::Result::ok);
        if others.any(|entry| !entry.file_name().to_string_lossy().starts_with(MARKER)) {
            return Err(refused("is no store and not empty; give a folder of its own"));
        }
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(|error| Error::Bug(format!("no randomness: {error}")))?;
        let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        let fresh = root.join(format!("{MARKER}.{id}"));
        write_synced(&fresh, format!("{MARKER_VERSION}\n{id}\n").as_bytes()).map_err(failed("write"))?;
        // Of two processes that make the store at once, one wins and both read the winner's.
        let published = publish(&fresh, &path);
        let _ = fs::remove_file(&fresh);
        match published {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed("write")(error)),
            _ => sync_folder(root).map_err(failed("sync"))?,
        }
    }
    let text = fs::read_to_string(&path).map_err(failed("read"))?;
    match text.lines().collect::<Vec<_>>()[..] {
        [MARKER_VERSION, id] => Ok(format!("disk {id}")),
        _ => Err(refused("is a store of another version of Procession")),
    }
}

impl Store {
    fn path(&self, key: &Key) -> PathBuf {
        self.root.join(key.to_string())
    }

    fn error(&self, action: &'static str, what: &(impl ToString + ?Sized)) -> impl FnOnce(io::Error) -> Error {
        let (place, what) = (self.name.clone(), what.to_string());
        move |source| Error::io(&place, action, &what, source)
    }

    /// Makes a folder and its parents up to the root, each durable in its own parent. That a folder is there does not mean
    /// that: whoever made it may have died before the sync.
    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        let known = || self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        if folder == self.root || known().contains(folder) {
            return Ok(());
        }
        let parent = folder.parent().unwrap_or(&self.root);
        self.make_folder(parent)?;
        match fs::create_dir(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => crash_point("folder made"),
        }
        sync_folder(parent)?;
        known().insert(folder.to_owned());
        Ok(())
    }

    fn write(&self, key: &Key, bytes: &[u8], replace: bool) -> Result<()> {
        let path = self.path(key);
        let folder = path.parent().unwrap_or(&self.root);
        if !replace && path.exists() {
            return self.compare(key, &path, bytes);
        }
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        let temporary = self.root.join(TEMPORARY).join(format!("{}{number}", self.prefix));
        let written = self
            .make_folder(&self.root.join(TEMPORARY))
            .and_then(|()| self.make_folder(folder))
            .and_then(|()| write_synced(&temporary, bytes))
            .and_then(|()| if replace { fs::rename(&temporary, &path) } else { publish(&temporary, &path) });
        // It is gone if it was renamed; what matters is that nothing of a failure stays.
        let _ = fs::remove_file(&temporary);
        match written {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self.compare(key, &path, bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let gone = io::Error::new(io::ErrorKind::NotADirectory, "the store's folder is gone");
                Err(self.error("write", key)(gone))
            }
            Err(error) => Err(self.error("write", key)(error)),
            Ok(()) => sync_folder(folder).map_err(self.error("sync", key)),
        }
    }

    /// An object that is there already: the same, and then as durable as if it had just been written, or a conflict.
    fn compare(&self, key: &Key, path: &Path, bytes: &[u8]) -> Result<()> {
        let there = direct::read(path).map_err(self.error("read", key))?;
        if there != bytes {
            let why = "other bytes are there already".to_owned();
            return Err(Error::Conflict { place: self.name.clone(), what: key.to_string(), why });
        }
        // Another process may have made it appear and not yet have synced the folder.
        let folder = path.parent().unwrap_or(&self.root);
        self.make_folder(folder).and_then(|()| sync_folder(folder)).map_err(self.error("sync", key))
    }

    fn read(&self, key: &Key) -> Result<Bytes> {
        direct::read(&self.path(key)).map_err(self.error("read", key))
    }

    fn read_exactly(&self, key: &Key, hash: ContentHash) -> Result<Bytes> {
        let bytes = self.read(key)?;
        self.compare_hash(key, ContentHash::of(&bytes), hash).map(|()| bytes)
    }

    /// Reads an original from the medium, a piece at a time: many are proven at once.
    fn prove(&self, hash: ContentHash) -> Result<()> {
        let key = Key::Original(hash);
        let found =
            Pieces::from_medium(&self.path(&key)).and_then(ContentHash::of_all).map_err(self.error("read", &key))?;
        self.compare_hash(&key, found, hash)
    }

    fn compare_hash(&self, key: &Key, found: ContentHash, wanted: ContentHash) -> Result<()> {
        if found == wanted {
            return Ok(());
        }
        let why = format!("its bytes hash to {found}");
        Err(Error::Corrupt { place: self.name.clone(), what: key.to_string(), why })
    }

    /// Temporary files of processes of this machine that are dead. Those of other machines on a shared folder stay.
    fn remove_leftovers(&self) -> Result<()> {
        let Ok(entries) = fs::read_dir(self.root.join(TEMPORARY)) else { return Ok(()) };
        let host = format!("{}-", host());
        for entry in entries.filter_map(io::Result::ok) {
            let name = entry.file_name().to_string_lossy().into_owned();
            let owner = name.strip_prefix(&host).and_then(|rest| rest.split('-').next()).map(str::to_owned);
            if owner.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
                fs::remove_file(entry.path()).map_err(self.error("remove", &name))?;
            }
        }
        Ok(())
    }

    /// Removes the object at this path, durably.
    fn remove(&self, path: &str) -> Result<()> {
        let file = self.root.join(path);
        match fs::remove_file(&file) {
            Ok(()) => sync_folder(file.parent().unwrap_or(&self.root)).map_err(self.error("sync", path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(self.error("remove", path)(error)),
        }
    }

    /// Removes all objects below a prefix, durably. The folders stay: whoever knows that one is there must go on being right.
    fn remove_below(&self, prefix: &str) -> Result<()> {
        let mut folders = BTreeSet::new();
        for path in self.list(prefix)? {
            let file = self.root.join(&path);
            match fs::remove_file(&file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(self.error("remove", &path)(error));
                }
                _ => folders.extend(file.parent().map(Path::to_owned)),
            }
        }
        folders.iter().try_for_each(|folder| sync_folder(folder)).map_err(self.error("sync", prefix))
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>> {
        let mut paths = Vec::new();
        let mut open = vec![self.root.join(prefix)];
        while let Some(folder) = open.pop() {
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound && self.root.is_dir() => continue,
                Err(error) => return Err(self.error("list", prefix)(error)),
            };
            for entry in entries {
                let path = entry.map_err(self.error("list", prefix))?.path();
                if path.is_dir() {
                    open.push(path);
                } else if let Ok(relative) = path.strip_prefix(&self.root) {
                    paths.push(relative.to_string_lossy().into_owned());
                }
            }
        }
        paths.sort();
        Ok(paths)
    }
}

#[async_trait]
impl Blobs for DiskBlobs {
    fn name(&self) -> String {
        self.0.name.clone()
    }

    async fn put(&self, key: &Key, bytes: Bytes) -> Result<()> {
        let key = key.clone();
        self.run_in_bulk(move |store| store.write(&key, &bytes, false)).await
    }

    async fn get(&self, key: &Key) -> Result<Bytes> {
        match key.content() {
            Some(hash) => self.get_exactly(key, hash).await,
            None => {
                let key = key.clone();
                self.run(move |store| store.read(&key)).await
            }
        }
    }

    async fn get_exactly(&self, key: &Key, hash: ContentHash) -> Result<Bytes> {
        let key = key.clone();
        self.run(move |store| store.read_exactly(&key, hash)).await
    }

    async fn read_back(&self, key: &Key) -> Result<Bytes> {
        let key = key.clone();
        self.run_in_bulk(move |store| direct::read_back(&store.path(&key)).map_err(store.error("read", &key))).await
    }

    async fn prove(&self, hash: ContentHash) -> Result<()> {
        self.run_in_bulk(move |store| store.prove(hash)).await
    }

    async fn size(&self, key: &Key) -> Result<Option<u64>> {
        let key = key.clone();
        self.run(move |store| match fs::metadata(store.path(&key)) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(store.error("read", &key)(error)),
        })
        .await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        let prefix = prefix.to_owned();
        self.run(move |store| store.list(&prefix)).await
    }

    async fn repair(&self, key: &Key, bytes: Bytes) -> Result<()> {
        let key = key.clone();
        self.run_in_bulk(move |store| store.write(&key, &bytes, true)).await
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        let path = key.to_string();
        self.run(move |store| store.remove(&path)).await
    }

    async fn delete_below(&self, prefix: &str) -> Result<()> {
        let prefix = prefix.to_owned();
        self.run(move |store| store.remove_below(&prefix)).await
    }

    async fn room(&self) -> Option<Room> {
        self.run(|store| {
            let found = rustix::fs::statvfs(&store.root).map_err(io::Error::from);
            let found = found.map_err(store.error("measure", "the medium"))?;
            let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
            Ok(Room { free: bytes(found.f_bavail), total: bytes(found.f_blocks) })
        })
        .await
        .ok()
    }

    fn identity(&self) -> String {
        self.0.identity.clone()
    }

    fn replicas(&self) -> Vec<Arc<dyn Blobs>> {
        vec![Arc::new(self.clone())]
    }
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    direct::write_synced(path, bytes, crash_point)
}

/// Makes a finished file appear under its name, never in place of another.
fn publish(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // A file system that knows no such rename knows links.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => fs::hard_link(from, to)?,
        other => other?,
    }
    crash_point("published");
    Ok(())
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()?;
    crash_point("folder synced");
    Ok(())
}

fn host() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().chars().filter(|c| c.is_ascii_alphanumeric()).collect()
}

/// In tests: the process dies here if it was asked to.
#[cfg(test)]
fn crash_point(name: &str) {
    tests::die_at(name);
}

#[cfg(not(test))]
fn crash_point(_: &str) {}

#[cfg(test)]
#[path = "disk/tests.rs"]
mod tests;
