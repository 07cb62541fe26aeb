//! Threads for what computes for long. They give way to the threads that answer clients.

use std::{sync::OnceLock, time::Duration};

use tokio::runtime::{Builder, Runtime};

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
    let done = threads(niceness.min(NICEST))?.spawn_blocking(work);
    done.await.map_err(|error| Error::Bug(format!("a thread's work ended early: {error}")))
}

fn threads(niceness: u8) -> Result<&'static Runtime> {
    let place = &THREADS[usize::from(niceness)];
    if place.get().is_none() {
        let made = Builder::new_multi_thread()
            // It has nothing to do: all work is on the threads beside it, of which there are as many as are needed.
            .worker_threads(1)
            .thread_name("background")
            .thread_keep_alive(STAY)
            .on_thread_start(move || {
                // On Linux a thread has its own. Where it cannot be lowered the work is done all the same.
                #[cfg(target_os = "linux")]
                let _ = rustix::process::nice(i32::from(niceness));
            })
            .build()
            .map_err(|error| Error::Bug(format!("no threads for photos: {error}")))?;
        if let Err(superfluous) = place.set(made) {
            superfluous.shutdown_background();
        }
    }
    place.get().ok_or_else(|| Error::Bug("threads that were made are gone".to_owned()))
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
