//! A disk that is full as soon as a test wants it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// A file system of a few MB over a folder. Only root may make one.
pub(crate) struct SmallDisk(PathBuf);

impl SmallDisk {
    pub(crate) fn mount(folder: &Path, megabytes: u64) -> Self {
        mount(&["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "tmpfs"], folder);
        Self(folder.to_owned())
    }

    /// There is room again.
    pub(crate) fn grow(&self, megabytes: u64) {
        mount(&["-o", &format!("remount,size={megabytes}m")], &self.0);
    }
}

fn mount(words: &[&str], folder: &Path) {
    let mounted = Command::new("mount").args(words).arg(folder).status().unwrap();
    assert!(mounted.success(), "this test fills a small disk of its own and must be root to mount it");
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}
