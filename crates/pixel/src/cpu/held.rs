//! What the processor keeps of a photo between decoding and rendering.

use crate::{
    ColourProfile, Error, Extent, Probe, Source,
    cascade::EDGES,
    decode::{self, jpeg},
    frame::Frame,
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
        // The models' view has the cascade's first level, whatever the outputs need.
        let extent = Extent { long_edge: extent.long_edge.max(EDGES[0]), ..extent };
        let (frame, profile) = decode::decode(&source, extent)?;
        Ok(Self { source, frame, profile })
    }
}

/// An upper bound on what a photo takes. See [`crate::Device::footprint`].
pub(super) fn footprint(probe: &Probe, extent: Extent) -> u64 {
    let _ = jpeg::eighths(probe.width, extent.long_edge);
    u64::from(probe.width) * u64::from(probe.height) * 12 + (64 << 20)
}
