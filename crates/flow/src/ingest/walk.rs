//! Which files a folder gives.

use std::{
    io,
    path::{Path, PathBuf},
};

use walkdir::WalkDir;

/// A file that was found.
#[derive(Debug)]
pub struct File {
    /// Its path relative to the folder that was given, with `/` between parts; what people are shown.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Its length in bytes, or why that could not be found out.
    pub bytes: io::Result<u64>,
}

/// Every file below `folders`, sorted by name. Hidden files and folders are passed over, and so is everything below one of
/// `except` (the result's own folder may lie among the photos). Links to files are followed, links to folders are not.
/// A folder that cannot be read is in the list with its error. Where several folders are given, names begin with the
/// folder's own.
pub fn walk(folders: &[PathBuf], except: &[PathBuf]) -> Vec<File> {
    let except: Vec<PathBuf> = except.iter().filter_map(|path| path.canonicalize().ok()).collect();
    let mut files: Vec<File> = folders.iter().flat_map(|folder| walk_one(folder, &except)).collect();
    if folders.len() > 1 {
        for file in &mut files {
            let own = folders.iter().find(|folder| file.path.starts_with(folder)).and_then(|folder| folder.file_name());
            file.name = format!("{}/{}", own.unwrap_or_default().to_string_lossy(), file.name);
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.path.cmp(&b.path)));
    files
}

fn walk_one(folder: &Path, except: &[PathBuf]) -> Vec<File> {
    let is_ours = |path: &Path| path.canonicalize().is_ok_and(|path| except.contains(&path));
    WalkDir::new(folder)
        .into_iter()
        .filter_entry(|entry| {
            entry.depth() == 0 || !(is_hidden(entry.file_name()) || entry.file_type().is_dir() && is_ours(entry.path()))
        })
        .filter_map(|entry| match entry {
            Ok(entry) if entry.file_type().is_dir() => None,
            Ok(entry) => describe(folder, entry.path()),
            Err(error) => {
                let path = error.path().unwrap_or(folder).to_owned();
                Some(File { name: name(folder, &path), path, bytes: Err(error.into()) })
            }
        })
        .collect()
}

fn describe(folder: &Path, path: &Path) -> Option<File> {
    // Follows links; sockets, pipes and links to folders are no photos.
    let bytes = match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(metadata.len()),
        Ok(_) => return None,
        Err(error) => Err(error),
    };
    Some(File { name: name(folder, path), path: path.to_owned(), bytes })
}

fn name(folder: &Path, path: &Path) -> String {
    let relative = path.strip_prefix(folder).unwrap_or(path);
    let relative =
        if relative.as_os_str().is_empty() { path.file_name().map(Path::new).unwrap_or(path) } else { relative };
    relative.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}

fn is_hidden(name: &std::ffi::OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

/// True if the file's name promises a photo. Content decides what a file is; the name decides only whether a file of
/// unknown content is a broken photo, or a sidecar, a film, a note that nobody expects here.
pub fn claims_to_be_a_photo(path: &Path) -> bool {
    const EXTENSIONS: [&str; 29] = [
        "jpg", "jpeg", "jpe", "mpo", "png", "tif", "tiff", "webp", "heic", "heif", "hif", "avif", "raw", "cr2", "cr3",
        "crw", "nef", "nrw", "arw", "sr2", "srw", "raf", "orf", "rw2", "pef", "dng", "3fr", "iiq", "rwl",
    ];
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    extension.is_some_and(|extension| EXTENSIONS.contains(&extension.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_is_sorted_and_passes_over_what_is_hidden_or_ours() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for dir in ["b", ".trash", "out", "out/2048"] {
            std::fs::create_dir(at(dir)).unwrap();
        }
        for file in ["b/2.jpg", "b/1.jpg", "a.jpg", ".DS_Store", ".trash/x.jpg", "out/2048/1.jpg"] {
            std::fs::write(at(file), file).unwrap();
        }
        std::os::unix::fs::symlink(at("a.jpg"), at("link.jpg")).unwrap();
        std::os::unix::fs::symlink(at("nothing"), at("dangling.jpg")).unwrap();
        let files = walk(&[folder.path().to_owned()], &[at("out")]);
        let names: Vec<_> = files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["a.jpg", "b/1.jpg", "b/2.jpg", "dangling.jpg", "link.jpg"]);
        assert!(files[3].bytes.is_err());
        assert_eq!(*files[4].bytes.as_ref().unwrap(), 5);
    }

    #[test]
    fn a_single_file_and_a_missing_folder_are_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("one.jpg"), "x").unwrap();
        assert_eq!(walk(&[folder.path().join("one.jpg")], &[])[0].name, "one.jpg");
        let missing = walk(&[folder.path().join("missing")], &[]);
        assert!(missing[0].bytes.is_err());
    }
}
