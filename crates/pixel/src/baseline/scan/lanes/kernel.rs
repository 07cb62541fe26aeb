//! The looks at the table, of sixteen lanes to a register.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m256i, __m512i, __mmask16, _mm512_add_epi32, _mm512_and_si512, _mm512_castsi512_si256, _mm512_cmpge_epu32_mask,
    _mm512_cmpneq_epu32_mask, _mm512_cvtepu32_epi64, _mm512_extracti64x4_epi64, _mm512_loadu_si512,
    _mm512_mask_add_epi32, _mm512_mask_cmplt_epu32_mask, _mm512_mask_mov_epi32, _mm512_mask_set1_epi32,
    _mm512_mask_test_epi32_mask, _mm512_mask_testn_epi32_mask, _mm512_maskz_and_epi32, _mm512_maskz_compress_epi32,
    _mm512_maskz_mov_epi32, _mm512_maskz_permutexvar_epi8, _mm512_min_epu32, _mm512_or_si512,
    _mm512_permutex2var_epi32, _mm512_permutexvar_epi32, _mm512_set_epi32, _mm512_set_epi64, _mm512_set1_epi32,
    _mm512_set4_epi64, _mm512_setr_epi32, _mm512_setzero_si512, _mm512_shuffle_epi8, _mm512_slli_epi32,
    _mm512_sllv_epi64, _mm512_srli_epi32, _mm512_storeu_si512, _mm512_ternarylogic_epi32, _mm512_test_epi32_mask,
};

use super::{
    flat::Flat,
    log::{Blocks, Log, SLOTS, record},
    tables::{BEYOND, BITS, ENDED, ENTRIES, Entries, Tables},
};

/// Registers of lanes, since the entries of one are waited for meanwhile.
const GROUPS: usize = 2;
/// Lanes of a register.
const WIDTH: usize = 16;
/// Lanes.
pub(super) const LANES: usize = GROUPS * WIDTH;
/// Looks from one refill to the next.
const LOOKS: usize = 56 / BITS as usize;
/// Refills before lanes that are stuck are looked after: seldom, since that cannot be foreseen, and soon, since they wait.
const REFILLS: usize = 2;
/// How often that is done at once.
const ROUNDS: usize = 16;
/// Blocks that a lane may begin at once: each takes two looks.
pub(super) const MOST_BLOCKS_AT_ONCE: usize = ROUNDS * (REFILLS * LOOKS + 1) / 2 + 2;
/// Records that there may be at once: one for each look of each lane, and room for the register that is written last.
pub(super) const MOST_RECORDS: usize = ROUNDS * REFILLS * LOOKS * LANES + WIDTH;

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
type Row = [u32; WIDTH];

/// Where sixteen lanes are.
#[derive(Clone, Copy)]
struct Group {
    /// The next bit.
    bits: Row,
    /// The position in the block.
    positions: Row,
    /// The block in the MCU.
    blocks: Row,
    /// The block, of all blocks of all lanes.
    slots: Row,
    /// Lanes that have anything to read.
    alive: __mmask16,
}

/// Where the lanes are.
pub(super) struct State([Group; GROUPS]);

impl State {
    pub(super) fn new() -> Self {
        let nothing = [0; WIDTH];
        Self([Group { bits: nothing, positions: nothing, blocks: nothing, slots: nothing, alive: 0 }; GROUPS])
    }

    /// Lets so many of the lanes begin an MCU at a bit each.
    pub(super) fn begin(&mut self, from: &[u64; LANES], count: usize) {
        *self = Self::new();
        for (index, group) in self.0.iter_mut().enumerate() {
            for lane in 0..WIDTH {
                let all = index * WIDTH + lane;
                group.bits[lane] = from[all] as u32;
                group.slots[lane] = (all * SLOTS) as u32;
                group.alive |= __mmask16::from(all < count) << lane;
            }
        }
    }

    /// Whether a lane has met bits that are no code, which happens as long as it is not in step.
    pub(super) fn has_stopped(&self, lane: usize) -> bool {
        self.0[lane / WIDTH].alive >> (lane % WIDTH) & 1 == 0
    }

    /// Lets a lane begin anew at the next byte, and gives its bit.
    pub(super) fn begin_again(&mut self, lane: usize) -> u64 {
        let slot = lane * SLOTS;
        let (group, lane) = (&mut self.0[lane / WIDTH], lane % WIDTH);
        group.slots[lane] = slot as u32;
        group.bits[lane] = (group.bits[lane] / 8 + 1) * 8;
        group.positions[lane] = 0;
        group.blocks[lane] = 0;
        group.alive |= 1 << lane;
        group.bits[lane].into()
    }

