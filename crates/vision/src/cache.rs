//! The models on this machine.

mod fetch;

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::{
    Error,
    catalogue::{self, Entry},
};

/// How an entry of the catalogue stands in a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// There, with the catalogue's hash.
    Ready,
    /// Not there.
    Missing,
    /// There, but with other content: `fetch` replaces it.
    Damaged,
}

/// A folder of models.
///
/// A file `models.toml` in it can name a face detector of the user's own, which then stands in for CenterFace:
///
/// ```toml
/// [face_detector]
/// file = "my-detector.onnx"   # in this folder
/// kind = "yunet"              # how its outputs are read: "centerface" or "yunet"
/// ```
///
/// Such a detector is given floats: planes of `[n, 3, height, width]` with values from 0 to 255.
#[derive(Clone, Debug)]
pub struct Cache {
    dir: PathBuf,
}

/// How a face detector's outputs are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DetectorKind {
    /// As CenterFace has, of a photo in bytes: the catalogue's own.
    #[serde(skip)]
    InBytes,
    /// Centre heat map, as CenterFace has.
    CenterFace,
    /// Three strides of anchors, as YuNet has.
    YuNet,
}

/// What the user's own face detector is called in messages.
const USERS: &str = "face_detector of models.toml";

/// A model file in memory.
pub(crate) struct Model {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
    pub(crate) sha256: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct UserModels {
    face_detector: Option<UserDetector>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UserDetector {
    file: PathBuf,
    kind: DetectorKind,
}

impl Cache {
    /// The cache in `dir`, which need not exist yet.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// `$PROCESSION_MODELS`, or `$XDG_CACHE_HOME/procession/models`, or `~/.cache/procession/models`.
    pub fn default_dir() -> PathBuf {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        if let Some(dir) = set("PROCESSION_MODELS") {
            return dir;
        }
        let base = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
        base.unwrap_or_else(std::env::temp_dir).join("procession").join("models")
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Every entry that this machine needs, and whether it is here. Reads and hashes the files.
    pub fn status(&self) -> Vec<(Entry, State)> {
        catalogue::entries().iter().map(|entry| (*entry, self.state(entry))).collect()
    }

    /// Brings every entry here that is not. Does nothing and says nothing if the cache is complete. A file appears whole
    /// and with the catalogue's hash, or not at all. `progress` gets one line for each step. Of several processes that
    /// fetch at once, one works and the others wait for it.
    ///
    /// Needs `python3` with pip, and pip's way to a package index; a complete cache needs neither.
    ///
    /// # Errors
    /// [`Error::Fetch`] names the entry, what failed and what to do; entries that were fetched before it stay.
    pub fn fetch(&self, progress: &mut dyn FnMut(&str)) -> Result<(), Error> {
        if self.status().iter().all(|(_, state)| *state == State::Ready) {
            return Ok(());
        }
        fetch::fetch(self, progress)
    }

    fn state(&self, entry: &Entry) -> State {
        let path = self.dir.join(entry.file);
        match fs::metadata(&path) {
            Err(_) => State::Missing,
            Ok(facts) if facts.len() != entry.bytes => State::Damaged,
            Ok(_) => match sha256_of(&path) {
                Ok(hash) if hash == entry.sha256 => State::Ready,
                _ => State::Damaged,
            },
        }
    }

    /// The file of a catalogue's entry, read and checked.
    pub(crate) fn model(&self, name: &str) -> Result<Model, Error> {
        let entry = known(name)?;
        let model = self.read(name, self.dir.join(entry.file))?;
        same(&entry, &model.sha256, &model.path)?;
        Ok(model)
    }

    /// The hash of a catalogue's entry, of which the file was checked and not kept.
    pub(crate) fn hash(&self, name: &str) -> Result<String, Error> {
        let entry = known(name)?;
        let path = self.dir.join(entry.file);
        let hash = sha256_of(&path).map_err(unreadable(name, &path))?;
        same(&entry, &hash, &path)?;
        Ok(hash)
    }

    /// The face detector: the user's if `models.toml` names one, else CenterFace.
    pub(crate) fn detector(&self) -> Result<(Model, DetectorKind), Error> {
        match self.user_models()?.face_detector {
            Some(user) => Ok((self.read(USERS, self.dir.join(user.file))?, user.kind)),
            None => Ok((self.model("centerface")?, DetectorKind::InBytes)),
        }
    }

    /// The hash of the face detector.
    pub(crate) fn detector_hash(&self) -> Result<String, Error> {
        match self.user_models()?.face_detector {
            Some(user) => {
                let path = self.dir.join(user.file);
                sha256_of(&path).map_err(unreadable(USERS, &path))
            }
            None => self.hash("centerface"),
        }
    }

    fn user_models(&self) -> Result<UserModels, Error> {
        let path = self.dir.join("models.toml");
        match fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).map_err(|error| Error::Invalid { path, why: error.to_string() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(UserModels::default()),
            Err(source) => Err(Error::Disk { path, source }),
        }
    }

    fn read(&self, name: &str, path: PathBuf) -> Result<Model, Error> {
        let bytes = fs::read(&path).map_err(unreadable(name, &path))?;
        Ok(Model { sha256: hex(&Sha256::digest(&bytes)), path, bytes })
    }
}

fn known(name: &str) -> Result<Entry, Error> {
    catalogue::entry(name).ok_or_else(|| Error::Bug(format!("no model is called {name}")))
}

fn same(entry: &Entry, sha256: &str, path: &Path) -> Result<(), Error> {
    if sha256 == entry.sha256 {
        return Ok(());
    }
    let why = "is not the file that the catalogue names; run `procession models fetch`".to_owned();
    Err(Error::Corrupt { path: path.to_owned(), why })
}

fn unreadable(name: &str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let (name, path) = (name.to_owned(), path.to_owned());
    move |source| match source.kind() {
        io::ErrorKind::NotFound => Error::Missing { name, path },
        _ => Error::Disk { path, source },
    }
}

fn sha256_of(path: &Path) -> io::Result<String> {
    let mut file = fs::File::open(path)?;
    let (mut hasher, mut part) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut part)? {
            0 => return Ok(hex(&hasher.finalize())),
            length => hasher.update(&part[..length]),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
