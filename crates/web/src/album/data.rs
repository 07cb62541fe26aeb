//! The album as the page's scripts read it: indices instead of ids, text that repeats kept once, one number list for the
//! files of a photo. The sample of 10,000 photos is 4.3 MB so, and 28 MB as `gallery.json`.

use std::collections::{BTreeSet, HashMap};

use jiff::tz::TimeZone;
use procession_domain::{
    PhotoId, Timestamp,
    album::{Album, AlbumFile, AlbumPhoto, GuestFace},
    analysis::{Analysis, Region},
    recipe::OutputFormat,
};
use serde::Serialize;

/// A face counts as blinking from here on.
const BLINK: f32 = 0.5;

/// What the scripts get. Times are milliseconds of the venue's wall clock, counted as if it were UTC.
#[derive(Debug, Serialize)]
pub(super) struct PageData<'a> {
    /// Names and reasons that many photos share; other fields are indices into it.
    texts: Vec<String>,
    /// The outputs that the photos have.
    kinds: Vec<Kind>,
    /// The photos, in the album's order.
    pub(super) photos: Vec<PagePhoto<'a>>,
    /// The moments that have photos. At least one if there are photos.
    pub(super) moments: Vec<PageMoment<'a>>,
    guests: Vec<PageGuest<'a>>,
}

/// Exposure time in seconds, f-number, ISO, focal length in mm.
type Exposure = (Option<f64>, Option<f64>, Option<u32>, Option<f64>);

/// A file is `[kind, width, height, bytes]`; its path is `before`, the photo's stem, `after`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
struct Kind {
    variant: String,
    format: OutputFormat,
    before: String,
    after: String,
}

#[derive(Debug, Serialize)]
pub(super) struct PagePhoto<'a> {
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
    #[serde(skip_serializing_if = "Option::is_none")]
    camera: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lens: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exposure: Option<Exposure>,
    pipeline: usize,
    reason: usize,
    /// Among the sharper three quarters of the gallery, and nobody blinks.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    best: bool,
    /// Seconds that all stages took.
    seconds: f64,
    /// Bytes of the original.
    bytes: u64,
    format: procession_domain::photo::Format,
    #[serde(skip_serializing_if = "Option::is_none")]
    faces: Option<usize>,
}

#[derive(Debug, Serialize)]
pub(super) struct PageMoment<'a> {
    pub(super) title: &'a str,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    starts: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ends: Option<i64>,
    pub(super) photos: Vec<usize>,
    pub(super) cover: usize,
}

#[derive(Debug, Serialize)]
struct PageGuest<'a> {
    name: &'a str,
    cover: usize,
    /// Photo and the face's left, top, width and height as fractions.
    faces: Vec<(usize, f32, f32, f32, f32)>,
}

impl<'a> PageData<'a> {
    /// The page's view of an album, without its hidden guests. References to photos that the album does not hold are left out; a photo that no
    /// moment holds is still shown, after the others.
    pub(super) fn of(album: &'a Album) -> Self {
        let zone = zone_of(album);
        let index: HashMap<PhotoId, usize> =
            album.photos.iter().enumerate().map(|(at, photo)| (photo.id, at)).collect();
        let mut texts = Interner::default();
        let mut kinds = Interner::default();
        let sharp_enough = lower_quartile(album);
        let photos =
            album.photos.iter().map(|photo| page_photo(photo, &zone, sharp_enough, &mut texts, &mut kinds)).collect();
        let guests = album
            .guests
            .iter()
            .filter(|guest| !guest.hidden)
            .filter_map(|guest| {
                let cover = guest.faces.get(guest.cover).or(guest.faces.first())?;
                let seen = |face: &&GuestFace| index.contains_key(&face.photo);
                let faces: Vec<&GuestFace> = guest.faces.iter().filter(seen).collect();
                Some(PageGuest {
                    name: &guest.name,
                    cover: faces.iter().position(|face| *face == cover).unwrap_or(0),
                    faces: faces.iter().map(|face| page_face(index[&face.photo], face.region)).collect(),
                })
            })
            .filter(|guest| !guest.faces.is_empty())
            .collect();
        let moments = page_moments(album, &zone, &index);
        Self { texts: texts.list, kinds: kinds.list, photos, moments, guests }
    }

    /// The guests that are shown.
    pub(super) fn guest_count(&self) -> usize {
        self.guests.len()
    }

    /// Whether the page can offer the best photos: somebody judged sharpness.
    pub(super) fn knows_best(&self) -> bool {
        self.photos.iter().any(|photo| photo.best)
    }
}

/// The time zone that the page's times are shown in.
pub(super) fn zone_of(album: &Album) -> TimeZone {
    album.wedding.as_ref().map_or(TimeZone::UTC, |wedding| wedding.time_zone.rules())
}

fn wall_ms(moment: Timestamp, zone: &TimeZone) -> i64 {
    let offset = zone.to_offset(moment.calendar());
    moment.micros().div_euclid(1000) + i64::from(offset.seconds()) * 1000
}

