//! The port to whatever computes pixels: a CPU now, a GPU behind the same three calls.

use std::any::Any;

use bytes::Bytes;
use procession_domain::recipe::OutputFormat;
use serde::Serialize;

use crate::{Error, Plan, Probe, View};

/// What a device is and how it wants to be fed.
#[derive(Clone, Debug, Serialize)]
pub struct DeviceInfo {
    /// "cpu", "a100_80gb": what pipelines prefer and metrics say.
    pub kind: String,
    /// For people: "AMD EPYC, 2 threads, AVX2".
    pub name: String,
    /// How many calls may run at the same time.
    pub lanes: usize,
    /// How many photos a call should bring.
    pub batch: usize,
}

/// A photo's bytes and what its header said.
#[derive(Clone, Debug)]
pub struct Source {
    /// The original.
    pub bytes: Bytes,
    /// What [`crate::probe`] found in it.
    pub probe: Probe,
}

/// How much of a photo is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The long edge, in pixels, that the largest output needs: at least this much is decoded where the photo has it.
    pub long_edge: u32,
    /// The photo's full size will be rendered too: decode all of it, once.
    pub full: bool,
}

/// A decoded photo. Its pixels are wherever the device keeps them; the view is in this machine's memory.
pub struct Decoded {
    /// What models look at: upright, sRGB.
    pub view: View,
    /// Base64 of the ThumbHash.
    pub thumbhash: String,
    /// The device's own pixels.
    pub held: Box<dyn Any + Send>,
}

/// One encoded output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The variant's name in the recipe.
    pub name: String,
    /// How it is written.
    pub format: OutputFormat,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The file.
    pub bytes: Bytes,
}

/// Something that turns photos into variants.
///
/// What every implementation guarantees, and [`crate::conformance`] checks:
/// - Results come in the order of the batch, one for each photo. A photo that fails never changes another's result.
/// - Equal input gives equal output, bit for bit on one device kind, whatever the batch.
/// - No call takes more memory than the sum of [`Device::footprint`]s.
/// - A panic or a fault below becomes the error of the photo that caused it.
///
/// Calls block. The caller keeps at most [`DeviceInfo::lanes`] of them in flight.
pub trait Device: Send + Sync {
    /// What it is.
    fn info(&self) -> DeviceInfo;

    /// An upper bound in bytes of the memory that decoding and rendering this photo takes at its peak, from its header
    /// alone, the source's own bytes included.
    fn footprint(&self, source: &Probe, extent: Extent) -> u64;

    /// Bytes to upright pixels in the output's colour, with the view for the models.
    fn decode(&self, batch: Vec<(Source, Extent)>) -> Vec<Result<Decoded, Error>>;

    /// Pixels to finished files, by plan.
    fn render(&self, batch: Vec<(Decoded, Plan)>) -> Vec<Result<Vec<Rendered>, Error>>;
}
