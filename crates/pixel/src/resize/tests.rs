use proptest::prelude::*;

use super::*;
use crate::pool::Buffer;

/// Noise that is the same every time.
fn noise(width: usize, height: usize, seed: u32) -> Plane {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    let mut plane = Plane::filled(width, height, 0);
    for y in 0..height {
        for sample in plane.row_mut(y) {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            *sample = (state >> 24) as u8;
        }
    }
    plane.pad();
    plane
}

fn frame_of(width: usize, height: usize, chroma: Chroma) -> Frame {
    let (across, down) = (chroma.samples(width), chroma.samples(height));
    let planes = [noise(width, height, 1), noise(across, down, 2), noise(across, down, 3)];
    Frame { planes, size: (width as f64, height as f64), chroma: chroma.ratio() }
}

fn target(window: Window, orientation: u32, width: usize, height: usize) -> Target {
    Target { window, orientation: Orientation::from_exif(orientation), width, height }
}

fn samples(plane: &Plane) -> Vec<u8> {
    (0..plane.height).flat_map(|y| plane.row(y).to_vec()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn every_implementation_gives_the_same_bytes(
        width in 1usize..200, height in 1usize..200, to_width in 1usize..120, to_height in 1usize..120,
        orientation in 1u32..9, x in 0.0f64..0.5, part in 0.1f64..0.5, half in any::<bool>(),
    ) {
        let chroma = if half { Chroma::Half } else { Chroma::Full };
        let source = frame_of(width, height, chroma);
        let target = target(Window { x, y: x / 2.0, width: part, height: part }, orientation, to_width, to_height);
        let scalar = frame_with(Kernels::SCALAR, &source, target, chroma);
        for kernels in [avx2::kernels(), avx512::kernels()].into_iter().flatten() {
            // Whatever a recycled buffer holds must not show.
            drop(Buffer::filled(1 << 16, 0xaa));
            let other = frame_with(kernels, &source, target, chroma);
            for (a, b) in scalar.planes.iter().zip(&other.planes) {
                prop_assert_eq!((a.width, a.height, a.stride), (b.width, b.height, b.stride));
                prop_assert_eq!(&a.data[..a.stride * a.height], &b.data[..b.stride * b.height]);
            }
        }
    }
}

/// The pixel that orientation `exif` shows at (x, y) of the upright photo, for a stored photo of `width × height`.
pub(crate) fn stored(exif: u32, (x, y): (usize, usize), (width, height): (usize, usize)) -> (usize, usize) {
    let (right, bottom) = (width - 1, height - 1);
    match exif {
        2 => (right - x, y),
        3 => (right - x, bottom - y),
        4 => (x, bottom - y),
        5 => (y, x),
        6 => (y, bottom - x),
        7 => (right - y, bottom - x),
        8 => (right - y, x),
        _ => (x, y),
    }
}

#[test]
fn a_turn_moves_each_sample_to_its_place() {
    let (width, height) = (37, 22);
    let source = frame_of(width, height, Chroma::Full);
    for exif in 1..=8 {
        let (across, down) = if exif >= 5 { (height, width) } else { (width, height) };
        let turned = frame(&source, target(Window::ALL, exif, across, down), Chroma::Full);
        for y in 0..down {
            for x in 0..across {
                let (from_x, from_y) = stored(exif, (x, y), (width, height));
                assert_eq!(turned.planes[1].row(y)[x], source.planes[1].row(from_y)[from_x], "orientation {exif}");
            }
        }
    }
}

/// Lanczos 3 in floating point, both axes at once, straight from its definition.
fn reference(source: &Plane, width: usize, height: usize) -> Vec<f64> {
    let weigh = |output: usize, outputs: usize, samples: usize| -> Vec<f64> {
        let step = samples as f64 / outputs as f64;
        let centre = (output as f64 + 0.5) * step;
        let weights: Vec<f64> = (0..samples)
            .map(|sample| {
                let x = ((sample as f64 + 0.5 - centre) / step.max(1.0)).abs() * std::f64::consts::PI;
                if x < 1e-9 {
                    1.0
                } else if x < 3.0 * std::f64::consts::PI {
                    3.0 * x.sin() * (x / 3.0).sin() / (x * x)
                } else {
                    0.0
                }
            })
            .collect();
        let sum: f64 = weights.iter().sum();
        weights.iter().map(|weight| weight / sum).collect()
    };
    let mut result = Vec::new();
    for y in 0..height {
        let down = weigh(y, height, source.height);
        for x in 0..width {
            let across = weigh(x, width, source.width);
            let mut sum = 0.0;
            for (row, weight) in down.iter().enumerate() {
                for (sample, part) in source.row(row).iter().zip(&across) {
                    sum += weight * part * f64::from(*sample);
                }
            }
            result.push(sum.clamp(0.0, 255.0));
        }
    }
    result
}

#[test]
fn it_is_lanczos() {
    let source = noise(61, 47, 9);
    for (width, height) in [(30, 23), (13, 40), (61, 47), (90, 50)] {
        let exact = reference(&source, width, height);
        let plane = plane(Kernels::best(), &source, (61.0, 47.0), target(Window::ALL, 1, width, height));
        for (ours, exact) in samples(&plane).iter().zip(exact) {
            // Each of two passes rounds; between them the first has been clamped, which noise makes the most of.
            assert!((f64::from(*ours) - exact).abs() < 24.0, "{ours} is not {exact}");
        }
    }
    let smooth = {
        let mut plane = Plane::filled(61, 47, 0);
        for y in 0..47 {
            plane.row_mut(y).iter_mut().enumerate().for_each(|(x, sample)| *sample = (40 + 2 * x + y) as u8);
        }
        plane
    };
    let exact = reference(&smooth, 30, 23);
    let plane = plane(Kernels::best(), &smooth, (61.0, 47.0), target(Window::ALL, 1, 30, 23));
    for (ours, exact) in samples(&plane).iter().zip(exact) {
        assert!((f64::from(*ours) - exact).abs() <= 1.0, "{ours} is not {exact}");
    }
}

#[test]
fn chroma_stays_on_its_luma_with_odd_edges_in_every_orientation() {
    // Chroma that is a copy of luma, at half size: whichever way it goes, it must stay one.
    let (width, height) = (81, 61);
    let ramp = |width: usize, height: usize, scale: usize| {
        let mut plane = Plane::filled(width, height, 0);
        for y in 0..height {
            let row = plane.row_mut(y).iter_mut().enumerate();
            row.for_each(|(x, sample)| *sample = (20 + (x + y + 1) * scale) as u8);
        }
        plane
    };
    let planes = [ramp(width, height, 1), ramp(width.div_ceil(2), height.div_ceil(2), 2), Plane::filled(41, 31, 0)];
    let source = Frame { planes, size: (width as f64, height as f64), chroma: (0.5, 0.5) };
    for exif in 1..=8 {
        let (across, down) = if exif >= 5 { (31, 41) } else { (41, 31) };
        let result = frame(&source, target(Window::ALL, exif, across, down), Chroma::Half);
        let [luma, chroma, _] = &result.planes;
        for y in 4..chroma.height - 4 {
            for x in 4..chroma.width - 4 {
                let mean: u32 = [(0, 0), (1, 0), (0, 1), (1, 1)]
                    .map(|(dx, dy)| u32::from(luma.row(2 * y + dy)[2 * x + dx]))
                    .iter()
                    .sum();
                let difference = f64::from(mean) / 4.0 - f64::from(chroma.row(y)[x]);
                assert!(
                    difference.abs() <= 1.0,
                    "orientation {exif}: chroma is {difference} away from luma at {x},{y}"
                );
            }
        }
    }
}
