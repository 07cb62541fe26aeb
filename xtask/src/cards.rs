//! Photos for benchmarks, as many as are wanted and no two the same.

use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::run::{program, quiet};

/// Writes copies of photos that are photos of their own, with a comment (a JPEG segment FF FE) behind the start: for each number one
/// of each photo. All are on the disk when it returns, so that nothing that is measured waits for that.
///
/// # Errors
/// If a photo cannot be read or a copy not written.
pub(crate) fn copies(photos: &[PathBuf], folder: &Path, numbers: Range<usize>) -> Result<Vec<PathBuf>> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut copies = Vec::new();
    for number in numbers {
        let comment = [b"\xff\xfe\x00\x0a".as_slice(), format!("{number:08}").as_bytes()].concat();
        for photo in photos {
            let bytes = fs::read(photo).with_context(|| format!("cannot read {}", photo.display()))?;
            let name = photo.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let path = folder.join(format!("{name}_{number}.jpg"));
            fs::write(&path, [&bytes[..2], &comment, &bytes[2..]].concat())?;
            copies.push(path);
        }
    }
    quiet(&mut program("sync", &[]))?;
    Ok(copies)
}

/// The length of files together, in bytes.
pub(crate) fn bytes_of(files: &[PathBuf]) -> Result<u64> {
    files.iter().map(|file| Ok(fs::metadata(file)?.len())).sum()
}
