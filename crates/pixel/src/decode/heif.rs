//! HEIC, HEIF and AVIF, turned upright by the decoder.

use procession_domain::photo::Format;

use super::raster::{Samples, append_rgb};
use crate::{
    Error, Source,
    frame::Raster,
    heif::{Codec, Heif},
    probe::name,
};

pub(super) fn decode(source: &Source) -> Result<Raster, Error> {
    let library = Heif::get()?;
    let format = source.probe.format;
    let (codec, needs) =
        if format == Format::Avif { (Codec::Av1, "libdav1d or libaom") } else { (Codec::Hevc, "libde265") };
    if !library.reads(codec) {
        let why = format!("libheif {} cannot read {}: it needs {needs}", library.version(), name(format));
        return Err(Error::Missing { library: needs, why });
    }
    let pixels = library
        .decode(&source.bytes, source.probe.upright())
        .map_err(|why| Error::Damaged { format: name(format), why })?;
    if pixels.channels == 3 {
        return Ok(Raster { width: pixels.width, height: pixels.height, rgb: pixels.data });
    }
    let mut rgb = Vec::with_capacity(pixels.width * pixels.height * 3);
    append_rgb(&mut rgb, &pixels.data, Samples::RgbAlpha);
    Ok(Raster { width: pixels.width, height: pixels.height, rgb })
}
