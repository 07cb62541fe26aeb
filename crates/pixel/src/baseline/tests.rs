//! The decoder beside libjpeg and beside floating point.

use super::{
    decode, frame,
    header::Header,
    plane, scan,
    transform::{self, Kernel, Transform, scalar::Scalar},
};
use crate::{
    frame::{Frame, Plane},
    libjpeg::{
        Reader,
        coder::{Coding, Kind, code},
    },
};

/// A generator of numbers that is the same everywhere (xorshift64*).
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

/// A picture of waves with some noise: every coefficient occurs, and little is clipped.
fn picture(width: usize, height: usize, channels: usize, noise: usize, chance: &mut Chance) -> Vec<u8> {
    let (fast, slow) = (1.0 + chance.below(20) as f64, 20.0 + chance.below(200) as f64);
    let mut samples = Vec::with_capacity(width * height * channels);
    for y in 0..height {
        for x in 0..width {
            for channel in 0..channels {
                let (x, y, turn) = (x as f64, y as f64, channel as f64 * 2.0);
                let wave = 128.0 + 40.0 * (x / fast + turn).sin() + 40.0 * (y / slow + x / slow + turn).cos();
                samples.push((wave as usize + chance.below(noise + 1)).min(255) as u8);
            }
        }
    }
    samples
}

/// What has one plane, or three.
const SAMPLINGS: [(i32, i32); 6] = [(1, 1), (2, 1), (1, 2), (2, 2), (4, 1), (4, 2)];

fn libjpeg(bytes: &[u8], eighths: u32) -> Frame {
    Reader::new(bytes).unwrap().planes(eighths).unwrap()
}

/// The largest difference, and the mean of squares.
fn differences(a: &Plane, b: &Plane) -> (u8, f64) {
    assert_eq!((a.width, a.height), (b.width, b.height));
    let pairs = (0..a.height).flat_map(|y| a.row(y).iter().zip(b.row(y)));
    let (most, squares) = pairs.fold((0, 0.0), |(most, squares), (a, b)| {
        let difference = a.abs_diff(*b);
        (difference.max(most), squares + f64::from(difference).powi(2))
    });
    (most, squares / (a.width * a.height) as f64)
}

#[test]
fn the_full_size_is_libjpegs() {
    let mut chance = Chance(1);
    for (sampling, restart) in SAMPLINGS.into_iter().flat_map(|sampling| [0, 1, 5].map(|restart| (sampling, restart))) {
        let (width, height) = (1 + chance.below(200), 1 + chance.below(200));
        let rgb = picture(width, height, 3, 60, &mut chance);
        let bytes = code(width, height, &rgb, Coding { sampling, restart, ..Coding::PLAIN });
        let ours = decode(&bytes, (width as u32, height as u32), 8).unwrap();
        let theirs = libjpeg(&bytes, 8);
        assert_eq!((ours.size, ours.chroma), (theirs.size, theirs.chroma));
        for (ours, theirs) in ours.planes.iter().zip(&theirs.planes) {
            let (most, mean) = differences(ours, theirs);
            assert!(most <= 2 && mean < 0.1, "{width} × {height}, {sampling:?}: {most} levels, {mean:.3} squared");
        }
    }
}

#[test]
fn every_scale_is_what_an_ideal_filter_leaves_of_the_photo() {
    let mut chance = Chance(2);
    for eighths in 1..8usize {
        for sampling in SAMPLINGS {
            let (width, height) = (150 + chance.below(150), 150 + chance.below(150));
            let rgb = picture(width, height, 3, 20, &mut chance);
            let bytes = code(width, height, &rgb, Coding { sampling, restart: 7, ..Coding::PLAIN });
            let ours = decode(&bytes, (width as u32, height as u32), eighths as u32).unwrap();
            let whole = decode(&bytes, (width as u32, height as u32), 8).unwrap();
            assert!((ours.size.0 - width as f64 * eighths as f64 / 8.0).abs() < 1e-9);
            assert_eq!(ours.chroma, whole.chroma);
            let extents = [0, 1, 2].map(|index| ours.extent(index));
            for ((ours, whole), extent) in ours.planes.iter().zip(&whole.planes).zip(extents) {
                assert_eq!((ours.width, ours.height), (extent.0.ceil() as usize, extent.1.ceil() as usize));
                let decibels = against_ideal(ours, whole, eighths);
                assert!(decibels > 46.0, "{width} × {height}, {sampling:?} at {eighths}/8: {decibels:.1} dB");
            }
        }
    }
}

