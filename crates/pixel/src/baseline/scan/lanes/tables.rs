//! The codes of an MCU as one table.

use std::rc::Rc;

use super::super::{Course, Places};
use crate::baseline::{
    block::{Coefficients, LAST},
    huffman::{Ac, Dc, END},
};

/// Bits that index a code's tables.
pub(super) const BITS: u32 = 13;
/// Entries of one of a code's tables.
pub(super) const ENTRIES: usize = 1 << BITS;
/// Entries of both codes' tables: of first coefficients, of pairs, of what is skipped, and nothing.
pub(super) const ALL: usize = 8 * ENTRIES;
/// As many as 16 bits can index.
pub(super) type Entries = [u32; ALL];
/// Blocks that there is room for in a register; an MCU has at most ten (T.81, B.2.3).
const MOST_BLOCKS: usize = 16;

/// An entry says how far on all of it leads (8 bits), with [`ENDED`] added if it ends the block; how many bits it takes (6);
/// two values (7 and 7); and how far on the first of them is (4). The table does not know what leads to [`BEYOND`] from
/// wherever one comes; so do blocks without an end.
///
/// Positions are one more than in zigzag order: 0 is before a block.
pub(super) struct Entry;

/// Added by the end of a block.
pub(super) const ENDED: u32 = 128;
/// A bit of every position that the table must not be asked about.
pub(super) const BEYOND: u32 = 64;

impl Entry {
    const UNKNOWN: u32 = Self::packed(0, 1, 64, (0, 0));

    /// `values` are -64 … 63 each.
    pub(super) const fn packed(bits: u32, first: u32, all: u32, values: (i32, i32)) -> u32 {
        all | bits << 8 | (values.0 as u32 & 127) << 14 | (values.1 as u32 & 127) << 21 | first << 28
    }

    const fn difference(bits: u32, value: i32) -> u32 {
        let (high, low) = halves(value);
        Self::packed(bits, 0, 1, (high as i32, low as i32))
    }
}

/// A first coefficient's difference in two parts: 128 times the first, and the second, which has 7 bits.
pub(super) const fn halves(value: i32) -> (i16, i16) {
    let low = (value << 25) >> 25;
    (((value - low) >> 7) as i16, low as i16)
}

/// The tables.
pub(super) struct Tables {
    /// See [`ALL`].
    pub(super) entries: Box<Entries>,
    /// Where the tables of each block of an MCU begin.
    pub(super) kinds: [u32; MOST_BLOCKS],
    /// Blocks in an MCU.
    pub(super) blocks: usize,
    /// The position from which on nothing is shown.
    pub(super) shown: u32,
    /// Where coefficients go, by their position.
    pub(super) places: [u8; 64],
    codes: Vec<(Rc<Dc>, Rc<Ac>)>,
}

/// Where the upper part of a first coefficient goes, and what is not shown.
pub(super) const HIGH: u8 = 30;
const ELSEWHERE: u8 = 31;

impl Tables {
    /// `None` if there are more codes or blocks than fit.
    pub(super) fn new(course: &Course<'_, '_>, eighths: usize) -> Option<Self> {
        let mut codes: Vec<(Rc<Dc>, Rc<Ac>)> = Vec::new();
        let mut kinds = [0; MOST_BLOCKS];
        if course.blocks.len() > MOST_BLOCKS {
            return None;
        }
        for (kind, block) in kinds.iter_mut().zip(&course.blocks) {
            let track = course.tracks.get(block.track)?;
            let is_it = |(dc, ac): &(Rc<Dc>, Rc<Ac>)| Rc::ptr_eq(dc, &track.dc) && Rc::ptr_eq(ac, &track.ac);
            let index = codes.iter().position(is_it).unwrap_or(codes.len());
            if index == codes.len() {
                codes.push((Rc::clone(&track.dc), Rc::clone(&track.ac)));
            }
            *kind = (index * ALL / 2) as u32;
        }
        let mut entries: Box<Entries> = vec![Entry::UNKNOWN; ALL].into_boxed_slice().try_into().ok()?;
        if codes.len() > 2 {
            return None;
        }
        for (entries, (dc, ac)) in entries.chunks_exact_mut(ALL / 2).zip(&codes) {
            fill(entries, dc, ac);
        }
        let (shown, blocks) = (LAST[eighths] + 1, course.blocks.len());
        Some(Self { entries, kinds, blocks, shown, places: places(&course.places), codes })
    }

    /// A look without the table, of a block of an MCU at a position, at 57 bits or more: bits taken, how far on it leads, and
    /// the value. `None` if there is no such code.
    pub(super) fn slow(&self, block: usize, position: u32, bits: u64) -> Option<(u32, u32, i32)> {
        let (dc, ac) = self.codes.get(*self.kinds.get(block)? as usize / (ALL / 2))?;
        let long = if position == 0 { dc.slow.read(bits)? } else { ac.slow.read(bits)? };
        Some((long.bits(), long.steps(), long.value()))
    }
}

fn places(course: &Places) -> [u8; 64] {
    let mut places = [ELSEWHERE; 64];
    places[0] = HIGH;
    for (position, place) in places.iter_mut().enumerate().skip(1) {
        *place = closer(course.of(position as u8 - 1));
    }
    places
}

/// Where a coefficient goes in a block of 25, by where the transform for scales from 5 wants it; the same up to 4.
fn closer(place: u8) -> u8 {
    match place {
        0..=15 => place,
        16..=25 => 20 + (place - 16) / 2,
        32..=41 => place - 22,
        _ => ELSEWHERE,
    }
}

/// Brings a block of 25 coefficients to where the transform wants them. What else is there stays.
#[inline(always)]
pub(super) fn spread(block: &[i16; 32], target: &mut Coefficients) {
    target[..10].copy_from_slice(&block[..10]);
    target[32..42].copy_from_slice(&block[10..20]);
    for (index, coefficient) in block[20..25].iter().enumerate() {
        target[16 + 2 * index] = *coefficient;
    }
}

/// The three tables of a code.
fn fill(entries: &mut [u32], dc: &Dc, ac: &Ac) {
    let (first, rest) = entries.split_at_mut(ENTRIES);
    let (pairs, skips) = rest.split_at_mut(ENTRIES);
    for (index, entry) in first.iter_mut().enumerate() {
        let long = dc.slow.read((index as u64) << (64 - BITS));
        if let Some(long) = long.filter(|long| long.bits() <= BITS) {
            *entry = Entry::difference(long.bits(), long.value());
        }
    }
    for (entry, pair) in pairs.iter_mut().zip(ac.pairs.iter()) {
        let ((one, value), (two, other)) = (pair.first(), pair.second());
        let (bits, values) = (pair.packed() & 63, (i32::from(value), i32::from(other)));
        *entry = match (one, two) {
            _ if pair.is_unknown() => Entry::UNKNOWN,
            (63, _) => Entry::packed(bits, 1, ENDED, (0, 0)),
            (16, 0) => Entry::packed(bits, 1, 16, (0, values.0)),
            (16.., _) => Entry::UNKNOWN,
            (_, 63) => Entry::packed(bits, one, ENDED, (values.0, 0)),
            _ => Entry::packed(bits, one, one + two, values),
        };
    }
    for (entry, skip) in skips.iter_mut().zip(ac.skips.iter()) {
        let (bits, steps) = (skip.packed() & 63, skip.steps());
        *entry = match steps {
            _ if skip.is_unknown() => Entry::UNKNOWN,
            END.. => Entry::packed(bits, 1, ENDED + steps - END, (0, 0)),
            _ => Entry::packed(bits, 1, steps, (0, 0)),
        };
    }
}