    /// A lane's next bit.
    pub(super) fn bit(&self, lane: usize) -> u64 {
        self.0[lane / WIDTH].bits[lane % WIDTH].into()
    }

    /// How many blocks a lane has read to their end.
    pub(super) fn whole(&self, lane: usize) -> usize {
        self.0[lane / WIDTH].slots[lane % WIDTH] as usize - lane * SLOTS
    }

    /// Whether a lane is in the middle of a block.
    pub(super) fn is_within_block(&self, lane: usize) -> bool {
        self.0[lane / WIDTH].positions[lane % WIDTH] > 0
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

/// Sixteen lanes in registers.
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
    let mut row = [0; WIDTH];
    // SAFETY: 64 bytes are there.
    unsafe { _mm512_storeu_si512(row.as_mut_ptr().cast(), register) };
    row
}

#[inline]
#[target_feature(enable = "avx512f")]
fn registers(group: &Group, constants: &Constants) -> Registers {
    let [bits, positions, blocks, slots] =
        [&group.bits, &group.positions, &group.blocks, &group.slots].map(|row| load(row));
    let mut lanes = Registers { bits, positions, blocks, slots, code: blocks, table: blocks };
    retable(&mut lanes, constants);
    lanes
}

/// Finds the tables of where the lanes are.
#[inline]
#[target_feature(enable = "avx512f")]
fn retable(lanes: &mut Registers, constants: &Constants) {
    let step = _mm512_set1_epi32(ENTRIES as i32);
    lanes.code = _mm512_permutexvar_epi32(lanes.blocks, constants.kinds);
    let is_within = _mm512_test_epi32_mask(lanes.positions, lanes.positions);
    let table = _mm512_mask_add_epi32(lanes.code, is_within, lanes.code, step);
    let is_skipped = _mm512_cmpge_epu32_mask(lanes.positions, constants.shown);
    lanes.table = _mm512_mask_add_epi32(table, is_skipped, table, step);
}

/// The numbers of sixteen lanes as eight and eight.
#[inline]
#[target_feature(enable = "avx512f")]
fn widened(numbers: __m512i) -> [__m512i; 2] {
    let [low, high]: [__m256i; 2] = [_mm512_castsi512_si256(numbers), _mm512_extracti64x4_epi64::<1>(numbers)];
    [_mm512_cvtepu32_epi64(low), _mm512_cvtepu32_epi64(high)]
}

/// 57 bits or more of each lane, from the highest: of the first eight lanes, and of the others.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn windows(bits: __m512i, flat: &Flat<'_>) -> [__m512i; 2] {
    let swapped =
        _mm512_set4_epi64(0x0809_0a0b_0c0d_0e0f, 0x0001_0203_0405_0607, 0x0809_0a0b_0c0d_0e0f, 0x0001_0203_0405_0607);
    let at = &stored(_mm512_min_epu32(_mm512_srli_epi32::<3>(bits), _mm512_set1_epi32(flat.len() as i32)));
    let at = std::hint::black_box(at); // As in `entries`.
    let bytes = flat.bytes().as_ptr();
    // SAFETY: eight bytes are there from any of the bytes, and from behind the last.
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] =
        std::array::from_fn(|lane| unsafe { bytes.add(at[lane] as usize).cast::<i64>().read_unaligned() });
    let bytes = [_mm512_set_epi64(h, g, f, e, d, c, b, a), _mm512_set_epi64(p, o, n, m, l, k, j, i)];
    let within = widened(_mm512_and_si512(bits, _mm512_set1_epi32(7)));
    [0, 1].map(|half| _mm512_sllv_epi64(_mm512_shuffle_epi8(bytes[half], swapped), within[half]))
}

/// What a look gives.
struct Seen {
    /// The windows after it.
    windows: [__m512i; 2],
    /// The lanes that it brought on.
    goes_on: __mmask16,
    /// Records and their blocks, and which of them are to be kept.
    records: __m512i,
    slots: __m512i,
    is_shown: __mmask16,
    /// The bits, and which lanes began an MCU there.
    bits: __m512i,
    is_start: __mmask16,
}

/// The entries of tables from these places on for the next bits.
#[inline]
#[target_feature(enable = "avx512f")]
fn entries(windows: [__m512i; 2], tables: __m512i, entries: &Entries) -> __m512i {
    let upper = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    let next = _mm512_permutex2var_epi32(windows[0], upper, windows[1]);
    let places = &stored(_mm512_add_epi32(_mm512_srli_epi32::<{ 32 - BITS }>(next), tables));
    // One lane after the other, and through memory: on Zen 4 the instruction that looks up sixteen takes longer, and so does what
    // the compiler would make of it, which takes them out of the register.
    let places = std::hint::black_box(places);
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] =
        std::array::from_fn(|lane| entries[usize::from(places[lane] as u16)].cast_signed());
    _mm512_set_epi32(p, o, n, m, l, k, j, i, h, g, f, e, d, c, b, a)
}

