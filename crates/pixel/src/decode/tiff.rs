//! TIFF: strips or tiles, chunky or planar, 8 or 16 bits a sample, what editors write.

use std::{io::Cursor, sync::Arc};

use moxcms::{ColorProfile, DataColorSpace, Layout, Transform8BitExecutor, TransformOptions};
use tiff::{
    ColorType, TiffError,
    decoder::{ChunkType, Decoder, DecodingResult, Limits},
    tags::Tag,
};

use super::raster::{Samples, append_rgb, grey_levels};
use crate::{
    Error, Source,
    frame::Raster,
    probe::{
        ifd::{Tiff, tag},
        tiff as header,
    },
};

pub(super) fn decode(source: &Source) -> Result<Raster, Error> {
    let bytes = source.bytes.as_ref();
    let (width, height) = (source.probe.width as usize, source.probe.height as usize);
    if !Tiff::open(bytes).and_then(|tiff| tiff.first()).is_some_and(|main| main.is_modest()) {
        return Err(damaged("a tag has more values than an image needs"));
    }
    let mut limits = Limits::default();
    // Five samples of two bytes a pixel, and the padding of one row of tiles.
    limits.decoding_buffer_size = width * height * 10 + (64 << 20);
    limits.intermediate_buffer_size = bytes.len();
    limits.ifd_value_size = 16 << 20;
    let mut decoder = Decoder::new(Cursor::new(bytes)).map_err(failed)?.with_limits(limits);
    if decoder.dimensions().map_err(failed)? != (source.probe.width, source.probe.height) {
        return Err(damaged("its header contradicts itself"));
    }
    let colour = Colour::of(&mut decoder, bytes)?;
    let grid = Grid::of(&mut decoder, colour.samples)?;
    header::check_jpeg_chunks(bytes, decoder.chunk_dimensions())?;
    let mut rgb = vec![0; width * height * 3];
    for index in 0..grid.chunks {
        let chunk = grid.read(&mut decoder, index, colour.samples)?;
        let (x, y) = (index as usize % grid.across * grid.width, index as usize / grid.across * grid.height);
        for row in 0..chunk.height {
            let line = colour.rgb(&chunk.row(row)?)?;
            if let Some(target) = rgb.get_mut(((y + row) * width + x) * 3..).and_then(|rest| rest.get_mut(..line.len()))
            {
                target.copy_from_slice(&line);
            }
        }
    }
    Ok(Raster { width, height, rgb })
}

type Reader<'a> = Decoder<Cursor<&'a [u8]>>;

/// How the picture is cut up.
struct Grid {
    /// Chunks of one plane.
    chunks: u32,
    across: usize,
    /// Size of a chunk that is not at an edge.
    width: usize,
    height: usize,
    planar: bool,
}

/// The pixels of a chunk as they are stored: one plane of interleaved samples, or one for each sample.
struct Chunk {
    width: usize,
    height: usize,
    planes: Vec<DecodingResult>,
    bits: u8,
    /// Samples of a pixel in one plane.
    per_plane: usize,
}

impl Grid {
    fn of(decoder: &mut Reader<'_>, samples: usize) -> Result<Self, Error> {
        let (picture_width, picture_height) = decoder.dimensions().map_err(failed)?;
        let (width, height) = decoder.chunk_dimensions();
        if width == 0 || height == 0 {
            return Err(damaged("its tiles have no size"));
        }
        // A tile may stick out of a small picture, but memory for it is not taken on the header's word alone.
        let area = |width: u32, height: u32| u64::from(width) * u64::from(height);
        if area(width, height) > area(picture_width, picture_height) + (1 << 20) {
            return Err(damaged("its tiles are larger than the picture"));
        }
        let across = picture_width.div_ceil(width);
        let chunks = across * picture_height.div_ceil(height);
        let stored = match decoder.get_chunk_type() {
            ChunkType::Strip => decoder.strip_count(),
            ChunkType::Tile => decoder.tile_count(),
        };
        let planar =
            samples > 1 && decoder.find_tag_unsigned::<u16>(Tag::PlanarConfiguration).map_err(failed)? == Some(2);
        let wanted = if planar { u64::from(chunks) * samples as u64 } else { u64::from(chunks) };
        if u64::from(stored.map_err(failed)?) < wanted {
            return Err(damaged("it has fewer strips than its size needs"));
        }
        Ok(Self { chunks, across: across as usize, width: width as usize, height: height as usize, planar })
    }

