//! Locks by name, for what must not happen twice at the same time in this process.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, Weak},
};

use tokio::sync::{Mutex, OwnedMutexGuard};

/// A lock for each name that somebody holds or waits for.
#[derive(Debug, Default)]
pub(crate) struct Locks(std::sync::Mutex<HashMap<String, Weak<Mutex<()>>>>);

impl Locks {
    /// Waits until nobody holds the lock of this name, and holds it until the guard is dropped.
    pub(crate) async fn lock(&self, name: String) -> OwnedMutexGuard<()> {
        let lock = {
            let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            locks.retain(|_, lock| lock.strong_count() > 0);
            let known = locks.get(&name).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                let lock = Arc::default();
                locks.insert(name, Arc::downgrade(&lock));
                lock
            })
        };
        lock.lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_is_held_once_and_forgotten() {
        let locks = Locks::default();
        let held = locks.lock("a".to_owned()).await;
        let mut second = Box::pin(locks.lock("a".to_owned()));
        assert!(futures::poll!(&mut second).is_pending());
        drop(locks.lock("b".to_owned()).await);
        drop(held);
        drop(second.await);
        drop(locks.lock("c".to_owned()).await);
        assert_eq!(locks.0.lock().unwrap().len(), 1);
    }
}
