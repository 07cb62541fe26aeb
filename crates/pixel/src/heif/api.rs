//! The functions of libheif that are used, as its `heif.h` declares them.

use std::ffi::{CStr, c_char, c_int, c_void};

/// `heif_chroma`.
pub(super) const CHROMA_420: c_int = 1;
pub(super) const CHROMA_444: c_int = 3;
pub(super) const INTERLEAVED_RGB: c_int = 10;
pub(super) const INTERLEAVED_RGBA: c_int = 11;

/// `heif_error`.
#[repr(C)]
pub(super) struct Failed {
    code: c_int,
    subcode: c_int,
    message: *const c_char,
}

impl Failed {
    /// The message, if it is a failure.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.code == 0 {
            return Ok(());
        }
        if self.message.is_null() {
            return Err(format!("error {}.{}", self.code, self.subcode));
        }
        // SAFETY: libheif's messages are strings with a NUL at their end that live as long as their context.
        Err(unsafe { CStr::from_ptr(self.message) }.to_string_lossy().into_owned())
    }
}

/// The start of `heif_decoding_options`, as of version 2 of it (libheif 1.7).
#[repr(C)]
pub(super) struct DecodingOptions {
    pub(super) version: u8,
    ignore_transformations: u8,
    progress: [*const c_void; 3],
    progress_data: *mut c_void,
    pub(super) convert_hdr_to_8bit: u8,
}

/// The start of `heif_color_profile_nclx`.
#[repr(C)]
pub(super) struct Nclx {
    version: u8,
    pub(super) primaries: c_int,
    pub(super) transfer: c_int,
    pub(super) matrix: c_int,
    pub(super) full_range: u8,
}

/// `heif_writer`.
#[repr(C)]
pub(super) struct Writer {
    pub(super) version: c_int,
    pub(super) write: unsafe extern "C" fn(*mut c_void, *const c_void, usize, *mut c_void) -> Failed,
}

/// Appends to the `Vec<u8>` behind `user`.
pub(super) unsafe extern "C" fn append(
    _context: *mut c_void,
    data: *const c_void,
    size: usize,
    user: *mut c_void,
) -> Failed {
    // SAFETY: `Context::write` passes a Vec<u8> as `user`, and the library its own bytes.
    let (file, bytes) = unsafe { (&mut *user.cast::<Vec<u8>>(), std::slice::from_raw_parts(data.cast::<u8>(), size)) };
    file.extend_from_slice(bytes);
    Failed { code: 0, subcode: 0, message: c"".as_ptr() }
}

macro_rules! api {
    ($($name:ident = $symbol:literal : fn($($argument:ty),*) $(-> $result:ty)?;)*) => {
        /// The loaded functions.
        #[derive(Debug)]
        pub(super) struct Api {
            $(pub(super) $name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)*
            /// Keeps the library loaded.
            _library: libloading::Library,
        }

        impl Api {
            /// Loads the library by the names that systems give it.
            pub(super) fn load() -> Result<Self, String> {
                let mut failure = String::new();
                for name in ["libheif.so.1", "libheif.1.dylib", "/opt/homebrew/lib/libheif.1.dylib", "heif.dll"] {
                    // SAFETY: loading libheif runs the initialisers of it and of its codecs, which do not rely on us.
                    match unsafe { libloading::Library::new(name) } {
                        Ok(library) => return Self::of(library).map_err(|error| format!("{name} is too old: {error}")),
                        Err(error) if failure.is_empty() => failure = error.to_string(),
                        Err(_) => {}
                    }
                }
                Err(failure)
            }

            fn of(library: libloading::Library) -> Result<Self, libloading::Error> {
                Ok(Self {
                    // SAFETY: the types are those of heif.h; the library is kept as long as the pointers.
                    $($name: unsafe {
                        *library.get::<unsafe extern "C" fn($($argument),*) $(-> $result)?>($symbol)?
                    },)*
                    _library: library,
                })
            }
        }
    };
}

api! {
    get_version = "heif_get_version": fn() -> *const c_char;
    have_decoder_for_format = "heif_have_decoder_for_format": fn(c_int) -> c_int;
    have_encoder_for_format = "heif_have_encoder_for_format": fn(c_int) -> c_int;
    context_alloc = "heif_context_alloc": fn() -> *mut c_void;
    context_free = "heif_context_free": fn(*mut c_void);
    context_set_max_decoding_threads = "heif_context_set_max_decoding_threads": fn(*mut c_void, c_int);
    context_read = "heif_context_read_from_memory_without_copy":
        fn(*mut c_void, *const c_void, usize, *const c_void) -> Failed;
    context_write = "heif_context_write": fn(*mut c_void, *mut Writer, *mut c_void) -> Failed;
    get_primary = "heif_context_get_primary_image_handle": fn(*mut c_void, *mut *mut c_void) -> Failed;
    add_exif = "heif_context_add_exif_metadata": fn(*mut c_void, *const c_void, *const c_void, c_int) -> Failed;
    handle_release = "heif_image_handle_release": fn(*const c_void);
    handle_width = "heif_image_handle_get_width": fn(*const c_void) -> c_int;
    handle_height = "heif_image_handle_get_height": fn(*const c_void) -> c_int;
    handle_has_alpha = "heif_image_handle_has_alpha_channel": fn(*const c_void) -> c_int;
    options_alloc = "heif_decoding_options_alloc": fn() -> *mut DecodingOptions;
    options_free = "heif_decoding_options_free": fn(*mut DecodingOptions);
    decode = "heif_decode_image":
        fn(*const c_void, *mut *mut c_void, c_int, c_int, *const DecodingOptions) -> Failed;
    image_create = "heif_image_create": fn(c_int, c_int, c_int, c_int, *mut *mut c_void) -> Failed;
    image_release = "heif_image_release": fn(*const c_void);
    image_width = "heif_image_get_width": fn(*const c_void, c_int) -> c_int;
    image_height = "heif_image_get_height": fn(*const c_void, c_int) -> c_int;
    add_plane = "heif_image_add_plane": fn(*mut c_void, c_int, c_int, c_int, c_int) -> Failed;
    plane = "heif_image_get_plane": fn(*mut c_void, c_int, *mut c_int) -> *mut u8;
    plane_readonly = "heif_image_get_plane_readonly": fn(*const c_void, c_int, *mut c_int) -> *const u8;
    nclx_alloc = "heif_nclx_color_profile_alloc": fn() -> *mut Nclx;
    nclx_free = "heif_nclx_color_profile_free": fn(*mut Nclx);
    set_nclx = "heif_image_set_nclx_color_profile": fn(*mut c_void, *const Nclx) -> Failed;
    get_encoder = "heif_context_get_encoder_for_format": fn(*mut c_void, c_int, *mut *mut c_void) -> Failed;
    encoder_release = "heif_encoder_release": fn(*mut c_void);
    encoder_set_quality = "heif_encoder_set_lossy_quality": fn(*mut c_void, c_int) -> Failed;
    encoder_set_integer = "heif_encoder_set_parameter_integer": fn(*mut c_void, *const c_char, c_int) -> Failed;
    encoder_set_string = "heif_encoder_set_parameter_string":
        fn(*mut c_void, *const c_char, *const c_char) -> Failed;
    encode = "heif_context_encode_image":
        fn(*mut c_void, *const c_void, *mut c_void, *const c_void, *mut *mut c_void) -> Failed;
}
