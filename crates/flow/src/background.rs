//! Threads for what computes for long. They give way to the threads that answer clients.

use tokio::sync::oneshot;

use crate::{Error, Result};

/// Runs work on a thread of its own that gives way to others by so many steps of nice(1). A thread is made for each piece of
/// work, because without privileges its priority cannot be raised again; beside a photo's work that is nothing.
///
/// # Errors
/// `Bug` if there is no thread to be had, or the work panicked.
pub async fn in_background<T: Send + 'static>(niceness: u8, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let (done, outcome) = oneshot::channel();
    let thread = std::thread::Builder::new().name("background".to_owned());
    let begun = thread.spawn(move || {
        // On Linux a thread has its own. Where it cannot be lowered the work is done all the same.
        #[cfg(target_os = "linux")]
        let _ = rustix::process::nice(i32::from(niceness));
        // Nobody may wait for it any more.
        let _ = done.send(work());
    });
    begun.map_err(|error| Error::Bug(format!("no thread for a photo: {error}")))?;
    outcome.await.map_err(|error| Error::Bug(format!("a thread ended early: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn only_its_own_thread_gives_way() {
        let own = || rustix::process::getpriority_process(None).unwrap();
        let before = own();
        assert_eq!(in_background(3, own).await.unwrap(), (before + 3).min(19));
        assert_eq!(own(), before);
    }

    #[tokio::test]
    async fn a_panic_is_an_error() {
        let lost: Result<()> = in_background(0, || panic!("on purpose")).await;
        assert!(lost.is_err());
    }
}
