//! A decoded photo as models look at it.

use procession_domain::analysis::Region;

/// The photo's cascade in this machine's memory: upright, sRGB, YCbCr 4:2:0, long edges of about 2048, 1024 and 512
/// pixels (fewer where the photo is smaller). Cheap to clone.
#[derive(Clone, Debug)]
pub struct View {}

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
    /// Width and height of the upright photo (not of the cascade), for turning fractions into pixels.
    pub fn photo_size(&self) -> (u32, u32) {
        (0, 0)
    }

    /// The part `region` of the photo, resampled to `width × height` with an area-aware filter from the smallest level
    /// that has enough pixels.
    pub fn rgb(&self, region: Region, width: u32, height: u32) -> Rgb8 {
        let _ = region;
        Rgb8 { width, height, data: vec![0; (width * height * 3) as usize] }
    }

    /// A warped look at the photo, bilinear from the level nearest in scale; outside is black.
    pub fn warp(&self, map: Affine, width: u32, height: u32) -> Rgb8 {
        let _ = map;
        Rgb8 { width, height, data: vec![0; (width * height * 3) as usize] }
    }

    /// The luma of the part `region`, `width × height` bytes, resampled as in [`View::rgb`].
    pub fn luma(&self, region: Region, width: u32, height: u32) -> Vec<u8> {
        let _ = region;
        vec![0; (width * height) as usize]
    }
}
