//! The first look: a small JPEG of a photo, made within moments of its arrival and long before its turn in the schedule.
//!
//! A preview can be made again at any time from the original, so whoever asks for one that is not there, or no longer whole,
//! makes it. No ledger knows its hash: it stands behind the JPEG, in the vault alone.

use std::sync::Arc;

use bytes::Bytes;
use procession_domain::{
    Classified, ContentHash, Key, Kind,
    photo::Photo,
    recipe::{Encoding, Fit, MetadataPolicy, OutputColour, OutputFormat, Recipe, VariantSpec},
};
use procession_pixel::{Plan, Source, probe};

use crate::{
    Error, Result, System, in_background,
    life::{footprint, keep, one},
};

/// The longer edge of a preview in pixels: enough for a grid of a gallery on a phone.
pub const PREVIEW_EDGE: u32 = 512;

/// The preview of a photo: from the vault, or made now.
///
/// Previews do not wait for the device's lanes, which the queue keeps busy, but for places of their own. They take memory
/// from the budget like everybody, so the caller must hold none of it.
///
/// # Errors
/// What is wrong with the photo or the vault.
pub async fn preview(system: &Arc<System>, photo: &Photo) -> Result<Bytes> {
    preview_by(system, photo, 0).await
}

/// The same, on a thread that gives way so far.
async fn preview_by(system: &Arc<System>, photo: &Photo, niceness: u8) -> Result<Bytes> {
    let key = Key::Preview(photo.original);
    if let Some(jpeg) = kept(system, &key).await? {
        return Ok(jpeg);
    }
    let _place = system.previews.acquire().await.map_err(|_| Error::Bug("previews are no longer made".to_owned()))?;
    // Whoever had the place before may have made this one.
    if let Some(jpeg) = kept(system, &key).await? {
        return Ok(jpeg);
    }
    let _memory = system.budget.grant(footprint(system, photo, Plan::extent(&recipe()))).await?;
    let original = system.blobs.get(&Key::Original(photo.original)).await?;
    let made = {
        let system = Arc::clone(system);
        in_background(niceness, move || make(&system, original)).await??
    };
    let kept = keep(system, &key, seal(&made)).await?;
    unseal(&kept).ok_or_else(|| Error::Bug(format!("the preview of photo {} is damaged at once", photo.id)))
}

/// Makes the preview of a photo that nobody has asked for yet. Such previews are made one after the other, so whoever asks
/// for another one meanwhile waits for two at most.
///
/// # Errors
/// As for [`preview`].
pub async fn prepare_preview(system: &Arc<System>, photo: &Photo) -> Result<()> {
    let turn = system.early_previews.acquire().await;
    let _turn = turn.map_err(|_| Error::Bug("previews are no longer made".to_owned()))?;
    preview_by(system, photo, system.settings.niceness).await.map(drop)
}

/// The preview in the vault. A damaged one is removed: it could not be replaced.
async fn kept(system: &System, key: &Key) -> Result<Option<Bytes>> {
    let sealed = match system.blobs.get(key).await {
        Err(error) if error.kind() == Kind::NotFound => return Ok(None),
        found => found?,
    };
    let jpeg = unseal(&sealed);
    if jpeg.is_none() {
        system.blobs.delete(key).await?;
    }
    Ok(jpeg)
}

/// The JPEG with its hash behind it.
fn seal(jpeg: &[u8]) -> Bytes {
    [jpeg, ContentHash::of(jpeg).as_bytes()].concat().into()
}

/// The JPEG, if it is the one that was sealed.
fn unseal(sealed: &Bytes) -> Option<Bytes> {
    let (jpeg, hash) = sealed.split_last_chunk::<32>()?;
    (ContentHash::of(jpeg).as_bytes() == hash).then(|| sealed.slice(..jpeg.len()))
}

fn make(system: &System, original: Bytes) -> Result<Bytes> {
    let probe = probe(&original, &system.settings.limits)?;
    let recipe = recipe();
    let decoded =
        one(system.device.decode(vec![(Source { bytes: original, probe: probe.clone() }, Plan::extent(&recipe))]))?;
    let rendered = one(system.device.render(vec![(decoded, Plan::new(&recipe, &probe, &[])?)]))?;
    let first = rendered.into_iter().next();
    first.map(|rendered| rendered.bytes).ok_or_else(|| Error::Bug("a preview has no output".to_owned()))
}

fn recipe() -> Recipe {
    let encoding = Encoding { format: OutputFormat::Jpeg, quality: 72, full_chroma: false };
    let preview = VariantSpec {
        name: "first-look".to_owned(),
        fit: Fit::LongEdge(PREVIEW_EDGE),
        formats: vec![encoding],
        sharpen: 0.3,
    };
    Recipe { colour: OutputColour::Srgb, metadata: MetadataPolicy::Strip, variants: vec![preview] }
}
