//! The real binary over real folders: a whole gallery, hostile files, and a process that is killed at random moments.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a failure here is a failed test, and a seed is worth printing"
)]

#[path = "gallery/bench.rs"]
mod bench;
#[path = "gallery/consent.rs"]
mod consent;
#[path = "gallery/crash.rs"]
mod crash;
#[path = "gallery/full.rs"]
mod full;
#[path = "gallery/hostile.rs"]
mod hostile;
#[path = "service/small_disk.rs"]
mod small_disk;
#[path = "gallery/whole.rs"]
mod whole;
