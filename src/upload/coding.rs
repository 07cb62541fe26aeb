//! Whether a photo travels as it is, or smaller.

use std::{
    io::{Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use clap::ValueEnum;
use lepton_jpeg::{DEFAULT_THREAD_POOL, EnabledFeatures, catch_unwind_result, encode_lepton_verify};
use procession_domain::{Clock, photo::Format};
use procession_pixel::{Limits, probe};

use super::{Content, blocking, link::Link};

/// A sample of a file that shrinks less than this travels as it is.
const WORTH_IT: f64 = 0.92;
const SAMPLE_BYTES: u64 = 1 << 20;
/// Fast, and as good as slower ones on sensor data.
const ZSTD_LEVEL: i32 = 3;
/// Larger files are not read into memory.
const MOST_BYTES: u64 = 256 << 20;

/// What `--coding` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum CodingChoice {
    /// zstd where a sample shrinks; Lepton where the link is slower than the coder
    #[default]
    Auto,
    /// Every photo as it is
    None,
    /// zstd for every photo
    Zstd,
    /// Lepton for every JPEG, zstd for others where a sample shrinks
    Lepton,
}

/// Codes photos, if it is worth it.
pub(super) struct Coder {
    choice: CodingChoice,
    zstd: bool,
    lepton: bool,
    clock: Arc<dyn Clock>,
    /// JPEG bytes a second that the coder takes in on one thread.
    lepton_speed: Mutex<Option<f64>>,
}

/// A photo as it travels.
pub(super) struct Coded {
    pub(super) content: Content,
    /// `zstd` or `lepton`.
    pub(super) coding: Option<&'static str>,
    /// What the service must know beside the coding.
    pub(super) metadata: Vec<(&'static str, String)>,
}

impl Coded {
    /// A photo as it is.
    pub(super) fn plain(path: &Path, length: u64) -> Self {
        Self { content: Content::File(path.to_owned(), length), coding: None, metadata: Vec::new() }
    }
}

impl Coder {
    /// A coder for a service that understands `offered`.
    pub(super) fn new(choice: CodingChoice, offered: &[String], clock: Arc<dyn Clock>) -> Self {
        let is_offered = |name: &str| offered.iter().any(|offered| offered == name);
        let (zstd, lepton) = (is_offered("zstd"), is_offered("lepton"));
        Self { choice, zstd, lepton, clock, lepton_speed: Mutex::default() }
    }

    /// Chooses, and codes.
    pub(super) async fn code(&self, path: &Path, format: Option<Format>, length: u64, link: &Link) -> Coded {
        let plain = Coded::plain(path, length);
        if self.choice == CodingChoice::None || length == 0 || length > MOST_BYTES {
            return plain;
        }
        let path = path.to_owned();
        if format == Some(Format::Jpeg) && self.choice != CodingChoice::Zstd {
            return if self.lepton && self.is_lepton_worth_it(link) {
                self.lepton(path, length).await.unwrap_or(plain)
            } else {
                plain
            };
        }
        // What is compressed already does not shrink: nobody has to look.
        let may_shrink = matches!(format, Some(Format::Tiff | Format::Raw));
        let forced = self.choice == CodingChoice::Zstd;
        if !self.zstd || !(may_shrink || forced) {
            return plain;
        }
        let coded = blocking(move || if forced || shrinks(&path, length)? { zstd(&path).map(Some) } else { Ok(None) });
        match coded.await {
            Ok(Some(bytes)) if forced || bytes.len() as f64 <= length as f64 * WORTH_IT => Coded {
                content: Content::Coded(bytes),
                coding: Some("zstd"),
                metadata: vec![("length", length.to_string())],
            },
            _ => plain,
        }
    }

    fn is_lepton_worth_it(&self, link: &Link) -> bool {
        if self.choice == CodingChoice::Lepton {
            return true;
        }
        let Some(link) = link.bytes_per_second() else { return false };
        // A first photo is coded to measure the coder where it could be faster at all.
        let fastest = std::thread::available_parallelism().map_or(1.0, |threads| threads.get() as f64);
        let speed = self.lepton_speed.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or(100e6);
        link < speed * fastest
    }

    /// `None` if it is no JPEG that Lepton gives back as it was.
    async fn lepton(&self, path: PathBuf, length: u64) -> Option<Coded> {
        let began = self.clock.now();
        let coded = blocking(move || {
            let jpeg = std::fs::read(path)?;
            let size = probe(&jpeg, &Limits::default()).ok().map(|probe| (probe.width, probe.height));
            let features =
                EnabledFeatures { max_processor_threads: 1, ..EnabledFeatures::compat_lepton_vector_write() };
            let coded = catch_unwind_result(|| encode_lepton_verify(&jpeg, &features, &DEFAULT_THREAD_POOL));
            Ok(size.zip(coded.ok().map(|(coded, _)| coded)))
        });
        let ((width, height), bytes) = coded.await.ok()??;
        let seconds = self.clock.now().since(began).as_secs_f64().max(1e-3);
        *self.lepton_speed.lock().unwrap_or_else(PoisonError::into_inner) = Some(length as f64 / seconds);
        let metadata = [("length", length), ("width", width.into()), ("height", height.into())];
        let metadata = metadata.into_iter().map(|(key, value)| (key, value.to_string())).collect();
        Some(Coded { content: Content::Coded(bytes.into()), coding: Some("lepton"), metadata })
    }
}

/// True if a sample from the middle shrinks.
fn shrinks(path: &Path, length: u64) -> std::io::Result<bool> {
    let mut file = std::fs::File::open(path)?;
    file.seek(SeekFrom::Start(length.saturating_sub(SAMPLE_BYTES) / 2))?;
    let mut sample = Vec::new();
    file.take(SAMPLE_BYTES).read_to_end(&mut sample)?;
    Ok(zstd::bulk::compress(&sample, ZSTD_LEVEL)?.len() as f64 <= sample.len() as f64 * WORTH_IT)
}

fn zstd(path: &Path) -> std::io::Result<Bytes> {
    Ok(zstd::encode_all(std::fs::File::open(path)?, ZSTD_LEVEL)?.into())
}
