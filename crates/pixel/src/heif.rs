//! libheif, loaded when it is first needed: HEIC, HEIF and AVIF are read, AVIF is written through it.
//!
//! It is not linked, because it is LGPL, large, and not everywhere; a machine without it does everything else. The functions
//! used here are in every version from 1.13 (2022) on.
#![allow(unsafe_code)]

mod api;

use std::{
    ffi::{CStr, c_int, c_void},
    marker::PhantomData,
    ptr::{self, NonNull},
    sync::OnceLock,
};

use crate::{Error, frame::Plane};
use api::Api;

const LIBRARY: &str = "libheif";
const HOW_TO_INSTALL: &str =
    "install it (Debian and Ubuntu: apt install libheif1; Fedora: dnf install libheif; macOS: brew install libheif)";

/// A compression that libheif may have a codec for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    /// HEVC, as in HEIC.
    Hevc,
    /// AV1, as in AVIF.
    Av1,
}

impl Codec {
    fn number(self) -> c_int {
        match self {
            Self::Hevc => 1,
            Self::Av1 => 4,
        }
    }
}

/// The loaded library.
#[derive(Debug)]
pub(crate) struct Heif {
    api: Api,
}

/// A decoded picture: 8-bit RGB, or RGBA with straight alpha.
#[derive(Debug)]
pub(crate) struct Pixels {
    /// Pixels in a row.
    pub(crate) width: usize,
    /// Rows.
    pub(crate) height: usize,
    /// Bytes a pixel: 3 or 4.
    pub(crate) channels: usize,
    /// `width × height × channels` bytes.
    pub(crate) data: Vec<u8>,
}

/// A picture to write: Y, Cb, Cr, full range, BT.601's matrix.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Picture<'a> {
    /// Pixels in a row and rows.
    pub(crate) size: (usize, usize),
    /// Chroma at full resolution instead of half.
    pub(crate) full_chroma: bool,
    /// The planes; rows of chroma have `ceil(width / 2)` samples, or `width`.
    pub(crate) planes: [&'a Plane; 3],
    /// The primaries' number in ITU-T H.273: 1 for sRGB, 12 for Display P3.
    pub(crate) primaries: u8,
    /// An EXIF block; empty for none.
    pub(crate) exif: &'a [u8],
}

impl Heif {
    /// The library, loaded once a process.
    ///
    /// # Errors
    /// `Missing`.
    pub(crate) fn get() -> Result<&'static Self, Error> {
        static LOADED: OnceLock<Result<Heif, String>> = OnceLock::new();
        LOADED
            .get_or_init(|| Api::load().map(|api| Self { api }))
            .as_ref()
            .map_err(|why| Error::Missing { library: LIBRARY, why: format!("{why}; {HOW_TO_INSTALL}") })
    }

    /// Its version: "1.15.1".
    pub(crate) fn version(&self) -> String {
        // SAFETY: returns a static string with a NUL at its end.
        unsafe { CStr::from_ptr((self.api.get_version)()) }.to_string_lossy().into_owned()
    }

    /// Whether it reads a compression.
    pub(crate) fn reads(&self, codec: Codec) -> bool {
        // SAFETY: takes a number by value.
        unsafe { (self.api.have_decoder_for_format)(codec.number()) != 0 }
    }

    /// Whether it writes a compression.
    pub(crate) fn writes(&self, codec: Codec) -> bool {
        // SAFETY: takes a number by value.
        unsafe { (self.api.have_encoder_for_format)(codec.number()) != 0 }
    }

    /// Decodes the primary item, turned and cropped as the file says. `expect` is the size that the header was checked to
    /// have; anything else is refused before its pixels are decoded.
    ///
    /// # Errors
    /// What libheif says is wrong.
    pub(crate) fn decode(&self, file: &[u8], expect: (u32, u32)) -> Result<Pixels, String> {
        let context = Context::new(&self.api)?;
        context.read(file)?;
        let handle = context.primary()?;
        let size = handle.size();
        // Versions before 1.16 forget a rotation here (not in the picture) whose property stands before the size's.
        if size != expect && size != (expect.1, expect.0) {
            return Err(format!("its picture is {} × {}, its header says {} × {}", size.0, size.1, expect.0, expect.1));
        }
        let channels = if handle.has_alpha() { 4 } else { 3 };
        handle.decode(channels)?.pixels(channels, expect)
    }

    /// Encodes an AVIF. `speed` is the encoder's own, 0 (small) to 9 (quick).
    ///
    /// # Errors
    /// `Missing` without an AV1 encoder, `Bug` if it fails.
    pub(crate) fn encode_av1(&self, picture: &Picture<'_>, quality: u8, speed: u8) -> Result<Vec<u8>, Error> {
        if !self.writes(Codec::Av1) {
            let why =
                format!("libheif {} has no AV1 encoder; install libaom3 or libheif-plugin-aomenc", self.version());
            return Err(Error::Missing { library: "AV1 encoder", why });
        }
        self.encode(picture, quality, speed).map_err(|why| Error::Bug(format!("AVIF encoder: {why}")))
    }

    fn encode(&self, picture: &Picture<'_>, quality: u8, speed: u8) -> Result<Vec<u8>, String> {
        let context = Context::new(&self.api)?;
        let image = Image::copied(&self.api, picture)?;
        let encoder = Encoder::new(&context, Codec::Av1)?;
        encoder.set(c"speed", speed)?;
        encoder.set(c"threads", 1)?;
        encoder.set_quality(quality)?;
        encoder.set_chroma(picture.full_chroma)?;
        let handle = encoder.encode(&image)?;
        if !picture.exif.is_empty() {
            context.add_exif(&handle, picture.exif)?;
        }
        context.write()
    }
}