fn page_face(photo: usize, region: Region) -> (usize, f32, f32, f32, f32) {
    // Four decimals are a quarter of a pixel at 2048.
    let short = |value: f32| (value * 1e4).round() / 1e4;
    (photo, short(region.x), short(region.y), short(region.width), short(region.height))
}

fn page_moments<'a>(album: &'a Album, zone: &TimeZone, index: &HashMap<PhotoId, usize>) -> Vec<PageMoment<'a>> {
    let mut left: BTreeSet<usize> = (0..album.photos.len()).collect();
    let mut moments = Vec::with_capacity(album.moments.len());
    for moment in &album.moments {
        let held = moment.photos.iter().filter_map(|id| index.get(id).copied());
        let photos: Vec<usize> = held.filter(|at| left.remove(at)).collect();
        if let Some(&first) = photos.first() {
            moments.push(PageMoment {
                title: &moment.title,
                reason: &moment.reason,
                starts: moment.starts_at.map(|time| wall_ms(time, zone)),
                ends: moment.ends_at.map(|time| wall_ms(time, zone)),
                cover: index.get(&moment.cover).copied().unwrap_or(first),
                photos,
            });
        }
    }
    let photos: Vec<usize> = left.into_iter().collect();
    if let Some(&cover) = photos.first() {
        let title = if moments.is_empty() { "All photos" } else { "More photos" };
        let times = photos.iter().filter_map(|&at| album.photos[at].taken_at);
        let (starts, ends) = (times.clone().min(), times.max());
        moments.push(PageMoment {
            title,
            reason: "",
            starts: starts.map(|time| wall_ms(time, zone)),
            ends: ends.map(|time| wall_ms(time, zone)),
            cover,
            photos,
        });
    }
    moments
}

fn page_photo<'a>(
    photo: &'a AlbumPhoto,
    zone: &TimeZone,
    sharp_enough: Option<f32>,
    texts: &mut Interner<String>,
    kinds: &mut Interner<Kind>,
) -> PagePhoto<'a> {
    let stem = photo.files.first().map_or("", |file| split_path(&file.path).1);
    let mut files = Vec::with_capacity(photo.files.len() * 4);
    for file in &photo.files {
        let kind = kinds.index_of(kind_of(file, stem));
        files.extend([kind as u64, u64::from(file.width), u64::from(file.height), file.bytes]);
    }
    let capture = &photo.capture;
    let exposure = (capture.exposure_seconds, capture.aperture, capture.iso, capture.focal_length_mm);
    let timings = &photo.timings;
    let seconds = timings.fetch_seconds
        + timings.decode_seconds
        + timings.vision_seconds
        + timings.render_seconds
        + timings.store_seconds;
    PagePhoto {
        id: photo.id,
        name: &photo.name,
        also: photo.names.iter().map(String::as_str).filter(|name| *name != photo.name).collect(),
        stem: (stem != split_path(&photo.name).1).then_some(stem),
        width: photo.width,
        height: photo.height,
        taken: photo.taken_at.map(|time| wall_ms(time, zone)),
        thumb: &photo.thumbhash,
        files,
        camera: camera_of(photo).map(|name| texts.index_of(name)),
        lens: capture.lens.clone().map(|name| texts.index_of(name)),
        exposure: (exposure != (None, None, None, None)).then_some(exposure),
        pipeline: texts.index_of(photo.pipeline.clone()),
        reason: texts.index_of(photo.pipeline_reason.clone()),
        best: is_best(&photo.analysis, sharp_enough),
        seconds: (seconds * 1000.0).round() / 1000.0,
        bytes: photo.bytes,
        format: photo.format,
        faces: photo.analysis.faces.as_ref().map(Vec::len),
    }
}

/// Folder with its slash, stem, extension with its dot.
fn split_path(path: &str) -> (&str, &str, &str) {
    let (folder, file) = path.split_at(path.rfind('/').map_or(0, |at| at + 1));
    let (stem, extension) = file.split_at(file.rfind('.').unwrap_or(file.len()));
    (folder, stem, extension)
}

/// A kind's `before` and `after` hold the path around the stem, or all of it where a file is named otherwise.
fn kind_of(file: &AlbumFile, stem: &str) -> Kind {
    let (folder, own_stem, extension) = split_path(&file.path);
    let (before, after) = match own_stem.strip_prefix(stem) {
        Some(rest) => (folder.to_owned(), format!("{rest}{extension}")),
        // A NUL, which no path holds, says that the stem does not take part.
        None => (file.path.clone(), "\0".to_owned()),
    };
    Kind { variant: file.variant.clone(), format: file.format, before, after }
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

fn is_best(analysis: &Analysis, sharp_enough: Option<f32>) -> bool {
    let sharp = match (analysis.sharpness, sharp_enough) {
        (Some(sharpness), Some(least)) => sharpness.score >= least,
        _ => false,
    };
    let faces = analysis.faces.as_deref().unwrap_or_default();
    sharp && !faces.iter().any(|face| face.expression.is_some_and(|expression| expression.blink >= BLINK))
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
