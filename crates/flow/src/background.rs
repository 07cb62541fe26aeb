//! Threads for what computes for long. They give way to the threads that answer clients.

use std::{sync::OnceLock, time::Duration};

use procession_vault::bulk;
use tokio::runtime::Runtime;

use crate::{Error, Result};

/// The most that nice(1) can do.
const NICEST: u8 = 19;
/// Threads stay, and with them what they remember from photo to photo, such as the weights of a resize.
const STAY: Duration = Duration::from_secs(600);

/// The threads of each niceness. They end with the process.
static THREADS: [OnceLock<Runtime>; NICEST as usize + 1] = [const { OnceLock::new() }; NICEST as usize + 1];

/// Runs work on a thread that gives way to others by so many steps of nice(1), 0 to 19. Without privileges a thread's priority
/// cannot be raised again, so each niceness has its own.
///
/// # Errors
/// `Bug` if there is no thread to be had, or the work panicked.
pub async fn in_background<T: Send + 'static>(niceness: u8, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let niceness = niceness.min(NICEST);
    let threads = bulk::keep_threads(&THREADS[usize::from(niceness)], "background", niceness, STAY);
    let threads = threads.map_err(|error| Error::Bug(format!("no threads for photos: {error}")))?;
    threads.spawn_blocking(work).await.map_err(|error| Error::Bug(format!("a thread's work ended early: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn only_its_own_threads_give_way() {
        let own = || rustix::process::getpriority_process(None).unwrap();
        let before = own();
        for niceness in [3, 0, 7, 3] {
            assert_eq!(in_background(niceness, own).await.unwrap(), (before + i32::from(niceness)).min(19));
        }
        assert_eq!(own(), before);
    }

    #[tokio::test]
    async fn a_panic_is_an_error() {
        let lost: Result<()> = in_background(0, || panic!("on purpose")).await;
        assert!(lost.is_err());
    }
}
