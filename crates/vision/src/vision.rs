//! All models together on one photo.

use procession_domain::analysis::Analysis;
use procession_pixel::View;
use sha2::{Digest, Sha256};

use crate::{
    Cache, Error,
    embedding::Embedder,
    expression::Expressions,
    faces::Detector,
    scene::Scenes,
    session::{self, Session},
    sharpness,
};

/// Raised whenever the same models would say something else of the same photo.
const VERSION: u32 = 3;

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
pub struct Vision {
    identity: String,
    detector: Detector,
    embedder: Embedder,
    expressions: Expressions,
    scenes: Scenes,
}

impl Vision {
    /// Loads the models of `cache`; each runs on up to `threads` threads.
    ///
    /// # Errors
    /// [`Error::Missing`] names the model that is not there, [`Error::Corrupt`] one with other content than the
    /// catalogue's; [`Error::Invalid`] if `models.toml` cannot be understood; [`Error::Runtime`] if ONNX Runtime does not
    /// load or refuses a model.
    pub fn load(cache: &Cache, threads: usize) -> Result<Self, Error> {
        let library = cache.model("onnxruntime")?;
        let mut hashes = vec![library.sha256];
        let mut open = |name: &str, largest_batch: usize| {
            let model = cache.model(name)?;
            let session = Session::load(&session::runtime(&library.path)?, name, &model, threads, largest_batch);
            hashes.push(model.sha256);
            session
        };
        let embedder = Embedder(open("dlib-resnet", 16)?);
        let expressions = Expressions { mesh: open("face-landmarks", 8)?, blendshapes: open("face-blendshapes", 1)? };
        let scenes = open("efficientnet-lite2", 8)?;
        let (model, kind) = cache.detector()?;
        // One at a time: what it makes of one photo fits the processor's cache, and four together took a third longer each.
        let session = Session::load(&session::runtime(&library.path)?, "the face detector", &model, threads, 1)?;
        let classes = cache.model("imagenet-classes")?;
        let scenes = Scenes {
            session: scenes,
            classes: String::from_utf8_lossy(&classes.bytes).lines().map(str::to_owned).collect(),
        };
        hashes.extend([model.sha256, classes.sha256]);
        let identity = identity(&hashes);
        Ok(Self { identity, detector: Detector::new(session, kind), embedder, expressions, scenes })
    }

    /// What [`Vision::identity`] of these models is, without loading one of them or ONNX Runtime: for those who only have to
    /// know whether a photo was analysed by them.
    ///
    /// # Errors
    /// As for [`Vision::load`], but for what ONNX Runtime would say.
    pub fn identify(cache: &Cache) -> Result<String, Error> {
        let names = ["onnxruntime", "dlib-resnet", "face-landmarks", "face-blendshapes", "efficientnet-lite2"];
        let mut hashes = names.iter().map(|name| cache.hash(name)).collect::<Result<Vec<_>, _>>()?;
        hashes.extend([cache.detector_hash()?, cache.hash("imagenet-classes")?]);
        Ok(identity(&hashes))
    }

    /// Names models and versions: with an equal identity, photos are analysed alike.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// Everything that was asked, from the photo's cascade.
    ///
    /// # Errors
    /// [`Error::Runtime`] if a model fails on this photo. Other photos are not affected.
    pub fn analyze(&self, view: &View, ask: Ask) -> Result<Analysis, Error> {
        let mut faces = None;
        if ask.faces || ask.expressions || ask.embeddings {
            faces = Some(self.detector.detect(view)?);
        }
        let sharpness = Some(sharpness(view, faces.as_deref().unwrap_or_default()));
        self.look_closer(view, Analysis { faces, sharpness, scene: None }, ask)
    }

    /// Adds embeddings, expressions and the scene, if they are asked, to what was seen before on the same photo: a pipeline that
    /// is chosen by the faces may want to know more, and another worker may know better.
    ///
    /// # Errors
    /// As for [`Vision::analyze`].
    pub fn look_closer(&self, view: &View, mut seen: Analysis, ask: Ask) -> Result<Analysis, Error> {
        if ask.embeddings
            && let Some(faces) = &mut seen.faces
        {
            self.embedder.embed(view, faces)?;
        }
        if ask.expressions
            && let Some(faces) = &mut seen.faces
        {
            self.expressions.read(view, faces)?;
        }
        if ask.scene && seen.scene.is_none() {
            seen.scene = Some(self.scenes.describe(view)?);
        }
        Ok(seen)
    }
}

/// The name of models with these hashes: of the runtime, the embedder, landmarks and expressions, the scenes, the detector, and
/// the names of scenes.
fn identity(hashes: &[String]) -> String {
    let digest = Sha256::digest(hashes.concat());
    let short: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("vision-{VERSION}-{short}")
}

impl std::fmt::Debug for Vision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vision").field("identity", &self.identity).finish_non_exhaustive()
    }
}
