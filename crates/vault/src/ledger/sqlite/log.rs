//! Bringing the log to the medium: beside the connection that writes, and once for all who wait for it.
//!
//! SQLite's own way (`synchronous = FULL`) is to sync the log within each commit, one after the other, while everybody else
//! waits for the one connection that writes. Here it commits without (`NORMAL`: SQLite still syncs log and file around
//! checkpoints, so the file is never damaged), and whoever was promised that something lasts waits for a sync that began after
//! its commit. <https://sqlite.org/wal.html> and <https://sqlite.org/pragma.html#pragma_synchronous> say what each does.

use std::{
    fs::File,
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{sync::Mutex, task::spawn_blocking};

use crate::{Error, Result};

/// The log of a ledger's file.
#[derive(Debug)]
pub(super) struct Log {
    path: Arc<Path>,
    /// How many syncs have begun.
    begun: AtomicU64,
    turn: Mutex<Turn>,
}

#[derive(Debug, Default)]
struct Turn {
    /// The last sync that ended well, by its number.
    ended: u64,
    /// The file that the last one was for. A new one has to be found again, too: its folder is synced once.
    inode: Option<u64>,
    /// What went wrong. Then nobody knows what is on the medium, also if a later sync succeeds.
    failed: Option<io::ErrorKind>,
}

impl Log {
    /// The log of the ledger in the file at `ledger`.
    pub(super) fn of(ledger: &Path) -> Self {
        let mut path = ledger.as_os_str().to_owned();
        path.push("-wal");
        Self { path: PathBuf::from(path).into(), begun: AtomicU64::new(0), turn: Mutex::default() }
    }

    /// Returns when all that was committed before this call is on the medium.
    ///
    /// # Errors
    /// `Unavailable` if the medium does not take it, and for ever after: who opens the ledger anew sees what is there.
    pub(super) async fn sync(&self) -> Result<()> {
        let begun = self.begun.load(Ordering::SeqCst);
        let mut turn = self.turn.lock().await;
        if let Some(kind) = turn.failed {
            return Err(self.error(kind.into()));
        }
        if turn.ended > begun {
            return Ok(());
        }
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let (path, known) = (Arc::clone(&self.path), turn.inode);
        let synced =
            spawn_blocking(move || sync(&path, known)).await.unwrap_or_else(|error| Err(io::Error::other(error)));
        match synced {
            Ok(inode) => (turn.ended, turn.inode) = (number, inode),
            Err(error) => {
                turn.failed = Some(error.kind());
                return Err(self.error(error));
            }
        }
        Ok(())
    }

    fn error(&self, source: io::Error) -> Error {
        Error::io("ledger", "sync", &self.path.display(), source)
    }
}

/// Syncs the log, and its folder if the log is another file than the one that is `known`. Without a log everything is in the
/// ledger's file: SQLite brings it there, and syncs it, before it removes the log.
fn sync(path: &Path, known: Option<u64>) -> io::Result<Option<u64>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    file.sync_data()?;
    let inode = file.metadata()?.ino();
    if Some(inode) != known {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(Some(inode))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn those_who_wait_together_are_served_together() {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::of(&folder.path().join("ledger"));
        std::fs::write(folder.path().join("ledger-wal"), b"frames").unwrap();
        futures::future::try_join_all((0..32).map(|_| log.sync())).await.unwrap();
        // The first began before the others had asked, or not; the second began after all of them.
        assert!(log.begun.load(Ordering::SeqCst) <= 2);
        assert!(log.turn.lock().await.inode.is_some());
        log.sync().await.unwrap();
        assert_eq!(
            log.begun.load(Ordering::SeqCst),
            log.turn.lock().await.ended,
            "what is committed later needs another"
        );
    }

    #[tokio::test]
    async fn without_a_log_everything_is_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Log::of(&folder.path().join("ledger")).sync().await.is_ok());
    }

    #[tokio::test]
    async fn what_could_not_be_synced_once_is_never_said_to_be() {
        let folder = tempfile::tempdir().unwrap();
        // A log that cannot be opened: its folder is a file.
        std::fs::write(folder.path().join("file"), b"").unwrap();
        let log = Log::of(&folder.path().join("file/ledger"));
        let error = log.sync().await.unwrap_err();
        assert!(error.to_string().contains("ledger-wal"), "{error}");
        std::fs::remove_file(folder.path().join("file")).unwrap();
        assert!(log.sync().await.is_err());
    }
}
