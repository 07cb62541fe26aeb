//! YCbCr as JFIF has it (BT.601, full range) to RGB and back, in 16-bit fixed point.

use crate::frame::{Frame, Plane, Raster};

const HALF: i32 = 1 << 15;

/// Converts a row. All slices of samples have one length, `rgb` three times that.
pub(crate) fn row_to_rgb(luma: &[u8], blue: &[u8], red: &[u8], rgb: &mut [u8]) {
    for (((y, cb), cr), pixel) in luma.iter().zip(blue).zip(red).zip(rgb.chunks_exact_mut(3)) {
        pixel.copy_from_slice(&pixel_to_rgb(*y, *cb, *cr));
    }
}

/// Converts a pixel.
pub(crate) fn pixel_to_rgb(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    let (y, cb, cr) = ((i32::from(y) << 16) + HALF, i32::from(cb) - 128, i32::from(cr) - 128);
    let clamp = |value: i32| (value >> 16).clamp(0, 255) as u8;
    [clamp(y + 91_881 * cr), clamp(y - 22_554 * cb - 46_802 * cr), clamp(y + 116_130 * cb)]
}

/// Converts a row.
pub(crate) fn row_from_rgb(rgb: &[u8], luma: &mut [u8], blue: &mut [u8], red: &mut [u8]) {
    for (((pixel, y), cb), cr) in rgb.chunks_exact(3).zip(luma).zip(blue).zip(red) {
        let (r, g, b) = (i32::from(pixel[0]), i32::from(pixel[1]), i32::from(pixel[2]));
        *y = ((19_595 * r + 38_470 * g + 7_471 * b + HALF) >> 16) as u8;
        *cb = ((-11_059 * r - 21_709 * g + 32_768 * b + (128 << 16) + HALF - 1) >> 16) as u8;
        *cr = ((32_768 * r - 27_439 * g - 5_329 * b + (128 << 16) + HALF - 1) >> 16) as u8;
    }
}

/// The planes of a raster, 4:4:4.
pub(crate) fn from_raster(raster: &Raster) -> Frame {
    let mut planes: [Plane; 3] = std::array::from_fn(|_| Plane::new(raster.width, raster.height));
    for (y, rgb) in raster.rgb.chunks_exact(raster.width * 3).enumerate() {
        let [luma, blue, red] = &mut planes;
        row_from_rgb(rgb, luma.row_mut(y), blue.row_mut(y), red.row_mut(y));
    }
    planes.iter_mut().for_each(Plane::pad);
    Frame { planes, size: (raster.width as f64, raster.height as f64), chroma: (1.0, 1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_survives_both_ways() {
        for colour in [[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255], [12, 200, 99], [250, 128, 3]]
        {
            let (mut y, mut cb, mut cr) = ([0], [0], [0]);
            row_from_rgb(&colour, &mut y, &mut cb, &mut cr);
            let back = pixel_to_rgb(y[0], cb[0], cr[0]);
            for (before, after) in colour.iter().zip(back) {
                assert!(before.abs_diff(after) <= 1, "{colour:?} came back as {back:?}");
            }
        }
    }

    #[test]
    fn grey_has_no_chroma() {
        for grey in 0..=255u8 {
            let (mut y, mut cb, mut cr) = ([0], [0], [0]);
            row_from_rgb(&[grey; 3], &mut y, &mut cb, &mut cr);
            assert_eq!((y[0], cb[0], cr[0]), (grey, 128, 128));
            assert_eq!(pixel_to_rgb(grey, 128, 128), [grey; 3]);
        }
    }
}
