//! What a recipe means for one photo.

use procession_domain::{analysis::Region, recipe::Recipe};

use crate::{Error, Extent, Probe};

/// The steps for one photo: pure data, made by [`Plan::new`], carried out by a device.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {}

impl Plan {
    /// How much of a photo this recipe needs decoded.
    pub fn extent(recipe: &Recipe) -> Extent {
        let _ = recipe;
        Extent { long_edge: 2048, full: false }
    }

    /// The plan for a photo with these faces (largest first).
    ///
    /// # Errors
    /// `Unsupported` if the recipe cannot be carried out on this photo.
    pub fn new(recipe: &Recipe, probe: &Probe, faces: &[Region]) -> Result<Self, Error> {
        let _ = (recipe, probe, faces);
        Ok(Self {})
    }
}
