//! Buffers that are used again: fresh memory costs a page fault for each 4 KiB of every photo.

use std::{
    fmt, mem,
    ops::{Deref, DerefMut},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

/// What one photo of 24 megapixels keeps busy: its decoded planes, its cascade and the resizer's scratch.
pub(crate) const BYTES_PER_LANE: usize = 24 << 20;

static POOL: Mutex<Pool> = Mutex::new(Pool { idle: Vec::new(), bytes: 0 });
static LIMIT: AtomicUsize = AtomicUsize::new(BYTES_PER_LANE);

/// Lets buffers stay idle while all of them, those in use too, take no more memory than photos of so many lanes use. Never
/// lowers what another device asked for.
pub(crate) fn reserve(lanes: usize) {
    LIMIT.fetch_max(lanes.saturating_mul(BYTES_PER_LANE), Ordering::Relaxed);
}

struct Pool {
    /// The one that has been idle longest is first.
    idle: Vec<Vec<u8>>,
    /// Of all buffers, idle or in use.
    bytes: usize,
}

impl Pool {
    /// The smallest idle buffer that fits without wasting more than a quarter.
    fn fitting(&mut self, len: usize) -> Option<Vec<u8>> {
        let fits = |data: &Vec<u8>| data.len() >= len && data.len() <= len + len / 4;
        let all = self.idle.iter().enumerate();
        let (index, _) = all.filter(|(_, data)| fits(data)).min_by_key(|(_, data)| data.len())?;
        Some(self.idle.remove(index))
    }

    /// Takes out idle buffers while all together are above the limit. What has been idle longest is the least likely to be asked
    /// for again.
    fn surplus(&mut self, limit: usize) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        while self.bytes > limit && !self.idle.is_empty() {
            let data = self.idle.remove(0);
            self.bytes -= data.len();
            out.push(data);
        }
        out
    }
}

/// Changes the pool, and gives the system what is then too much.
fn change<T>(work: impl FnOnce(&mut Pool) -> T) -> T {
    let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    let outcome = work(&mut pool);
    let surplus = pool.surplus(LIMIT.load(Ordering::Relaxed));
    drop(pool);
    drop(surplus);
    outcome
}

/// Bytes that go back to the pool when they are dropped. A new one holds whatever its last user left in it.
#[derive(Default)]
pub(crate) struct Buffer {
    data: Vec<u8>,
    len: usize,
}

impl Buffer {
    /// A buffer of `len` bytes with unspecified contents.
    pub(crate) fn new(len: usize) -> Self {
        let idle = change(|pool| {
            let idle = pool.fitting(len);
            pool.bytes += if idle.is_some() { 0 } else { len };
            idle
        });
        Self { data: idle.unwrap_or_else(|| vec![0; len]), len }
    }

    /// A buffer of `len` bytes, all `value`.
    pub(crate) fn filled(len: usize, value: u8) -> Self {
        let mut buffer = Self::new(len);
        buffer.fill(value);
        buffer
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let data = mem::take(&mut self.data);
        if !data.is_empty() {
            change(|pool| pool.idle.push(data));
        }
    }
}

impl Clone for Buffer {
    fn clone(&self) -> Self {
        let mut copy = Self::new(self.len);
        copy.copy_from_slice(self);
        copy
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.data[..self.len]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.data[..self.len]
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({} bytes)", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_kept_up_to_the_limit_and_what_was_idle_longest_goes_first() {
        let sizes = |pool: &Pool| pool.idle.iter().map(Vec::len).collect::<Vec<_>>();
        let mut pool = Pool { idle: vec![vec![0; 30], vec![0; 40], vec![0; 20]], bytes: 150 };
        assert!(pool.surplus(150).is_empty());
        assert_eq!(pool.fitting(35).unwrap().len(), 40);
        assert_eq!(pool.fitting(10), None, "half of it would be wasted");
        assert_eq!((pool.surplus(149), sizes(&pool), pool.bytes), (vec![vec![0; 30]], vec![20], 120));
        assert_eq!((pool.surplus(0).len(), sizes(&pool), pool.bytes), (1, vec![], 100), "the rest is in use");
    }

    #[test]
    fn what_is_idle_makes_room_for_another_size() {
        let many: Vec<Buffer> = (0..40).map(|_| Buffer::filled(8 << 20, 7)).collect();
        drop(many);
        let _other = Buffer::new(5 << 20);
        let pool = POOL.lock().unwrap();
        let idle: usize = pool.idle.iter().map(Vec::len).sum();
        assert!(
            idle + (5 << 20) <= pool.bytes && pool.bytes <= LIMIT.load(Ordering::Relaxed),
            "{idle} of {}",
            pool.bytes
        );
    }

    #[test]
    fn a_buffer_is_as_long_as_was_asked() {
        drop(Buffer::new(1000));
        assert_eq!(Buffer::new(900).len(), 900);
    }
}
