//! The one door to libjpeg (mozjpeg's copy of libjpeg-turbo). Everything unsafe about it is in here.
//!
//! libjpeg reports an error by a call that must not return. It is compiled with unwind tables, so that call unwinds
//! through it to [`guard`], the libjpeg object is destroyed by its owner's `Drop`, and the caller gets an [`Error`].
#![allow(unsafe_code)]

#[cfg(test)]
pub(crate) mod coder;
mod reader;
mod writer;

use std::{
    ffi::{c_char, c_int},
    mem,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
};

use mozjpeg_sys::{jpeg_common_struct, jpeg_error_mgr, jpeg_progress_mgr, jpeg_std_error};

use crate::Error;

pub(crate) use reader::{Coded, Picture, Reader};
pub(crate) use writer::{HuffmanTables, Sheet, write};

/// A progressive photo has about ten scans, one tuned by an optimiser up to a few dozen. Each costs a pass over the whole
/// photo, however few bytes it has.
const MAX_SCANS: u64 = 100;

// Codes of jerror.h that are named here by their place in its list, see `codes_are_those_of_the_library`.
const WARNING_ADOBE_TRANSFORM: c_int = 114;
const WARNING_BOGUS_PROGRESSION: c_int = 115;
const WARNING_EXTRANEOUS_DATA: c_int = 116;
const WARNING_JFIF_MAJOR: c_int = 119;
const WARNING_END_OF_FILE: c_int = 120;
const WARNING_NOT_SEQUENTIAL: c_int = 122;

/// Carried by the unwinding from libjpeg to [`guard`].
struct Fault(Error);

/// What libjpeg calls back into, at an address that does not change.
struct Callbacks {
    error: jpeg_error_mgr,
    progress: jpeg_progress_mgr,
    /// All scans are read before the first row comes out, so that an early end loses some of them.
    whole_file: bool,
}

impl Callbacks {
    fn new() -> Box<Self> {
        // SAFETY: a C struct of numbers and nullable pointers, for which zero is a valid value.
        let error = unsafe { mem::zeroed() };
        // SAFETY: the same.
        let progress = unsafe { mem::zeroed() };
        let mut callbacks = Box::new(Self { error, progress, whole_file: false });
        // SAFETY: fills the struct with the library's own handlers.
        unsafe { jpeg_std_error(&mut callbacks.error) };
        callbacks.error.error_exit = Some(error_exit);
        callbacks.error.emit_message = Some(emit_message);
        callbacks.progress.progress_monitor = Some(progress_monitor);
        callbacks
    }
}

/// Runs a call into libjpeg and turns what it unwinds with into an error.
fn guard<T>(call: impl FnOnce() -> T) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|cause| match cause.downcast::<Fault>() {
        Ok(fault) => fault.0,
        Err(panic) => resume_unwind(panic),
    })
}

fn damaged(why: String) -> Error {
    Error::Damaged { format: "JPEG", why }
}

/// The message that libjpeg has for its current code.
fn message(common: &mut jpeg_common_struct) -> String {
    type Format = unsafe extern "C-unwind" fn(*mut jpeg_common_struct, *mut c_char);
    let mut buffer = [0u8; 256];
    // SAFETY: `err` was set when the object was made and lives as long.
    if let Some(format) = unsafe { (*common.err).format_message } {
        // SAFETY: the binding declares the buffer as a shared reference to 80 bytes; the C function takes a `char *` of 200
        // (JMSG_LENGTH_MAX) and writes a terminated string to it. The types differ in what they promise, not in the call.
        unsafe { mem::transmute::<*const (), Format>(format as *const ())(common, buffer.as_mut_ptr().cast()) };
    }
    let end = buffer.iter().position(|&byte| byte == 0).unwrap_or(buffer.len());
    String::from_utf8_lossy(&buffer[..end]).into_owned()
}

unsafe extern "C-unwind" fn error_exit(common: &mut jpeg_common_struct) {
    let text = message(common);
    resume_unwind(Box::new(Fault(if text.starts_with("Unsupported") || text.contains("not implemented") {
        Error::Unsupported(format!("a JPEG that cannot be read: {text}"))
    } else {
        damaged(text)
    })));
}

/// Warnings are what libjpeg would paper over with grey. Those that leave the pixels as they were meant are let through.
unsafe extern "C-unwind" fn emit_message(common: &mut jpeg_common_struct, level: c_int) {
    if level >= 0 {
        return;
    }
    // SAFETY: `err` and `client_data` were set when the object was made and live as long.
    let (code, whole_file) = unsafe { ((*common.err).msg_code, (*common.client_data.cast::<Callbacks>()).whole_file) };
    let harmless = match code {
        WARNING_ADOBE_TRANSFORM
        | WARNING_BOGUS_PROGRESSION
        | WARNING_EXTRANEOUS_DATA
        | WARNING_JFIF_MAJOR
        | WARNING_NOT_SEQUENTIAL => true,
        // In a sequential file the last bits may be in when the end marker is missing; if they are not, another warning
        // follows. In a file of many scans whole scans may be missing without another word.
        WARNING_END_OF_FILE => !whole_file,
        _ => false,
    };
    if !harmless {
        resume_unwind(Box::new(Fault(damaged(message(common)))));
    }
}

unsafe extern "C-unwind" fn progress_monitor(common: &mut jpeg_common_struct) {
    if common.is_decompressor == 0 {
        return;
    }
    // SAFETY: `is_decompressor` says which struct this is the head of.
    let scans =
        unsafe { (*std::ptr::from_mut(common).cast::<mozjpeg_sys::jpeg_decompress_struct>()).input_scan_number };
    let scans = u64::try_from(scans).unwrap_or(0);
    if scans > MAX_SCANS {
        let error = Error::TooLarge { what: "the number of a JPEG's scans", value: scans, limit: MAX_SCANS };
        resume_unwind(Box::new(Fault(error)));
    }
}

#[cfg(test)]
mod tests;