/// What is shown of entries, at positions before them.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn records(entry: __m512i, positions: __m512i, after: __m512i, ended: __mmask16, constants: &Constants) -> __m512i {
    /// Of each record the two bytes that have places.
    const PLACES: u64 = 0x3333_3333_3333_3333;
    let first = _mm512_add_epi32(positions, _mm512_srli_epi32::<28>(entry));
    // The end of a block goes where nothing is shown.
    let second = _mm512_mask_set1_epi32(after, ended, 63);
    let both = _mm512_or_si512(first, _mm512_slli_epi32::<8>(second));
    let places = _mm512_maskz_permutexvar_epi8(PLACES, both, constants.places);
    let values = _mm512_slli_epi32::<{ record::VALUES - 14 }>(entry);
    // The places, or what the mask leaves of the values.
    let mask = _mm512_set1_epi32(((1 << (2 * record::VALUE_BITS)) - 1) << record::VALUES);
    _mm512_ternarylogic_epi32::<0xf8>(places, values, mask)
}

/// One look of sixteen lanes. Those that it does not bring on, it brings on no other time either: they are stuck.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn look(
    lanes: &mut Registers,
    windows: [__m512i; 2],
    alive: __mmask16,
    constants: &Constants,
    table: &Entries,
) -> Seen {
    let entry = entries(windows, lanes.table, table);
    let one = _mm512_set1_epi32(1);
    let step = _mm512_set1_epi32(ENTRIES as i32);
    let block = _mm512_add_epi32(lanes.blocks, one);
    let block = _mm512_maskz_mov_epi32(_mm512_cmpneq_epu32_mask(block, constants.period), block);
    let code = _mm512_permutexvar_epi32(block, constants.kinds);
    let pairs = _mm512_add_epi32(lanes.code, step);
    let begun = _mm512_or_si512(lanes.positions, lanes.blocks);

    let after = _mm512_add_epi32(lanes.positions, _mm512_and_si512(entry, _mm512_set1_epi32(255)));
    let goes_on = _mm512_mask_testn_epi32_mask(alive, after, _mm512_set1_epi32(BEYOND as i32));
    let ended = _mm512_mask_test_epi32_mask(goes_on, after, _mm512_set1_epi32(ENDED as i32));
    let is_skipped = _mm512_cmpge_epu32_mask(after, constants.shown);
    let is_shown = _mm512_mask_cmplt_epu32_mask(goes_on, lanes.positions, constants.shown);
    let is_start = _mm512_mask_testn_epi32_mask(goes_on, begun, begun);
    let records = records(entry, lanes.positions, after, ended, constants);
    let (slots, bits) = (lanes.slots, lanes.bits);

    let taken = _mm512_maskz_and_epi32(goes_on, _mm512_srli_epi32::<8>(entry), _mm512_set1_epi32(63));
    let wide = widened(taken);
    let windows = [0, 1].map(|half| _mm512_sllv_epi64(windows[half], wide[half]));
    lanes.bits = _mm512_add_epi32(lanes.bits, taken);
    let table = _mm512_mask_add_epi32(pairs, is_skipped, pairs, step);
    lanes.table = _mm512_mask_mov_epi32(lanes.table, goes_on, table);
    lanes.table = _mm512_mask_mov_epi32(lanes.table, ended, code);
    lanes.code = _mm512_mask_mov_epi32(lanes.code, ended, code);
    lanes.blocks = _mm512_mask_mov_epi32(lanes.blocks, ended, block);
    lanes.slots = _mm512_mask_add_epi32(lanes.slots, ended, lanes.slots, one);
    lanes.positions = _mm512_mask_mov_epi32(lanes.positions, goes_on, after);
    lanes.positions = _mm512_mask_mov_epi32(lanes.positions, ended, _mm512_setzero_si512());
    Seen { windows, goes_on, records, slots, is_shown, bits, is_start }
}

