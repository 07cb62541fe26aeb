//! Resampling of planes with Lanczos 3, turning the photo upright on the way.
//!
//! A plane is filtered down its columns, transposed, filtered down its columns again (which were its rows), and transposed
//! back unless the orientation wants it transposed anyway. Mirroring is an order of rows. So each of the eight
//! orientations costs nothing, or less than upright.
//!
//! Weights have 14 bits, sums are exact in 32 bits, and each pass rounds once to 8 bits: every implementation of [`Kernels`]
//! gives the same bytes.

mod avx2;
mod avx512;
mod filter;
mod scalar;

use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
};

use crate::{
    Orientation,
    frame::{Chroma, Frame, Plane},
};
use filter::Filter;

/// A rectangle of the upright photo, as fractions of its width and height.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Window {
    /// Left edge.
    pub(crate) x: f64,
    /// Top edge.
    pub(crate) y: f64,
    /// Width.
    pub(crate) width: f64,
    /// Height.
    pub(crate) height: f64,
}

impl Window {
    /// All of the photo.
    pub(crate) const ALL: Self = Self { x: 0.0, y: 0.0, width: 1.0, height: 1.0 };
}

/// What is wanted: `window` of a photo that is stored in `orientation`, as `width × height` upright samples.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    /// What of the photo.
    pub(crate) window: Window,
    /// How the source is stored.
    pub(crate) orientation: Orientation,
    /// Samples in a row of the result.
    pub(crate) width: usize,
    /// Rows of the result.
    pub(crate) height: usize,
}

/// The inner loops, which exist once for any processor and once for each that is worth it.
#[derive(Clone, Copy)]
pub(crate) struct Kernels {
    /// Filters the columns `from..from + width` of `source` (`from` a multiple of [`crate::frame::ALIGN`]) to the rows of
    /// `target`, in reverse order if `flip`. The target has a row for each of the filter's outputs.
    columns: fn(source: Source<'_>, filter: &Filter, target: &mut Plane, flip: bool),
    /// `target` becomes `source` with rows and columns exchanged. Both may be written and read up to the next multiple of
    /// 16 rows and columns.
    transpose: fn(source: &Plane, target: &mut Plane),
}

/// The part of a plane that a pass reads.
#[derive(Clone, Copy)]
struct Source<'a> {
    plane: &'a Plane,
    from: usize,
    width: usize,
}

impl Kernels {
    /// For any processor.
    pub(crate) const SCALAR: Self = Self { columns: scalar::columns, transpose: scalar::transpose };

    /// The best that this processor has.
    pub(crate) fn best() -> Self {
        static BEST: OnceLock<Kernels> = OnceLock::new();
        *BEST.get_or_init(|| avx512::kernels().or_else(avx2::kernels).unwrap_or(Self::SCALAR))
    }

    /// What they are called.
    pub(crate) fn name() -> &'static str {
        match (avx512::kernels(), avx2::kernels()) {
            (Some(_), _) => "AVX-512",
            (None, Some(_)) => "AVX2",
            (None, None) => "scalar",
        }
    }
}

/// Resamples a frame. Rows of the result are padded.
pub(crate) fn frame(source: &Frame, target: Target, chroma: Chroma) -> Frame {
    frame_with(Kernels::best(), source, target, chroma)
}

fn frame_with(kernels: Kernels, source: &Frame, target: Target, chroma: Chroma) -> Frame {
    let planes = std::array::from_fn(|index| {
        if index == 0 {
            return plane(kernels, &source.planes[0], source.extent(0), target);
        }
        let (width, height) = (chroma.samples(target.width), chroma.samples(target.height));
        // The last sample of chroma of an odd edge covers one row or column beyond the picture.
        let ratio = chroma.ratio();
        let mut window = target.window;
        window.width *= width as f64 / (target.width as f64 * ratio.0);
        window.height *= height as f64 / (target.height as f64 * ratio.1);
        let target = Target { window, width, height, ..target };
        plane(kernels, &source.planes[index], source.extent(index), target)
    });
    Frame { planes, size: (target.width as f64, target.height as f64), chroma: chroma.ratio() }
}

