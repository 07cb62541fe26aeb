//! JPEG, scaled while it is decoded.

use crate::{
    Error, baseline,
    frame::{Frame, Raster},
    libjpeg::{Coded, Picture, Reader},
};

/// A decoded JPEG, in the colours that it was written in.
pub(crate) enum Pixels {
    /// Planes.
    Planes(Frame),
    /// RGB.
    Rgb(Raster),
    /// Ink as CMYK, 0 for none; four bytes a pixel.
    Cmyk(Picture),
}

/// Decodes the first image of `bytes` at `eighths` eighths of its size (1 to 8). `size` is what was checked against the
/// limits: the image must have it.
///
/// # Errors
/// `Damaged` with what is wrong, `Unsupported`, `TooLarge`.
pub(crate) fn decode(bytes: &[u8], size: (u32, u32), eighths: u32) -> Result<Pixels, Error> {
    if let Some(frame) = baseline::decode(bytes, size, eighths) {
        return Ok(Pixels::Planes(frame));
    }
    let reader = Reader::new(bytes)?;
    let header = reader.header();
    if header.size != size {
        let why = format!("it has {:?} pixels where {size:?} were announced", header.size);
        return Err(Error::Damaged { format: "JPEG", why });
    }
    match header.coded {
        Coded::Planes => reader.planes(eighths).map(Pixels::Planes),
        Coded::Rgb => {
            let Picture { width, height, data } = reader.pixels(eighths)?;
            Ok(Pixels::Rgb(Raster { width, height, rgb: data }))
        }
        Coded::Cmyk => {
            let mut picture = reader.pixels(eighths)?;
            if header.adobe {
                picture.data.iter_mut().for_each(|ink| *ink = 255 - *ink);
            }
            Ok(Pixels::Cmyk(picture))
        }
    }
}
