//! What the lanes have found, to blocks of coefficients.

use super::{
    flat::Flat,
    kernel::{LANES, MOST_RECORDS, State},
    tables::{HIGH, Tables, halves},
};

/// Blocks that a lane has room for. Not a power of two: the lanes' blocks would compete for the same lines of the cache.
pub(super) const SLOTS: usize = 1024 + 5;

/// What was found at a look: from the lowest bit, the places in the block of two values (8 bits each), and the values (7 bits
/// each).
pub(super) mod record {
    pub(in super::super) const VALUES: u32 = 16;
    pub(in super::super) const VALUE_BITS: u32 = 7;
}

/// A block's coefficients, and behind them [`HIGH`] and what is not shown.
#[repr(align(64))]
#[derive(Clone, Copy)]
pub(super) struct Block([i16; 32]);

/// The blocks of all lanes, and the bits at which MCUs begin.
pub(super) struct Blocks {
    blocks: Vec<Block>,
    starts: Vec<u32>,
}

/// What the lanes write: records with their blocks, and bits at which MCUs begin with the MCUs' first blocks.
pub(super) struct Log {
    pub(super) records: [u32; MOST_RECORDS],
    pub(super) slots: [u32; MOST_RECORDS],
    pub(super) start_bits: [u32; MOST_RECORDS],
    pub(super) start_slots: [u32; MOST_RECORDS],
}

impl Log {
    pub(super) fn new() -> Box<Self> {
        let nothing = [0; MOST_RECORDS];
        Box::new(Self { records: nothing, slots: nothing, start_bits: nothing, start_slots: nothing })
    }
}

impl Blocks {
    pub(super) fn new() -> Self {
        Self { blocks: vec![Block([0; 32]); LANES * SLOTS], starts: vec![0; LANES * SLOTS] }
    }

    /// Forgets a lane's blocks, of which it has begun so many.
    pub(super) fn forget(&mut self, lane: usize, begun: usize) {
        self.blocks[lane * SLOTS..lane * SLOTS + begun].fill(Block([0; 32]));
    }

    /// The bit at which the MCU begins whose first block this is.
    pub(super) fn start(&self, block: usize) -> u64 {
        self.starts.get(block).copied().unwrap_or(0).into()
    }

    /// A block's shown coefficients, but for the first, which is given as the difference to the block before.
    #[inline(always)]
    pub(super) fn get(&self, block: usize) -> Option<(&[i16; 32], i32)> {
        let Block(all) = self.blocks.get(block)?;
        Some((all, i32::from(all[0]) + (i32::from(all[usize::from(HIGH)]) << 7)))
    }

    /// Has the lanes read on.
    pub(super) fn advance(&mut self, state: &mut State, tables: &Tables, flat: &Flat<'_>, log: &mut Log) {
        let (records, starts) = state.advance(tables, flat, log, self);
        for (&bit, &slot) in log.start_bits.iter().zip(&log.start_slots).take(starts) {
            self.begin(slot as usize, bit);
        }
        for (&found, &slot) in log.records.iter().zip(&log.slots).take(records) {
            let Some(Block(target)) = self.blocks.get_mut(slot as usize) else { return };
            let value = |above: u32| ((found << above).cast_signed() >> (32 - record::VALUE_BITS)) as i16;
            target[found as usize & 31] = value(32 - record::VALUE_BITS - record::VALUES);
            target[(found >> 8) as usize & 31] = value(32 - 2 * record::VALUE_BITS - record::VALUES);
        }
    }

    /// Records where an MCU begins.
    pub(super) fn begin(&mut self, block: usize, bit: u32) {
        if let Some(start) = self.starts.get_mut(block) {
            *start = bit;
        }
    }

    /// A coefficient of any value; the first one of a block, at the place of [`HIGH`], as a difference.
    pub(super) fn put(&mut self, block: usize, place: u8, value: i32) {
        let Some(Block(target)) = self.blocks.get_mut(block) else { return };
        if place == HIGH {
            (target[usize::from(HIGH)], target[0]) = halves(value);
        } else {
            target[usize::from(place) & 31] = value as i16;
        }
    }
}
