//! The looks at the table, of sixteen lanes.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m512i, _mm512_add_epi64, _mm512_and_si512, _mm512_cmpge_epu64_mask, _mm512_cmpneq_epu64_mask,
    _mm512_i64gather_epi64, _mm512_loadu_si512, _mm512_mask_add_epi64, _mm512_mask_cmplt_epu64_mask,
    _mm512_mask_mov_epi64, _mm512_mask_set1_epi64, _mm512_mask_sllv_epi64, _mm512_mask_test_epi64_mask,
    _mm512_mask_testn_epi64_mask, _mm512_maskz_compress_epi64, _mm512_maskz_mov_epi64, _mm512_maskz_permutexvar_epi8,
    _mm512_min_epu64, _mm512_or_si512, _mm512_permutexvar_epi64, _mm512_set1_epi64, _mm512_set4_epi64,
    _mm512_setzero_si512, _mm512_shuffle_epi8, _mm512_slli_epi64, _mm512_sllv_epi64, _mm512_srli_epi64,
    _mm512_storeu_si512, _mm512_ternarylogic_epi64, _mm512_test_epi64_mask,
};

use super::{
    flat::Flat,
    log::{Blocks, Log, SLOTS, record, start},
    tables::{ALL, BEYOND, BITS, ENDED, ENTRIES, Entries, Tables},
};

/// Registers of lanes, since the entries of one are waited for meanwhile.
const GROUPS: usize = 2;
/// Lanes.
pub(super) const LANES: usize = GROUPS * 8;
/// Looks from one refill to the next.
const LOOKS: usize = 56 / BITS as usize;
/// Refills before lanes that are stuck are looked after: seldom, since that cannot be foreseen, and soon, since they wait.
const REFILLS: usize = 2;
/// How often that is done at once.
const ROUNDS: usize = 16;
/// Blocks that a lane may begin at once: each takes two looks.
pub(super) const MOST_BLOCKS_AT_ONCE: usize = ROUNDS * (REFILLS * LOOKS + 1) / 2 + 2;
/// Records that there may be at once: one for each look of each lane, and room for the register that is written last.
pub(super) const MOST_RECORDS: usize = ROUNDS * REFILLS * LOOKS * LANES + 8;

/// Whether this processor has what it takes, here and for the transform.
pub(super) fn is_available() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vbmi")
        && is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("popcnt")
}

/// A number for each lane of a register.
type Row = [u64; 8];

/// Where eight lanes are.
#[derive(Clone, Copy)]
struct Eight {
    /// The next bit.
    bits: Row,
    /// The position in the block.
    positions: Row,
    /// The block in the MCU.
    blocks: Row,
    /// The block, of all blocks of all lanes.
    slots: Row,
    /// Lanes that have anything to read.
    alive: u8,
}

/// Where the lanes are.
pub(super) struct State([Eight; GROUPS]);

impl State {
    pub(super) fn new() -> Self {
        Self([Eight { bits: [0; 8], positions: [0; 8], blocks: [0; 8], slots: [0; 8], alive: 0 }; GROUPS])
    }

    /// Lets so many of the lanes begin an MCU at a bit each.
    pub(super) fn begin(&mut self, from: &[u64; LANES], count: usize) {
        *self = Self::new();
        for (index, eight) in self.0.iter_mut().enumerate() {
            for lane in 0..8 {
                eight.bits[lane] = from[index * 8 + lane];
                eight.slots[lane] = ((index * 8 + lane) * SLOTS) as u64;
                eight.alive |= u8::from(index * 8 + lane < count) << lane;
            }
        }
    }

    /// Whether a lane has met bits that are no code, which happens as long as it is not in step.
    pub(super) fn has_stopped(&self, lane: usize) -> bool {
        self.0[lane / 8].alive >> (lane % 8) & 1 == 0
    }

    /// Lets a lane begin anew at the next byte, and gives its bit.
    pub(super) fn begin_again(&mut self, lane: usize) -> u64 {
        let slot = lane * SLOTS;
        let (eight, lane) = (&mut self.0[lane / 8], lane % 8);
        eight.slots[lane] = slot as u64;
        eight.bits[lane] = (eight.bits[lane] / 8 + 1) * 8;
        eight.positions[lane] = 0;
        eight.blocks[lane] = 0;
        eight.alive |= 1 << lane;
        eight.bits[lane]
    }

    /// A lane's next bit.
    pub(super) fn bit(&self, lane: usize) -> u64 {
        self.0[lane / 8].bits[lane % 8]
    }