/// The peak signal-to-noise ratio of a plane at `eighths` eighths against the whole one after an exact transform, the lowest
/// frequencies of it, and an exact inverse transform, block by block. In decibels.
fn against_ideal(ours: &Plane, whole: &Plane, eighths: usize) -> f64 {
    let wave = |i: usize, k: usize, n: usize| {
        let scale = if k == 0 { 1.0 } else { 2.0f64.sqrt() };
        scale * (((2 * i + 1) * k) as f64 * std::f64::consts::PI / (2 * n) as f64).cos()
    };
    let (mut squares, mut count) = (0.0, 0);
    // Blocks that the picture fills.
    for (row, column) in (0..whole.height / 8).flat_map(|row| (0..whole.width / 8).map(move |column| (row, column))) {
        let mut low = vec![0.0; eighths * eighths];
        for (index, low) in low.iter_mut().enumerate() {
            let (v, u) = (index / eighths, index % eighths);
            for (y, x) in (0..8).flat_map(|y| (0..8).map(move |x| (y, x))) {
                let sample = f64::from(whole.row(row * 8 + y)[column * 8 + x]);
                *low += sample * wave(x, u, 8) * wave(y, v, 8) / 64.0;
            }
        }
        for (y, x) in (0..eighths).flat_map(|y| (0..eighths).map(move |x| (y, x))) {
            let sum: f64 = (low.iter().enumerate())
                .map(|(index, low)| low * wave(x, index % eighths, eighths) * wave(y, index / eighths, eighths))
                .sum();
            let found = f64::from(ours.row(row * eighths + y)[column * eighths + x]);
            squares += (found - sum.clamp(0.0, 255.0)).powi(2);
            count += 1;
        }
    }
    10.0 * (255.0f64.powi(2) * f64::from(count) / squares.max(1e-9)).log10()
}

#[test]
fn grey_is_luma_alone_however_it_is_sampled() {
    let mut chance = Chance(3);
    for sampling in [(1, 1), (2, 2), (1, 2)] {
        let (width, height) = (1 + chance.below(90), 1 + chance.below(90));
        let grey = picture(width, height, 1, 40, &mut chance);
        let bytes = code(width, height, &grey, Coding { kind: Kind::Grey, sampling, ..Coding::PLAIN });
        let ours = decode(&bytes, (width as u32, height as u32), 8).unwrap();
        let theirs = libjpeg(&bytes, 8);
        assert_eq!((ours.size, ours.chroma), (theirs.size, theirs.chroma));
        assert!(differences(&ours.planes[0], &theirs.planes[0]).0 <= 2);
        assert_eq!(ours.planes[1].row(0), [128]);
    }
}

#[test]
fn real_photos_are_read_as_libjpeg_reads_them() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let mut read = Vec::new();
    for name in folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()) {
        let bytes = std::fs::read(folder.join(&name)).unwrap();
        if !name.ends_with(".jpg") && !name.ends_with(".mpo") {
            continue;
        }
        let size = Reader::new(&bytes).unwrap().header().size;
        let Some(ours) = decode(&bytes, size, 8) else { continue };
        for (ours, theirs) in ours.planes.iter().zip(&libjpeg(&bytes, 8).planes) {
            let (most, mean) = differences(ours, theirs);
            assert!(most <= 2 && mean < 0.1, "{name}: {most} levels, {mean:.3} squared");
        }
        read.push(name);
    }
    assert!(read.len() >= 10, "only {read:?} are read");
    for declined in ["hopper_arithmetic.jpg", "pil_sample_cmyk.jpg", "truncated_jpeg.jpg", "ultrahdr.jpg"] {
        assert!(!read.iter().any(|name| name == declined), "{declined} is not for this decoder");
    }
}