/// Writes those of sixteen numbers that a mask names.
///
/// # Safety
/// There is room for sixteen from `count` on.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn append(target: &mut [u32; MOST_RECORDS], count: usize, numbers: __m512i, mask: __mmask16) {
    let numbers = _mm512_maskz_compress_epi32(mask, numbers);
    // SAFETY: by the caller.
    unsafe { _mm512_storeu_si512(target.as_mut_ptr().add(count).cast(), numbers) };
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
        period: _mm512_set1_epi32(tables.blocks as i32),
        shown: _mm512_set1_epi32(tables.shown as i32),
        // SAFETY: 64 bytes are there.
        places: unsafe { _mm512_loadu_si512(tables.places.as_ptr().cast()) },
    };
    let mut lanes = state.0.map(|group| registers(&group, &constants));
    let (mut records, mut starts) = (0, 0);
    for _ in 0..ROUNDS {
        let mut goes_on = [0; GROUPS];
        for _ in 0..REFILLS {
            let mut seen = lanes.map(|lanes| windows(lanes.bits, flat));
            for _ in 0..LOOKS {
                for group in 0..GROUPS {
                    let found = look(&mut lanes[group], seen[group], state.0[group].alive, &constants, &tables.entries);
                    (seen[group], goes_on[group]) = (found.windows, found.goes_on);
                    // SAFETY: sixteen lanes have sixteen of both at most in a look, for which there is room, and for sixteen more.
                    unsafe {
                        append(&mut log.records, records, found.records, found.is_shown);
                        append(&mut log.slots, records, found.slots, found.is_shown);
                        append(&mut log.start_bits, starts, found.bits, found.is_start);
                        append(&mut log.start_slots, starts, found.slots, found.is_start);
                    }
                    records += found.is_shown.count_ones() as usize;
                    starts += found.is_start.count_ones() as usize;
                }
            }
        }
        let stuck: [__mmask16; GROUPS] = std::array::from_fn(|group| state.0[group].alive & !goes_on[group]);
        if stuck != [0; GROUPS] {
            for group in 0..GROUPS {
                let all = &mut state.0[group];
                store(all, &lanes[group]);
                all.unstick(stuck[group], &mut lanes[group], tables, flat, blocks);
                retable(&mut lanes[group], &constants);
            }
        }
    }
    for (group, lanes) in state.0.iter_mut().zip(&lanes) {
        store(group, lanes);
    }
    (records, starts)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(group: &mut Group, lanes: &Registers) {
    group.bits = stored(lanes.bits);
    group.positions = stored(lanes.positions);
    group.blocks = stored(lanes.blocks);
    group.slots = stored(lanes.slots);
}

impl Group {
    /// Looks without the table for lanes that are stuck, and ends those that have no code there. What is new goes straight
    /// to the registers: a register that is loaded from where numbers were just stored one by one waits for them.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn unstick(
        &mut self,
        mut stuck: __mmask16,
        lanes: &mut Registers,
        tables: &Tables,
        flat: &Flat<'_>,
        blocks: &mut Blocks,
    ) {
        while stuck != 0 {
            let lane = stuck.trailing_zeros() as usize % WIDTH;
            let mask = 1 << lane;
            stuck &= !mask;
            let Some((taken, after)) = self.slow(lane, tables, flat, blocks) else {
                self.alive &= !mask;
                continue;
            };
            lanes.bits = _mm512_mask_add_epi32(lanes.bits, mask, lanes.bits, _mm512_set1_epi32(taken as i32));
            if after > 63 {
                let block = (self.blocks[lane] as usize + 1) % tables.blocks;
                lanes.slots = _mm512_mask_add_epi32(lanes.slots, mask, lanes.slots, _mm512_set1_epi32(1));
                lanes.blocks = _mm512_mask_set1_epi32(lanes.blocks, mask, block as i32);
            }
            let position = if after > 63 { 0 } else { after };
            lanes.positions = _mm512_mask_set1_epi32(lanes.positions, mask, position as i32);
        }
    }

    /// One look of a lane without the table: bits taken, and the position after it.
    fn slow(&self, lane: usize, tables: &Tables, flat: &Flat<'_>, blocks: &mut Blocks) -> Option<(u32, u32)> {
        let (bit, position, slot) = (self.bits[lane], self.positions[lane], self.slots[lane] as usize);
        let (taken, steps, value) = tables.slow(self.blocks[lane] as usize, position, window(flat, bit))?;
        if position == 0 {
            blocks.put(slot, tables.places[0], value);
            if self.blocks[lane] == 0 {
                blocks.begin(slot, bit);
            }
            return Some((taken, 1));
        }
        let after = position + steps;
        if position < tables.shown {
            blocks.put(slot, tables.places[after.min(63) as usize], value);
        }
        Some((taken, after))
    }
}

/// 57 bits or more, from the highest.
fn window(flat: &Flat<'_>, bit: u32) -> u64 {
    let at = (bit as usize / 8).min(flat.len());
    let bytes = flat.bytes().get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).unwrap_or_default();
    u64::from_be_bytes(bytes) << (bit & 7)
}
