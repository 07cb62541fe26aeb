//! Uploads that have begun, remembered across runs: one line each, `what<TAB>URL`.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use anyhow::Context as _;
use procession_domain::GalleryId;

/// The file of one gallery of one service.
pub(super) struct Memory {
    path: PathBuf,
    state: Mutex<(File, HashMap<String, String>)>,
}

impl Memory {
    /// What is remembered of this gallery.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub(super) fn open(folder: &Path, service: &str, gallery: GalleryId) -> anyhow::Result<Self> {
        let name = blake3::hash(format!("{service} {gallery}").as_bytes()).to_hex();
        let path = folder.join(format!("{}.tsv", &name[..24]));
        let failed = || format!("{} cannot be written; choose another folder with --data", path.display());
        fs::create_dir_all(folder).with_context(failed)?;
        // Of a line that a kill cut short, the upload is forgotten, and begins again.
        let text = fs::read_to_string(&path).unwrap_or_default();
        let whole = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')?.split_once('\t'));
        let known = whole.map(|(what, url)| (what.to_owned(), url.to_owned())).collect();
        let mut file = File::options().create(true).append(true).open(&path).with_context(failed)?;
        if !text.is_empty() && !text.ends_with('\n') {
            file.write_all(b"\n").with_context(failed)?;
        }
        Ok(Self { state: Mutex::new((file, known)), path })
    }

    /// Where an upload is that has begun.
    pub(super) fn recall(&self, what: &str) -> Option<String> {
        self.state().1.get(what).cloned()
    }

    /// An upload has begun.
    pub(super) fn remember(&self, what: &str, url: &str) {
        let mut state = self.state();
        if state.1.insert(what.to_owned(), url.to_owned()).as_deref() == Some(url) {
            return;
        }
        // Whoever cannot remember sends more after a crash, and nothing else.
        if let Err(error) = state.0.write_all(format!("{what}\t{url}\n").as_bytes()) {
            tracing::warn!(%error, "uploads that have begun cannot be remembered");
        }
    }

    /// An upload is there no more.
    pub(super) fn drop(&self, what: &str) {
        self.state().1.remove(what);
    }

    /// Nothing is under way any more.
    pub(super) fn forget(&self) {
        let _ = fs::remove_file(&self.path);
    }

    fn state(&self) -> std::sync::MutexGuard<'_, (File, HashMap<String, String>)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_begun_is_known_to_the_next_run() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Memory::open(folder.path(), "http://a", GalleryId::named("anna")).unwrap();
        let memory = open();
        memory.remember("one", "/files/1");
        memory.remember("two", "/files/2");
        memory.remember("one", "/files/3");
        // Killed while it wrote.
        fs::write(&memory.path, fs::read_to_string(&memory.path).unwrap() + "three\t/fil").unwrap();
        let again = open();
        assert_eq!(again.recall("one").as_deref(), Some("/files/3"));
        assert_eq!(again.recall("two").as_deref(), Some("/files/2"));
        assert_eq!(again.recall("three"), None);
        again.remember("four", "/files/4");
        assert_eq!(open().recall("four").as_deref(), Some("/files/4"));
        let other = Memory::open(folder.path(), "http://b", GalleryId::named("anna")).unwrap();
        assert_eq!(other.recall("one"), None);
        again.forget();
        assert_eq!(open().recall("one"), None);
    }
}
