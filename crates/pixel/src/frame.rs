//! Pixels in memory: planes of YCbCr on the way from a decoder to the encoders, or RGB as other decoders leave it.

use crate::pool::Buffer;

/// Rows start at multiples of this, so that vector code may work on whole registers.
pub(crate) const ALIGN: usize = 32;

/// One channel, 8 bits a sample, rows from the top. `data` holds `stride × height` samples at least.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plane {
    /// The samples.
    pub(crate) data: Buffer,
    /// From one row to the next, in samples: `width` or more, a multiple of [`ALIGN`].
    pub(crate) stride: usize,
    /// Samples in a row.
    pub(crate) width: usize,
    /// Rows.
    pub(crate) height: usize,
}

impl Plane {
    /// A plane with unspecified samples.
    pub(crate) fn new(width: usize, height: usize) -> Self {
        let stride = width.next_multiple_of(ALIGN);
        Self { data: Buffer::new(stride * height), stride, width, height }
    }

    /// A plane of one value.
    pub(crate) fn filled(width: usize, height: usize, value: u8) -> Self {
        let stride = width.next_multiple_of(ALIGN);
        Self { data: Buffer::filled(stride * height, value), stride, width, height }
    }

    /// The samples of a row.
    pub(crate) fn row(&self, y: usize) -> &[u8] {
        &self.data[y * self.stride..][..self.width]
    }

    /// The samples of a row, to write.
    pub(crate) fn row_mut(&mut self, y: usize) -> &mut [u8] {
        &mut self.data[y * self.stride..][..self.width]
    }

    /// Repeats the last sample of each row up to the next row: encoders read whole blocks.
    pub(crate) fn pad(&mut self) {
        for row in self.data.chunks_exact_mut(self.stride).take(self.height) {
            let last = row[self.width - 1];
            row[self.width..].fill(last);
        }
    }
}

/// A picture as YCbCr planes: BT.601, full range, as JFIF has it. Chroma is sited in the middle of the luma samples that it
/// covers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frame {
    /// Y, Cb, Cr.
    pub(crate) planes: [Plane; 3],
    /// The picture's size in luma samples. After a scaled decode the last sample may lie partly outside: 2000.5 of 2001.
    pub(crate) size: (f64, f64),
    /// Chroma samples for a luma sample, across and down: (1.0, 1.0) is 4:4:4, (0.5, 0.5) is 4:2:0. A plane of chroma has
    /// `ceil(size × chroma)` samples or more.
    pub(crate) chroma: (f64, f64),
}

/// How chroma is kept in an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chroma {
    /// 4:4:4.
    Full,
    /// 4:2:0.
    Half,
}

impl Chroma {
    /// Chroma samples for a luma sample.
    pub(crate) fn ratio(self) -> (f64, f64) {
        match self {
            Self::Full => (1.0, 1.0),
            Self::Half => (0.5, 0.5),
        }
    }

    /// Samples of chroma for `luma` samples of luma in a row or column.
    pub(crate) fn samples(self, luma: usize) -> usize {
        match self {
            Self::Full => luma,
            Self::Half => luma.div_ceil(2),
        }
    }
}

impl Frame {
    /// Luma of a picture of `size` samples, without colour.
    pub(crate) fn grey(luma: Plane, size: (f64, f64)) -> Self {
        let grey = || Plane::filled(1, 1, 128);
        Self { planes: [luma, grey(), grey()], size, chroma: (1.0 / size.0, 1.0 / size.1) }
    }

    /// Luma samples across and down.
    pub(crate) fn dimensions(&self) -> (usize, usize) {
        (self.planes[0].width, self.planes[0].height)
    }

    /// The picture's size in samples of plane `index`.
    pub(crate) fn extent(&self, index: usize) -> (f64, f64) {
        if index == 0 { self.size } else { (self.size.0 * self.chroma.0, self.size.1 * self.chroma.1) }
    }
}

/// A picture as interleaved 8-bit RGB, as stored (not turned upright), in the colours of the photo's own profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Raster {
    /// Pixels in a row.
    pub(crate) width: usize,
    /// Rows.
    pub(crate) height: usize,
    /// `width × height × 3` bytes.
    pub(crate) rgb: Vec<u8>,
}
