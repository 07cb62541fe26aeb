//! What this machine allows an upload at most: how fast files are written to the disk for certain, and how fast their bytes are hashed.
//!
//! `cargo run --release -p procession-vault --example transfer_limits FOLDER AT_ONCE FILE...` writes the files to the folder, so many at
//! the same time and each followed by fsync, and removes them; then hashes them, by BLAKE3 and by SHA-256, one on each processor.
//! Prints one line of JSON. `cargo xtask bench transfer` runs it.
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a bench prints, and reads the machine's clock")]

use std::{
    error::Error,
    fs,
    hint::black_box,
    io::{self, Write as _},
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Instant,
};

use procession_domain::ContentHash;
use sha2::Digest as _;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, at_once, files @ ..] = arguments.as_slice() else { return Err("say: FOLDER AT_ONCE FILE...".into()) };
    let files = files.iter().map(fs::read).collect::<io::Result<Vec<_>>>()?;
    let processors = thread::available_parallelism()?.get();
    let folder = Path::new(folder);
    fs::create_dir_all(folder)?;
    let disk = seconds(&files, at_once.parse()?, |number, bytes| {
        let mut file = fs::File::create(folder.join(number.to_string()))?;
        file.write_all(bytes)?;
        file.sync_all()
    })?;
    fs::remove_dir_all(folder)?;
    let blake3 = seconds(&files, processors, |_, bytes| {
        black_box(ContentHash::of(bytes));
        Ok(())
    })?;
    let sha256 = seconds(&files, processors, |_, bytes| {
        black_box(sha2::Sha256::digest(bytes));
        Ok(())
    })?;
    println!("{{\"disk_seconds\":{disk:.6},\"blake3_seconds\":{blake3:.6},\"sha256_seconds\":{sha256:.6}}}");
    Ok(())
}

/// How long it takes to do this with every file, on so many threads.
fn seconds(files: &[Vec<u8>], threads: usize, work: impl Fn(usize, &[u8]) -> io::Result<()> + Sync) -> io::Result<f64> {
    let next = AtomicUsize::new(0);
    let run = || loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let Some(bytes) = files.get(number) else { return Ok(()) };
        work(number, bytes)?;
    };
    let start = Instant::now();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().unwrap_or_else(|_| Err(io::Error::other("a thread died"))))
    })?;
    Ok(start.elapsed().as_secs_f64())
}
