//! Reading: coded bytes to planes of samples, or to interleaved pixels where the planes are of no use.

use std::{
    ffi::c_int,
    marker::PhantomData,
    mem,
    ptr::{from_mut, null_mut},
};

use mozjpeg_sys::{
    J_COLOR_SPACE, jpeg_CreateDecompress, jpeg_decompress_struct, jpeg_destroy_decompress, jpeg_has_multiple_scans,
    jpeg_mem_src, jpeg_read_header, jpeg_read_raw_data, jpeg_read_scanlines, jpeg_save_markers, jpeg_start_decompress,
};

use super::{Callbacks, damaged, guard};
use crate::{
    Error,
    frame::{Frame, Plane},
};

/// libjpeg 6.2's interface, which is what mozjpeg-sys builds without its ABI features.
const VERSION: c_int = 62;
/// APP14, where Adobe's programs say how CMYK is meant.
const ADOBE_MARKER: c_int = 0xee;

/// What the header says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    /// Width and height in pixels.
    pub(crate) size: (u32, u32),
    /// What is coded.
    pub(crate) coded: Coded,
    /// There is an Adobe marker: CMYK is stored inverted.
    pub(crate) adobe: bool,
}

/// What the components are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coded {
    /// Luma alone, or luma and two planes of chroma of one size: [`Reader::planes`].
    Planes,
    /// RGB, or something that libjpeg makes RGB of: [`Reader::pixels`] gives three bytes a pixel.
    Rgb,
    /// CMYK or YCCK: [`Reader::pixels`] gives four bytes a pixel.
    Cmyk,
}

/// Interleaved pixels.
#[derive(Debug)]
pub(crate) struct Picture {
    /// Pixels in a row.
    pub(crate) width: usize,
    /// Rows.
    pub(crate) height: usize,
    /// `width × height ×` 3 or 4 bytes.
    pub(crate) data: Vec<u8>,
}

/// The start of libjpeg's `jpeg_component_info` (interface 62), of which the binding hides what raw output needs.
#[repr(C)]
struct Component {
    _id: c_int,
    _index: c_int,
    across: c_int,
    down: c_int,
    _tables: [c_int; 3],
    _blocks: [u32; 2],
    scaled: c_int,
    width: u32,
    height: u32,
}

/// One component's place in the frame.
#[derive(Clone, Copy)]
struct Layout {
    /// Samples that libjpeg writes for one row of MCUs, across and down.
    row_width: usize,
    rows: usize,
    /// The picture's size in samples: rounded up, and as it is.
    width: usize,
    height: usize,
    size: (f64, f64),
}

/// A JPEG whose header has been read.
pub(crate) struct Reader<'a> {
    info: Box<jpeg_decompress_struct>,
    callbacks: Box<Callbacks>,
    bytes: PhantomData<&'a [u8]>,
}

impl<'a> Reader<'a> {
    /// Reads the header of the first image in `bytes`.
    ///
    /// # Errors
    /// `Damaged`, `Unsupported`.
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self, Error> {
        // SAFETY: a C struct of numbers and nullable pointers, for which zero is what libjpeg starts from.
        let info: Box<jpeg_decompress_struct> = Box::new(unsafe { mem::zeroed() });
        let mut reader = Self { info, callbacks: Callbacks::new(), bytes: PhantomData };
        reader.info.common.err = &raw mut reader.callbacks.error;
        // Until the header is in, an early end is an error.
        reader.callbacks.whole_file = true;
        let (info, callbacks) = (&mut *reader.info, &mut *reader.callbacks);
        guard(|| {
            // SAFETY: `info` and `callbacks` are boxed, so their addresses hold until `drop` destroys the object; `bytes`
            // outlives the reader by its lifetime. `create` keeps only `err` of what was set before it.
            unsafe {
                jpeg_CreateDecompress(info, VERSION, size_of::<jpeg_decompress_struct>());
                info.common.client_data = from_mut(callbacks).cast();
                info.common.progress = &raw mut callbacks.progress;
                jpeg_mem_src(info, bytes.as_ptr(), bytes.len() as _);
                jpeg_save_markers(info, ADOBE_MARKER, 32);
                jpeg_read_header(info, 1);
                callbacks.whole_file = jpeg_has_multiple_scans(info) != 0;
            }
        })?;
        Ok(reader)
    }

