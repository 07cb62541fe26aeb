//! The one door to libwebp's encoder.
#![allow(unsafe_code)]

use std::{mem::MaybeUninit, ptr::from_mut, slice};

use libwebp_sys::{
    WebPConfig, WebPEncode, WebPInitConfig, WebPMemoryWrite, WebPMemoryWriter, WebPMemoryWriterClear,
    WebPMemoryWriterInit, WebPPicture, WebPPictureFree, WebPPictureInit,
};

use crate::{Error, frame::Plane};

/// Effort, 0 to 6: 3 and 4 cost twice as much for 2% of the bytes.
const METHOD: i32 = 2;

/// Added to the quality, so that a photo looks as it would with effort 4: docs/decisions/0024-margin-of-the-scale.md.
const QUALITY_FOR_METHOD: f32 = 1.75;

/// What WebP allows on an edge.
pub(crate) const MAX_EDGE: usize = 16_383;

/// Encodes planes of 4:2:0 in the range that video uses (luma 16 to 235, chroma 16 to 240) to a WebP file of one chunk.
///
/// # Errors
/// `Bug`: sizes were checked before, and nothing else can be wrong but the memory.
pub(crate) fn write(planes: &[Plane; 3], quality: u8) -> Result<Vec<u8>, Error> {
    let [luma, blue, red] = planes;
    let (half_width, half_height) = (luma.width.div_ceil(2), luma.height.div_ceil(2));
    let covered =
        |plane: &Plane, width: usize, height: usize| plane.stride >= width && plane.data.len() >= height * plane.stride;
    assert!(covered(luma, luma.width, luma.height) && luma.width.max(luma.height) <= MAX_EDGE);
    assert!(covered(blue, half_width, half_height) && covered(red, half_width, half_height));
    assert_eq!(blue.stride, red.stride);
    let mut config = MaybeUninit::<WebPConfig>::zeroed();
    let mut picture = MaybeUninit::<WebPPicture>::zeroed();
    let mut writer = MaybeUninit::<WebPMemoryWriter>::zeroed();
    // SAFETY: each is a C struct of numbers and nullable pointers, zeroed, then filled by its own `Init`. The planes are
    // only read, and are as large as libwebp reads for the picture's size; `writer` outlives the call that writes to it.
    unsafe {
        let known = WebPInitConfig(config.as_mut_ptr()) && WebPPictureInit(picture.as_mut_ptr());
        WebPMemoryWriterInit(writer.as_mut_ptr());
        let (config, picture, writer) = (config.assume_init_mut(), picture.assume_init_mut(), writer.assume_init_mut());
        if !known {
            return Err(Error::Bug("libwebp is of another version".to_owned()));
        }
        config.quality = (f32::from(quality) + QUALITY_FOR_METHOD).min(100.0);
        config.method = METHOD;
        picture.use_argb = 0;
        (picture.width, picture.height) = (luma.width as i32, luma.height as i32);
        picture.y = luma.data.as_ptr().cast_mut();
        picture.u = blue.data.as_ptr().cast_mut();
        picture.v = red.data.as_ptr().cast_mut();
        (picture.y_stride, picture.uv_stride) = (luma.stride as i32, blue.stride as i32);
        picture.writer = Some(WebPMemoryWrite);
        picture.custom_ptr = from_mut(writer).cast();
        let encoded = WebPEncode(config, picture);
        let file = (encoded != 0).then(|| slice::from_raw_parts(writer.mem, writer.size).to_vec());
        let code = picture.error_code;
        WebPMemoryWriterClear(writer);
        WebPPictureFree(picture);
        file.ok_or_else(|| Error::Bug(format!("a WebP could not be written: {code:?}")))
    }
}
