//! Large files past the system's page cache, where the file system can do that (O_DIRECT of open(2)).
//!
//! A photo is written once, proven from the medium once or twice, and read as often as it is made: in the cache it would be one
//! more copy of its bytes for each of that, and take the room of what browsers ask for. Where the file system cannot do it,
//! the same goes through the cache.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, Read, Write as _},
    ops::Range,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use bytes::Bytes;
use rustix::fs::{Advice, OFlags, fadvise, fcntl_getfl, fcntl_setfl};

/// Smaller files go through the cache: browsers ask for them soon, and a call for each costs more than their copy.
const LEAST_BYTES: u64 = 2 << 20;
/// Bytes of one call, where the file is not wanted whole: beyond it a call's own cost is not seen any more, and the piece
/// still stays in the second cache.
const PIECE: usize = 512 << 10;
/// What memory, offset and length have to be multiples of, unless the file ends: a page, which no medium's block exceeds.
const ALIGNMENT: usize = 4096;

/// Creates a file with these bytes and makes it durable, but not yet its name.
pub(super) fn write_synced(path: &Path, bytes: &[u8], at: impl Fn(&str)) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    let mut file = Opened::new(path, &options, bytes.len() as u64)?;
    at("created");
    file.write(bytes)?;
    at("written");
    file.file.sync_all()?;
    at("synced");
    Ok(())
}

/// The whole file.
pub(super) fn read(path: &Path) -> io::Result<Bytes> {
    Opened::to_read(path)?.whole()
}

/// The whole file from the medium, whatever its size and whoever read it before.
pub(super) fn read_back(path: &Path) -> io::Result<Bytes> {
    Opened::from_medium(path)?.whole()
}

/// A file, and whether it goes past the cache.
struct Opened {
    file: File,
    length: usize,
    is_direct: bool,
}

impl Opened {
    /// Opens a file that has, or will have, so many bytes.
    fn new(path: &Path, options: &OpenOptions, length: u64) -> io::Result<Self> {
        let flags = OFlags::DIRECT.bits().cast_signed();
        let direct = (length >= LEAST_BYTES).then(|| options.clone().custom_flags(flags).open(path));
        let (file, is_direct) = match direct {
            Some(Err(error)) if error.kind() != io::ErrorKind::InvalidInput => return Err(error),
            Some(Ok(file)) => (file, true),
            _ => (options.open(path)?, false),
        };
        Ok(Self { file, length: usize::try_from(length).map_err(io::Error::other)?, is_direct })
    }

    fn to_read(path: &Path) -> io::Result<Self> {
        Self::new(path, OpenOptions::new().read(true), path.metadata()?.len())
    }

    fn from_medium(path: &Path) -> io::Result<Self> {
        let opened = Self::to_read(path)?;
        // Advice: a file system that knows neither this nor O_DIRECT reads from its cache.
        let _ = fadvise(&opened.file, 0, None, Advice::DontNeed);
        Ok(opened)
    }

    /// From now on through the cache.
    fn give_in(&mut self) -> io::Result<()> {
        self.is_direct = false;
        Ok(fcntl_setfl(&self.file, fcntl_getfl(&self.file)? - OFlags::DIRECT)?)
    }

    /// Writes all of it.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        if self.is_direct {
            let mut piece = Aligned::new(PIECE);
            while self.is_direct && rest.len() >= ALIGNMENT {
                let length = (rest.len() - rest.len() % ALIGNMENT).min(PIECE);
                let piece = &mut piece.bytes()[..length];
                piece.copy_from_slice(&rest[..length]);
                match self.file.write(piece) {
                    Ok(written) => rest = &rest[written..],
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    // It cannot, or it wrote a part of a page, as a medium does that is full.
                    Err(error) if error.kind() == io::ErrorKind::InvalidInput => self.give_in()?,
                    Err(error) => return Err(error),
                }
            }
            // What fills no page.
            if self.is_direct {
                self.give_in()?;
            }
        }
        self.file.write_all(rest)
    }

    /// Reads what comes, at most as much as there is room for.
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match self.file.read(room) {
            Err(error) if self.is_direct && error.kind() == io::ErrorKind::InvalidInput => {
                self.give_in()?;
                self.file.read(room)
            }
            read => read,
        }
    }

    /// All of it.
    fn whole(mut self) -> io::Result<Bytes> {
        let mut memory = Aligned::new(self.length);
        let mut filled = 0;
        while filled < self.length {
            match self.read(&mut memory.bytes()[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let Aligned { memory, from } = memory;
        Ok(Bytes::from(memory).slice(from..from + filled))
    }
}

/// A file from the medium, a piece at a time.
pub(super) struct Pieces {
    opened: Opened,
    piece: Aligned,
    /// What of the piece was read and not yet given on.
    ready: Range<usize>,
}

impl Pieces {
    pub(super) fn from_medium(path: &Path) -> io::Result<Self> {
        let opened = Opened::from_medium(path)?;
        let piece = Aligned::new(opened.length.clamp(1, PIECE));
        Ok(Self { opened, piece, ready: 0..0 })
    }
}

impl BufRead for Pieces {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.ready.is_empty() {
            self.ready = 0..self.opened.read(self.piece.bytes())?;
        }
        Ok(&self.piece.bytes()[self.ready.clone()])
    }

    fn consume(&mut self, count: usize) {
        self.ready.start += count;
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.fill_buf()?.read(buffer)?;
        self.consume(length);
        Ok(length)
    }
}

/// Whole pages of memory that begin at a page.
struct Aligned {
    memory: Vec<u8>,
    from: usize,
}

impl Aligned {
    /// So many bytes, and those to the end of their last page.
    fn new(length: usize) -> Self {
        let memory = vec![0; length.next_multiple_of(ALIGNMENT) + ALIGNMENT];
        let from = memory.as_ptr().align_offset(ALIGNMENT);
        Self { memory, from }
    }

    fn bytes(&mut self) -> &mut [u8] {
        let length = self.memory.len() - ALIGNMENT;
        &mut self.memory[self.from..][..length]
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek as _, SeekFrom};

    use super::*;

    fn noise(length: usize) -> Vec<u8> {
        (0..length as u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
    }

    #[test]
    fn files_of_any_length_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("photo");
        let large = LEAST_BYTES as usize;
        for length in [0, 1, ALIGNMENT, large - 1, large, large + 1, large + PIECE, large + PIECE + ALIGNMENT + 17] {
            let bytes = noise(length);
            write_synced(&path, &bytes, |_| ()).unwrap();
            assert!(read(&path).unwrap() == bytes, "{length}");
            assert!(read_back(&path).unwrap() == bytes, "{length}");
            let mut pieces = Vec::new();
            Pieces::from_medium(&path).unwrap().read_to_end(&mut pieces).unwrap();
            assert!(pieces == bytes, "{length}");
        }
    }

    /// At a place that is no multiple of a page, every file system does what some do everywhere.
    #[test]
    fn what_cannot_go_past_the_cache_goes_through_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("photo");
        let bytes = noise(LEAST_BYTES as usize + 5);
        let mut file = Opened::new(&path, OpenOptions::new().write(true).create_new(true), LEAST_BYTES).unwrap();
        file.file.seek(SeekFrom::Start(1)).unwrap();
        file.write(&bytes).unwrap();
        let mut pieces = Pieces::from_medium(&path).unwrap();
        pieces.opened.file.seek(SeekFrom::Start(1)).unwrap();
        let mut read = Vec::new();
        pieces.read_to_end(&mut read).unwrap();
        assert!(read == bytes);
    }
}
