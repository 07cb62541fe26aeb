//! Whether every photo that was sent is whole: in each store, in the ledger, and as images.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use procession_domain::{ContentHash, Key, photo::Finished, photo::Photo, photo::PhotoState, variant::Variant};
use procession_pixel::{CpuDevice, Device as _, Extent, Limits, Source, probe};

use crate::{
    deployment::{Deployment, Listed},
    photos::Card,
};

/// What a store is still owed has so long to arrive.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was looked at, and what is not as it must be.
#[derive(Debug)]
pub(crate) struct Checked {
    began: Instant,
    /// Copies of originals and of variants that were read back and hashed; images that were decoded.
    pub(crate) originals: usize,
    pub(crate) variants: usize,
    pub(crate) decoded: usize,
    /// Photos that were sent and are not there, not once, not finished or not whole.
    pub(crate) lost: usize,
    pub(crate) complaints: Vec<String>,
}

impl Default for Checked {
    fn default() -> Self {
        Self { began: Instant::now(), originals: 0, variants: 0, decoded: 0, lost: 0, complaints: Vec::new() }
    }
}

/// Holds what the ledger lists and the stores have against what was sent: every original in every store, and all variants of each
/// `sample`th photo. A photo that is still unfinished is right only if it `may_wait`.
pub(crate) fn check(
    deployment: &Deployment,
    cards: &[Card],
    listed: &[Listed],
    sample: usize,
    may_wait: bool,
) -> Checked {
    let (mut checked, device, mut number) = (Checked::default(), CpuDevice::new(1), 0);
    for (gallery, (card, listed)) in cards.iter().zip(listed).enumerate() {
        for sent in &card.photos {
            let before = checked.complaints.len();
            let name = format!("{} of gallery {gallery}", sent.name);
            let found: Vec<_> = listed.photos.iter().filter(|(photo, _)| photo.original == sent.original).collect();
            originals(deployment, sent.original, &name, &mut checked);
            match found.as_slice() {
                [(photo, PhotoState::Done(finished))] => {
                    if number % sample == 0 {
                        variants(deployment, (photo, finished), &name, &device, &mut checked);
                    }
                }
                [(_, PhotoState::Stored)] if may_wait => {}
                [(_, state)] => checked.complaints.push(format!("{name} is not finished: {state:?}")),
                others => checked.complaints.push(format!("{name} is listed {} times", others.len())),
            }
            checked.lost += usize::from(checked.complaints.len() > before);
            number += 1;
        }
        if listed.photos.len() != card.photos.len() || listed.refusals > 0 {
            let (found, sent) = (listed.photos.len(), card.photos.len());
            let refusals = listed.refusals;
            checked.complaints.push(format!("gallery {gallery} has {found} photos of {sent}, {refusals} not taken"));
        }
    }
    checked
}

fn originals(deployment: &Deployment, original: ContentHash, name: &str, checked: &mut Checked) {
    for store in &deployment.stores {
        match hash(&store.join(Key::Original(original).to_string()), checked.began) {
            Some(found) if found == original => checked.originals += 1,
            Some(_) => checked.complaints.push(format!("{name}: its original is damaged in {}", shown(store))),
            None => checked.complaints.push(format!("{name}: its original is not in {}", shown(store))),
        }
    }
}

fn variants(
    deployment: &Deployment,
    (photo, finished): (&Photo, &Finished),
    name: &str,
    device: &CpuDevice,
    checked: &mut Checked,
) {
    if finished.variants.is_empty() {
        checked.complaints.push(format!("{name} has no images"));
    }
    for variant in &finished.variants {
        let path = key(photo, finished, variant).to_string();
        let what = format!("{name}: its image {}.{}", variant.name, variant.format.extension());
        for store in &deployment.stores {
            match hash(&store.join(&path), checked.began) {
                Some(found) if found == variant.hash => checked.variants += 1,
                Some(_) => checked.complaints.push(format!("{what} is damaged in {}", shown(store))),
                None => checked.complaints.push(format!("{what} is not in {}", shown(store))),
            }
        }
        match decoded(&deployment.stores[0].join(&path), device) {
            Ok(size) if size == (variant.width, variant.height) => checked.decoded += 1,
            Ok(size) => checked.complaints.push(format!("{what} is {size:?} pixels and not what is told")),
            Err(why) => checked.complaints.push(format!("{what} cannot be decoded: {why}")),
        }
    }
}

/// Where a variant is in each store.
pub(crate) fn key(photo: &Photo, finished: &Finished, variant: &Variant) -> Key {
    let Variant { name, format, .. } = variant;
    Key::Variant { original: photo.original, fingerprint: finished.fingerprint, name: name.clone(), format: *format }
}

/// Decodes all of an image, and says its size.
fn decoded(path: &Path, device: &CpuDevice) -> Result<(u32, u32), String> {
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    let probe = probe(&bytes, &Limits::default()).map_err(|error| error.to_string())?;
    let size = probe.upright();
    let extent = Extent { long_edge: size.0.max(size.1), full: true };
    let mut results = device.decode(vec![(Source { bytes: bytes.into(), probe }, extent)]);
    let decoded = results.remove(0).map_err(|error| error.to_string())?;
    if decoded.view.photo_size() == size {
        Ok(size)
    } else {
        Err(format!("{:?} pixels came", decoded.view.photo_size()))
    }
}

/// The hash of a file, once it is there.
fn hash(path: &Path, began: Instant) -> Option<ContentHash> {
    loop {
        match fs::read(path) {
            Ok(bytes) => return Some(ContentHash::of(&bytes)),
            Err(_) if began.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(100)),
            Err(_) => return None,
        }
    }
}

fn shown(store: &Path) -> String {
    store.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
