//! A decoded photo as models look at it.

use std::sync::Arc;

use procession_domain::analysis::Region;

use crate::{
    Orientation,
    cascade::Cascade,
    frame::{Chroma, Frame, Plane, Raster},
    resize::{self, Target, Window},
    ycc,
};

/// The photo's cascade in this machine's memory: upright, sRGB, YCbCr 4:2:0, long edges of about 2048, 1024 and 512
/// pixels (fewer where the photo is smaller). Cheap to clone.
#[derive(Clone, Debug)]
pub struct View {
    pub(crate) cascade: Arc<Cascade>,
}

/// Interleaved 8-bit sRGB, `width × height × 3` bytes, no padding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rgb8 {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The pixels, rows from the top.
    pub data: Vec<u8>,
}

/// Maps a pixel of the result to the photo: x' = a·x + b·y + c, y' = d·x + e·y + f. Pixel centres are at half-integers;
/// photo coordinates are fractions of its width and height.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine(pub [f32; 6]);

impl View {
    /// A view of a picture that is made here, of one pixel or more: `picture` is upright and sRGB. For pictures that come from
    /// no photo file.
    pub fn of_rgb(picture: &Rgb8) -> Self {
        let (width, height) = (picture.width as usize, picture.height as usize);
        let frame = ycc::from_raster(&Raster { width, height, rgb: picture.data.clone() });
        let cascade = Cascade::of_upright(&frame, (picture.width, picture.height));
        Self { cascade: Arc::new(cascade) }
    }

    /// Width and height of the upright photo (not of the cascade), for turning fractions into pixels.
    pub fn photo_size(&self) -> (u32, u32) {
        self.cascade.photo
    }

    /// The part `region` of the photo, resampled to `width × height` with an area-aware filter from the smallest level
    /// that has enough pixels.
    pub fn rgb(&self, region: Region, width: u32, height: u32) -> Rgb8 {
        if width == 0 || height == 0 {
            return Rgb8 { width, height, data: Vec::new() };
        }
        let (frame, target) = self.look(region, width, height);
        let part = resize::frame(frame, target, Chroma::Full);
        let [luma, blue, red] = &part.planes;
        let mut data = vec![0; target.width * target.height * 3];
        for (y, row) in data.chunks_exact_mut(target.width * 3).enumerate() {
            ycc::row_to_rgb(luma.row(y), blue.row(y), red.row(y), row);
        }
        Rgb8 { width, height, data }
    }

    /// The luma of the part `region`, `width × height` bytes, resampled as in [`View::rgb`].
    pub fn luma(&self, region: Region, width: u32, height: u32) -> Vec<u8> {
        if width == 0 || height == 0 {
            return Vec::new();
        }
        let (frame, target) = self.look(region, width, height);
        let luma = resize::luma(frame, target);
        (0..target.height).map(|y| luma.row(y)).collect::<Vec<_>>().concat()
    }

    /// A warped look at the photo, bilinear from the level nearest in scale; outside is black.
    pub fn warp(&self, map: Affine, width: u32, height: u32) -> Rgb8 {
        let [a, b, c, d, e, f] = map.0.map(f64::from);
        let frame = self.nearest((a * e - b * d).abs().sqrt());
        let [luma, blue, red] = &frame.planes;
        let (blue_extent, red_extent) = (frame.extent(1), frame.extent(2));
        let mut data = Vec::with_capacity(width as usize * height as usize * 3);
        for y in 0..height {
            for x in 0..width {
                let (px, py) = (f64::from(x) + 0.5, f64::from(y) + 0.5);
                let (u, v) = (a * px + b * py + c, d * px + e * py + f);
                let inside = (0.0..1.0).contains(&u) && (0.0..1.0).contains(&v);
                data.extend(if inside {
                    let sample = |plane: &Plane, size: (f64, f64)| bilinear(plane, u * size.0, v * size.1);
                    ycc::pixel_to_rgb(sample(luma, frame.size), sample(blue, blue_extent), sample(red, red_extent))
                } else {
                    [0; 3]
                });
            }
        }
        Rgb8 { width, height, data }
    }

    fn look(&self, region: Region, width: u32, height: u32) -> (&Frame, Target) {
        let window = Window {
            x: f64::from(region.x),
            y: f64::from(region.y),
            width: f64::from(region.width),
            height: f64::from(region.height),
        };
        let (width, height) = (width as usize, height as usize);
        let frame = self.cascade.level(window, width, height).unwrap_or(&self.cascade.levels[0]);
        (frame, Target { window, orientation: Orientation::UPRIGHT, width, height })
    }

    /// The smallest level on which a step of `fraction` of the photo (the geometric mean of both axes) is a pixel or more.
    fn nearest(&self, fraction: f64) -> &Frame {
        let fine = |frame: &&Frame| (frame.size.0 * frame.size.1).sqrt() * fraction >= 1.0;
        self.cascade.levels.iter().rev().find(fine).unwrap_or(&self.cascade.levels[0])
    }
}

/// The value at a point in sample coordinates, sample centres at half-integers; the edge's value beyond the edge.
fn bilinear(plane: &Plane, x: f64, y: f64) -> u8 {
    // In 256ths of a sample, counted from the centre before the first: never negative, so that cutting off rounds down.
    let (x, y) = (((x + 0.5) * 256.0) as usize, ((y + 0.5) * 256.0) as usize);
    let (right, down) = ((x % 256) as u32, (y % 256) as u32);
    let column = |step: usize| (x / 256 + step).saturating_sub(1).min(plane.width - 1);
    let (left_column, right_column) = (column(0), column(1));
    let across = |step: usize| {
        let row = (y / 256 + step).saturating_sub(1).min(plane.height - 1);
        let row = &plane.data[row * plane.stride..][..plane.width];
        u32::from(row[left_column]) * (256 - right) + u32::from(row[right_column]) * right
    };
    ((across(0) * (256 - down) + across(1) * down + (1 << 15)) >> 16) as u8
}
