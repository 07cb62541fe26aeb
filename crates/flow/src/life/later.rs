//! What a finished photo is owed: outputs in formats that were put off, because others waited for their photos. They are made of
//! the original, as all others are, once nothing more urgent waits (docs/decisions/0021-formats-later.md).

use std::sync::Arc;

use procession_domain::{
    photo::{Finished, Owing},
    recipe::{OutputFormat, Recipe},
    variant::Variant,
};
use procession_pixel::{Extent, Plan, Rendered, Source, probe};

use super::{decode, extent, fetch, first_extent, footprint, keep_all, on_a_lane, render};
use crate::{Error, Result, System};

/// Makes what a photo is owed, decoded as it was before, so that the bytes are the same as if nothing had been put off. Returns all
/// its outputs, in the recipe's order.
///
/// # Errors
/// What is wrong with the photo, or with the machine; [`Error::OtherRecipe`] if recipe or engine are others than those by which it
/// was finished.
pub(crate) async fn make_owed(system: &Arc<System>, owing: &Owing) -> Result<Vec<Variant>> {
    let Owing { photo, finished, .. } = owing;
    let (gallery, _) = system.ledger.gallery(photo.gallery).await?;
    let recipe = recipe_of(system, finished)?;
    let extent = extent(system, &gallery)?;
    let _memory = system.budget.grant(footprint(system, photo, extent)).await?;
    let original = fetch(system, photo).await?;
    let extent = first_extent(&gallery, extent);
    let work = {
        let (finished, recipe) = (finished.clone(), recipe.clone());
        move |system: &System| make(system, &finished, &recipe, original, extent)
    };
    let made = keep_all(system, photo, finished.fingerprint, on_a_lane(system, work).await?).await?;
    Ok(in_order(recipe, &[&finished.variants[..], &made].concat()))
}

/// The recipe by which a photo was finished, if it still is the same, and the same engine has it.
fn recipe_of<'a>(system: &'a System, finished: &Finished) -> Result<&'a Recipe> {
    let pipeline = system.settings.pipelines.get(&finished.pipeline);
    let models = finished.owed.as_ref().map_or("", |owed| &owed.models);
    match pipeline.filter(|pipeline| system.fingerprint_by(pipeline, models) == finished.fingerprint) {
        Some(pipeline) => Ok(&pipeline.recipe),
        None => Err(Error::OtherRecipe { pipeline: finished.pipeline.clone() }),
    }
}

/// All that computes, on one thread.
fn make(
    system: &System,
    finished: &Finished,
    recipe: &Recipe,
    original: bytes::Bytes,
    extent: Extent,
) -> Result<Vec<Rendered>> {
    let probe = probe(&original, &system.settings.limits)?;
    let mut plan = Plan::new(recipe, &probe, &finished.analysis.regions())?;
    plan.retain(|name, format| find(&finished.variants, name, format).is_none());
    let decoded = decode(system, Source { bytes: original, probe }, extent)?;
    render(system, decoded, plan)
}

/// Those of the variants that the recipe names, in its order.
fn in_order(recipe: &Recipe, variants: &[Variant]) -> Vec<Variant> {
    let files =
        recipe.variants.iter().flat_map(|spec| spec.formats.iter().map(|encoding| (&spec.name, encoding.format)));
    files.filter_map(|(name, format)| find(variants, name, format).cloned()).collect()
}

fn find<'a>(variants: &'a [Variant], name: &str, format: OutputFormat) -> Option<&'a Variant> {
    variants.iter().find(|variant| variant.name == name && variant.format == format)
}
