//! The life of a photo, from its place in the queue to its finished variants: read this file first.
//!
//! ```text
//! claim ─► fetch ─► decode ─► look ─► choose ─► render ─► keep ─► finished
//! ```
//! Every step takes what the one before it made. Nothing here asks who else is at work, and nothing is done that could not
//! be done again: an output's key comes from what it is made of.

use std::sync::Arc;

use bytes::Bytes;
use procession_domain::{
    Classified, ContentHash, Key, Kind,
    analysis::{Analysis, Region},
    gallery::{Gallery, PipelineChoice},
    job::Claim,
    photo::{Finished, Photo, Timings},
    recipe::{AnalysisLevel, Pipeline},
    variant::Variant,
};
use procession_pixel::{ColourProfile, Decoded, Extent, Orientation, Plan, Probe, Rendered, Source, probe};
use procession_plan::{Evidence, choose_pipeline};
use procession_vision::Ask;

use crate::{Error, Result, System, clock::Stopwatch, ingest::blocking};

/// Carries a claimed photo through its whole job.
///
/// # Errors
/// What is wrong with the photo, or with the machine: see [`Error::stops_everything`].
pub(crate) async fn live(system: &Arc<System>, claim: &Claim) -> Result<Finished> {
    let Claim { photo, gallery, .. } = claim;
    let extent = extent(system, gallery)?;
    let _memory = system.budget.grant(footprint(system, photo, extent)).await?;
    let mut watch = Stopwatch::start();
    let original = fetch(system, photo).await?;
    let fetch_seconds = watch.lap_seconds();
    // The bytes are here: only now is a place at the device taken, and held until nothing is left to compute.
    let made = {
        let _lane = system.lanes.acquire().await.map_err(|_| Error::Bug("the device is gone".to_owned()))?;
        let (system, gallery) = (Arc::clone(system), gallery.clone());
        let span = tracing::Span::current();
        blocking(move || span.in_scope(|| make(&system, &gallery, original, first_extent(&gallery, extent)))).await??
    };
    watch.lap_seconds();
    let Made { pipeline, reason, rendered, thumbhash, analysis, mut timings } = made;
    let fingerprint = system.fingerprint(&system.settings.pipelines[&pipeline]);
    let mut variants = Vec::with_capacity(rendered.len());
    for Rendered { name, format, width, height, bytes } in rendered {
        let key = Key::Variant { original: photo.original, fingerprint, name: name.clone(), format };
        let bytes = keep(system, &key, bytes).await?;
        variants.push(Variant {
            name,
            format,
            width,
            height,
            bytes: bytes.len() as u64,
            hash: ContentHash::of(&bytes),
            crc32: Some(crc32fast::hash(&bytes)),
        });
    }
    timings.fetch_seconds = fetch_seconds;
    timings.store_seconds = watch.lap_seconds();
    Ok(Finished {
        pipeline,
        pipeline_reason: reason,
        fingerprint,
        variants,
        thumbhash,
        analysis,
        timings,
        finished_at: system.clock.now(),
    })
}

/// Puts an output into the vault and returns what is there now. If another worker was first, with an encoder that rounds
/// otherwise, its bytes stand: both are the same recipe's.
#[tracing::instrument(name = "store", skip_all)]
pub(crate) async fn keep(system: &System, key: &Key, bytes: Bytes) -> Result<Bytes> {
    match system.blobs.put(key, bytes.clone()).await {
        Err(error) if error.kind() == Kind::Conflict => Ok(system.blobs.get(key).await?),
        other => Ok(other.map(|()| bytes)?),
    }
}

/// What the computing steps made of a photo.
struct Made {
    pipeline: String,
    reason: String,
    rendered: Vec<Rendered>,
    thumbhash: String,
    analysis: Analysis,
    timings: Timings,
}

/// All that computes, on one thread: decode → look → choose → render.
fn make(system: &System, gallery: &Gallery, original: Bytes, extent: Extent) -> Result<Made> {
    let mut watch = Stopwatch::start();
    let probe = probe(&original, &system.settings.limits)?;
    let decoded = decode(system, Source { bytes: original, probe: probe.clone() }, extent)?;
    let decode_seconds = watch.lap_seconds();
    let seen = look(system, gallery, &decoded)?;
    let (pipeline, reason) = choose(system, gallery, &probe, &seen)?;
    let analysis = look_closer(system, &decoded, seen, system.settings.pipelines[&pipeline].analysis)?;
    let vision_seconds = watch.lap_seconds();
    let faces: Vec<Region> = analysis.faces.iter().flatten().map(|face| face.region).collect();
    let plan = Plan::new(&system.settings.pipelines[&pipeline].recipe, &probe, &faces)?;
    let thumbhash = decoded.thumbhash.clone();
    let rendered = render(system, decoded, plan)?;
    let timings = Timings { decode_seconds, vision_seconds, render_seconds: watch.lap_seconds(), ..Timings::default() };
    Ok(Made { pipeline, reason, rendered, thumbhash, analysis, timings })
}

