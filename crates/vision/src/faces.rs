//! Where the faces are.
//!
//! A photo is looked at with a long edge of 640 pixels first. Only where that look sees small faces, or cannot be sure of
//! what it sees, second looks at 1,280 pixels follow, at those parts of the photo and what is around them; of these only the
//! small faces are taken, as a large face seen from too near falls into parts.

mod centerface;
mod yunet;

use procession_domain::analysis::{Face, Region};
use procession_pixel::View;

use crate::{
    Error,
    cache::DetectorKind,
    geometry::{WHOLE, blocks, inside, overlap, photo_size, planes},
    session::{Session, Tensor},
};

/// Long edges of both looks, in pixels.
const FIRST_LOOK: f32 = 640.0;
const SECOND_LOOK: f32 = 1280.0;
/// A face whose long side is less than this part of the photo's long edge is small: 45 pixels at the first look.
const SMALL: f32 = 0.07;
/// So much around what the second look is for is looked at too, as parts of the photo's long edge: people stand together.
const AROUND: f32 = 0.1;
/// Two boxes that overlap this much are one face.
const SAME: f32 = 0.3;

/// Scores of one detector, on its own scale.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Scores {
    /// At least this is a face.
    accept: f32,
    /// At least this may be a face that the second look will be sure of.
    suspect: f32,
}

/// Finds faces with the landmarks of each.
pub(crate) struct Detector {
    session: Session,
    kind: DetectorKind,
}

/// What a detector says of one canvas, in fractions of it.
struct Candidate {
    region: Region,
    score: f32,
    landmarks: [[f32; 2]; 5],
}

impl Candidate {
    /// What was seen in a part of the photo, in fractions of the photo.
    fn of_part(self, part: Region) -> Self {
        let Region { x, y, width, height } = self.region;
        let at = |x: f32, y: f32| (part.x + x * part.width, part.y + y * part.height);
        let (left, top) = at(x, y);
        let region = Region { x: left, y: top, width: width * part.width, height: height * part.height };
        Self { region, landmarks: self.landmarks.map(|[x, y]| at(x, y).into()), ..self }
    }
}

impl Detector {
    pub(crate) fn new(session: Session, kind: DetectorKind) -> Self {
        Self { session, kind }
    }

    /// The faces of a photo, the largest first.
    pub(crate) fn detect(&self, view: &View) -> Result<Vec<Face>, Error> {
        let scores = self.scores();
        let (width, height) = photo_size(view);
        let side = |face: &Candidate| (face.region.width * width).max(face.region.height * height) / width.max(height);
        let mut found = self.look(view, WHOLE, FIRST_LOOK, scores.suspect)?;
        let unsure: Vec<Region> = found.iter().filter(|face| side(face) < SMALL).map(|face| face.region).collect();
        found.retain(|face| face.score >= scores.accept);
        if width.max(height) >= 1.25 * FIRST_LOOK {
            let around = (AROUND * width.max(height) / width, AROUND * width.max(height) / height);
            for part in joined(unsure.into_iter().map(|region| inside(grown(region, around))).collect()) {
                let second = self.look(view, part, SECOND_LOOK, scores.accept)?;
                found.extend(second.into_iter().filter(|face| side(face) < 2.0 * SMALL));
            }
        }
        let mut faces: Vec<Face> = distinct(found)
            .into_iter()
            .map(|face| Face {
                region: face.region,
                score: face.score,
                landmarks: face.landmarks,
                expression: None,
                embedding: None,
            })
            .collect();
        faces.sort_by(|a, b| b.region.area().total_cmp(&a.region.area()));
        Ok(faces)
    }

    /// Everything in a part of the photo that scores `least` or more, seen as if all of it had this long edge, or its own if
    /// that is less.
    fn look(&self, view: &View, part: Region, long_edge: f32, least: f32) -> Result<Vec<Candidate>, Error> {
        let (width, height) = photo_size(view);
        let scale = (long_edge / width.max(height)).min(1.0);
        // Both detectors want multiples of 32. The little that this stretches the photo changes no score that matters.
        let canvas = |side: f32| ((side * scale / 32.0).round() as u32).max(1) * 32;
        let pixels = view.rgb(part, canvas(part.width * width), canvas(part.height * height));
        let candidates = match self.kind {
            DetectorKind::InBytes => centerface::read_cells(&self.session.run(blocks(&pixels))?, least),
            DetectorKind::CenterFace => centerface::read(&self.session.run(planes(&pixels, 0.0, 1.0))?, least),
            DetectorKind::YuNet => {
                let mut input = planes(&pixels, 0.0, 1.0);
                yunet::swap_red_and_blue(&mut input);
                yunet::read(&self.session.run(input)?, pixels.width as usize, pixels.height as usize, least)
            }
        };
        let candidates =
            candidates.ok_or_else(|| Error::Bug("the face detector's outputs have other shapes".into()))?;
        Ok(distinct(candidates.into_iter().map(|face| face.of_part(part)).collect()))
    }

    fn scores(&self) -> Scores {
        match self.kind {
            DetectorKind::InBytes => centerface::SCORES_IN_BYTES,
            DetectorKind::CenterFace => centerface::SCORES,
            DetectorKind::YuNet => yunet::SCORES,
        }
    }
}

/// The best of each group of candidates that overlap, inside the photo.
fn distinct(mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<Candidate> = Vec::new();
    for mut candidate in candidates {
        candidate.region = inside(candidate.region);
        let new =
            candidate.region.area() > 0.0 && kept.iter().all(|face| overlap(&face.region, &candidate.region) < SAME);
        if new {
            kept.push(candidate);
        }
    }
    kept
}

/// Regions that hold all of these, two as one wherever that is not more to look at than both alone.
fn joined(mut regions: Vec<Region>) -> Vec<Region> {
    let mut apart: Vec<Region> = Vec::new();
    while let Some(region) = regions.pop() {
        let near = apart.iter().position(|other| hull(*other, region).area() <= other.area() + region.area());
        match near {
            Some(at) => regions.push(hull(apart.swap_remove(at), region)),
            None => apart.push(region),
        }
    }
    apart
}

/// The least region that holds both.
fn hull(a: Region, b: Region) -> Region {
    let (x, y) = (a.x.min(b.x), a.y.min(b.y));
    let (right, bottom) = ((a.x + a.width).max(b.x + b.width), (a.y + a.height).max(b.y + b.height));
    Region { x, y, width: right - x, height: bottom - y }
}

/// The region with so much more at each of its sides.
fn grown(region: Region, (across, down): (f32, f32)) -> Region {
    let Region { x, y, width, height } = region;
    Region { x: x - across, y: y - down, width: width + 2.0 * across, height: height + 2.0 * down }
}

/// The values of an output that is expected to have this many.
fn values(output: &Tensor, count: usize) -> Option<&[f32]> {
    (output.data.len() == count).then_some(&output.data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_looked_at_as_one_and_what_is_far_apart_is_not() {
        let square = |x: f32, y: f32| Region { x, y, width: 0.2, height: 0.2 };
        let parts = joined(vec![square(0.0, 0.0), square(0.7, 0.7), square(0.05, 0.1), square(0.1, 0.05)]);
        assert_eq!(parts.len(), 2, "{parts:?}");
        let area: f32 = parts.iter().map(Region::area).sum();
        assert!((area - 0.3 * 0.3 - 0.2 * 0.2).abs() < 1e-5, "{parts:?}");
    }
}