#[test]
fn what_is_not_baseline_or_not_whole_is_declined() {
    let mut chance = Chance(4);
    let rgb = picture(96, 80, 3, 60, &mut chance);
    let ink = picture(96, 80, 4, 60, &mut chance);
    for how in [
        Coding { progressive: true, ..Coding::PLAIN },
        Coding { kind: Kind::Rgb, sampling: (1, 1), ..Coding::PLAIN },
        Coding { kind: Kind::Cmyk, sampling: (1, 1), ..Coding::PLAIN },
        Coding { kind: Kind::Ycck, ..Coding::PLAIN },
    ] {
        let pixels = if matches!(how.kind, Kind::Cmyk | Kind::Ycck) { &ink } else { &rgb };
        assert!(decode(&code(96, 80, pixels, how), (96, 80), 8).is_none(), "{how:?}");
    }
    for restart in [0, 2] {
        let whole = code(96, 80, &rgb, Coding { restart, ..Coding::PLAIN });
        assert!(decode(&whole, (96, 80), 4).is_some());
        assert!(decode(&whole, (80, 96), 4).is_none());
        // Without its end marker a photo is whole; without its last bits it is not.
        assert!(decode(&whole[..whole.len() - 2], (96, 80), 4).is_some());
        for length in 0..whole.len() - 4 {
            assert!(decode(&whole[..length], (96, 80), 4).is_none(), "{length} bytes are taken for whole");
        }
    }
}