    /// What the header said.
    pub(crate) fn header(&self) -> Header {
        let coded = match self.info.jpeg_color_space {
            J_COLOR_SPACE::JCS_GRAYSCALE => Coded::Planes,
            J_COLOR_SPACE::JCS_YCbCr if self.same_chroma() => Coded::Planes,
            J_COLOR_SPACE::JCS_CMYK | J_COLOR_SPACE::JCS_YCCK => Coded::Cmyk,
            _ => Coded::Rgb,
        };
        // Only APP14 is kept, so whatever is in the list is one.
        let adobe = !self.info.marker_list.is_null();
        Header { size: (self.info.image_width, self.info.image_height), coded, adobe }
    }

    /// The two planes of chroma have one size, and no plane is a fraction of another's sample.
    fn same_chroma(&self) -> bool {
        let parts = self.components();
        parts.len() == 3 && (parts[1].across, parts[1].down) == (parts[2].across, parts[2].down)
    }

    fn components(&self) -> Vec<Component> {
        const { assert!(size_of::<Component>() <= size_of::<mozjpeg_sys::jpeg_component_info>()) };
        let count = usize::try_from(self.info.num_components).unwrap_or(0);
        // SAFETY: after the header libjpeg keeps `num_components` records, whose first fields `Component` repeats.
        (0..count).map(|index| unsafe { self.info.comp_info.add(index).cast::<Component>().read() }).collect()
    }

    /// Decodes to planes, at `eighths` eighths of the size.
    ///
    /// # Errors
    /// `Damaged`, `TooLarge` for a photo of too many scans.
    pub(crate) fn planes(mut self, eighths: u32) -> Result<Frame, Error> {
        self.start(eighths, None)?;
        let layouts = self.layouts()?;
        let mut planes: Vec<Plane> =
            layouts.iter().map(|l| Plane::new(l.row_width, l.rows * self.mcu_rows())).collect();
        let lines = self.lines_per_row() as u32;
        let info = &mut *self.info;
        guard(|| {
            for row in 0.. {
                if info.output_scanline >= info.output_height {
                    break;
                }
                let mut rows = [[null_mut::<u8>(); 32]; 3];
                for (pointers, (plane, layout)) in rows.iter_mut().zip(planes.iter_mut().zip(&layouts)) {
                    let strip = plane.data[row * layout.rows * plane.stride..].chunks_exact_mut(plane.stride);
                    for (pointer, samples) in pointers.iter_mut().zip(strip.take(layout.rows)) {
                        *pointer = samples.as_mut_ptr();
                    }
                }
                let mut components = rows.each_mut().map(|pointers| pointers.as_mut_ptr());
                // SAFETY: `components` has a pointer for each of the one to three components, to `rows` pointers to rows
                // that are as long as what libjpeg writes for a row of MCUs; `layouts` took both from libjpeg.
                if unsafe { jpeg_read_raw_data(info, components.as_mut_ptr(), lines) } == 0 {
                    break;
                }
            }
        })?;
        Ok(frame(planes, &layouts))
    }

    /// Decodes to interleaved pixels, RGB or CMYK by [`Header::coded`], at `eighths` eighths of the size.
    ///
    /// # Errors
    /// `Damaged`, `Unsupported`, `TooLarge` for a photo of too many scans.
    pub(crate) fn pixels(mut self, eighths: u32) -> Result<Picture, Error> {
        let (space, channels) = match self.header().coded {
            Coded::Cmyk => (J_COLOR_SPACE::JCS_CMYK, 4),
            Coded::Planes | Coded::Rgb => (J_COLOR_SPACE::JCS_RGB, 3),
        };
        self.start(eighths, Some(space))?;
        let info = &mut *self.info;
        let (width, height) = (info.output_width as usize, info.output_height as usize);
        if info.output_components != channels {
            return Err(Error::Bug(format!("libjpeg gives {} channels, not {channels}", info.output_components)));
        }
        let stride = width * channels as usize;
        let mut data = vec![0; stride * height];
        guard(|| {
            for row in data.chunks_exact_mut(stride) {
                let mut pointer = row.as_mut_ptr();
                // SAFETY: one pointer to one row of as many bytes as libjpeg writes for a row.
                unsafe { jpeg_read_scanlines(info, &raw mut pointer, 1) };
            }
        })?;
        Ok(Picture { width, height, data })
    }