/// A `heif_context` and the file that it reads.
struct Context<'a> {
    api: &'a Api,
    raw: NonNull<c_void>,
    file: PhantomData<&'a [u8]>,
}

impl<'a> Context<'a> {
    fn new(api: &'a Api) -> Result<Self, String> {
        // SAFETY: makes a context that this value owns; Drop frees it once.
        let raw = NonNull::new(unsafe { (api.context_alloc)() }).ok_or("out of memory")?;
        // SAFETY: the context is alive. One photo a thread: the library starts none of its own for tiles.
        unsafe { (api.context_set_max_decoding_threads)(raw.as_ptr(), 0) };
        Ok(Self { api, raw, file: PhantomData })
    }

    /// Parses a file. The library keeps pointing into it, so it outlives the context.
    fn read(&self, file: &'a [u8]) -> Result<(), String> {
        // SAFETY: pointer and length are of one slice that lives as long as the context ('a); options may be null.
        unsafe { (self.api.context_read)(self.raw.as_ptr(), file.as_ptr().cast(), file.len(), ptr::null()) }.check()
    }

    fn primary(&self) -> Result<Handle<'_>, String> {
        let mut raw = ptr::null_mut();
        // SAFETY: the context is alive, `raw` is a valid place for the new handle.
        unsafe { (self.api.get_primary)(self.raw.as_ptr(), &raw mut raw) }.check()?;
        Ok(Handle { api: self.api, raw: NonNull::new(raw).ok_or("no primary picture")?, context: PhantomData })
    }

    fn add_exif(&self, handle: &Handle<'_>, exif: &[u8]) -> Result<(), String> {
        let length = c_int::try_from(exif.len()).map_err(|_| "EXIF is too long")?;
        // SAFETY: context and handle are alive, pointer and length are of one slice, which is copied.
        unsafe { (self.api.add_exif)(self.raw.as_ptr(), handle.raw.as_ptr(), exif.as_ptr().cast(), length) }.check()
    }

    fn write(&self) -> Result<Vec<u8>, String> {
        let mut file = Vec::new();
        let mut writer = api::Writer { version: 1, write: api::append };
        // SAFETY: `writer` and `file` live until the call returns, and `append` takes the latter for a Vec<u8>.
        unsafe { (self.api.context_write)(self.raw.as_ptr(), &raw mut writer, (&raw mut file).cast()) }.check()?;
        Ok(file)
    }
}

impl Drop for Context<'_> {
    fn drop(&mut self) {
        // SAFETY: owned by this value, freed once, after everything that borrows it.
        unsafe { (self.api.context_free)(self.raw.as_ptr()) };
    }
}

/// A `heif_image_handle`.
struct Handle<'a> {
    api: &'a Api,
    raw: NonNull<c_void>,
    context: PhantomData<&'a ()>,
}

impl<'a> Handle<'a> {
    fn size(&self) -> (u32, u32) {
        // SAFETY: the handle is alive.
        let (width, height) =
            unsafe { ((self.api.handle_width)(self.raw.as_ptr()), (self.api.handle_height)(self.raw.as_ptr())) };
        (u32::try_from(width).unwrap_or(0), u32::try_from(height).unwrap_or(0))
    }

