//! How this process asks the system for memory.
#![allow(unsafe_code, reason = "the C library's allocator is told something; the only such place of this crate")]

/// What is as large as this has its own pages, which the system has back as soon as it is free. A photo is; so are its pixels.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE_BYTES: i32 = 1 << 20;
/// So many heaps at most, among all threads.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const HEAPS: i32 = 4;

/// Lets the allocator of glibc give back what is free. Left to itself it raises the bound from which on memory is given back at
/// once to the largest that was freed (32 MiB), and has eight heaps for each processor: a photo's bytes then come from whichever
/// heap its thread has, and stay with it when they are free. To be called before there are other threads.
pub(crate) fn give_back_what_is_free() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    for (what, value) in [(libc::M_MMAP_THRESHOLD, LARGE_BYTES), (libc::M_ARENA_MAX, HEAPS)] {
        // SAFETY: mallopt(3) sets a parameter of the allocator, and no other thread allocates yet.
        let taken = unsafe { libc::mallopt(what, value) };
        // Without it more memory is kept, and nothing else is wrong.
        debug_assert_eq!(taken, 1, "mallopt knows {what}");
    }
}
