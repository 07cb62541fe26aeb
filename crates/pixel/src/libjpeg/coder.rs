//! Writes JPEGs of every kind that cameras and editors write, for tests.

use std::{
    ffi::{c_int, c_ulong},
    mem,
    ptr::null_mut,
    slice,
};

use mozjpeg_sys::{
    J_COLOR_SPACE, J_INT_PARAM, JINT_COMPRESS_PROFILE_VALUE, jpeg_CreateCompress, jpeg_c_set_int_param,
    jpeg_compress_struct, jpeg_destroy_compress, jpeg_finish_compress, jpeg_mem_dest, jpeg_set_colorspace,
    jpeg_set_defaults, jpeg_set_quality, jpeg_simple_progression, jpeg_start_compress, jpeg_write_scanlines,
};

use super::{Callbacks, guard};

/// What the pixels are and what becomes of them.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// RGB to YCbCr.
    Colour,
    /// RGB as it is.
    Rgb,
    /// One channel.
    Grey,
    /// CMYK as it is, with an Adobe marker.
    Cmyk,
    /// CMYK to YCCK, with an Adobe marker.
    Ycck,
}

impl Kind {
    fn spaces(self) -> (J_COLOR_SPACE, J_COLOR_SPACE, c_int) {
        match self {
            Self::Colour => (J_COLOR_SPACE::JCS_RGB, J_COLOR_SPACE::JCS_YCbCr, 3),
            Self::Rgb => (J_COLOR_SPACE::JCS_RGB, J_COLOR_SPACE::JCS_RGB, 3),
            Self::Grey => (J_COLOR_SPACE::JCS_GRAYSCALE, J_COLOR_SPACE::JCS_GRAYSCALE, 1),
            Self::Cmyk => (J_COLOR_SPACE::JCS_CMYK, J_COLOR_SPACE::JCS_CMYK, 4),
            Self::Ycck => (J_COLOR_SPACE::JCS_CMYK, J_COLOR_SPACE::JCS_YCCK, 4),
        }
    }
}

/// How it is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Coding {
    pub(crate) kind: Kind,
    /// Sampling factors of the first component.
    pub(crate) sampling: (c_int, c_int),
    pub(crate) progressive: bool,
    /// MCUs between restart markers, or 0.
    pub(crate) restart: u32,
    pub(crate) quality: c_int,
}

impl Coding {
    pub(crate) const PLAIN: Self =
        Self { kind: Kind::Colour, sampling: (2, 2), progressive: false, restart: 0, quality: 95 };
}

/// Codes interleaved pixels.
pub(crate) fn code(width: usize, height: usize, data: &[u8], how: Coding) -> Vec<u8> {
    let mut callbacks = Callbacks::new();
    let mut output: (*mut u8, c_ulong) = (null_mut(), 0);
    let (input, stored, channels) = how.kind.spaces();
    assert_eq!(data.len(), width * height * channels as usize);
    guard(|| {
        // SAFETY: all structs live to the end of the closure, all rows are as long as libjpeg reads.
        unsafe {
            let mut info: jpeg_compress_struct = mem::zeroed();
            info.common.err = &raw mut callbacks.error;
            jpeg_CreateCompress(&raw mut info, 62, size_of::<jpeg_compress_struct>());
            info.common.client_data = (&raw mut *callbacks).cast();
            jpeg_mem_dest(&mut info, &raw mut output.0, &raw mut output.1);
            (info.image_width, info.image_height) = (width as u32, height as u32);
            (info.input_components, info.in_color_space) = (channels, input);
            let fastest = JINT_COMPRESS_PROFILE_VALUE::JCP_FASTEST as c_int;
            jpeg_c_set_int_param(&mut info, J_INT_PARAM::JINT_COMPRESS_PROFILE, fastest);
            jpeg_set_defaults(&mut info);
            jpeg_set_colorspace(&mut info, stored);
            jpeg_set_quality(&mut info, how.quality, 1);
            ((*info.comp_info).h_samp_factor, (*info.comp_info).v_samp_factor) = how.sampling;
            if matches!(how.kind, Kind::Ycck) {
                ((*info.comp_info.add(3)).h_samp_factor, (*info.comp_info.add(3)).v_samp_factor) = how.sampling;
            }
            info.restart_interval = how.restart;
            if how.progressive {
                jpeg_simple_progression(&mut info);
            }
            jpeg_start_compress(&mut info, 1);
            for row in data.chunks_exact(width * channels as usize) {
                let pointer = row.as_ptr();
                jpeg_write_scanlines(&mut info, &raw const pointer, 1);
            }
            jpeg_finish_compress(&mut info);
            jpeg_destroy_compress(&mut info);
        }
    })
    .unwrap();
    // SAFETY: what libjpeg wrote.
    let coded = unsafe { slice::from_raw_parts(output.0, output.1 as usize) }.to_vec();
    // SAFETY: libjpeg allocated it with malloc, and nobody else has it.
    unsafe { super::writer::free(output.0.cast()) };
    coded
}