    fn read(&self, decoder: &mut Reader<'_>, index: u32, samples: usize) -> Result<Chunk, Error> {
        let (width, height) = decoder.chunk_data_dimensions(index);
        let count = if self.planar { samples } else { 1 };
        let planes = (0..count as u32).map(|plane| decoder.read_chunk(index + plane * self.chunks));
        Ok(Chunk {
            width: width as usize,
            height: height as usize,
            planes: planes.collect::<Result<_, _>>().map_err(failed)?,
            bits: decoder.colortype().map_err(failed)?.bit_depth(),
            per_plane: samples / count,
        })
    }
}

impl Chunk {
    /// The interleaved 8-bit samples of a row.
    fn row(&self, y: usize) -> Result<Vec<u8>, Error> {
        let samples = self.width * self.per_plane;
        let mut rows = self.planes.iter().map(|plane| eight_bits(plane, self.bits, y, samples));
        if self.planes.len() == 1 {
            return rows.next().unwrap_or_else(|| Ok(Vec::new()));
        }
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        Ok((0..samples).flat_map(|x| rows.iter().map(move |row| row[x])).collect())
    }
}

/// Row `y` as one byte a sample. Samples of less than a byte are unpacked, not scaled: grey levels are looked up.
fn eight_bits(data: &DecodingResult, bits: u8, y: usize, samples: usize) -> Result<Vec<u8>, Error> {
    let short = || damaged("a strip is shorter than its size needs");
    match (data, bits) {
        (DecodingResult::U8(data), 8) => Ok(data.chunks_exact(samples).nth(y).ok_or_else(short)?.to_vec()),
        (DecodingResult::U8(data), 1 | 2 | 4) => {
            let per_byte = usize::from(8 / bits);
            let row = data.chunks_exact(samples.div_ceil(per_byte)).nth(y).ok_or_else(short)?;
            let sample =
                |i: usize| row[i / per_byte] >> (8 - usize::from(bits) * (i % per_byte + 1)) & ((1 << bits) - 1);
            Ok((0..samples).map(sample).collect())
        }
        (DecodingResult::U16(data), 16) => {
            let row = data.chunks_exact(samples).nth(y).ok_or_else(short)?;
            Ok(row.iter().map(|sample| (sample >> 8) as u8).collect())
        }
        (_, bits) => Err(unsupported(&format!("samples of {bits} bits or of another kind than whole numbers"))),
    }
}

/// What the samples mean.
struct Colour {
    /// Samples of a pixel in the file.
    samples: usize,
    kind: Kind,
}

enum Kind {
    Plain(Samples),
    /// RGB that is already multiplied with its alpha, as compositing programs write it.
    Premultiplied,
    /// What each level of grey is.
    Levels(Box<[u8; 256]>),
    YCbCr,
    /// Through the embedded profile.
    Cmyk(Arc<Transform8BitExecutor>),
    /// Without a profile.
    PlainCmyk,
}

