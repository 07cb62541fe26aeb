//! The encoder beside libjpeg.

use super::*;
use crate::{
    baseline::tests::Chance,
    encode::jpeg::tables::TABLES,
    frame::{Chroma, Frame, Plane},
    libjpeg,
};

/// What a plane shows.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// One value.
    Flat,
    /// Waves with so much noise.
    Waves(usize),
    /// Any values.
    Noise,
    /// The extremes: the largest coefficients, and the longest codes.
    Extremes,
}

const KINDS: [Kind; 6] = [Kind::Flat, Kind::Waves(0), Kind::Waves(3), Kind::Waves(30), Kind::Noise, Kind::Extremes];

fn plane(width: usize, height: usize, kind: Kind, chance: &mut Chance) -> Plane {
    let mut plane = Plane::filled(width, height, chance.next() as u8);
    let (fast, slow) = (1.0 + chance.below(20) as f64, 20.0 + chance.below(200) as f64);
    // Samples of one value follow each other, so that there are edges too.
    let (mut value, mut left) = (0, 0);
    for y in 0..height {
        for (x, sample) in plane.row_mut(y).iter_mut().enumerate() {
            *sample = match kind {
                Kind::Flat => *sample,
                Kind::Noise => chance.next() as u8,
                Kind::Waves(noise) => {
                    let wave = 128.0 + 60.0 * (x as f64 / fast).sin() + 60.0 * ((x + y) as f64 / slow).cos();
                    (wave as usize + chance.below(noise + 1)).min(255) as u8
                }
                Kind::Extremes => {
                    if left == 0 {
                        (value, left) = (255 - value, chance.below(20));
                    } else {
                        left -= 1;
                    }
                    value
                }
            };
        }
    }
    plane.pad();
    plane
}

fn picture((width, height): (usize, usize), chroma: Chroma, kind: Kind, chance: &mut Chance) -> Frame {
    let (across, down) = (chroma.samples(width), chroma.samples(height));
    let sizes = [(width, height), (across, down), (across, down)];
    let planes = sizes.map(|(width, height)| plane(width, height, kind, chance));
    Frame { planes, size: (width as f64, height as f64), chroma: chroma.ratio() }
}

fn assert_same(size: (usize, usize), kind: Kind, quality: u8, chance: &mut Chance) {
    for chroma in [Chroma::Half, Chroma::Full] {
        let frame = picture(size, chroma, kind, chance);
        let markers = [(0xe1, vec![0xff; chance.below(300)]), (0xe2, vec![7; chance.below(3)])];
        let sheet = Sheet { frame: &frame, chroma, quality, markers: &markers, tables: Some(&TABLES) };
        let Some(ours) = write(&sheet) else { return };
        let differs = ours != libjpeg::write(&sheet).unwrap();
        assert!(!differs, "{size:?}, {chroma:?}, {kind:?}, quality {quality}");
    }
}

#[test]
fn bytes_are_those_of_libjpeg_for_every_edge() {
    let mut chance = Chance(7);
    for size in (1..=70).flat_map(|edge| [(edge, 1), (1, edge), (edge, edge), (edge + 20, 80 - edge)]) {
        let kind = KINDS[chance.below(KINDS.len())];
        assert_same(size, kind, 78 + chance.below(15) as u8, &mut chance);
    }
}

#[test]
fn bytes_are_those_of_libjpeg_for_every_quality() {
    let mut chance = Chance(11);
    for quality in 1..=100 {
        for kind in KINDS {
            assert_same((1 + chance.below(200), 1 + chance.below(200)), kind, quality, &mut chance);
        }
    }
}

#[test]
fn bytes_are_those_of_libjpeg_for_many_blocks() {
    let mut chance = Chance(13);
    for kind in KINDS {
        assert_same((1024 + chance.below(40), 700 + chance.below(40)), kind, 82, &mut chance);
    }
}

#[test]
fn largest_payloads_and_pictures_fit_their_headers() {
    let chance = &mut Chance(17);
    for size in [(65_500, 1), (1, 65_500)] {
        assert_same(size, Kind::Waves(3), 85, chance);
    }
    let frame = picture((8, 8), Chroma::Half, Kind::Flat, chance);
    let markers = [(0xe1, vec![1; 65_533])];
    let sheet = Sheet { frame: &frame, chroma: Chroma::Half, quality: 82, markers: &markers, tables: Some(&TABLES) };
    if let Some(ours) = write(&sheet) {
        assert!(ours == libjpeg::write(&sheet).unwrap());
    }
}