/// Resamples luma alone, or lends the source's where that is what is wanted.
pub(crate) fn luma(source: &Frame, target: Target) -> Cow<'_, Plane> {
    let (luma, extent) = (&source.planes[0], (target.width as f64, target.height as f64));
    let is_that = target.window == Window::ALL && target.orientation == Orientation::UPRIGHT && source.size == extent;
    if is_that { Cow::Borrowed(luma) } else { Cow::Owned(plane(Kernels::best(), luma, source.size, target)) }
}

/// One axis of the source: which part of it, in samples.
struct Axis {
    offset: f64,
    length: f64,
}

impl Axis {
    fn new(start: f64, part: f64, flip: bool, extent: f64) -> Self {
        let start = if flip { 1.0 - start - part } else { start };
        Self { offset: start * extent, length: part * extent }
    }
}

fn plane(kernels: Kernels, source: &Plane, extent: (f64, f64), target: Target) -> Plane {
    let turn = target.orientation;
    let window = target.window;
    let (mut across, mut down) = ((window.x, window.width, target.width), (window.y, window.height, target.height));
    if turn.swaps_axes() {
        std::mem::swap(&mut across, &mut down);
    }
    let (flip_x, flip_y) = mirrors(turn);
    let horizontal = Axis::new(across.0, across.1, flip_x, extent.0);
    let vertical = Axis::new(down.0, down.1, flip_y, extent.1);
    let rows = filter::cached(vertical.offset, vertical.length, down.2, source.height);
    let columns = filter::cached(horizontal.offset, horizontal.length, across.2, source.width);
    run(kernels, source, (&columns, flip_x), (&rows, flip_y), turn.swaps_axes())
}

/// Whether the stored columns, and the stored rows, run against the upright photo's.
fn mirrors(orientation: Orientation) -> (bool, bool) {
    (matches!(orientation.exif(), 2 | 3 | 7 | 8), matches!(orientation.exif(), 3 | 4 | 6 | 7))
}

/// The passes: down, transpose, down, and back; nothing of it for what is there already.
fn run(
    kernels: Kernels,
    source: &Plane,
    (across, flip_x): (&Arc<Filter>, bool),
    (down, flip_y): (&Arc<Filter>, bool),
    transposed: bool,
) -> Plane {
    if across.is_copy && down.is_copy && !flip_x && !transposed {
        let mut copy = scratch(across.len(), down.len());
        columns(kernels, Source { plane: source, from: 0, width: across.len() }, down, &mut copy, flip_y);
        copy.pad();
        return copy;
    }
    // Only the columns that the second pass reads are filtered by the first.
    let (first, last) = across.reads();
    let from = first / crate::frame::ALIGN * crate::frame::ALIGN;
    let part = Source { plane: source, from, width: last - from };
    let mut narrowed = scratch(part.width, down.len());
    columns(kernels, part, down, &mut narrowed, flip_y);
    let mut turned = scratch(down.len(), part.width);
    (kernels.transpose)(&narrowed, &mut turned);
    drop(narrowed);
    let part = Source { plane: &turned, from: 0, width: turned.width };
    let mut result = scratch(down.len(), across.len());
    let shifted = across.shifted(from);
    columns(kernels, part, &shifted, &mut result, flip_x);
    drop(turned);
    if !transposed {
        let mut back = scratch(across.len(), down.len());
        (kernels.transpose)(&result, &mut back);
        result = back;
    }
    result.pad();
    result
}

/// One pass down the columns, which copies rows where they are as wanted.
fn columns(kernels: Kernels, source: Source<'_>, filter: &Filter, target: &mut Plane, flip: bool) {
    if !filter.is_copy {
        return (kernels.columns)(source, filter, target, flip);
    }
    for y in 0..filter.len() {
        let from = &source.plane.data[y * source.plane.stride + source.from..][..source.width];
        let row = if flip { filter.len() - 1 - y } else { y };
        target.data[row * target.stride..][..source.width].copy_from_slice(from);
    }
}

/// A plane with room for whole blocks of 16 × 16 samples.
fn scratch(width: usize, height: usize) -> Plane {
    let mut plane = Plane::new(width, height.next_multiple_of(16));
    plane.height = height;
    plane
}

#[cfg(test)]
pub(crate) mod tests;
