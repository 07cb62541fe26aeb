//! Bytes that mean harm, or met with an accident: no panic, no crash, no memory beyond what the header was allowed.
#![allow(missing_docs, unreachable_pub, unsafe_code, clippy::unwrap_used)]

#[path = "support/data.rs"]
#[allow(dead_code)]
mod data;
#[path = "support/tiff.rs"]
#[allow(dead_code)]
mod tiff;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use data::{read, without_heif};
use procession_pixel::{CpuDevice, Device, Error, Extent, Limits, Probe, Source, probe, sniff};
use tiff::{Builder, Value};

/// Counts what each thread has allocated, and the most that it had at a time.
struct Counting;

thread_local! {
    static HELD: Cell<i64> = const { Cell::new(0) };
    static PEAK: Cell<i64> = const { Cell::new(0) };
}

fn count(bytes: i64) {
    // Unavailable while a thread ends.
    let _ = HELD.try_with(|held| {
        held.set(held.get() + bytes);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(held.get())));
    });
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: the caller's contract is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as i64));
        // SAFETY: the caller's contract is the same.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: the caller's contract is the same.
        unsafe { System.alloc_zeroed(layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// What `work` gives, and the most memory that it had, in bytes of Rust's heap.
fn measured<T>(work: impl FnOnce() -> T) -> (T, i64) {
    let before = HELD.get();
    PEAK.set(before);
    let outcome = work();
    (outcome, PEAK.get() - before)
}

/// Small enough that a mutated header cannot make a test slow.
const LIMITS: Limits = Limits { max_bytes: 1 << 20, max_pixels: 2_000_000, max_edge: 5_000 };

/// Reads a header, within the memory that headers may have.
fn examine(name: &str, bytes: &[u8]) -> Result<Probe, Error> {
    let (outcome, peak) = measured(|| probe(bytes, &LIMITS));
    assert!(peak < 34 << 20, "{name}: {peak} bytes for a header");
    outcome
}

/// Reads all of a photo, within the memory that the device said it needs.
fn decode(name: &str, device: &CpuDevice, bytes: &[u8]) {
    let Ok(probe) = examine(name, bytes) else { return };
    let extent = Extent { long_edge: 2048, full: false };
    let footprint = device.footprint(&probe, extent);
    let source = Source { bytes: bytes.to_vec().into(), probe };
    let (outcome, peak) = measured(|| device.decode(vec![(source, extent)]).remove(0).map(|_| ()));
    assert!(peak <= footprint as i64, "{name}: {peak} bytes, {footprint} were announced");
    assert!(!matches!(outcome, Err(Error::Bug(_))), "{name}: {outcome:?}");
}

/// A generator of numbers that is the same everywhere (xorshift64*).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

/// Damages bytes in one of the ways that find bugs: bits, extreme numbers, cuts, repeats. Mostly near the start, where
/// headers are.
fn mutate(bytes: &mut Vec<u8>, chance: &mut Chance) {
    for _ in 0..=chance.below(6) {
        let reach = if chance.below(4) == 0 { bytes.len() } else { bytes.len().min(1024) };
        let at = chance.below(reach);
        match chance.below(6) {
            0 | 1 => bytes[at] ^= 1 << chance.below(8),
            2 => bytes[at] = chance.next() as u8,
            3 => {
                let value = [0, 0xff, 0x7f, 0x80][chance.below(4)];
                bytes.iter_mut().skip(at).take(4).for_each(|byte| *byte = value);
            }
            4 if bytes.len() > 64 => {
                let from = chance.below(bytes.len() - 16);
                let to = at.min(bytes.len() - 8);
                bytes.copy_within(from..from + 8, to);
            }
            _ if chance.below(8) == 0 => bytes.truncate(at.max(16)),
            _ => {}
        }
    }
}

fn names() -> Vec<String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let mut names: Vec<String> =
        folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| !name.contains("LICENSE") && !name.ends_with(".md"));
    names.sort();
    assert!(names.len() > 30);
    names
}

#[test]
fn damaged_headers_of_every_format_are_refused_or_read_but_never_panic() {
    for (seed, name) in (1..).zip(names()) {
        let good = read(&name);
        let mut chance = Chance(seed * 7919);
        for round in 0..2000 {
            let mut bytes = good.clone();
            mutate(&mut bytes, &mut chance);
            sniff(&bytes);
            let _ = examine(&format!("{name}, {round}"), &bytes);
        }
    }
}

#[test]
fn damaged_pixels_of_every_format_are_refused_or_read_but_never_panic() {
    let device = CpuDevice::new(1);
    let heif = !without_heif();
    for (seed, name) in (1..).zip(names()) {
        if !heif && ["heif", "heic", "avif"].iter().any(|end| name.ends_with(end)) {
            continue;
        }
        let good = read(&name);
        let mut chance = Chance(seed * 104_729);
        for round in 0..30 {
            let mut bytes = good.clone();
            mutate(&mut bytes, &mut chance);
            decode(&format!("{name}, {round}"), &device, &bytes);
        }
    }
}

