//! WebP, lossy and lossless, through libwebp.
#![allow(unsafe_code)]

use libwebp_sys::{VP8StatusCode, WebPBitstreamFeatures, WebPDecodeRGBAInto, WebPDecodeRGBInto, WebPGetFeatures};

use super::raster::{Samples, append_rgb};
use crate::{Error, Source, frame::Raster};

pub(super) fn decode(source: &Source) -> Result<Raster, Error> {
    let probe = &source.probe;
    let file = source.bytes.get(probe.image.clone()).ok_or_else(|| Error::Bug("no image in these bytes".to_owned()))?;
    let mut features =
        WebPBitstreamFeatures { width: 0, height: 0, has_alpha: 0, has_animation: 0, format: 0, pad: [0; 5] };
    // SAFETY: pointer and length are of one slice; `features` is a valid place for the answer.
    let status = unsafe { WebPGetFeatures(file.as_ptr(), file.len(), &raw mut features) };
    let found = (u32::try_from(features.width), u32::try_from(features.height));
    if status != VP8StatusCode::VP8_STATUS_OK || found != (Ok(probe.width), Ok(probe.height)) {
        return Err(damaged("its header contradicts itself or is cut off"));
    }
    let (width, height) = (probe.width as usize, probe.height as usize);
    let (decode_into, channels): (Decode, usize) =
        if features.has_alpha == 0 { (WebPDecodeRGBInto, 3) } else { (WebPDecodeRGBAInto, 4) };
    let mut pixels = vec![0; width * height * channels];
    let stride = (width * channels) as i32;
    // SAFETY: both slices are given with their lengths; the decoder writes `height` rows of `stride` bytes, which is all of
    // the output, and answers null if it could not.
    let decoded = unsafe { decode_into(file.as_ptr(), file.len(), pixels.as_mut_ptr(), pixels.len(), stride) };
    if decoded.is_null() {
        return Err(damaged("its pixels are cut off or garbled"));
    }
    if channels == 3 {
        return Ok(Raster { width, height, rgb: pixels });
    }
    let mut rgb = Vec::with_capacity(width * height * 3);
    append_rgb(&mut rgb, &pixels, Samples::RgbAlpha);
    Ok(Raster { width, height, rgb })
}

type Decode = unsafe extern "C" fn(*const u8, usize, *mut u8, usize, i32) -> *mut u8;

fn damaged(why: &str) -> Error {
    Error::Damaged { format: "WebP", why: why.to_owned() }
}