    /// How many blocks a lane has read to their end.
    pub(super) fn whole(&self, lane: usize) -> usize {
        self.0[lane / 8].slots[lane % 8] as usize - lane * SLOTS
    }

    /// Whether a lane is in the middle of a block.
    pub(super) fn is_within_block(&self, lane: usize) -> bool {
        self.0[lane / 8].positions[lane % 8] > 0
    }

    /// Reads on, and gives how many records there are then, and how many starts.
    pub(super) fn advance(
        &mut self,
        tables: &Tables,
        flat: &Flat<'_>,
        log: &mut Log,
        blocks: &mut Blocks,
    ) -> (usize, usize) {
        // SAFETY: there are no lanes unless `is_available` has found what is needed.
        unsafe { advance(self, tables, flat, log, blocks) }
    }
}

/// Eight lanes in registers.
#[derive(Clone, Copy)]
struct Registers {
    bits: __m512i,
    positions: __m512i,
    blocks: __m512i,
    slots: __m512i,
    /// Where the tables of the block's code begin.
    code: __m512i,
    /// Where the table of the next look begins.
    table: __m512i,
}

/// What is the same for all looks.
struct Constants {
    kinds: __m512i,
    period: __m512i,
    shown: __m512i,
    places: __m512i,
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(row: &Row) -> __m512i {
    // SAFETY: 64 bytes are there.
    unsafe { _mm512_loadu_si512(row.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn stored(register: __m512i) -> Row {
    let mut row = [0; 8];
    // SAFETY: 64 bytes are there.
    unsafe { _mm512_storeu_si512(row.as_mut_ptr().cast(), register) };
    row
}

#[inline]
#[target_feature(enable = "avx512f")]
fn registers(eight: &Eight, constants: &Constants) -> Registers {
    let [bits, positions, blocks, slots] =
        [&eight.bits, &eight.positions, &eight.blocks, &eight.slots].map(|row| load(row));
    let mut lanes = Registers { bits, positions, blocks, slots, code: blocks, table: blocks };
    retable(&mut lanes, constants);
    lanes
}

/// Finds the tables of where the lanes are.
#[inline]
#[target_feature(enable = "avx512f")]
fn retable(lanes: &mut Registers, constants: &Constants) {
    let step = _mm512_set1_epi64(ENTRIES as i64);
    lanes.code = _mm512_permutexvar_epi64(lanes.blocks, constants.kinds);
    let is_within = _mm512_test_epi64_mask(lanes.positions, lanes.positions);
    let table = _mm512_mask_add_epi64(lanes.code, is_within, lanes.code, step);
    let is_skipped = _mm512_cmpge_epu64_mask(lanes.positions, constants.shown);
    lanes.table = _mm512_mask_add_epi64(table, is_skipped, table, step);
}

/// 57 bits or more of each lane, from the highest.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn windows(bits: __m512i, flat: &Flat<'_>) -> __m512i {
    let swapped =
        _mm512_set4_epi64(0x0809_0a0b_0c0d_0e0f, 0x0001_0203_0405_0607, 0x0809_0a0b_0c0d_0e0f, 0x0001_0203_0405_0607);
    let at = _mm512_min_epu64(_mm512_srli_epi64::<3>(bits), _mm512_set1_epi64(flat.len() as i64));
    // SAFETY: eight bytes are there from any of the bytes, and from behind the last.
    let bytes = unsafe { _mm512_i64gather_epi64::<1>(at, flat.bytes().as_ptr().cast()) };
    _mm512_sllv_epi64(_mm512_shuffle_epi8(bytes, swapped), _mm512_and_si512(bits, _mm512_set1_epi64(7)))
}

/// What a look gives.
struct Seen {
    /// The windows after it.
    windows: __m512i,
    /// The lanes that it brought on.
    goes_on: u8,
    /// Records, and which of them are to be kept.
    records: __m512i,
    is_shown: u8,
    /// Starts of MCUs, and which lanes have one.
    starts: __m512i,
    is_start: u8,
}

/// What is shown of entries, at positions before them.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn records(entry: __m512i, lanes: &Registers, after: __m512i, constants: &Constants) -> __m512i {
    const LOWEST: u64 = 0x0101_0101_0101_0101;
    let steps = _mm512_and_si512(_mm512_srli_epi64::<28>(entry), _mm512_set1_epi64(15));
    let first = _mm512_add_epi64(lanes.positions, steps);
    let first = _mm512_maskz_permutexvar_epi8(LOWEST, first, constants.places);
    let second = _mm512_maskz_permutexvar_epi8(LOWEST, after, constants.places);
    let values = _mm512_and_si512(_mm512_srli_epi64::<14>(entry), _mm512_set1_epi64((1 << record::FIRST_PLACE) - 1));
    let block = _mm512_slli_epi64::<{ record::BLOCK }>(lanes.slots);
    let first = _mm512_slli_epi64::<{ record::FIRST_PLACE }>(first);
    let second = _mm512_slli_epi64::<{ record::SECOND_PLACE }>(second);
    // The logical or of three.
    _mm512_or_si512(_mm512_ternarylogic_epi64::<0xfe>(values, block, first), second)
}

/// One look of eight lanes. Those that it does not bring on, it brings on no other time either: they are stuck.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn look(lanes: &mut Registers, windows: __m512i, alive: u8, constants: &Constants, entries: &Entries) -> Seen {
    let index = _mm512_add_epi64(_mm512_srli_epi64::<{ 64 - BITS }>(windows), lanes.table);
    let index = _mm512_and_si512(index, _mm512_set1_epi64(ALL as i64 - 1));
    // SAFETY: an entry more is there than indices can be.
    let entry = unsafe { _mm512_i64gather_epi64::<4>(index, entries.as_ptr().cast()) };
    let one = _mm512_set1_epi64(1);
    let step = _mm512_set1_epi64(ENTRIES as i64);
    let block = _mm512_add_epi64(lanes.blocks, one);
    let block = _mm512_maskz_mov_epi64(_mm512_cmpneq_epu64_mask(block, constants.period), block);
    let code = _mm512_permutexvar_epi64(block, constants.kinds);
    let pairs = _mm512_add_epi64(lanes.code, step);
    let begun = _mm512_or_si512(lanes.positions, lanes.blocks);

    let after = _mm512_add_epi64(lanes.positions, _mm512_and_si512(entry, _mm512_set1_epi64(255)));
    let goes_on = _mm512_mask_testn_epi64_mask(alive, after, _mm512_set1_epi64(BEYOND as i64));
    let ended = _mm512_mask_test_epi64_mask(goes_on, after, _mm512_set1_epi64(ENDED as i64));
    let is_skipped = _mm512_cmpge_epu64_mask(after, constants.shown);
    let is_shown = _mm512_mask_cmplt_epu64_mask(goes_on, lanes.positions, constants.shown);
    let is_start = _mm512_mask_testn_epi64_mask(goes_on, begun, begun);
    let records = records(entry, lanes, after, constants);
    let starts = _mm512_or_si512(_mm512_slli_epi64::<{ start::BLOCK }>(lanes.slots), lanes.bits);

    let taken = _mm512_and_si512(_mm512_srli_epi64::<8>(entry), _mm512_set1_epi64(63));
    let windows = _mm512_mask_sllv_epi64(windows, goes_on, windows, taken);
    lanes.bits = _mm512_mask_add_epi64(lanes.bits, goes_on, lanes.bits, taken);
    let table = _mm512_mask_add_epi64(pairs, is_skipped, pairs, step);
    lanes.table = _mm512_mask_mov_epi64(lanes.table, goes_on, table);
    lanes.table = _mm512_mask_mov_epi64(lanes.table, ended, code);
    lanes.code = _mm512_mask_mov_epi64(lanes.code, ended, code);
    lanes.blocks = _mm512_mask_mov_epi64(lanes.blocks, ended, block);
    lanes.slots = _mm512_mask_add_epi64(lanes.slots, ended, lanes.slots, one);
    lanes.positions = _mm512_mask_mov_epi64(lanes.positions, goes_on, after);
    lanes.positions = _mm512_mask_mov_epi64(lanes.positions, ended, _mm512_setzero_si512());
    Seen { windows, goes_on, records, is_shown, starts, is_start }
}

/// Writes those of eight numbers that a mask names.
///
/// # Safety
/// There is room for eight from `count` on.
#[inline]
#[target_feature(enable = "avx512f,popcnt")]
unsafe fn append(target: &mut [u64; MOST_RECORDS], count: &mut usize, numbers: __m512i, mask: u8) {
    let numbers = _mm512_maskz_compress_epi64(mask, numbers);
    // SAFETY: by the caller.
    unsafe { _mm512_storeu_si512(target.as_mut_ptr().add(*count).cast(), numbers) };
    *count += mask.count_ones() as usize;
}

/// See [`State::advance`].
///
/// # Safety
/// The processor has what [`is_available`] looks for.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,popcnt,bmi1,bmi2")]
unsafe fn advance(
    state: &mut State,
    tables: &Tables,
    flat: &Flat<'_>,
    log: &mut Log,
    blocks: &mut Blocks,
) -> (usize, usize) {
    let constants = Constants {
        kinds: load(&tables.kinds),
        period: _mm512_set1_epi64(tables.blocks as i64),
        shown: _mm512_set1_epi64(tables.shown as i64),
        // SAFETY: 64 bytes are there.
        places: unsafe { _mm512_loadu_si512(tables.places.as_ptr().cast()) },
    };
    let mut lanes = state.0.map(|eight| registers(&eight, &constants));
    let (mut records, mut starts) = (0, 0);
    for _ in 0..ROUNDS {
        let mut goes_on = [0; GROUPS];
        for _ in 0..REFILLS {
            let mut seen = lanes.map(|lanes| windows(lanes.bits, flat));
            for _ in 0..LOOKS {
                for group in 0..GROUPS {
                    let found = look(&mut lanes[group], seen[group], state.0[group].alive, &constants, &tables.entries);
                    (seen[group], goes_on[group]) = (found.windows, found.goes_on);
                    // SAFETY: eight lanes have eight of both at most in a look, for which there is room, and for eight more.
                    unsafe {
                        append(&mut log.records, &mut records, found.records, found.is_shown);
                        append(&mut log.starts, &mut starts, found.starts, found.is_start);
                    }
                }
            }
        }
        let stuck: [u8; GROUPS] = std::array::from_fn(|group| state.0[group].alive & !goes_on[group]);
        if stuck != [0; GROUPS] {
            for group in 0..GROUPS {
                let eight = &mut state.0[group];
                store(eight, &lanes[group]);
                eight.unstick(stuck[group], &mut lanes[group], tables, flat, blocks);
                retable(&mut lanes[group], &constants);
            }
        }
    }
    for (eight, lanes) in state.0.iter_mut().zip(&lanes) {
        store(eight, lanes);
    }
    (records, starts)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(eight: &mut Eight, lanes: &Registers) {
    eight.bits = stored(lanes.bits);
    eight.positions = stored(lanes.positions);
    eight.blocks = stored(lanes.blocks);
    eight.slots = stored(lanes.slots);
}

impl Eight {
    /// Looks without the table for lanes that are stuck, and ends those that have no code there. What is new goes straight
    /// to the registers: a register that is loaded from where numbers were just stored one by one waits for them.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn unstick(&mut self, mut stuck: u8, lanes: &mut Registers, tables: &Tables, flat: &Flat<'_>, blocks: &mut Blocks) {
        while stuck != 0 {
            let lane = stuck.trailing_zeros() as usize & 7;
            let mask = 1 << lane;
            stuck &= !mask;
            let Some((taken, after)) = self.slow(lane, tables, flat, blocks) else {
                self.alive &= !mask;
                continue;
            };
            lanes.bits = _mm512_mask_add_epi64(lanes.bits, mask, lanes.bits, _mm512_set1_epi64(taken.into()));
            if after > 63 {
                let block = (self.blocks[lane] as usize + 1) % tables.blocks;
                lanes.slots = _mm512_mask_add_epi64(lanes.slots, mask, lanes.slots, _mm512_set1_epi64(1));
                lanes.blocks = _mm512_mask_set1_epi64(lanes.blocks, mask, block as i64);
            }
            let position = if after > 63 { 0 } else { after };
            lanes.positions = _mm512_mask_set1_epi64(lanes.positions, mask, position as i64);
        }
    }

    /// One look of a lane without the table: bits taken, and the position after it.
    fn slow(&self, lane: usize, tables: &Tables, flat: &Flat<'_>, blocks: &mut Blocks) -> Option<(u32, u64)> {
        let (bit, position, slot) = (self.bits[lane], self.positions[lane], self.slots[lane] as usize);
        let (taken, steps, value) = tables.slow(self.blocks[lane] as usize, position, window(flat, bit))?;
        if position == 0 {
            blocks.put(slot, tables.places[0], value);
            if self.blocks[lane] == 0 {
                blocks.begin(slot, bit);
            }
            return Some((taken, 1));
        }
        let after = position + u64::from(steps);
        if position < tables.shown {
            blocks.put(slot, tables.places[after.min(63) as usize], value);
        }
        Some((taken, after))
    }
}

/// 57 bits or more, from the highest.
fn window(flat: &Flat<'_>, bit: u64) -> u64 {
    let at = (bit / 8).min(flat.len() as u64) as usize;
    let bytes = flat.bytes().get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).unwrap_or_default();
    u64::from_be_bytes(bytes) << (bit & 7)
}
