//! What the processor keeps of a photo between decoding and rendering.

use procession_domain::photo::Format;

use crate::{
    ColourProfile, Error, Extent, Probe, Source,
    cascade::{EDGES, fit},
    decode,
    frame::Frame,
    pool::BYTES_PER_LANE,
};

/// A decoded photo as it was stored: neither turned nor converted.
pub(super) struct Held {
    /// Its bytes, for outputs that need more of it than was decoded.
    pub(super) source: Source,
    /// Its pixels.
    pub(super) frame: Frame,
    /// Their colours.
    pub(super) profile: ColourProfile,
}

impl Held {
    pub(super) fn new(source: Source, extent: Extent) -> Result<Self, Error> {
        let (frame, profile) = decode::decode(&source, for_models_too(extent))?;
        Ok(Self { source, frame, profile })
    }
}

/// The models' view has the cascade's first level, whatever the outputs need.
fn for_models_too(extent: Extent) -> Extent {
    Extent { long_edge: extent.long_edge.max(EDGES[0]), ..extent }
}

/// An upper bound on what a photo takes. See [`crate::Device::footprint`].
///
/// In bytes for each pixel, worst cases throughout since the header says no more. `whole` has all of the photo's pixels,
/// `decoded` those that the decoder makes, `output` those of the largest output.
pub(super) fn footprint(probe: &Probe, extent: Extent) -> u64 {
    let extent = for_models_too(extent);
    let (width, height) = (u64::from(probe.width), u64::from(probe.height));
    // Decoders round up to blocks, and planes to vectors.
    let pixels = |width: u64, height: u64| width.next_multiple_of(64) * height.next_multiple_of(64);
    let whole = pixels(width, height);
    let scalable = matches!(probe.format, Format::Jpeg | Format::Raw);
    let eighths = if scalable { u64::from(decode::eighths(probe, extent)) } else { 8 };
    let decoded = pixels(width * eighths / 8 + 1, height * eighths / 8 + 1);
    let largest =
        if extent.full { (probe.width, probe.height) } else { fit((probe.width, probe.height), extent.long_edge) };
    let (output_width, output_height) = (u64::from(largest.0), u64::from(largest.1));
    let output = pixels(output_width, output_height);
    let bytes = probe.image.end as u64
        // The sensor's own data stands beside a RAW's preview: at most two bytes a pixel, and the preview may be smaller.
        + if probe.format == Format::Raw { 3 * whole } else { 0 };
    let decoding = if scalable {
        // The coefficients of four channels, unless it is written in one scan; then four channels of ink with the RGB made of
        // them.
        if probe.single_scan { 7 * decoded } else { 8 * whole + 7 * decoded }
    } else {
        // 16-bit RGBA, or a decoder's own planes, with the RGB made of them and the planes made of that.
        14 * whole
    };
    // The resizer's first pass: as wide as what was decoded, as high as the output, before and after its transposition.
    let passes = 2 * pixels(width * eighths / 8 + 1, output_height.max(output_width));
    // The planes, a copy to sharpen, the second pass, and what an encoder keeps and writes.
    let rendering = 3 * decoded + passes + 16 * output;
    // The view's levels, with chroma at full size while colours are converted.
    let (first_width, first_height) = fit((probe.width, probe.height), EDGES[0]);
    let cascade = 5 * pixels(u64::from(first_width), u64::from(first_height));
    // A photo that takes less than its lane's share of the pool may find that share idle.
    bytes + (decoding.max(rendering) + cascade).max(BYTES_PER_LANE as u64) + REST
}

/// Filters, an encoder's tables, the thread's stack.
const REST: u64 = 8 << 20;