impl Colour {
    fn of(decoder: &mut Reader<'_>, bytes: &[u8]) -> Result<Self, Error> {
        let main = Tiff::open(bytes).and_then(|tiff| tiff.first());
        let icc = main.as_ref().and_then(header::icc);
        let premultiplied = main.as_ref().and_then(|main| main.uint(tag::EXTRA_SAMPLES)) == Some(1);
        let kind = match decoder.colortype().map_err(failed)? {
            ColorType::Gray(bits @ (1 | 2 | 4 | 8 | 16)) => Kind::Levels(Box::new(levels(bits.min(8), icc))),
            ColorType::GrayA(8 | 16) => Kind::Plain(Samples::GreyAlpha),
            ColorType::RGB(8 | 16) => Kind::Plain(Samples::Rgb),
            ColorType::RGBA(8 | 16) if premultiplied => Kind::Premultiplied,
            ColorType::RGBA(8 | 16) => Kind::Plain(Samples::RgbAlpha),
            ColorType::YCbCr(8) => Kind::YCbCr,
            ColorType::CMYK(8 | 16) => cmyk(icc),
            other => return Err(unsupported(&format!("pixels of the kind {other:?}"))),
        };
        let samples = usize::from(decoder.colortype().map_err(failed)?.num_samples());
        Ok(Self { samples, kind })
    }

    fn rgb(&self, pixels: &[u8]) -> Result<Vec<u8>, Error> {
        let count = pixels.len() / self.samples;
        let mut rgb = Vec::with_capacity(count * 3);
        match &self.kind {
            Kind::Plain(samples) => append_rgb(&mut rgb, pixels, *samples),
            Kind::Premultiplied => rgb.extend(
                pixels.chunks_exact(4).flat_map(|pixel| [0, 1, 2].map(|i| pixel[i].saturating_add(255 - pixel[3]))),
            ),
            Kind::Levels(levels) => rgb.extend(pixels.iter().flat_map(|&level| [levels[usize::from(level)]; 3])),
            Kind::YCbCr => rgb.extend(pixels.chunks_exact(3).flat_map(|p| from_ycbcr([p[0], p[1], p[2]]))),
            Kind::Cmyk(transform) => {
                rgb.resize(count * 3, 0);
                if transform.transform(pixels, &mut rgb).is_err() {
                    return Err(Error::Bug("a CMYK transform failed".to_owned()));
                }
            }
            Kind::PlainCmyk => {
                let mix = |ink: u8, black: u8| (u32::from(255 - ink) * u32::from(255 - black) / 255) as u8;
                rgb.extend(pixels.chunks_exact(4).flat_map(|ink| [0, 1, 2].map(|i| mix(ink[i], ink[3]))));
            }
        }
        Ok(rgb)
    }
}

/// What each level of grey is, in 8 bits.
fn levels(bits: u8, icc: Option<&[u8]>) -> [u8; 256] {
    let top = (1u32 << bits) - 1;
    let profile = grey_levels(icc);
    std::array::from_fn(|level| {
        let grey = (level as u32 * 255 / top).min(255) as usize;
        profile.map_or(grey as u8, |profile| profile[grey])
    })
}

fn cmyk(icc: Option<&[u8]>) -> Kind {
    let transform = icc.and_then(|icc| ColorProfile::new_from_slice(icc).ok()).and_then(|profile| {
        if profile.color_space != DataColorSpace::Cmyk {
            return None;
        }
        // moxcms takes four inks for four channels of any name.
        let srgb = ColorProfile::new_srgb();
        profile.create_transform_8bit(Layout::Rgba, &srgb, Layout::Rgb, TransformOptions::default()).ok()
    });
    transform.map_or(Kind::PlainCmyk, Kind::Cmyk)
}

/// JFIF's conversion.
fn from_ycbcr([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    let (y, cb, cr) = (f32::from(y), f32::from(cb) - 128.0, f32::from(cr) - 128.0);
    [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb].map(|value| (value + 0.5) as u8)
}

fn failed(error: TiffError) -> Error {
    match error {
        TiffError::UnsupportedError(what) => unsupported(&what.to_string()),
        TiffError::LimitsExceeded => damaged("a strip is larger than the picture"),
        other => damaged(&other.to_string()),
    }
}

fn unsupported(what: &str) -> Error {
    Error::Unsupported(format!("a TIFF with what cannot be read ({what}): export it as 8 or 16-bit RGB"))
}

fn damaged(why: &str) -> Error {
    Error::Damaged { format: "TIFF", why: why.to_owned() }
}
