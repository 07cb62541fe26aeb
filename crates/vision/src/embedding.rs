//! Whose face it is, as numbers: dlib's face recognition network.

use procession_domain::analysis::Face;
use procession_pixel::View;

use crate::{
    Error,
    geometry::{align, finest_size, photo_size, planes},
    session::Session,
    sharpness,
};

/// The side of the crop that the network takes, in pixels.
const SIDE: u32 = 150;
/// A face whose eyes are nearer than this on the finest level has too few pixels to be told apart. At 20 pixels one
/// person's faces were still at most 0.47 apart and two people's at least 0.73.
const LEAST_EYE_DISTANCE: f32 = 18.0;
/// Nor can one that is blurred beyond this [`sharpness::of_face`].
const LEAST_SHARPNESS: f32 = 0.08;

/// Eyes, nose and corners of the mouth in dlib's mean face (dlib, image_transforms/interpolation.h, Boost licence), as
/// fractions of the face without padding.
const MEAN_FACE: [[f32; 2]; 5] =
    [[0.22549, 0.21599], [0.75476, 0.21599], [0.490127, 0.515625], [0.254149, 0.780233], [0.726104, 0.780233]];
/// dlib pads the face by this part on each side.
const PADDING: f32 = 0.25;

/// Tells faces apart.
pub(crate) struct Embedder(pub(crate) Session);

impl Embedder {
    /// Fills in the embedding of every face that is large and sharp enough.
    pub(crate) fn embed(&self, view: &View, faces: &mut [Face]) -> Result<(), Error> {
        let crop = MEAN_FACE.map(|point| point.map(|value| (value + PADDING) / (1.0 + 2.0 * PADDING) * SIDE as f32));
        let finest = finest_size(view);
        let clear = |face: &Face| {
            let sharp = sharpness::of_face(view, face).is_none_or(|score| score >= LEAST_SHARPNESS);
            sharp && eye_distance(face, finest) >= LEAST_EYE_DISTANCE
        };
        let mut clear: Vec<&mut Face> = faces.iter_mut().filter(|face| clear(face)).collect();
        let crops = clear.iter().map(|face| {
            let map = align(&crop, &face.landmarks, photo_size(view));
            planes(&view.warp(map, SIDE, SIDE), 0.0, 1.0)
        });
        let answers = self.0.run_all(crops.collect());
        for (face, answer) in clear.iter_mut().zip(answers) {
            face.embedding = answer?.pop().map(|embedding| embedding.data);
        }
        Ok(())
    }
}

/// The distance between the eyes in pixels, on a photo of this size.
pub(crate) fn eye_distance(face: &Face, size: (f32, f32)) -> f32 {
    let [[x0, y0], [x1, y1], ..] = face.landmarks;
    ((x1 - x0) * size.0).hypot((y1 - y0) * size.1)
}
