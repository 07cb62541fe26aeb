//! Memory as a quantity that is granted before it is used.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Error;

/// Semaphores count in 32 bits; 4 KiB units reach 16 TiB.
const UNIT_BYTES: u64 = 4 << 10;

/// A bound on the memory that photos in flight take together. Grants are first come, first served, and each task asks
/// once, so nobody waits for somebody who waits.
#[derive(Clone, Debug)]
pub struct Budget {
    units: Arc<Semaphore>,
    bytes: u64,
}

/// Memory that was granted; given back when dropped.
#[derive(Debug)]
pub struct Grant {
    _permit: OwnedSemaphorePermit,
}

impl Budget {
    /// A budget of so many bytes.
    pub fn new(bytes: u64) -> Self {
        let units = usize::try_from(bytes / UNIT_BYTES).unwrap_or(usize::MAX).clamp(1, Semaphore::MAX_PERMITS);
        Self { units: Arc::new(Semaphore::new(units)), bytes }
    }

    /// The whole budget in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Waits until `bytes` are free and takes them.
    ///
    /// # Errors
    /// `Limit` if the whole budget is less than that.
    pub async fn grant(&self, bytes: u64) -> Result<Grant, Error> {
        if bytes > self.bytes {
            return Err(Error::OverBudget { needed: bytes, budget: self.bytes });
        }
        let units = u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX);
        let whole = u32::try_from(self.bytes / UNIT_BYTES).unwrap_or(u32::MAX).max(1);
        let permit = Arc::clone(&self.units).acquire_many_owned(units.min(whole)).await;
        let _permit = permit.map_err(|_| Error::Bug("the memory budget was closed".to_owned()))?;
        Ok(Grant { _permit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_does_not_fit_waits_and_what_never_fits_is_refused() {
        let budget = Budget::new(10 << 20);
        assert!(matches!(budget.grant(11 << 20).await, Err(Error::OverBudget { .. })));
        let held = budget.grant(8 << 20).await.unwrap();
        let mut waiting = Box::pin(budget.grant(4 << 20));
        assert!(futures::poll!(&mut waiting).is_pending());
        drop(held);
        assert!(waiting.await.is_ok());
    }
}
