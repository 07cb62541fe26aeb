//! What the page's scripts know of a photo: text that repeats kept once, one number list for the files.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use procession_domain::{
    PhotoId, Timestamp,
    album::{Album, AlbumFile, AlbumPhoto},
    analysis::Analysis,
    photo::{Format, Timings},
    recipe::OutputFormat,
};
use serde::Serialize;

use super::data::zone_of;

/// A face counts as blinking from here on.
const BLINK: f32 = 0.5;
/// The longest edge that a page shows unless somebody zooms in.
const SCREEN_EDGE: u32 = 2600;

/// All that is known of some photos.
#[derive(Debug, Serialize)]
pub(crate) struct Details<'a> {
    /// Names and reasons that many photos share; other fields are indices into it.
    texts: Vec<String>,
    /// The outputs that the photos have.
    kinds: Vec<Kind>,
    /// The photos, in the album's order.
    pub(crate) photos: Vec<PagePhoto<'a>>,
}

/// Where the scripts find a photo's files.
#[derive(Clone, Copy)]
pub(crate) enum Files<'a> {
    /// Beside the page, at their paths. For whoever made the photos: how each was worked on is told too.
    Beside,
    /// At these addresses. For their clients: what screens need, and nothing else.
    At(&'a dyn Fn(&AlbumPhoto, &AlbumFile) -> String),
}

/// Exposure time in seconds, f-number, ISO, focal length in mm.
type Exposure = (Option<f64>, Option<f64>, Option<u32>, Option<f64>);

/// A file is `[kind, width, height, bytes]`; its path is `before`, the photo's stem, `after`, unless it has an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
struct Kind {
    variant: String,
    format: OutputFormat,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct PagePhoto<'a> {
    id: PhotoId,
    name: &'a str,
    /// The other paths under which the same photo came.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    also: Vec<&'a str>,
    /// The stem of its files' names where that is not the stem of `name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    stem: Option<&'a str>,
    width: u32,
    height: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    taken: Option<i64>,
    /// Placeholder, base64.
    thumb: &'a str,
    /// Four numbers a file.
    files: Vec<u64>,
    /// The files' addresses, where they have some.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    urls: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    camera: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lens: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exposure: Option<Exposure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pipeline: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<usize>,
    /// Among the sharper three quarters of the gallery, and nobody blinks.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    best: bool,
    /// Seconds that all stages took.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    /// Bytes of the original.
    bytes: u64,
    format: Format,
    #[serde(skip_serializing_if = "Option::is_none")]
    faces: Option<usize>,
}

/// What a photo's details depend on besides the photo.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    zone: TimeZone,
    /// The sharpness from which on a photo is among the best.
    sharp_enough: Option<f32>,
}

impl Look {
    /// For the photos of this album.
    pub(super) fn of(album: &Album) -> Self {
        Self { zone: zone_of(album), sharp_enough: lower_quartile(album) }
    }

    /// When a photo was taken, for the scripts.
    pub(super) fn wall_ms(&self, moment: Timestamp) -> i64 {
        let offset = self.zone.to_offset(moment.calendar());
        moment.micros().div_euclid(1000) + i64::from(offset.seconds()) * 1000
    }

    /// Sharp among its neighbours, and nobody blinks.
    pub(super) fn is_best(&self, analysis: &Analysis) -> bool {
        let sharp = match (analysis.sharpness, self.sharp_enough) {
            (Some(sharpness), Some(least)) => sharpness.score >= least,
            _ => false,
        };
        let faces = analysis.faces.as_deref().unwrap_or_default();
        sharp && !faces.iter().any(|face| face.expression.is_some_and(|expression| expression.blink >= BLINK))
    }
}

impl<'a> Details<'a> {
    /// All that is known of these.
    pub(crate) fn of(photos: impl Iterator<Item = &'a AlbumPhoto>, look: &Look, files: Files<'_>) -> Self {
        let (mut texts, mut kinds) = (Interner::default(), Interner::default());
        let photos = photos.map(|photo| page_photo(photo, look, files, &mut texts, &mut kinds)).collect();
        Self { texts: texts.list, kinds: kinds.list, photos }
    }
}

/// The files that show the whole photo and are small enough for a page. If there are none, all that are small enough.
pub(crate) fn for_screens(photo: &AlbumPhoto) -> Vec<&AlbumFile> {
    let is_whole = |file: &AlbumFile| {
        let (a, b) = (u64::from(file.width) * u64::from(photo.height), u64::from(file.height) * u64::from(photo.width));
        a.abs_diff(b) <= u64::from(photo.width.max(photo.height))
    };
    let small = photo.files.iter().filter(|file| file.width.max(file.height) <= SCREEN_EDGE);
    let (whole, parts): (Vec<&AlbumFile>, Vec<_>) = small.partition(|file| is_whole(file));
    if whole.is_empty() { parts } else { whole }
}

