//! Blinks and smiles: MediaPipe's face mesh and its blend shapes.

use procession_domain::analysis::{Expression, Face};
use procession_pixel::View;

use crate::{
    Error,
    embedding::eye_distance,
    geometry::{align, finest_size, photo_size, planes},
    session::{Session, Tensor},
};

/// The side of the crop that the mesh takes, in pixels.
const SIDE: u32 = 256;
/// A face whose eyes are nearer than this on the finest level has too few pixels to see whether they are open.
const LEAST_EYE_DISTANCE: f32 = 24.0;

/// Eyes, nose and corners of the mouth of MediaPipe's canonical face (face_geometry/data/canonical_face_model.obj,
/// Apache-2.0) in a crop that is 1.5 times as large as the face, as MediaPipe cuts it.
const CANONICAL_FACE: [[f32; 2]; 5] = [[96.0, 101.4], [160.0, 101.4], [128.0, 138.0], [103.0, 170.0], [153.0, 170.0]];

/// The points of the mesh that the blend shapes are read from (MediaPipe, face_blendshapes_graph.cc, Apache-2.0).
#[rustfmt::skip]
const POINTS: [usize; 146] = [
    0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66, 67, 70, 78, 80, 81,
    82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146, 148, 149, 150, 152, 153, 154, 155,
    157, 158, 159, 160, 161, 162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249, 251, 263, 267,
    269, 270, 276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314, 317, 318, 321, 323,
    324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382, 384, 385, 386, 387, 388,
    389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466, 468, 469, 470, 471, 472, 473, 474, 475, 476, 477,
];
/// Where the blend shapes eyeBlinkLeft, eyeBlinkRight, mouthSmileLeft and mouthSmileRight stand.
const BLINKS: [usize; 2] = [9, 10];
const SMILES: [usize; 2] = [44, 45];

/// Sees how faces look.
pub(crate) struct Expressions {
    pub(crate) mesh: Session,
    pub(crate) blendshapes: Session,
}

impl Expressions {
    /// Fills in the expression of every face that is large enough and that the mesh takes for a face too.
    pub(crate) fn read(&self, view: &View, faces: &mut [Face]) -> Result<(), Error> {
        let finest = finest_size(view);
        let mut large: Vec<&mut Face> =
            faces.iter_mut().filter(|face| eye_distance(face, finest) >= LEAST_EYE_DISTANCE).collect();
        let crops = large.iter().map(|face| {
            let map = align(&CANONICAL_FACE, &face.landmarks, photo_size(view));
            planes(&view.warp(map, SIDE, SIDE), 0.0, 1.0 / 255.0)
        });
        let answers = self.mesh.run_all(crops.collect());
        for (face, answer) in large.iter_mut().zip(answers) {
            face.expression = self.expression(&answer?)?;
        }
        Ok(())
    }

    /// The expression of a mesh of x, y, z for each point, and the logit of there being a face.
    fn expression(&self, mesh: &[Tensor]) -> Result<Option<Expression>, Error> {
        let shapes = || Error::Bug("the face mesh's outputs have other shapes".to_owned());
        let [points, presence] = mesh else { return Err(shapes()) };
        if points.data.len() != 478 * 3 || presence.data.len() != 1 {
            return Err(shapes());
        }
        if presence.data[0] < 0.0 {
            return Ok(None);
        }
        let data = POINTS.iter().flat_map(|&point| points.data[3 * point..3 * point + 2].iter().copied()).collect();
        let answer = self.blendshapes.run(Tensor { shape: vec![POINTS.len(), 2], data })?;
        let blend = answer.first().filter(|blend| blend.data.len() == 52).ok_or_else(shapes)?;
        let pair = |places: [usize; 2]| places.map(|place| blend.data[place].clamp(0.0, 1.0));
        let (blinks, smiles) = (pair(BLINKS), pair(SMILES));
        Ok(Some(Expression { blink: blinks[0].max(blinks[1]), smile: (smiles[0] + smiles[1]) / 2.0 }))
    }
}
