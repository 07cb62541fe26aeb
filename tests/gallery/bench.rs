//! A workbench for one test: a folder of photos, a vault, a result, and the binary.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use procession_domain::{ContentHash, album::Album};
use tempfile::TempDir;

/// Real photos by people who gave them away: see the ORIGIN.md beside them.
const PHOTOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/photos");

pub(crate) struct Bench {
    pub(crate) folder: TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("card")).unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts `count` photos on the card, each with bytes of its own, and returns their hashes.
    pub(crate) fn fill_card(&self, count: usize) -> BTreeSet<ContentHash> {
        let sources = real_photos();
        let mut hashes = BTreeSet::new();
        for number in 0..count {
            let bytes = told_apart(&fs::read(&sources[number % sources.len()]).unwrap(), number);
            hashes.insert(ContentHash::of(&bytes));
            fs::write(self.path("card").join(format!("IMG_{number:04}.jpg")), bytes).unwrap();
        }
        hashes
    }

    /// `procession process card --out out …` with a vault of its own and no models.
    pub(crate) fn process(&self, more: &[&str]) -> Command {
        let mut command = self.procession();
        command.arg("process").arg(self.path("card")).arg("--out").arg(self.path("out")).args(more);
        command
    }

    pub(crate) fn procession(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_procession"));
        command
            .env("PROCESSION_DATA", self.path("data"))
            .env("PROCESSION_MODELS", self.path("no-models"))
            .env("NO_COLOR", "1")
            .current_dir(self.folder.path());
        command
    }

    pub(crate) fn album(&self) -> Album {
        serde_json::from_slice(&fs::read(self.path("out/gallery.json")).unwrap()).unwrap()
    }

    /// Holds the result against what was given: every original identical in the store, every variant of every photo in
    /// place exactly once with the bytes that the album says, and nothing else in the folder.
    pub(crate) fn assert_complete(&self, originals: &BTreeSet<ContentHash>) {
        let album = self.album();
        let found: Vec<ContentHash> = album.photos.iter().map(|photo| photo.original).collect();
        assert_eq!(found.len(), originals.len(), "each photo is in the album exactly once");
        assert_eq!(&found.iter().copied().collect::<BTreeSet<_>>(), originals);
        for hash in originals {
            let path = self.path("data/store").join(procession_domain::Key::Original(*hash).to_string());
            assert_eq!(ContentHash::of(&fs::read(&path).unwrap()), *hash, "{}", path.display());
        }
        let mut promised: BTreeSet<String> = ["gallery.json", "receipt.json", "index.html", ".procession-files"]
            .into_iter()
            .map(str::to_owned)
            .collect();
        for file in album.photos.iter().flat_map(|photo| &photo.files) {
            let bytes = fs::read(self.path("out").join(&file.path)).unwrap();
            assert_eq!(ContentHash::of(&bytes), file.hash, "{}", file.path);
            assert!(promised.insert(file.path.clone()), "{} is promised twice", file.path);
        }
        assert_eq!(files_below(&self.path("out")), promised);
    }
}

pub(crate) fn real_photos() -> Vec<PathBuf> {
    let mut photos: Vec<PathBuf> = fs::read_dir(PHOTOS).unwrap().map(|entry| entry.unwrap().path()).collect();
    photos.retain(|path| path.extension().is_some_and(|extension| extension == "jpg"));
    photos.sort();
    assert!(!photos.is_empty());
    photos
}

/// The same JPEG with a comment after its first marker: another photo to every hash, the same to every eye.
pub(crate) fn told_apart(jpeg: &[u8], number: usize) -> Vec<u8> {
    assert_eq!(&jpeg[..2], [0xff, 0xd8]);
    let comment = format!("photo {number:08}");
    let length = u16::try_from(comment.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xff, 0xfe], &length, comment.as_bytes(), &jpeg[2..]].concat()
}

/// Every file below a folder, by its path from there.
/// CRC-32 (ISO-HDLC), written apart from the one that is tested.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

pub(crate) fn files_below(folder: &Path) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            } else {
                files.insert(entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    files
}

pub(crate) fn assert_exit(output: &Output, code: i32) {
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "stdout:\n{stdout}\nstderr:\n{stderr}");
}
