//! What a recipe means for one photo.

mod crop;

use procession_domain::{
    analysis::Region,
    capture::Capture,
    recipe::{Encoding, Fit, MetadataPolicy, OutputColour, OutputFormat, Recipe, VariantSpec},
};

use crate::{Error, Extent, Probe, cascade::fit, colour, exif, resize::Window};

/// The steps for one photo: pure data, made by [`Plan::new`], carried out by a device.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The colour space of all outputs.
    pub(crate) colour: OutputColour,
    /// The EXIF block of all outputs, or nothing.
    pub(crate) exif: Vec<u8>,
    /// What is written, in the recipe's order.
    pub(crate) outputs: Vec<Output>,
}

/// One size of the photo and how it is written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Output {
    /// The variant's name.
    pub(crate) name: String,
    /// What of the photo it shows.
    pub(crate) window: Window,
    /// Width in pixels.
    pub(crate) width: u32,
    /// Height in pixels.
    pub(crate) height: u32,
    /// The amount of the unsharp mask.
    pub(crate) sharpen: f32,
    /// Its files.
    pub(crate) formats: Vec<Encoding>,
}

impl Plan {
    /// How much of a photo this recipe needs decoded.
    pub fn extent(recipe: &Recipe) -> Extent {
        let needs = |spec: &VariantSpec| match spec.fit {
            Fit::Full => 0,
            Fit::LongEdge(edge) => edge,
            // A crop's long edge is two thirds or more of that of a photo of the usual shapes, 3:2 and 4:3.
            Fit::Crop { long_edge, .. } => long_edge + long_edge / 2,
        };
        Extent {
            long_edge: recipe.variants.iter().map(needs).max().unwrap_or(0),
            full: recipe.variants.iter().any(|spec| spec.fit == Fit::Full),
        }
    }

    /// The plan for a photo with these faces (largest first).
    ///
    /// # Errors
    /// `Unsupported` if the recipe cannot be carried out on this photo.
    pub fn new(recipe: &Recipe, probe: &Probe, faces: &[Region]) -> Result<Self, Error> {
        recipe.check().map_err(|error| Error::Unsupported(error.to_string()))?;
        let photo = probe.upright();
        Ok(Self {
            colour: colour::output_space(recipe.colour, &probe.colour),
            exif: metadata(&probe.capture, recipe.metadata),
            outputs: recipe.variants.iter().map(|spec| output(spec, photo, faces)).collect(),
        })
    }

    /// Leaves out the files that are not to be kept, by the variant's name and the format.
    pub fn retain(&mut self, keep: impl Fn(&str, OutputFormat) -> bool) {
        for Output { name, formats, .. } in &mut self.outputs {
            formats.retain(|encoding| keep(name, encoding.format));
        }
        self.outputs.retain(|output| !output.formats.is_empty());
    }

    /// Leaves out the files in these formats, where the variant has another as well. Returns the formats that were left out.
    pub fn put_off(&mut self, later: &[OutputFormat]) -> Vec<OutputFormat> {
        let mut put_off = Vec::new();
        for Output { formats, .. } in &mut self.outputs {
            let (others, now): (Vec<_>, Vec<_>) =
                formats.iter().copied().partition(|encoding| later.contains(&encoding.format));
            if !now.is_empty() {
                *formats = now;
                put_off.extend(others.iter().map(|encoding| encoding.format));
            }
        }
        put_off.sort_unstable();
        put_off.dedup();
        put_off
    }
}

fn metadata(capture: &Capture, policy: MetadataPolicy) -> Vec<u8> {
    exif::metadata_block(capture, policy)
}

fn output(spec: &VariantSpec, photo: (u32, u32), faces: &[Region]) -> Output {
    let (window, (width, height)) = match spec.fit {
        Fit::Full => (Window::ALL, photo),
        Fit::LongEdge(edge) => (Window::ALL, fit(photo, edge)),
        Fit::Crop { width, height, long_edge } => crop::place(photo, (width, height), long_edge, faces),
    };
    Output { name: spec.name.clone(), window, width, height, sharpen: spec.sharpen, formats: spec.formats.clone() }
}

#[cfg(test)]
mod tests;
