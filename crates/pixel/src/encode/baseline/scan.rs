//! MCU after MCU (T.81, A.2).
#![allow(unsafe_code)]

use super::{
    bits::{BLOCKS, Bits, Window},
    codes::{CODES, Codes},
    forward::{self, Block, Divisors, PLACES},
};
use crate::{
    frame::{Chroma, Frame, Plane},
    libjpeg::Sheet,
};

/// MCUs that are transformed before their codes are written.
const MCUS: usize = 4;
/// How many samples ahead memory is asked for.
const AHEAD: usize = 256;

/// A row of blocks in an MCU.
struct Line {
    component: usize,
    /// Its blocks in an MCU, 1 or 2, and the component's rows of blocks in one.
    across: usize,
    down: usize,
    /// Which of these rows it is.
    row: usize,
    /// Where its blocks begin in an array of all.
    first: usize,
}

/// Whether this processor has what it needs.
pub(super) fn is_available() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
}

/// Writes the scan's bits.
pub(super) fn write(out: &mut Vec<u8>, sheet: &Sheet<'_>, quantisers: &[[u8; 64]; 2]) {
    assert!(is_available());
    // SAFETY: the processor has what it needs.
    unsafe { rows(out, sheet, quantisers) };
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
fn rows(out: &mut Vec<u8>, sheet: &Sheet<'_>, quantisers: &[[u8; 64]; 2]) {
    let most = if sheet.chroma == Chroma::Half { 2 } else { 1 };
    let lines: &[Line] = if most == 2 { &HALF } else { &FULL };
    let divisors = [Divisors::new(&quantisers[0]), Divisors::new(&quantisers[1])];
    let codes = &*CODES;
    let (width, height) = sheet.frame.dimensions();
    let (columns, rows) = (width.div_ceil(8), height.div_ceil(8));
    let mcus = width.div_ceil(8 * most);
    let order = order(lines);
    let each = order.len() / MCUS;
    let mut blocks: Box<[Block; BLOCKS]> = Box::new(std::array::from_fn(|_| Block::default()));
    let mut predictors = [0; 3];
    let mut bits = Bits::new();
    for y in 0..height.div_ceil(8 * most) {
        for x in (0..mcus).step_by(MCUS) {
            for line in lines {
                transform(line, sheet.frame, (x, y), &divisors, &mut blocks);
            }
            let count = MCUS.min(mcus - x);
            if most == 2 {
                fill(&mut blocks, columns - 2 * x, rows - 2 * y);
            }
            bits.put(out, |mut window| {
                for &(component, index) in &order[..count * each] {
                    let block = &blocks[index];
                    let difference = block.first - predictors[component];
                    predictors[component] = block.first;
                    window = encode(window, &codes[component.min(1)], difference, block);
                }
                window
            });
        }
    }
    bits.finish(out);
}

const HALF: [Line; 4] = [
    Line { component: 0, across: 2, down: 2, row: 0, first: 0 },
    Line { component: 0, across: 2, down: 2, row: 1, first: 2 * MCUS },
    Line { component: 1, across: 1, down: 1, row: 0, first: 4 * MCUS },
    Line { component: 2, across: 1, down: 1, row: 0, first: 5 * MCUS },
];

const FULL: [Line; 3] = [
    Line { component: 0, across: 1, down: 1, row: 0, first: 0 },
    Line { component: 1, across: 1, down: 1, row: 0, first: MCUS },
    Line { component: 2, across: 1, down: 1, row: 0, first: 2 * MCUS },
];

/// The components and places of blocks in the order in which they are written.
fn order(lines: &[Line]) -> Vec<(usize, usize)> {
    let mut order = Vec::with_capacity(BLOCKS);
    for mcu in 0..MCUS {
        for line in lines {
            for right in 0..line.across {
                order.push((line.component, line.first + mcu * line.across + right));
            }
        }
    }
    order
}

/// Transforms the line's blocks of [`MCUS`] MCUs.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
fn transform(
    line: &Line,
    frame: &Frame,
    (x, y): (usize, usize),
    divisors: &[Divisors; 2],
    blocks: &mut [Block; BLOCKS],
) {
    let plane: &Plane = &frame.planes[line.component];
    let top = (y * line.down + line.row) * 8;
    let targets = blocks[line.first..][..MCUS * line.across].as_chunks_mut::<4>().0;
    for (index, target) in targets.iter_mut().enumerate() {
        let left = x * line.across * 8 + index * 32;
        if left + 32 > plane.stride {
            break;
        }
        let mut samples = [&[0u8; 32]; 8];
        for (offset, row) in samples.iter_mut().enumerate() {
            let y = (top + offset).min(plane.height - 1);
            if let Some(chunk) = plane.data[y * plane.stride + left..].first_chunk() {
                *row = chunk;
            }
        }
        // Behind the end of a row, the next row of MCUs begins.
        let next = if left + AHEAD < plane.stride { 0 } else { (8 * line.down - 1) * plane.stride };
        forward::four(samples, AHEAD + next, &divisors[line.component.min(1)], target);
    }
}

/// Makes the luma blocks that lie beyond the picture what costs the fewest bits, as libjpeg does: like the block that
/// is written before. So many columns and rows of blocks are left.
fn fill(blocks: &mut [Block; BLOCKS], columns: usize, rows: usize) {
    if columns < 2 * MCUS && columns % 2 == 1 {
        for row in [0, 2 * MCUS] {
            blocks[row + columns].flatten(blocks[row + columns - 1].first);
        }
    }
    if rows == 1 {
        for mcu in 0..MCUS {
            let first = blocks[2 * mcu + 1].first;
            blocks[2 * MCUS + 2 * mcu].flatten(first);
            blocks[2 * MCUS + 2 * mcu + 1].flatten(first);
        }
    }
}

/// Puts a block's codes.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
fn encode<'a>(mut window: Window<'a>, codes: &Codes, difference: i32, block: &Block) -> Window<'a> {
    codes.difference(&mut window, difference);
    window.flush();
    let mut present = block.present;
    let mut last = 0;
    if is_special(present) {
        return encode_any(window, codes, block);
    }
    while present != 0 {
        for _ in 0..2 {
            let place = present.trailing_zeros();
            present &= present.wrapping_sub(1);
            window.put(codes.near(place - last, block.levels[place as usize]));
            last = place;
        }
        window.flush();
    }
    if block.present >> 63 == 0 {
        window.put(codes.end());
    }
    window
}

/// Whether there are more zeros before a coefficient than a code has, or coefficients that do not fit their bytes.
#[inline(always)]
fn is_special(present: u64) -> bool {
    // A place is reached if one of the sixteen before it is present, or the first. The first is not.
    let mut reached = (present | 1) << 1;
    for shift in [1, 2, 4, 8] {
        reached |= reached << shift;
    }
    present & !reached != 0
}

/// [`encode`] for coefficients of any size and any runs of zeros.
#[cold]
fn encode_any<'a>(mut window: Window<'a>, codes: &Codes, block: &Block) -> Window<'a> {
    let mut present = block.present & !1;
    let mut last = 0;
    while present != 0 {
        let place = present.trailing_zeros();
        present &= present - 1;
        let index = place as usize;
        let is_large = block.present & 1 == 1;
        let level = if is_large { block.words[usize::from(PLACES[index])] } else { (block.levels[index] as i8).into() };
        codes.far(&mut window, place - last, level);
        last = place;
    }
    if block.present >> 63 == 0 {
        window.put(codes.end());
    }
    window
}
