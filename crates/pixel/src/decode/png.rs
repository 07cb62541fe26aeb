//! PNG.

use std::io::Cursor;

use png::{ColorType, Transformations};

use super::raster::{Samples, append_rgb, grey_levels};
use crate::{Error, Source, frame::Raster};

pub(super) fn decode(source: &Source) -> Result<Raster, Error> {
    let (width, height) = (source.probe.width as usize, source.probe.height as usize);
    // The library's own memory: the header's chunks, a few rows, and for an interlaced picture nothing more.
    let limits = png::Limits { bytes: (16 << 20) + 64 * width };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(source.bytes.as_ref()), limits);
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    decoder.set_ignore_text_chunk(true);
    let mut reader = decoder.read_info().map_err(|error| damaged(&error))?;
    let (colour, _) = reader.output_color_type();
    let samples = match colour {
        ColorType::Grayscale => Samples::Grey,
        ColorType::GrayscaleAlpha => Samples::GreyAlpha,
        ColorType::Rgb => Samples::Rgb,
        ColorType::Rgba => Samples::RgbAlpha,
        ColorType::Indexed => return Err(Error::Bug("a palette was not expanded".to_owned())),
    };
    let levels = match samples {
        Samples::Grey | Samples::GreyAlpha => grey_levels(reader.info().icc_profile.as_deref()),
        Samples::Rgb | Samples::RgbAlpha => None,
    };
    let mut rgb = Vec::with_capacity(width * height * 3);
    if reader.info().interlaced {
        let length = reader.output_buffer_size().ok_or_else(|| damaged(&png::DecodingError::LimitsExceeded))?;
        let mut pixels = vec![0; length];
        let frame = reader.next_frame(&mut pixels).map_err(|error| damaged(&error))?;
        append_rgb(&mut rgb, &pixels[..frame.buffer_size()], samples);
    } else {
        for _ in 0..height {
            let Some(row) = reader.next_row().map_err(|error| damaged(&error))? else { break };
            append_rgb(&mut rgb, row.data(), samples);
        }
    }
    if rgb.len() != width * height * 3 {
        return Err(Error::Damaged { format: "PNG", why: "it has fewer rows than its header says".to_owned() });
    }
    if let Some(levels) = levels {
        rgb.iter_mut().for_each(|value| *value = levels[usize::from(*value)]);
    }
    Ok(Raster { width, height, rgb })
}

fn damaged(error: &png::DecodingError) -> Error {
    Error::Damaged { format: "PNG", why: error.to_string() }
}
