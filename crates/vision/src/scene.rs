//! What a photo shows as a whole: EfficientNet-Lite2's classes and features.

use procession_domain::analysis::{Label, Scene};
use procession_pixel::View;

use crate::{
    Error,
    geometry::{WHOLE, blocks},
    session::Session,
};

/// The side of the picture that the network takes, in pixels.
const SIDE: u32 = 260;
/// The length of [`Scene::features`].
const REDUCED: usize = 128;
/// Labels below this are not worth a name.
const LEAST_PROBABILITY: f32 = 0.02;

/// Describes scenes.
pub(crate) struct Scenes {
    pub(crate) session: Session,
    pub(crate) classes: Vec<String>,
}

impl Scenes {
    /// The scene of a photo: all of it, squeezed into a square, as moments hang on its edges too.
    pub(crate) fn describe(&self, view: &View) -> Result<Scene, Error> {
        let answer = self.session.run(blocks(&view.rgb(WHOLE, SIDE, SIDE)))?;
        let [probabilities, features] = &answer[..] else {
            return Err(Error::Bug("the scene model's outputs have other shapes".to_owned()));
        };
        let mut order: Vec<(usize, f32)> = probabilities.data.iter().copied().enumerate().collect();
        order.sort_by(|a, b| b.1.total_cmp(&a.1));
        let likely = order.into_iter().take(5).filter(|(_, probability)| *probability >= LEAST_PROBABILITY);
        let label = |(class, probability): (usize, f32)| {
            self.classes.get(class).map(|name| Label { name: name.clone(), probability })
        };
        Ok(Scene { labels: likely.filter_map(label).collect(), features: reduce(&features.data) })
    }
}

/// A count sketch (Charikar, Chen, Farach-Colton 2002): every feature is added to one of 128 sums with one of two signs,
/// both by a fixed hash. Angles between vectors are kept to about 1/√128. The result has length 1.
fn reduce(features: &[f32]) -> Vec<f32> {
    let mut sums = vec![0.0_f32; REDUCED];
    for (index, feature) in features.iter().enumerate() {
        let hash = (index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        sums[(hash % REDUCED as u64) as usize] += if hash & (1 << 31) == 0 { *feature } else { -*feature };
    }
    let length = sums.iter().map(|sum| sum * sum).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    sums.into_iter().map(|sum| sum / length).collect()
}
