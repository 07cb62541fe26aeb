//! What the models saw on a photo.

use serde::{Deserialize, Serialize};

/// Everything seen on one photo. A part that was not asked for, or whose model is missing, is `None`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Analysis {
    /// The faces, largest first; `None` if nobody looked.
    pub faces: Option<Vec<Face>>,
    /// How sharp the photo is.
    pub sharpness: Option<Sharpness>,
    /// What moments are found from.
    pub scene: Option<Scene>,
}

/// A rectangle as fractions of the upright photo's width and height: 0,0 is the top left, 1,1 the bottom right.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Region {
    /// Left edge.
    pub x: f32,
    /// Top edge.
    pub y: f32,
    /// Width.
    pub width: f32,
    /// Height.
    pub height: f32,
}

impl Region {
    /// The part of the photo that it covers, 0 to 1.
    pub fn area(&self) -> f32 {
        self.width * self.height
    }
}

/// A face.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Face {
    /// Where it is.
    pub region: Region,
    /// The detector's score, 0 to 1.
    pub score: f32,
    /// Eyes, nose, corners of the mouth (the photo's left first), as fractions of width and height.
    pub landmarks: [[f32; 2]; 5],
    /// How the face looks, where that was asked.
    pub expression: Option<Expression>,
    /// 128 numbers that are near each other for one person (dlib's, as they come: faces nearer than about 0.6 are one
    /// person's): biometric data, only with consent, erasable. Kept out of every file that leaves the vault.
    #[serde(skip)]
    pub embedding: Option<Vec<f32>>,
}

impl Face {
    /// How well it serves as a portrait: large, surely seen, awake. For comparisons within a gallery.
    pub fn portrait(&self) -> f32 {
        let awake = self.expression.map_or(0.7, |look| 1.0 - look.blink + 0.2 * look.smile);
        self.region.area().sqrt() * self.score * awake
    }
}

/// How a face looks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expression {
    /// The more closed of both eyes, 0 (open) to 1 (closed).
    pub blink: f32,
    /// 0 to 1.
    pub smile: f32,
}

/// How sharp a photo is where it matters: on its faces if it has some, else on its sharpest part.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sharpness {
    /// 0 (no detail at all) to 1 (as sharp as a photo of this size gets).
    pub score: f32,
}

/// What a photo shows, as numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scene {
    /// The likeliest labels of the classifier with their probabilities, at most five.
    pub labels: Vec<Label>,
    /// The classifier's feature vector, reduced and of length 1: near for photos of one scene. Stays in the vault.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub features: Vec<f32>,
}

/// A class and how likely it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Label {
    /// The class's name.
    pub name: String,
    /// 0 to 1.
    pub probability: f32,
}

impl Analysis {
    /// Where the faces are, in their order; none if nobody looked.
    pub fn regions(&self) -> Vec<Region> {
        self.faces.iter().flatten().map(|face| face.region).collect()
    }

    /// How well the photo stands for those around it: sharp, with people, the largest of them awake. For comparisons within
    /// a gallery.
    pub fn appeal(&self) -> f32 {
        let sharp = self.sharpness.map_or(0.5, |sharpness| sharpness.score);
        let largest = self.faces.iter().flatten().next();
        let people = if largest.is_some() { 0.3 } else { 0.0 };
        let look = largest.and_then(|face| face.expression);
        sharp + people + look.map_or(0.0, |look| 0.3 * look.smile - 0.6 * look.blink)
    }

    /// The same without what must not leave the vault: embeddings and feature vectors.
    #[must_use]
    pub fn without_private_parts(&self) -> Self {
        let mut public = self.clone();
        for face in public.faces.iter_mut().flatten() {
            face.embedding = None;
        }
        if let Some(scene) = &mut public.scene {
            scene.features.clear();
        }
        public
    }
}