fn page_photo<'a>(
    photo: &'a AlbumPhoto,
    look: &Look,
    files: Files<'_>,
    texts: &mut Interner<String>,
    kinds: &mut Interner<Kind>,
) -> PagePhoto<'a> {
    let stem = photo.files.first().map_or("", |file| split_path(&file.path).1);
    let is_beside = matches!(files, Files::Beside);
    let shown = if is_beside { photo.files.iter().collect() } else { for_screens(photo) };
    let (mut numbers, mut urls) = (Vec::with_capacity(shown.len() * 4), Vec::new());
    for file in shown {
        let (before, after) = match files {
            Files::Beside => around(file, stem),
            Files::At(address) => {
                urls.push(address(photo, file));
                (None, None)
            }
        };
        let kind = kinds.index_of(Kind { variant: file.variant.clone(), format: file.format, before, after });
        numbers.extend([kind as u64, u64::from(file.width), u64::from(file.height), file.bytes]);
    }
    let capture = &photo.capture;
    let exposure = (capture.exposure_seconds, capture.aperture, capture.iso, capture.focal_length_mm);
    let mut told = |text: &String| is_beside.then(|| texts.index_of(text.clone()));
    PagePhoto {
        id: photo.id,
        name: &photo.name,
        also: photo.names.iter().map(String::as_str).filter(|name| is_beside && *name != photo.name).collect(),
        stem: (is_beside && stem != split_path(&photo.name).1).then_some(stem),
        width: photo.width,
        height: photo.height,
        taken: photo.taken_at.map(|time| look.wall_ms(time)),
        thumb: &photo.thumbhash,
        files: numbers,
        urls,
        pipeline: told(&photo.pipeline),
        reason: told(&photo.pipeline_reason),
        camera: camera_of(photo).map(|name| texts.index_of(name)),
        lens: capture.lens.clone().map(|name| texts.index_of(name)),
        exposure: (exposure != (None, None, None, None)).then_some(exposure),
        best: look.is_best(&photo.analysis),
        seconds: is_beside.then(|| seconds_of(photo)),
        bytes: photo.bytes,
        format: photo.format,
        faces: photo.analysis.faces.as_ref().filter(|_| is_beside).map(Vec::len),
    }
}

/// Seconds that all stages took.
fn seconds_of(photo: &AlbumPhoto) -> f64 {
    let Timings { fetch_seconds, decode_seconds, vision_seconds, render_seconds, store_seconds } = photo.timings;
    let seconds = fetch_seconds + decode_seconds + vision_seconds + render_seconds + store_seconds;
    (seconds * 1000.0).round() / 1000.0
}

/// Folder with its slash, stem, extension with its dot.
fn split_path(path: &str) -> (&str, &str, &str) {
    let (folder, file) = path.split_at(path.rfind('/').map_or(0, |at| at + 1));
    let (stem, extension) = file.split_at(file.rfind('.').unwrap_or(file.len()));
    (folder, stem, extension)
}

/// The path around the stem, or all of it where a file is named otherwise.
fn around(file: &AlbumFile, stem: &str) -> (Option<String>, Option<String>) {
    let (folder, own_stem, extension) = split_path(&file.path);
    match own_stem.strip_prefix(stem) {
        Some(rest) => (Some(folder.to_owned()), Some(format!("{rest}{extension}"))),
        // A NUL, which no path holds, says that the stem does not take part.
        None => (Some(file.path.clone()), Some("\0".to_owned())),
    }
}

/// "Canon EOS R5", not "Canon Canon EOS R5".
fn camera_of(photo: &AlbumPhoto) -> Option<String> {
    let (make, model) = (photo.capture.camera_make.as_deref(), photo.capture.camera_model.as_deref());
    match (make, model) {
        (Some(make), Some(model)) => {
            let first_word = make.split(' ').next().unwrap_or(make).to_lowercase();
            let named = model.to_lowercase().starts_with(&first_word);
            Some(if named { model.to_owned() } else { format!("{make} {model}") })
        }
        (one, other) => one.or(other).map(str::to_owned),
    }
}

/// The sharpness that three quarters of the judged photos reach: the models' scale differs from gallery to gallery.
fn lower_quartile(album: &Album) -> Option<f32> {
    let mut scores: Vec<f32> =
        album.photos.iter().filter_map(|photo| photo.analysis.sharpness.map(|sharpness| sharpness.score)).collect();
    scores.sort_by(f32::total_cmp);
    scores.get(scores.len() / 4).copied()
}

/// Values in the order in which they were first seen.
#[derive(Debug)]
struct Interner<T> {
    list: Vec<T>,
    index: HashMap<T, usize>,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self { list: Vec::new(), index: HashMap::new() }
    }
}

impl<T: Clone + Eq + std::hash::Hash> Interner<T> {
    fn index_of(&mut self, value: T) -> usize {
        *self.index.entry(value).or_insert_with_key(|value| {
            self.list.push(value.clone());
            self.list.len() - 1
        })
    }
}
