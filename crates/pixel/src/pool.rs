//! Buffers that are used again: fresh memory costs a page fault for each 4 KiB of every photo.

use std::{
    fmt, mem,
    ops::{Deref, DerefMut},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

/// What one photo in flight keeps busy: its decoded planes, its cascade and the resizer's scratch, for 24 megapixels.
pub(crate) const BYTES_PER_LANE: usize = 48 << 20;

static IDLE: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());
static LIMIT: AtomicUsize = AtomicUsize::new(BYTES_PER_LANE);

/// Lets the idle buffers take as much memory as so many lanes use. Never lowers what another device asked for.
pub(crate) fn reserve(lanes: usize) {
    LIMIT.fetch_max(lanes.saturating_mul(BYTES_PER_LANE), Ordering::Relaxed);
}

/// The most that idle buffers hold, in bytes.
pub(crate) fn limit() -> usize {
    LIMIT.load(Ordering::Relaxed)
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
        let data = take(len).unwrap_or_else(|| vec![0; len]);
        Self { data, len }
    }

    /// A buffer of `len` bytes, all `value`.
    pub(crate) fn filled(len: usize, value: u8) -> Self {
        let mut buffer = Self::new(len);
        buffer.fill(value);
        buffer
    }
}

/// The smallest idle buffer that fits without wasting more than a quarter.
fn take(len: usize) -> Option<Vec<u8>> {
    let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
    let fits = |data: &Vec<u8>| data.len() >= len && data.len() <= len + len / 4;
    let (index, _) = idle.iter().enumerate().filter(|(_, data)| fits(data)).min_by_key(|(_, data)| data.len())?;
    Some(idle.swap_remove(index))
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let data = mem::take(&mut self.data);
        if data.is_empty() || data.len() > limit() {
            return;
        }
        let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut total: usize = data.len() + idle.iter().map(Vec::len).sum::<usize>();
        while total > limit() {
            // The oldest size is the least likely to be asked for again.
            total -= idle.remove(0).len();
        }
        idle.push(data);
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
    fn idle_memory_is_bounded() {
        let many: Vec<Buffer> = (0..40).map(|_| Buffer::filled(8 << 20, 7)).collect();
        drop(many);
        let held: usize = IDLE.lock().unwrap().iter().map(Vec::len).sum();
        assert!(held <= limit(), "{held} bytes are idle, {} may be", limit());
    }

    #[test]
    fn a_buffer_is_as_long_as_was_asked() {
        drop(Buffer::new(1000));
        assert_eq!(Buffer::new(900).len(), 900);
    }
}