    fn has_alpha(&self) -> bool {
        // SAFETY: the handle is alive.
        unsafe { (self.api.handle_has_alpha)(self.raw.as_ptr()) != 0 }
    }

    fn decode(&self, channels: usize) -> Result<Image<'a>, String> {
        const RGB: c_int = 1;
        let chroma = if channels == 4 { api::INTERLEAVED_RGBA } else { api::INTERLEAVED_RGB };
        let options = Options::new(self.api)?;
        let mut raw = ptr::null_mut();
        // SAFETY: handle and options are alive, `raw` is a valid place for the new image.
        unsafe { (self.api.decode)(self.raw.as_ptr(), &raw mut raw, RGB, chroma, options.raw.as_ptr()) }.check()?;
        Ok(Image { api: self.api, raw: NonNull::new(raw).ok_or("no picture")? })
    }
}

impl Drop for Handle<'_> {
    fn drop(&mut self) {
        // SAFETY: owned by this value, released once.
        unsafe { (self.api.handle_release)(self.raw.as_ptr()) };
    }
}

/// `heif_decoding_options` that ask for 8 bits a sample.
struct Options<'a> {
    api: &'a Api,
    raw: NonNull<api::DecodingOptions>,
}

impl<'a> Options<'a> {
    fn new(api: &'a Api) -> Result<Self, String> {
        // SAFETY: makes options that this value owns; Drop frees them once.
        let raw = NonNull::new(unsafe { (api.options_alloc)() }).ok_or("out of memory")?;
        // SAFETY: the library allocated at least the fields of its version, and version 2 has this one.
        unsafe {
            if (*raw.as_ptr()).version >= 2 {
                (*raw.as_ptr()).convert_hdr_to_8bit = 1;
            }
        }
        Ok(Self { api, raw })
    }
}

impl Drop for Options<'_> {
    fn drop(&mut self) {
        // SAFETY: owned by this value, freed once.
        unsafe { (self.api.options_free)(self.raw.as_ptr()) };
    }
}

/// A `heif_image`.
struct Image<'a> {
    api: &'a Api,
    raw: NonNull<c_void>,
}

impl<'a> Image<'a> {
    /// The pixels of an interleaved image.
    fn pixels(&self, channels: usize, expect: (u32, u32)) -> Result<Pixels, String> {
        const INTERLEAVED: c_int = 10;
        let mut stride = 0;
        // SAFETY: the image is alive; asking for a channel that it does not have gives null.
        let (width, height, data) = unsafe {
            let raw = self.raw.as_ptr();
            (
                (self.api.image_width)(raw, INTERLEAVED),
                (self.api.image_height)(raw, INTERLEAVED),
                (self.api.plane_readonly)(raw, INTERLEAVED, &raw mut stride),
            )
        };
        let sizes = (u32::try_from(width), u32::try_from(height), usize::try_from(stride));
        let (Ok(width), Ok(height), Ok(stride)) = sizes else { return Err("no pixels".to_owned()) };
        let row = width as usize * channels;
        if data.is_null() || (width, height) != expect || width == 0 || height == 0 || stride < row {
            return Err(format!("its picture decodes to {width} × {height}"));
        }
        let (width, height) = (width as usize, height as usize);
        // SAFETY: the plane has `height` rows, `stride` apart, each with `row` bytes, and lives as long as the image.
        let plane = unsafe { std::slice::from_raw_parts(data, stride * (height - 1) + row) };
        let mut pixels = Vec::with_capacity(row * height);
        pixels.extend(plane.chunks(stride).flat_map(|line| &line[..row]));
        Ok(Pixels { width, height, channels, data: pixels })
    }

    /// An image with the picture's pixels.
    fn copied(api: &'a Api, picture: &Picture<'_>) -> Result<Self, String> {
        const YCBCR: c_int = 0;
        let chroma = if picture.full_chroma { api::CHROMA_444 } else { api::CHROMA_420 };
        let edge = |value: usize| c_int::try_from(value).map_err(|_| "too large");
        let (width, height) = picture.size;
        let mut raw = ptr::null_mut();
        // SAFETY: `raw` is a valid place for the new image.
        unsafe { (api.image_create)(edge(width)?, edge(height)?, YCBCR, chroma, &raw mut raw) }.check()?;
        let image = Self { api, raw: NonNull::new(raw).ok_or("out of memory")? };
        for (channel, plane) in (0..).zip(picture.planes) {
            let half = |value: usize| if channel == 0 || picture.full_chroma { value } else { value.div_ceil(2) };
            image.add_plane(channel, plane, (half(width), half(height)))?;
        }
        image.set_primaries(picture.primaries)?;
        Ok(image)
    }

