//! Writing: planes of samples to a baseline JPEG.

use std::{
    ffi::{c_int, c_uint, c_ulong},
    mem,
    ptr::{from_mut, null, null_mut},
    slice,
};

use mozjpeg_sys::{
    J_COLOR_SPACE, J_INT_PARAM, JHUFF_TBL, JINT_COMPRESS_PROFILE_VALUE, jpeg_CreateCompress, jpeg_c_set_int_param,
    jpeg_compress_struct, jpeg_destroy_compress, jpeg_finish_compress, jpeg_mem_dest, jpeg_set_defaults,
    jpeg_set_quality, jpeg_start_compress, jpeg_write_marker, jpeg_write_raw_data,
};

use super::{Callbacks, guard};
use crate::{
    Error,
    frame::{Chroma, Frame},
};

/// libjpeg 6.2's interface, which is what mozjpeg-sys builds without its ABI features.
const VERSION: c_int = 62;

/// Code lengths (how many codes of 1 to 16 bits) and the symbols in the order of their codes.
pub(crate) type HuffmanTable = (&'static [u8; 16], &'static [u8]);

/// Tables for luma DC, luma AC, chroma DC, chroma AC.
pub(crate) type HuffmanTables = [HuffmanTable; 4];

/// What is written. The frame's rows must be padded ([`crate::frame::Plane::pad`]).
pub(crate) struct Sheet<'a> {
    /// The pixels, 4:2:0 or 4:4:4 as `chroma` says.
    pub(crate) frame: &'a Frame,
    /// The sampling.
    pub(crate) chroma: Chroma,
    /// 1 to 100.
    pub(crate) quality: u8,
    /// Marker codes (0xe1 …) with their payloads of at most 65,533 bytes, written after the JFIF header.
    pub(crate) markers: &'a [(u8, Vec<u8>)],
    /// Tables that are known beforehand; without them a second pass finds the best.
    pub(crate) tables: Option<&'a HuffmanTables>,
}

struct Writer {
    info: Box<jpeg_compress_struct>,
    _callbacks: Box<Callbacks>,
    /// What `jpeg_mem_dest` allocates: freed with the writer.
    output: Box<(*mut u8, c_ulong)>,
}

impl Drop for Writer {
    fn drop(&mut self) {
        // SAFETY: `info` was zeroed or made by `jpeg_CreateCompress`; the output was allocated by libjpeg with malloc and
        // is ours to free, or null.
        unsafe {
            jpeg_destroy_compress(&mut self.info);
            free(self.output.0.cast());
        }
    }
}

unsafe extern "C" {
    pub(super) fn free(pointer: *mut std::ffi::c_void);
}

/// Encodes a baseline JPEG.
///
/// # Errors
/// `Bug`: nothing about the pixels can be wrong.
pub(crate) fn write(sheet: &Sheet<'_>) -> Result<Vec<u8>, Error> {
    let mut callbacks = Callbacks::new();
    // SAFETY: a C struct of numbers and nullable pointers, for which zero is what libjpeg starts from.
    let mut info: Box<jpeg_compress_struct> = Box::new(unsafe { mem::zeroed() });
    info.common.err = &raw mut callbacks.error;
    let client = from_mut(&mut *callbacks).cast();
    let mut writer = Writer { info, _callbacks: callbacks, output: Box::new((null_mut(), 0)) };
    let Writer { info, output, .. } = &mut writer;
    let written = guard(|| {
        // SAFETY: all three are boxed, so their addresses hold until `drop`. `create` keeps only `err`.
        unsafe {
            jpeg_CreateCompress(&mut **info, VERSION, size_of::<jpeg_compress_struct>());
            info.common.client_data = client;
            jpeg_mem_dest(info, &raw mut output.0, &raw mut output.1);
        }
        configure(info, sheet);
        // SAFETY: everything that `start` needs is set; payloads are as long as they say.
        unsafe {
            jpeg_start_compress(info, 1);
            for (code, payload) in sheet.markers {
                jpeg_write_marker(info, c_int::from(*code), payload.as_ptr(), payload.len() as c_uint);
            }
        }
        write_rows(info, sheet);
        // SAFETY: all rows were written.
        unsafe { jpeg_finish_compress(info) };
    });
    written.map_err(|error| Error::Bug(format!("a JPEG could not be written: {error}")))?;
    // SAFETY: libjpeg left the address and length of what it wrote.
    Ok(unsafe { slice::from_raw_parts(writer.output.0, writer.output.1 as usize) }.to_vec())
}

