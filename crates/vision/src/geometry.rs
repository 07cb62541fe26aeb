//! Boxes, similarity transforms, and pixels as tensors.

use procession_domain::analysis::Region;
use procession_pixel::{Affine, Rgb8, View};

use crate::session::Tensor;

/// The whole photo.
pub(crate) const WHOLE: Region = Region { x: 0.0, y: 0.0, width: 1.0, height: 1.0 };

/// Width and height of the upright photo in pixels, at least 1.
pub(crate) fn photo_size(view: &View) -> (f32, f32) {
    let (width, height) = view.photo_size();
    (width.max(1) as f32, height.max(1) as f32)
}

/// The size at which the photo's cascade is at its finest: a long edge of at most 2048 pixels.
pub(crate) fn finest_size(view: &View) -> (f32, f32) {
    let (width, height) = photo_size(view);
    let scale = (2048.0 / width.max(height)).min(1.0);
    (width * scale, height * scale)
}

/// The part that both cover, over the part that one of them covers.
pub(crate) fn overlap(a: &Region, b: &Region) -> f32 {
    let width = (a.x + a.width).min(b.x + b.width) - a.x.max(b.x);
    let height = (a.y + a.height).min(b.y + b.height) - a.y.max(b.y);
    let both = width.max(0.0) * height.max(0.0);
    both / (a.area() + b.area() - both).max(f32::MIN_POSITIVE)
}

/// The part of a region that is inside the photo.
pub(crate) fn inside(region: Region) -> Region {
    let (left, top) = (region.x.clamp(0.0, 1.0), region.y.clamp(0.0, 1.0));
    let right = (region.x + region.width).clamp(left, 1.0);
    let bottom = (region.y + region.height).clamp(top, 1.0);
    Region { x: left, y: top, width: right - left, height: bottom - top }
}

/// The turn, scale and shift that bring the points of a crop nearest to a face's landmarks (least squares, without
/// mirroring), as the map from the crop's pixels to the photo that [`View::warp`] takes.
pub(crate) fn align(crop: &[[f32; 2]; 5], landmarks: &[[f32; 2]; 5], photo: (f32, f32)) -> Affine {
    let pixels = landmarks.map(|[x, y]| [x * photo.0, y * photo.1]);
    let mean = |points: &[[f32; 2]; 5], axis: usize| points.iter().map(|point| point[axis]).sum::<f32>() / 5.0;
    let (from, to) = ([mean(crop, 0), mean(crop, 1)], [mean(&pixels, 0), mean(&pixels, 1)]);
    let (mut cosine, mut sine, mut spread) = (0.0, 0.0, 0.0);
    for (c, p) in crop.iter().zip(&pixels) {
        let (cx, cy, px, py) = (c[0] - from[0], c[1] - from[1], p[0] - to[0], p[1] - to[1]);
        cosine += cx * px + cy * py;
        sine += cx * py - cy * px;
        spread += cx * cx + cy * cy;
    }
    let (a, b) = (cosine / spread, sine / spread);
    let (x, y) = (to[0] - a * from[0] + b * from[1], to[1] - b * from[0] - a * from[1]);
    Affine([a / photo.0, -b / photo.0, x / photo.0, b / photo.1, a / photo.1, y / photo.1])
}

/// Red, green and blue planes of `pixels`, each value less `offset`, times `scale`.
pub(crate) fn planes(pixels: &Rgb8, offset: f32, scale: f32) -> Tensor {
    let (width, height) = (pixels.width as usize, pixels.height as usize);
    let mut data = Vec::with_capacity(3 * width * height);
    for channel in 0..3 {
        data.extend(pixels.data.chunks_exact(3).map(|pixel| (f32::from(pixel[channel]) - offset) * scale));
    }
    Tensor { shape: vec![3, height, width], data }
}

/// The pixels as models that compute in bytes take them: blocks of 2 × 2 pixels, each with its pixels by rows. Both sides are
/// even.
pub(crate) fn blocks(pixels: &Rgb8) -> Tensor<u8> {
    let (width, height) = (pixels.width as usize, pixels.height as usize);
    let mut data = Vec::with_capacity(3 * width * height);
    for rows in pixels.data.chunks_exact((6 * width).max(1)) {
        let (upper, lower) = rows.split_at(3 * width);
        for (upper, lower) in upper.chunks_exact(6).zip(lower.chunks_exact(6)) {
            data.extend_from_slice(upper);
            data.extend_from_slice(lower);
        }
    }
    Tensor { shape: vec![height / 2, width / 2, 12], data }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_has_its_four_pixels_by_rows() {
        let data = (0..4 * 2 * 3).collect();
        let found = blocks(&Rgb8 { width: 4, height: 2, data });
        assert_eq!(found.shape, [1, 2, 12]);
        assert_eq!(found.data[..12], [0, 1, 2, 3, 4, 5, 12, 13, 14, 15, 16, 17]);
    }

    #[test]
    fn align_undoes_a_turned_and_scaled_face() {
        let crop = [[48.0, 47.0], [100.0, 47.0], [74.0, 77.0], [50.0, 103.0], [98.0, 103.0]];
        let (photo, angle, scale) = ((3000.0, 2000.0), 0.3_f32, 2.5);
        let place = |[x, y]: [f32; 2]| {
            let (s, c) = angle.sin_cos();
            [(scale * (c * x - s * y) + 700.0) / photo.0, (scale * (s * x + c * y) + 400.0) / photo.1]
        };
        let Affine([a, b, c, d, e, f]) = align(&crop, &crop.map(place), photo);
        for point in [[0.0, 0.0], [150.0, 0.0], [75.0, 150.0]] {
            let expected = place(point);
            let found = [a * point[0] + b * point[1] + c, d * point[0] + e * point[1] + f];
            assert!((0..2).all(|axis| (found[axis] - expected[axis]).abs() < 1e-5), "{found:?} {expected:?}");
        }
    }
}
