//! Whose face it is, as numbers: dlib's face recognition network.

use procession_domain::analysis::Face;
use procession_pixel::View;

use crate::{
    Error,
    geometry::{align, finest_size, photo_size, planes},
    session::Session,
};

/// The side of the crop that the network takes, in pixels.
const SIDE: u32 = 150;
/// A face whose eyes are nearer than this on the finest level has too few pixels to be told apart.
const LEAST_EYE_DISTANCE: f32 = 14.0;

/// Eyes, nose and corners of the mouth in dlib's mean face (dlib, image_transforms/interpolation.h, Boost licence), as
/// fractions of the face without padding.
const MEAN_FACE: [[f32; 2]; 5] =
    [[0.22549, 0.21599], [0.75476, 0.21599], [0.490127, 0.515625], [0.254149, 0.780233], [0.726104, 0.780233]];
/// dlib pads the face by this part on each side.
const PADDING: f32 = 0.25;

/// Tells faces apart.
pub(crate) struct Embedder(pub(crate) Session);

impl Embedder {
    /// Fills in the embedding of every face that has enough pixels.
    pub(crate) fn embed(&self, view: &View, faces: &mut [Face]) -> Result<(), Error> {
        let crop = MEAN_FACE.map(|point| point.map(|value| (value + PADDING) / (1.0 + 2.0 * PADDING) * SIDE as f32));
        let finest = finest_size(view);
        let mut large: Vec<&mut Face> =
            faces.iter_mut().filter(|face| eye_distance(face, finest) >= LEAST_EYE_DISTANCE).collect();
        let crops = large.iter().map(|face| {
            let map = align(&crop, &face.landmarks, photo_size(view));
            planes(&view.warp(map, SIDE, SIDE), 0.0, 1.0)
        });
        let answers = self.0.run_all(crops.collect());
        for (face, answer) in large.iter_mut().zip(answers) {
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
