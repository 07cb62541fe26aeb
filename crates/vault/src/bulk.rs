//! Threads for work in bulk: what is hashed, written, synced and read back by the megabyte. They give way to the threads that
//! answer clients, which would otherwise wait behind dozens of them.

use std::{io, sync::OnceLock, time::Duration};

use tokio::{
    runtime::{Builder, Runtime},
    task::{JoinHandle, spawn_blocking},
};

/// The process's own. They end with it.
static THREADS: OnceLock<Runtime> = OnceLock::new();
/// As long as tokio keeps idle threads unless it is told otherwise.
const STAY: Duration = Duration::from_secs(10);

/// From now on work in bulk runs on threads of its own, which give way to others by so many steps of nice(1). Without this it
/// runs where all other work that blocks does. Only the first call in a process counts.
///
/// # Errors
/// There is no thread to be had.
pub fn give_way(niceness: u8) -> io::Result<()> {
    keep_threads(&THREADS, "bulk", niceness, STAY).map(drop)
}

/// The threads of this place, made now if there are none: as many as are needed, which give way to others by so many steps of
/// nice(1) and end when they had nothing to do for so long. They are for [`Runtime::spawn_blocking`].
///
/// # Errors
/// There is no thread to be had.
pub fn keep_threads(
    place: &'static OnceLock<Runtime>,
    name: &str,
    niceness: u8,
    stay: Duration,
) -> io::Result<&'static Runtime> {
    if let Some(threads) = place.get() {
        return Ok(threads);
    }
    let threads = Builder::new_multi_thread()
        // It has nothing to do: all work is on the threads beside it.
        .worker_threads(1)
        .thread_name(name)
        .thread_keep_alive(stay)
        .on_thread_start(move || {
            // On Linux a thread has its own. Where it cannot be lowered the work is done all the same.
            #[cfg(target_os = "linux")]
            let _ = rustix::process::nice(i32::from(niceness));
        })
        .build()?;
    if let Err(superfluous) = place.set(threads) {
        superfluous.shutdown_background();
    }
    place.get().ok_or_else(|| io::Error::other("threads that were made are gone"))
}

/// Runs work in bulk that computes or waits for a disk.
pub fn spawn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    match THREADS.get() {
        Some(threads) => threads.spawn_blocking(work),
        None => spawn_blocking(work),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tests have a process each, so nobody else's threads are changed.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn bulk_gives_way_and_nothing_else() {
        let own = || rustix::process::getpriority_process(None).unwrap();
        let before = own();
        assert_eq!(spawn(own).await.unwrap(), before);
        give_way(3).unwrap();
        give_way(7).unwrap();
        assert_eq!(spawn(own).await.unwrap(), (before + 3).min(19));
        assert_eq!((own(), spawn_blocking(own).await.unwrap()), (before, before));
    }
}
