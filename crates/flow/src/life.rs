//! The life of a photo, from its place in the queue to its finished variants: read this file first.
//!
//! ```text
//! claim ─► fetch ─► decode ─► look ─► choose ─► render ─► keep ─► finished
//! ```
//! Every step takes what the one before it made. Nothing here asks who else is at work, and nothing is done that could not
//! be done again: an output's key comes from what it is made of. A worker goes as far as the stages that it offers, in one go
//! and with one decode; where they end before the photo is finished, it passes on what was found ([`look`]), and whoever goes
//! on decodes the original anew. Formats that can wait are put off: the photo is finished without them, and is owed them
//! ([`later`]).

mod later;
mod look;

use std::sync::Arc;

use bytes::Bytes;
use futures::future::try_join_all;
use procession_domain::{
    Classified, ContentHash, Key, Kind, Stage, Stages,
    gallery::{Gallery, PipelineChoice},
    job::{Claim, Found},
    photo::{Finished, Owed, Photo, Timings},
    recipe::{Fingerprint, OutputFormat, Pipeline},
    variant::Variant,
};
use procession_pixel::{ColourProfile, Decoded, Extent, Orientation, Plan, Probe, Rendered, Source, probe};

use crate::{Error, Result, System, clock::Stopwatch, in_background};
use look::Course;

pub(crate) use later::make_owed;

/// How far a photo came.
pub(crate) enum Lived {
    /// It is finished.
    Finished(Finished),
    /// This stage and what follows are others'.
    PassedOn(Stage, Found),
}

/// Carries a claimed photo through its job, as far as these stages go.
///
/// # Errors
/// What is wrong with the photo, or with the machine: see [`Error::stops_everything`].
pub(crate) async fn live(system: &Arc<System>, claim: &Claim, stages: Stages) -> Result<Lived> {
    let Claim { photo, gallery, .. } = claim;
    let extent = extent(system, gallery)?;
    let _memory = system.budget.grant(footprint(system, photo, extent)).await?;
    let mut watch = Stopwatch::start();
    let original = fetch(system, photo).await?;
    let fetch_seconds = watch.lap_seconds();
    // The bytes are here: only now is a place at the device taken, and held until nothing is left to compute.
    let (claim, extent) = (claim.clone(), first_extent(gallery, extent));
    let mut made = on_a_lane(system, move |system| make(system, &claim, stages, original, extent)).await?;
    watch.lap_seconds();
    made.own.fetch_seconds = fetch_seconds;
    if made.own.decode_seconds > 0.0 {
        system.speeds.reached(fetch_seconds + made.own.decode_seconds, photo);
    }
    Ok(match made.output {
        Output::Rest(stage) => {
            made.found.timings = made.found.timings.plus(&made.own);
            Lived::PassedOn(stage, made.found)
        }
        Output::Rendered { reason, rendered, put_off, thumbhash } => {
            let Found { analysis, models, pipeline, timings, .. } = made.found;
            let fingerprint = system.fingerprint_by(&system.settings.pipelines[&pipeline], &models);
            let variants = keep_all(system, photo, fingerprint, rendered).await?;
            made.own.store_seconds = watch.lap_seconds();
            system.speeds.took(Stage::Compression, made.own.render_seconds + made.own.store_seconds, photo);
            Lived::Finished(Finished {
                pipeline,
                pipeline_reason: reason,
                fingerprint,
                variants,
                owed: (!put_off.is_empty()).then_some(Owed { formats: put_off, models }),
                thumbhash,
                analysis,
                timings: timings.plus(&made.own),
                finished_at: system.clock.now(),
            })
        }
    })
}

/// Runs what computes on a thread of its own, once a lane of the device is free.
async fn on_a_lane<T: Send + 'static>(
    system: &Arc<System>,
    work: impl FnOnce(&System) -> Result<T> + Send + 'static,
) -> Result<T> {
    let _lane = system.lanes.acquire().await.map_err(|_| Error::Bug("the device is gone".to_owned()))?;
    let (system, span) = (Arc::clone(system), tracing::Span::current());
    in_background(system.settings.niceness, move || span.in_scope(|| work(&system))).await?
}

/// Puts the outputs into the vault, all at once: a store that is busy is waited for once and not once for each.
async fn keep_all(
    system: &System,
    photo: &Photo,
    fingerprint: Fingerprint,
    rendered: Vec<Rendered>,
) -> Result<Vec<Variant>> {
    let keep_one = |Rendered { name, format, width, height, bytes }: Rendered| async move {
        let key = Key::Variant { original: photo.original, fingerprint, name: name.clone(), format };
        let bytes = keep(system, &key, bytes).await?;
        let (hash, crc32) = (ContentHash::of(&bytes), Some(crc32fast::hash(&bytes)));
        Ok(Variant { name, format, width, height, bytes: bytes.len() as u64, hash, crc32 })
    };
    try_join_all(rendered.into_iter().map(keep_one)).await
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
    found: Found,
    output: Output,
    /// How long this worker's part took.
    own: Timings,
}

enum Output {
    /// This stage is next, and others have it.
    Rest(Stage),
    Rendered {
        reason: String,
        rendered: Vec<Rendered>,
        /// Formats that are to be made later.
        put_off: Vec<OutputFormat>,
        thumbhash: String,
    },
}

/// All that computes, on one thread: decode → look → choose → render, as far as these stages go.
fn make(system: &System, claim: &Claim, stages: Stages, original: Bytes, extent: Extent) -> Result<Made> {
    let mut watch = Stopwatch::start();
    let probe = probe(&original, &system.settings.limits)?;
    let mut course = Course::new(system, claim, &probe);
    let mut own = Timings::default();
    let mut next = course.next()?;
    if !stages.contains(next) {
        return Ok(Made { found: course.found, output: Output::Rest(next), own });
    }
    let decoded = decode(system, Source { bytes: original, probe: probe.clone() }, extent)?;
    own.decode_seconds = watch.lap_seconds();
    while next != Stage::Compression && stages.contains(next) {
        course.look(next, &decoded.view)?;
        let seconds = watch.lap_seconds();
        system.speeds.took(next, seconds, &claim.photo);
        own.vision_seconds += seconds;
        next = course.next()?;
    }
    if !stages.contains(next) {
        return Ok(Made { found: course.found, output: Output::Rest(next), own });
    }
    let (pipeline, reason) = course.choose()?;
    let faces = course.found.analysis.regions();
    let mut plan = Plan::new(&system.settings.pipelines[&pipeline].recipe, &probe, &faces)?;
    let put_off = plan.put_off(&system.settings.later_formats);
    let thumbhash = decoded.thumbhash.clone();
    let rendered = render(system, decoded, plan)?;
    own.render_seconds = watch.lap_seconds();
    Ok(Made { found: course.found, output: Output::Rendered { reason, rendered, put_off, thumbhash }, own })
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
        single_scan: photo.single_scan,
        image: 0..length,
    };
    system.device.footprint(&probe, extent)
}