    fn add_plane(&self, channel: c_int, plane: &Plane, (width, height): (usize, usize)) -> Result<(), String> {
        if plane.width < width || plane.height < height {
            return Err(format!("plane {channel} is smaller than the picture"));
        }
        let mut stride = 0;
        // SAFETY: the image is alive. Both sizes came through c_int in `copied`.
        let data = unsafe {
            (self.api.add_plane)(self.raw.as_ptr(), channel, width as c_int, height as c_int, 8).check()?;
            (self.api.plane)(self.raw.as_ptr(), channel, &raw mut stride)
        };
        let stride = usize::try_from(stride).unwrap_or(0);
        if data.is_null() || stride < width {
            return Err("out of memory".to_owned());
        }
        for y in 0..height {
            // SAFETY: the new plane has `height` rows, `stride` apart, of `width` bytes at least, and nobody else knows it.
            let row = unsafe { std::slice::from_raw_parts_mut(data.add(y * stride), width) };
            row.copy_from_slice(&plane.row(y)[..width]);
        }
        Ok(())
    }

    /// sRGB's curve, BT.601's matrix, full range.
    fn set_primaries(&self, primaries: u8) -> Result<(), String> {
        // SAFETY: the profile is this function's own until it frees it; the image copies it.
        unsafe {
            let profile = (self.api.nclx_alloc)();
            if profile.is_null() {
                return Err("out of memory".to_owned());
            }
            (*profile).primaries = primaries.into();
            (*profile).transfer = 13;
            (*profile).matrix = 6;
            (*profile).full_range = 1;
            let outcome = (self.api.set_nclx)(self.raw.as_ptr(), profile).check();
            (self.api.nclx_free)(profile);
            outcome
        }
    }
}

impl Drop for Image<'_> {
    fn drop(&mut self) {
        // SAFETY: owned by this value, released once.
        unsafe { (self.api.image_release)(self.raw.as_ptr()) };
    }
}

/// A `heif_encoder`.
struct Encoder<'a> {
    context: &'a Context<'a>,
    raw: NonNull<c_void>,
}

impl<'a> Encoder<'a> {
    fn new(context: &'a Context<'a>, codec: Codec) -> Result<Self, String> {
        let mut raw = ptr::null_mut();
        // SAFETY: the context is alive, `raw` is a valid place for the new encoder.
        unsafe { (context.api.get_encoder)(context.raw.as_ptr(), codec.number(), &raw mut raw) }.check()?;
        Ok(Self { context, raw: NonNull::new(raw).ok_or("no encoder")? })
    }

    fn set(&self, name: &CStr, value: u8) -> Result<(), String> {
        // SAFETY: the encoder is alive, the name ends with NUL.
        unsafe { (self.context.api.encoder_set_integer)(self.raw.as_ptr(), name.as_ptr(), value.into()) }.check()
    }

    fn set_quality(&self, quality: u8) -> Result<(), String> {
        // SAFETY: the encoder is alive.
        unsafe { (self.context.api.encoder_set_quality)(self.raw.as_ptr(), quality.into()) }.check()
    }

    fn set_chroma(&self, full: bool) -> Result<(), String> {
        let value = if full { c"444" } else { c"420" };
        // SAFETY: the encoder is alive, both strings end with NUL.
        unsafe { (self.context.api.encoder_set_string)(self.raw.as_ptr(), c"chroma".as_ptr(), value.as_ptr()) }.check()
    }

    fn encode(&self, image: &Image<'_>) -> Result<Handle<'a>, String> {
        let Context { api, raw: context, .. } = self.context;
        let mut raw = ptr::null_mut();
        // SAFETY: context, image and encoder are alive, options may be null, `raw` is a valid place for the new handle.
        let outcome =
            unsafe { (api.encode)(context.as_ptr(), image.raw.as_ptr(), self.raw.as_ptr(), ptr::null(), &raw mut raw) };
        outcome.check()?;
        Ok(Handle { api, raw: NonNull::new(raw).ok_or("no picture")?, context: PhantomData })
    }
}

impl Drop for Encoder<'_> {
    fn drop(&mut self) {
        // SAFETY: owned by this value, released once.
        unsafe { (self.context.api.encoder_release)(self.raw.as_ptr()) };
    }
}