fn configure(info: &mut jpeg_compress_struct, sheet: &Sheet<'_>) {
    let (width, height) = sheet.frame.dimensions();
    (info.image_width, info.image_height) = (width as u32, height as u32);
    info.input_components = 3;
    info.in_color_space = J_COLOR_SPACE::JCS_YCbCr;
    // SAFETY: plain settings on an object that exists; `set_defaults` allocates the three components and the four tables
    // that are written to here.
    unsafe {
        // Without mozjpeg's trellis and progressive scans, which cost forty times as much for 13% of the bytes.
        let fastest = JINT_COMPRESS_PROFILE_VALUE::JCP_FASTEST as c_int;
        jpeg_c_set_int_param(info, J_INT_PARAM::JINT_COMPRESS_PROFILE, fastest);
        jpeg_set_defaults(info);
        jpeg_set_quality(info, c_int::from(sheet.quality), 1);
        let sampling = if sheet.chroma == Chroma::Half { 2 } else { 1 };
        (*info.comp_info).h_samp_factor = sampling;
        (*info.comp_info).v_samp_factor = sampling;
        for index in 1..3 {
            (*info.comp_info.add(index)).h_samp_factor = 1;
            (*info.comp_info.add(index)).v_samp_factor = 1;
        }
        info.raw_data_in = 1;
        info.optimize_coding = sheet.tables.is_none().into();
        if let Some(tables) = sheet.tables {
            set_table(info.dc_huff_tbl_ptrs[0], tables[0]);
            set_table(info.ac_huff_tbl_ptrs[0], tables[1]);
            set_table(info.dc_huff_tbl_ptrs[1], tables[2]);
            set_table(info.ac_huff_tbl_ptrs[1], tables[3]);
        }
    }
}

/// # Safety
/// `target` is a table of libjpeg's.
unsafe fn set_table(target: *mut JHUFF_TBL, (lengths, symbols): HuffmanTable) {
    // SAFETY: by the caller.
    let target = unsafe { &mut *target };
    target.bits[1..].copy_from_slice(lengths);
    target.huffval[..symbols.len()].copy_from_slice(symbols);
}

/// Hands over the planes, a row of MCUs at a time; below the picture its last row is repeated.
fn write_rows(info: &mut jpeg_compress_struct, sheet: &Sheet<'_>) {
    let mcu_height = if sheet.chroma == Chroma::Half { 16 } else { 8 };
    while info.next_scanline < info.image_height {
        let start = info.next_scanline as usize;
        let mut rows = [[null::<u8>(); 16]; 3];
        for (index, (pointers, plane)) in rows.iter_mut().zip(&sheet.frame.planes).enumerate() {
            let (first, count) = if index == 0 { (start, mcu_height) } else { (start * 8 / mcu_height, 8) };
            for (offset, pointer) in pointers[..count].iter_mut().enumerate() {
                let y = (first + offset).min(plane.height - 1);
                *pointer = plane.data[y * plane.stride..][..plane.stride].as_ptr();
            }
        }
        let components = rows.each_ref().map(|pointers| pointers.as_ptr());
        // SAFETY: three pointers to as many row pointers as a row of MCUs has rows; libjpeg reads each row to the end of
        // its last block of 8, which is within the stride.
        unsafe { jpeg_write_raw_data(info, components.as_ptr(), mcu_height as u32) };
    }
}