#[test]
fn vector_code_gives_the_same_samples() {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        let mut chance = Chance(5);
        for round in 0..2000 {
            let mut steps = [0; 64];
            steps.iter_mut().for_each(|step| *step = 1 + chance.below(if round % 2 == 0 { 255 } else { 8 }) as u8);
            let mut coefficients = [0; 256];
            for coefficient in &mut coefficients {
                // Every second round has numbers that no photo has.
                let reach = if round % 4 < 2 { 65_536 } else { 256 };
                *coefficient = (chance.below(reach) as i32 - reach as i32 / 2) as i16;
            }
            same::<1>(&coefficients, &steps);
            same::<2>(&coefficients, &steps);
            same::<3>(&coefficients, &steps);
            same::<4>(&coefficients, &steps);
            same::<5>(&coefficients, &steps);
            same::<6>(&coefficients, &steps);
            same::<7>(&coefficients, &steps);
            same::<8>(&coefficients, &steps);
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn same<const N: usize>(coefficients: &[i16; 256], steps: &[u8; 64]) {
    let transform = Transform::new(N, steps);
    let plain = Scalar::samples::<N>(coefficients, &transform);
    let vector = transform::avx2::Avx2::samples::<N>(coefficients, &transform);
    let stride = if N <= 4 { 4 } else { 8 };
    for y in 0..N {
        assert_eq!(plain[y * stride..][..N], vector[y * stride..][..N], "row {y} at {N}/8 of {coefficients:?}");
    }
}

type Read = fn(&Header<'_>, usize, &mut [Plane]) -> Option<()>;

/// Decodes as [`decode`] does, in one of its ways.
fn decoded(bytes: &[u8], eighths: u32, read: Read) -> Option<Frame> {
    let header = Header::read(bytes)?;
    let mut planes: Vec<Plane> = header.components.iter().map(|part| plane(&header, part, eighths as usize)).collect();
    read(&header, eighths as usize, &mut planes)?;
    Some(frame(&header, planes, eighths as usize))
}

fn assert_same(a: &Frame, b: &Frame, what: &str) {
    for (a, b) in a.planes.iter().zip(&b.planes) {
        assert_eq!((a.width, a.height), (b.width, b.height), "{what}");
        assert!((0..a.height).all(|y| a.row(y) == b.row(y)), "{what} differs");
    }
}

#[test]
#[cfg(target_arch = "x86_64")]
fn lanes_read_what_is_read_one_code_after_another() {
    if !scan::has_lanes() {
        return;
    }
    let mut chance = Chance(7);
    for (sampling, eighths) in SAMPLINGS.into_iter().flat_map(|sampling| [1, 2, 3, 4, 5].map(|n| (sampling, n))) {
        for (noise, quality) in [(120, 98), (60, 90), (3, 80), (0, 50)] {
            let (width, height) = (500 + chance.below(400), 400 + chance.below(300));
            let rgb = picture(width, height, 3, noise, &mut chance);
            let bytes = code(width, height, &rgb, Coding { sampling, quality, ..Coding::PLAIN });
            let what = format!("{width} × {height}, {sampling:?}, {eighths}/8, quality {quality}");
            let plain = decoded(&bytes, eighths, scan::read_one_by_one).unwrap();
            let lanes = decoded(&bytes, eighths, scan::read_in_lanes).unwrap_or_else(|| panic!("{what} is declined"));
            assert_same(&lanes, &plain, &what);
        }
    }
}

#[test]
#[cfg(target_arch = "x86_64")]
fn lanes_leave_restarts_and_large_scales_to_the_other_way() {
    let mut chance = Chance(8);
    let rgb = picture(300, 200, 3, 60, &mut chance);
    let plain = code(300, 200, &rgb, Coding::PLAIN);
    let restarting = code(300, 200, &rgb, Coding { restart: 5, ..Coding::PLAIN });
    assert_eq!(decoded(&plain, 4, scan::read_in_lanes).is_some(), scan::has_lanes());
    assert!(decoded(&plain, 6, scan::read_in_lanes).is_none());
    assert!(decoded(&restarting, 4, scan::read_in_lanes).is_none());
}

#[test]
fn damaged_photos_are_read_in_lanes_as_one_code_after_another() {
    let mut chance = Chance(9);
    let mut read = 0;
    for round in 0..400 {
        let (width, height) = (100 + chance.below(300), 100 + chance.below(200));
        let rgb = picture(width, height, 3, 1 + chance.below(100), &mut chance);
        let sampling = SAMPLINGS[round % SAMPLINGS.len()];
        let bytes = code(width, height, &rgb, Coding { sampling, ..Coding::PLAIN });
        for _ in 0..10 {
            let mut bytes = bytes.clone();
            damage(&mut bytes, &mut chance);
            read += usize::from(same_either_way(&bytes, 1 + chance.below(5) as u32));
        }
    }
    assert!(read > 500, "only {read} are read");
}

/// Whether it is read, which may not depend on the way.
fn same_either_way(bytes: &[u8], eighths: u32) -> bool {
    if Header::read(bytes).is_none_or(|header| header.width * header.height > 1 << 20) {
        return false;
    }
    let plain = decoded(bytes, eighths, scan::read_one_by_one);
    let whichever =
        decoded(bytes, eighths, |header, eighths, planes| scan::read(header, eighths, planes, scan::Depth::Samples));
    assert_eq!(plain.is_some(), whichever.is_some());
    if let (Some(plain), Some(whichever)) = (&plain, &whichever) {
        assert_same(plain, whichever, "a damaged photo");
    }
    plain.is_some()
}

/// Bits, bytes, cuts, markers and repeats, anywhere or in the header.
fn damage(bytes: &mut Vec<u8>, chance: &mut Chance) {
    for _ in 0..=chance.below(3) {
        let reach = if chance.below(2) == 0 { bytes.len() } else { bytes.len().min(700) };
        let at = chance.below(reach);
        match chance.below(7) {
            0 | 1 => bytes[at] ^= 1 << chance.below(8),
            2 => bytes[at] = chance.next() as u8,
            3 => bytes[at] = 0xff,
            4 => drop(bytes.splice(at..at, [0xff, 0xc0 + chance.below(64) as u8])),
            5 => drop(bytes.splice(at..(at + chance.below(40)).min(bytes.len()), [])),
            _ => bytes.truncate(at.max(4)),
        }
        if bytes.len() < 4 {
            return;
        }
    }
}

/// What became of a damaged photo.
#[derive(PartialEq, Eq)]
enum Fate {
    /// Read, by libjpeg too.
    Read,
    /// Left to libjpeg.
    Declined,
    /// Its header is none, or that of a photo too large for a test.
    Refused,
}

/// Makes a photo, damages it, and has it read at some scale.
///
/// # Panics
/// If it is read although libjpeg refuses it, or with another size.
fn damaged(round: usize, chance: &mut Chance) -> Fate {
    let (width, height) = (1 + chance.below(60), 1 + chance.below(60));
    let sampling = SAMPLINGS[round % SAMPLINGS.len()];
    let restart = [0, 1, 3][chance.below(3)];
    let quality = 20 + chance.below(80) as i32;
    let rgb = picture(width, height, 3, 1 + chance.below(100), chance);
    let mut bytes = code(width, height, &rgb, Coding { sampling, restart, quality, ..Coding::PLAIN });
    damage(&mut bytes, chance);
    let eighths = 1 + chance.below(8) as u32;
    let Ok(reader) = Reader::new(&bytes) else {
        assert!(decode(&bytes, (width as u32, height as u32), eighths).is_none(), "round {round} has no header");
        return Fate::Refused;
    };
    let size = reader.header().size;
    if u64::from(size.0) * u64::from(size.1) > 1 << 20 {
        return Fate::Refused;
    }
    same_either_way(&bytes, eighths);
    let Some(ours) = decode(&bytes, size, eighths) else {
        return Fate::Declined;
    };
    let theirs = reader.planes(eighths).unwrap_or_else(|error| panic!("round {round} is read, but it is {error}"));
    assert_eq!((ours.dimensions(), ours.size), (theirs.dimensions(), theirs.size), "round {round}");
    Fate::Read
}

#[test]
fn damaged_photos_are_read_only_if_libjpeg_reads_them() {
    let mut chance = Chance(6);
    let fates: Vec<Fate> = (0..4000).map(|round| damaged(round, &mut chance)).collect();
    let count = |fate| fates.iter().filter(|found| **found == fate).count();
    assert!(count(Fate::Read) > 500 && count(Fate::Declined) > 500, "only {} are read", count(Fate::Read));
}

/// The same for as long as one likes, with other photos each time: crates/pixel/fuzz/README.md.
#[test]
#[ignore = "runs for PROCESSION_FUZZ_SECONDS"]
#[allow(clippy::disallowed_methods, clippy::print_stdout, reason = "it is to run for a time, and says how far it came")]
fn damaged_photos_for_a_long_time() {
    let number = |name, default| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (seconds, seed): (u64, u64) = (number("PROCESSION_FUZZ_SECONDS", 60), number("PROCESSION_FUZZ_SEED", 7));
    let start = std::time::Instant::now();
    let mut chance = Chance(seed | 1);
    let (mut rounds, mut read) = (0, 0);
    while start.elapsed().as_secs() < seconds {
        read += usize::from(damaged(rounds, &mut chance) == Fate::Read);
        rounds += 1;
        if rounds % 100_000 == 0 {
            println!("{rounds} photos, {read} read, {} s", start.elapsed().as_secs());
        }
    }
    println!("{rounds} photos, {read} read, {} s: none against the rules", start.elapsed().as_secs());
}
