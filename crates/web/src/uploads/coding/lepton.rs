//! Lepton, with what the decoder leaves to its caller: bounds on what a header may make it allocate and repeat.

use std::io::{self, BufReader, Read, Write};

use flate2::read::ZlibDecoder;
use lepton_jpeg::{DEFAULT_THREAD_POOL, EnabledFeatures, catch_unwind_result, decode_lepton};

/// Fixed part of a file: its last two numbers are the photo's length and the header's.
const FIXED_BYTES: usize = 28;
/// What cameras write before the pixels ends far below.
const LONGEST_HEADER_BYTES: u64 = 8 << 20;
/// Each scan of a JPEG is a walk over all its pixels. Encoders make about ten.
const MOST_SCANS: usize = 100;
/// The decoder numbers its threads with four bits.
const MOST_SEGMENTS: usize = 16;
const THREADS: u32 = 2;

/// Coefficients of four channels at full size, two bytes each, in whole blocks.
pub(super) fn memory_bytes(width: u32, height: u32) -> u64 {
    let blocks = |edge: u32| u64::from(edge).div_ceil(32) * 32;
    blocks(width).saturating_mul(blocks(height)).saturating_mul(8).saturating_add(LONGEST_HEADER_BYTES)
}

/// The JPEG of a Lepton file that is at most so large.
pub(super) fn decode(coded: impl Read, length: u64, width: u32, height: u32) -> Result<Vec<u8>, String> {
    let mut coded = BufReader::with_capacity(64 << 10, coded);
    let mut start = vec![0; FIXED_BYTES];
    coded.read_exact(&mut start).map_err(|_| "it is too short for Lepton".to_owned())?;
    let number = |at: usize| u64::from(u32::from_le_bytes([start[at], start[at + 1], start[at + 2], start[at + 3]]));
    let (jpeg_bytes, header_bytes) = (number(20), number(24));
    if jpeg_bytes != length {
        return Err(format!("Lepton of {jpeg_bytes} bytes, and {length} were announced"));
    }
    if header_bytes > LONGEST_HEADER_BYTES {
        return Err("its header is too long".to_owned());
    }
    (&mut coded).take(header_bytes).read_to_end(&mut start).map_err(|error| error.to_string())?;
    check_header(&start[FIXED_BYTES..], length).ok_or_else(|| "its Lepton header is damaged".to_owned())?;

    let features = EnabledFeatures {
        max_jpeg_width: width,
        max_jpeg_height: height,
        max_processor_threads: THREADS,
        max_jpeg_file_size: u32::try_from(length).unwrap_or(u32::MAX),
        ..EnabledFeatures::compat_lepton_vector_read()
    };
    let mut photo = Bounded { bytes: Vec::new(), most: length };
    let mut whole = start.chain(coded);
    // Whatever is wrong with the bytes is theirs: the decoder has no other bugs to hide.
    let decoded = catch_unwind_result(|| decode_lepton(&mut whole, &mut photo, &features, &DEFAULT_THREAD_POOL));
    // Its further lines are places in the decoder's source.
    let why = |text: &str| text.lines().next().unwrap_or_default().to_owned();
    decoded.map(|_| photo.bytes).map_err(|error| format!("it is no Lepton of such a JPEG: {}", why(error.message())))
}

/// Walks over the parts of the header, whose lengths the decoder believes.
fn check_header(packed: &[u8], length: u64) -> Option<()> {
    let mut header = Vec::new();
    let most = length.min(LONGEST_HEADER_BYTES).saturating_add(64 << 10);
    ZlibDecoder::new(packed).take(most + 1).read_to_end(&mut header).ok()?;
    if header.len() as u64 > most {
        return None;
    }
    let mut rest = header.strip_prefix(b"HDR")?;
    let jpeg = counted(&mut rest, 1)?;
    if jpeg.windows(2).filter(|pair| *pair == [0xff, 0xda]).count() > MOST_SCANS {
        return None;
    }
    let (mut segments, mut row) = (0, 0);
    while !rest.is_empty() {
        match rest.split_off(..3)? {
            b"P0D" => drop(rest.split_off(..1)?),
            b"CRS" => drop(counted(&mut rest, 4)?),
            b"FRS" | b"GRB" => drop(counted(&mut rest, 1)?),
            b"EEE" => drop(rest.split_off(..28)?),
            [b'H', b'H', count] => {
                for segment in rest.split_off(..usize::from(*count) * 16)?.chunks_exact(16) {
                    let next = u16::from_le_bytes([segment[0], segment[1]]);
                    segments += 1;
                    if next < row || segments > MOST_SEGMENTS {
                        return None;
                    }
                    row = next;
                }
            }
            _ => return None,
        }
    }
    (segments > 0).then_some(())
}

/// Takes a count and so many things of a size.
fn counted<'a>(rest: &mut &'a [u8], size: usize) -> Option<&'a [u8]> {
    let count = u32::from_le_bytes(rest.split_off(..4)?.try_into().ok()?);
    rest.split_off(..usize::try_from(count).ok()?.checked_mul(size)?)
}

/// Bytes up to a number.
struct Bounded {
    bytes: Vec<u8>,
    most: u64,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if (self.bytes.len() + bytes.len()) as u64 > self.most {
            return Err(io::Error::other("it is longer than announced"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
