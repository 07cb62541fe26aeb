//! What the lanes have found, to blocks of coefficients.

use super::{
    flat::Flat,
    kernel::{LANES, MOST_RECORDS, State},
    tables::{HIGH, Tables, halves},
};

/// Blocks that a lane has room for. Not a power of two: the lanes' blocks would compete for the same lines of the cache.
pub(super) const SLOTS: usize = 1536 + 5;

/// What was found at a look: from the lowest bit, two values (7 bits each), their places in the block (6 each), 6 free, the
/// block.
pub(super) mod record {
    pub(in super::super) const VALUE_BITS: u32 = 7;
    pub(in super::super) const FIRST_PLACE: u32 = 14;
    pub(in super::super) const SECOND_PLACE: u32 = 20;
    pub(in super::super) const BLOCK: u32 = 32;
}

/// Where an MCU begins: from the lowest bit, 40 bits of the bit, the rest of the block.
pub(super) mod start {
    pub(in super::super) const BLOCK: u32 = 40;
}

/// A block's coefficients, and behind them [`HIGH`] and what is not shown.
#[repr(align(64))]
#[derive(Clone, Copy)]
pub(super) struct Block([i16; 32]);

/// The blocks of all lanes, and the bits at which MCUs begin.
pub(super) struct Blocks {
    blocks: Vec<Block>,
    starts: Vec<u64>,
}

/// What the lanes write.
pub(super) struct Log {
    pub(super) records: [u64; MOST_RECORDS],
    pub(super) starts: [u64; MOST_RECORDS],
}

impl Log {
    pub(super) fn new() -> Box<Self> {
        Box::new(Self { records: [0; MOST_RECORDS], starts: [0; MOST_RECORDS] })
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
        self.starts.get(block).copied().unwrap_or(0)
    }

    /// A block's shown coefficients, but for the first, which is given as the difference to the block before.
    #[inline(always)]
    pub(super) fn get(&self, block: usize) -> Option<(&[i16; 16], i32)> {
        let Block(all) = self.blocks.get(block)?;
        let difference = i32::from(all[0]) + (i32::from(all[usize::from(HIGH)]) << 7);
        Some((all.first_chunk()?, difference))
    }

    /// Has the lanes read on.
    pub(super) fn advance(&mut self, state: &mut State, tables: &Tables, flat: &Flat<'_>, log: &mut Log) {
        let (records, starts) = state.advance(tables, flat, log, self);
        for &entry in log.starts.iter().take(starts) {
            self.begin((entry >> start::BLOCK) as usize, entry & ((1 << start::BLOCK) - 1));
        }
        for &entry in log.records.iter().take(records) {
            let Some(Block(target)) = self.blocks.get_mut((entry >> record::BLOCK) as usize) else { return };
            let value = |above: u32| (((entry as u32) << above) as i32 >> (32 - record::VALUE_BITS)) as i16;
            target[(entry >> record::FIRST_PLACE) as usize & 31] = value(32 - record::VALUE_BITS);
            target[(entry >> record::SECOND_PLACE) as usize & 31] = value(32 - 2 * record::VALUE_BITS);
        }
    }

    /// Records where an MCU begins.
    pub(super) fn begin(&mut self, block: usize, bit: u64) {
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