#[test]
fn files_cut_off_anywhere_are_refused_or_read_but_never_panic() {
    let device = CpuDevice::new(1);
    for name in ["hopper.jpg", "hopper.png", "hopper.webp", "hopper_lzw.tif", "hopper.avif", "hopper.heif"] {
        if name.ends_with("if") && !name.ends_with("tif") && without_heif() {
            continue;
        }
        let good = read(name);
        for cut in (0..64).chain((64..good.len()).step_by(good.len() / 40)) {
            let _ = examine(&format!("{name} to {cut}"), &good[..cut]);
        }
        for part in 1..8 {
            let cut = good.len() * part / 8;
            decode(&format!("{name} to {cut}"), &device, &good[..cut]);
        }
    }
}

#[test]
fn what_is_no_photo_is_refused_by_name() {
    for (bytes, what) in [
        (b"%PDF-1.7 as IMG_0001.jpg".to_vec(), "a PDF document"),
        (Vec::new(), "an empty file"),
        (vec![0; 5000], "a file of zero bytes"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0isom".to_vec(), "a film"),
    ] {
        let error = examine(what, &bytes).unwrap_err();
        assert!(matches!(error, Error::Unrecognised(_)));
        assert!(error.to_string().contains(what), "{error}");
    }
}

#[test]
fn bombs_are_refused_by_their_headers() {
    let chunk = |kind: &[u8], body: &[u8]| [&(body.len() as u32).to_be_bytes(), kind, body, &[0; 4]].concat();
    let ihdr = |edge: u32| [&edge.to_be_bytes()[..], &edge.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    let png = |edge| [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(b"IHDR", &ihdr(edge)), chunk(b"IDAT", &[0; 20])].concat();
    let too_large = |bytes: &[u8]| matches!(examine("bomb", bytes), Err(Error::TooLarge { .. }));
    assert!(too_large(&png(65_535)));
    // Within the limits, but not within what its bytes can hold.
    assert!(matches!(examine("PNG", &png(1_400)), Err(Error::Damaged { .. })));

    let mut jpeg = read("hopper.jpg");
    let at = jpeg.windows(2).position(|window| window == [0xff, 0xc0]).unwrap();
    jpeg[at + 5..at + 9].fill(0xff);
    assert!(too_large(&jpeg));

    let mut tiff = Builder::new(false, 42);
    let first = tiff.directory(&[(0x0100, Value::Long(u32::MAX)), (0x0101, Value::Long(u32::MAX))], 0);
    assert!(too_large(&tiff.finish(first)));

    let mut heif = read("hopper.heif");
    let at = heif.windows(4).position(|window| window == b"ispe").unwrap();
    heif[at + 8..at + 16].fill(0x7f);
    assert!(too_large(&heif));

    let mut webp = read("hopper.webp");
    let at = webp.windows(3).position(|window| window == [0x9d, 0x01, 0x2a]).unwrap();
    webp[at + 3..at + 7].copy_from_slice(&[0xff, 0x3f, 0xff, 0x3f]);
    assert!(too_large(&webp));
}

#[test]
fn loops_and_lies_in_structures_end() {
    // A directory that is its own successor and its own child.
    let mut looping = Builder::new(true, 42);
    let at = looping.bytes.len() as u32;
    looping.directory(&[(0x0106, Value::Short(32_803)), (0x014a, Value::Long(at))], at);
    let looping = looping.finish(at);
    assert!(matches!(examine("TIFF loop", &looping), Err(Error::Unsupported(_))));

    let looping = read("multipage_single_frame_loop.tiff");
    examine("TIFF chain", &looping).unwrap();

    // Boxes of length 0 and 8 in boxes, deeper than any file.
    let nested: Vec<u8> = (0..20_000).flat_map(|_| *b"\0\0\0\0meta").collect();
    let heif = [b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".to_vec(), nested].concat();
    assert!(examine("BMFF nest", &heif).is_err());
    let empty: Vec<u8> = (0..50_000).flat_map(|_| *b"\0\0\0\x08free").collect();
    assert!(examine("BMFF boxes", &[b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".to_vec(), empty].concat()).is_err());

    // A grid that is its own tile: libheif 1.15 runs out of stack on it.
    let mut heif = read("RGB_8__29x100.heif");
    let at = heif.windows(4).position(|window| window == b"dimg").unwrap();
    heif.copy_within(at + 4..at + 6, at + 8);
    assert!(matches!(examine("HEIF circle", &heif), Err(Error::Damaged { .. })));

    // Many JPEG headers in a RAW that has no preview: the search ends.
    let headers: Vec<u8> = (0..100_000).flat_map(|_| *b"\xff\xd8\xff\xe0\0\x04").collect();
    assert!(examine("RAW", &[b"IIRO\x08\0\0\0".to_vec(), headers].concat()).is_err());
}