    /// Starts the decoder: to planes, or to pixels of `space`.
    fn start(&mut self, eighths: u32, space: Option<J_COLOR_SPACE>) -> Result<(), Error> {
        let info = &mut *self.info;
        (info.scale_num, info.scale_denom) = (eighths.clamp(1, 8), 8);
        info.raw_data_out = space.is_none().into();
        info.out_color_space = space.unwrap_or(info.jpeg_color_space);
        // SAFETY: the header has been read.
        guard(|| unsafe { jpeg_start_decompress(info) }).map(|_| ())
    }

    /// Rows of MCUs in the picture.
    fn mcu_rows(&self) -> usize {
        (self.info.image_height as usize).div_ceil(8 * self.info.max_v_samp_factor.max(1) as usize)
    }

    /// Luma rows that come out for a row of MCUs.
    fn lines_per_row(&self) -> usize {
        let smallest = self.components().iter().map(|part| part.scaled).min().unwrap_or(8);
        (self.info.max_v_samp_factor * smallest) as usize
    }

    fn layouts(&self) -> Result<Vec<Layout>, Error> {
        let (most_across, most_down) = (self.info.max_h_samp_factor, self.info.max_v_samp_factor);
        let (width, height) = (self.info.image_width, self.info.image_height);
        // At 5/8 to 7/8 libjpeg doubles the scale of subsampled chroma: 14 pixels of a block at 7/8. No component has more
        // than 32 rows in a row of MCUs, which is what `planes` has pointers for.
        let valid = |part: &Component| {
            (1..=4).contains(&part.across)
                && (1..=4).contains(&part.down)
                && (1..=16).contains(&part.scaled)
                && part.down * part.scaled <= 32
        };
        let parts = self.components();
        if !matches!(parts.len(), 1 | 3) || !parts.iter().all(valid) || most_across < 1 || most_down < 1 {
            return Err(damaged("its components make no sense".to_owned()));
        }
        let mcu_columns = (width as usize).div_ceil(8 * most_across as usize);
        let layout = |part: &Component| Layout {
            row_width: mcu_columns * (part.across * part.scaled) as usize,
            rows: (part.down * part.scaled) as usize,
            width: part.width as usize,
            height: part.height as usize,
            size: (
                f64::from(width) * f64::from(part.across * part.scaled) / f64::from(most_across * 8),
                f64::from(height) * f64::from(part.down * part.scaled) / f64::from(most_down * 8),
            ),
        };
        Ok(parts.iter().map(layout).collect())
    }
}

/// The planes as a frame; chroma of a single value where there is none.
fn frame(planes: Vec<Plane>, layouts: &[Layout]) -> Frame {
    let mut planes = planes.into_iter().zip(layouts).map(|(mut plane, layout)| {
        (plane.width, plane.height) = (layout.width, layout.height);
        plane
    });
    let luma = planes.next().unwrap_or_default();
    let size = layouts[0].size;
    match (planes.next(), planes.next(), layouts.get(1)) {
        (Some(blue), Some(red), Some(layout)) => {
            let chroma = (layout.size.0 / size.0, layout.size.1 / size.1);
            Frame { planes: [luma, blue, red], size, chroma }
        }
        _ => Frame::grey(luma, size),
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        // SAFETY: `info` was zeroed or made by `jpeg_CreateDecompress`; destroying takes either, and reports nothing.
        unsafe { jpeg_destroy_decompress(&mut self.info) };
    }
}
