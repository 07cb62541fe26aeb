//! Bytes to pixels and back, synchronously.
//!
//! [`sniff`] and [`probe`] look at headers and enforce [`Limits`] before anything is allocated. A [`Plan`] says what a recipe
//! means for one photo. A [`Device`] carries it out.

mod baseline;
mod capabilities;
mod cascade;
mod colour;
pub mod conformance;
mod cpu;
mod decode;
mod device;
mod encode;
mod error;
pub mod exif;
mod frame;
mod heif;
mod libjpeg;
mod libwebp;
mod limits;
mod plan;
mod pool;
mod probe;
mod resize;
mod sharpen;
mod sniff;
#[doc(hidden)]
pub mod stages;
mod view;
mod ycc;

pub use capabilities::{Capability, capabilities};
pub use cpu::CpuDevice;
pub use device::{Decoded, Device, DeviceInfo, Extent, Rendered, Source};
pub use error::Error;
pub use limits::Limits;
pub use plan::Plan;
pub use probe::{ColourProfile, Orientation, Probe, probe};
pub use sniff::sniff;
pub use view::{Affine, Rgb8, View};
