//! Block after block, MCU after MCU (T.81, A.2), from restart to restart (F.2.1.3), to planes.

#[cfg(target_arch = "x86_64")]
mod lanes;

use std::rc::Rc;

use super::{
    bits::{Feed, Window},
    block::{self, Coefficients, Places},
    header::{Code, Header},
    huffman::{Ac, Dc},
    transform::{self, Kernel, Transform, scalar::Scalar},
};
use crate::frame::Plane;

/// How far the work goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// To the planes.
    Samples,
    /// To the coefficients, which are forgotten.
    Coefficients,
}

/// A component on its way to its plane.
struct Track<'a> {
    dc: Rc<Dc>,
    ac: Rc<Ac>,
    transform: Transform,
    /// The plane's samples, and from one of its rows to the next; nothing at [`Depth::Coefficients`].
    samples: &'a mut [u8],
    stride: usize,
    /// Samples in an MCU, down.
    rows: usize,
    /// The last block's first coefficient.
    predictor: i32,
}

impl Track<'_> {
    /// Brings a block's samples to the plane, `N` of each of `N` rows of 4 or 8.
    #[inline(always)]
    fn put<const N: usize>(&mut self, samples: &[u8], place: &Place, (column, row): (usize, usize)) -> Option<()> {
        let first = (row * self.rows + place.down) * self.stride + column * place.pitch + place.right;
        let target = self.samples.get_mut(first..)?;
        let rows = samples.chunks_exact(if N <= 4 { 4 } else { 8 });
        for (y, samples) in rows.enumerate().take(N) {
            target.get_mut(y * self.stride..y * self.stride + N)?.copy_from_slice(&samples[..N]);
        }
        Some(())
    }
}

/// One block of an MCU.
#[derive(Clone, Copy)]
struct Place {
    /// Its component.
    track: usize,
    /// Where it begins in the component's part of the MCU: samples to the right, rows down.
    right: usize,
    down: usize,
    /// From one MCU's to the next one's, in samples.
    pitch: usize,
}

/// What is the same for every block.
struct Course<'a, 'b> {
    header: &'b Header<'a>,
    tracks: Vec<Track<'b>>,
    blocks: Vec<Place>,
    places: Places,
    depth: Depth,
}

/// Reads the scan to planes with room for whole MCUs, one for each component (none for [`Depth::Coefficients`]), at
/// `eighths` eighths. `None` if it breaks off, or has what no such scan has.
pub(super) fn read(header: &Header<'_>, eighths: usize, planes: &mut [Plane], depth: Depth) -> Option<()> {
    let mut course = course(header, eighths, planes, depth)?;
    #[cfg(target_arch = "x86_64")]
    if lanes::read(&mut course, eighths).is_some() {
        return Some(());
    }
    one_by_one(&mut course, eighths)
}

/// The same with one code after another.
#[cfg(test)]
pub(super) fn read_one_by_one(header: &Header<'_>, eighths: usize, planes: &mut [Plane]) -> Option<()> {
    one_by_one(&mut course(header, eighths, planes, Depth::Samples)?, eighths)
}

/// The same in lanes only.
#[cfg(all(test, target_arch = "x86_64"))]
pub(super) fn read_in_lanes(header: &Header<'_>, eighths: usize, planes: &mut [Plane]) -> Option<()> {
    lanes::read(&mut course(header, eighths, planes, Depth::Samples)?, eighths)
}

/// Whether this processor can read in lanes.
#[cfg(all(test, target_arch = "x86_64"))]
pub(super) fn has_lanes() -> bool {
    lanes::is_available()
}

fn course<'a, 'b>(
    header: &'b Header<'a>,
    eighths: usize,
    planes: &'b mut [Plane],
    depth: Depth,
) -> Option<Course<'a, 'b>> {
    let mut planes = planes.iter_mut();
    let (mut dcs, mut acs) = (Vec::new(), Vec::new());
    let mut tracks = Vec::new();
    let mut blocks = Vec::new();
    for part in &header.components {
        for block in 0..part.across * part.down {
            let (right, down) = (block % part.across * eighths, block / part.across * eighths);
            blocks.push(Place { track: tracks.len(), right, down, pitch: part.across * eighths });
        }
        let (samples, stride) = match planes.next() {
            Some(plane) => (&mut plane.data[..], plane.stride),
            None => (&mut [][..], 0),
        };
        tracks.push(Track {
            dc: shared(&mut dcs, part.dc, Dc::new)?,
            ac: shared(&mut acs, part.ac, Ac::new)?,
            transform: Transform::new(eighths, &part.steps),
            samples,
            stride,
            rows: part.down * eighths,
            predictor: 0,
        });
    }
    Some(Course { header, tracks, blocks, places: transform::places(eighths), depth })
}