#[tracing::instrument(skip_all)]
async fn fetch(system: &System, photo: &Photo) -> Result<Bytes> {
    Ok(system.blobs.get(&Key::Original(photo.original)).await?)
}

#[tracing::instrument(skip_all)]
fn render(system: &System, decoded: Decoded, plan: Plan) -> Result<Vec<Rendered>> {
    one(system.device.render(vec![(decoded, plan)]))
}

#[tracing::instrument(skip_all)]
fn decode(system: &System, source: Source, extent: Extent) -> Result<Decoded> {
    one(system.device.decode(vec![(source, extent)]))
}

/// A batch of one has one result.
pub(crate) fn one<T>(results: Vec<Result<T, procession_pixel::Error>>) -> Result<T> {
    let result = results.into_iter().next();
    result.ok_or_else(|| Error::Bug("the device returned no result".to_owned()))?.map_err(Error::Pixel)
}

/// What every pipeline wants to know, and by what it is chosen: faces and sharpness. Embeddings follow the gallery's consent.
#[tracing::instrument(skip_all)]
fn look(system: &System, gallery: &Gallery, decoded: &Decoded) -> Result<Analysis> {
    let ask = Ask { faces: true, embeddings: gallery.consent.faces, ..Ask::default() };
    let seen = system.vision.as_ref().map(|vision| vision.analyze(&decoded.view, ask));
    Ok(seen.transpose()?.unwrap_or_default())
}

/// What the chosen pipeline wants to know besides.
#[tracing::instrument(skip_all)]
fn look_closer(system: &System, decoded: &Decoded, seen: Analysis, level: AnalysisLevel) -> Result<Analysis> {
    let ask = Ask {
        expressions: level >= AnalysisLevel::Comprehensive,
        scene: level >= AnalysisLevel::Moments,
        ..Ask::default()
    };
    match &system.vision {
        Some(vision) => Ok(vision.look_closer(&decoded.view, seen, ask)?),
        None => Ok(seen),
    }
}

fn choose(system: &System, gallery: &Gallery, probe: &Probe, analysis: &Analysis) -> Result<(String, String)> {
    let (width, height) = probe.upright();
    let evidence = Evidence { capture: &probe.capture, width, height, faces: analysis.faces.as_deref() };
    match choose_pipeline(&evidence, &gallery.pipeline, &system.settings.pipelines) {
        Some((name, reason)) => Ok((name, reason.to_string())),
        None => Err(no_pipeline(system, gallery)),
    }
}

/// What the gallery's pipelines need of a photo, before anybody knows which one it takes.
fn extent(system: &System, gallery: &Gallery) -> Result<Extent> {
    let pipelines = &system.settings.pipelines;
    match &gallery.pipeline {
        PipelineChoice::Named(name) => match pipelines.get(name) {
            Some(pipeline) => Ok(Plan::extent(&pipeline.recipe)),
            None => Err(no_pipeline(system, gallery)),
        },
        PipelineChoice::Auto => {
            let both =
                |a: Extent, b: Extent| Extent { long_edge: a.long_edge.max(b.long_edge), full: a.full || b.full };
            let extents = pipelines.values().map(|Pipeline { recipe, .. }| Plan::extent(recipe));
            extents.reduce(both).ok_or_else(|| no_pipeline(system, gallery))
        }
    }
}

/// How much is decoded at first. Where the pipeline is still to be chosen, the few photos that turn out to need their full size
/// are decoded a second time for it.
fn first_extent(gallery: &Gallery, extent: Extent) -> Extent {
    Extent { full: extent.full && gallery.pipeline != PipelineChoice::Auto, ..extent }
}

pub(crate) fn no_pipeline(system: &System, gallery: &Gallery) -> Error {
    let known = system.settings.pipelines.keys().cloned().collect::<Vec<_>>().join(", ");
    Error::NoPipeline { gallery: gallery.id, name: gallery.pipeline.clone().into(), known }
}

/// The memory that a photo will take, before its bytes are here.
pub(crate) fn footprint(system: &System, photo: &Photo, extent: Extent) -> u64 {
    let length = usize::try_from(photo.bytes).unwrap_or(usize::MAX);
    let probe = Probe {
        format: photo.format,
        width: photo.width,
        height: photo.height,
        orientation: Orientation::UPRIGHT,
        colour: ColourProfile::Srgb,
        capture: photo.capture.clone(),
        image: 0..length,
    };
    system.device.footprint(&probe, extent)
}