/// Reads one code after another, from the first.
fn one_by_one(course: &mut Course<'_, '_>, eighths: usize) -> Option<()> {
    course.tracks.iter_mut().for_each(|track| track.predictor = 0);
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("bmi2") {
        // SAFETY: the processor has what it is compiled for.
        #[allow(unsafe_code)]
        return unsafe { with_avx2(course, eighths) };
    }
    by_scale::<Scalar>(course, eighths)
}

/// The tables of a code, made once for all components that have it: they have to fit the processor's first cache.
fn shared<'a, T>(made: &mut Vec<(Code<'a>, Rc<T>)>, code: Code<'a>, make: fn(Code<'a>) -> Option<T>) -> Option<Rc<T>> {
    if let Some((_, tables)) = made.iter().find(|(other, _)| *other == code) {
        return Some(Rc::clone(tables));
    }
    let tables = Rc::new(make(code)?);
    made.push((code, Rc::clone(&tables)));
    Some(tables)
}

/// The same for processors of which more is known.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2")]
fn with_avx2(course: &mut Course<'_, '_>, eighths: usize) -> Option<()> {
    by_scale::<transform::avx2::Avx2>(course, eighths)
}

#[inline(always)]
fn by_scale<K: Kernel>(course: &mut Course<'_, '_>, eighths: usize) -> Option<()> {
    match eighths {
        1 => mcus::<1, K>(course),
        2 => mcus::<2, K>(course),
        3 => mcus::<3, K>(course),
        4 => mcus::<4, K>(course),
        5 => mcus::<5, K>(course),
        6 => mcus::<6, K>(course),
        7 => mcus::<7, K>(course),
        _ => mcus::<8, K>(course),
    }
}

/// All MCUs of the picture.
#[inline(always)]
fn mcus<const N: usize, K: Kernel>(course: &mut Course<'_, '_>) -> Option<()> {
    let (columns, rows) = course.header.mcus();
    let interval = course.header.restart_interval;
    let (mut feed, mut window) = Feed::new(course.header.scan);
    let mut left = if interval > 0 { interval } else { usize::MAX };
    let mut restarts = 0u8;
    let mut coefficients = [0; 256];
    for row in 0..rows {
        for column in 0..columns {
            if left == 0 {
                window = feed.restart(window, restarts & 7)?;
                restarts = restarts.wrapping_add(1);
                course.tracks.iter_mut().for_each(|track| track.predictor = 0);
                left = interval;
            }
            left -= 1;
            feed.ensure(&mut window);
            window = mcu::<N, K>(course, &mut coefficients, &feed, window, (column, row))?;
        }
        if !feed.holds(window) {
            return None;
        }
    }
    Some(())
}

/// The blocks of one MCU.
#[inline(always)]
fn mcu<const N: usize, K: Kernel>(
    course: &mut Course<'_, '_>,
    coefficients: &mut Coefficients,
    feed: &Feed<'_>,
    mut window: Window,
    (column, row): (usize, usize),
) -> Option<Window> {
    let Course { tracks, blocks, places, depth, .. } = course;
    for place in blocks.iter() {
        let track = tracks.get_mut(place.track)?;
        coefficients[..if N <= 4 { 16 } else { 64 }].fill(0);
        let difference;
        (window, difference) = block::read::<N>(window, &feed.piece, (&track.dc, &track.ac), places, coefficients)?;
        track.predictor = track.predictor.wrapping_add(difference);
        coefficients[0] = track.predictor as i16;
        if *depth == Depth::Coefficients {
            std::hint::black_box(&*coefficients);
            continue;
        }
        track.put::<N>(&K::samples::<N>(coefficients, &track.transform), place, (column, row))?;
    }
    Some(window)
}
