//! The forward transform and quantisation, as libjpeg's accurate integer method has them, for four blocks at a time by AVX2.
//!
//! In one dimension the sums and differences of samples that mirror each other are multiplied by weights with 13 bits behind
//! the point; all sums are exact in 32 bits, so that it does not matter in which order libjpeg adds. The first pass, over
//! horizontal frequencies, keeps two of these bits and the second takes them off. The result is eight times the coefficient.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m128i, __m256i, _MM_HINT_T0, _mm_loadu_si128, _mm_prefetch, _mm256_abs_epi16, _mm256_add_epi16, _mm256_add_epi32,
    _mm256_blend_epi16, _mm256_broadcastsi128_si256, _mm256_bsrli_epi128, _mm256_cmpeq_epi8, _mm256_extract_epi16,
    _mm256_loadu_si256, _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_movemask_epi8, _mm256_mulhi_epu16,
    _mm256_mulhrs_epi16, _mm256_or_si256, _mm256_packs_epi16, _mm256_permute2x128_si256, _mm256_set1_epi8,
    _mm256_set1_epi16, _mm256_set1_epi32, _mm256_setr_epi8, _mm256_setzero_si256, _mm256_shuffle_epi8,
    _mm256_sign_epi16, _mm256_slli_epi16, _mm256_slli_epi32, _mm256_srai_epi16, _mm256_srli_epi32, _mm256_storeu_si256,
    _mm256_sub_epi16, _mm256_testz_si256, _mm256_unpackhi_epi16, _mm256_unpackhi_epi32, _mm256_unpackhi_epi64,
    _mm256_unpacklo_epi16, _mm256_unpacklo_epi32, _mm256_unpacklo_epi64,
};

use crate::baseline::ZIGZAG;

/// A block's quantised coefficients.
#[repr(C, align(64))]
pub(super) struct Block {
    /// As signed bytes, saturated, in zigzag order. Behind them is a 0 where somebody looks who finds no coefficient.
    pub(super) levels: [u8; 96],
    /// A bit for each place of these that is not 0. That for the first, the lowest, is set if others do not fit their bytes.
    pub(super) present: u64,
    /// The first.
    pub(super) first: i32,
    /// If others do not fit their bytes, all, at [`PLACES`].
    pub(super) words: [i16; 64],
}

impl Default for Block {
    fn default() -> Self {
        Self { levels: [0; 96], present: 0, first: 0, words: [0; 64] }
    }
}

impl Block {
    /// Takes away all but the first coefficient, which becomes `first`.
    pub(super) fn flatten(&mut self, first: i32) {
        (self.present, self.first) = (0, first);
    }
}

/// Where row × 8 + column, in natural order, lies after the second pass, which laces the halves of all rows but 0 and 4.
const fn lies_at(natural: u8) -> u8 {
    let (row, column) = (natural / 8, natural % 8);
    if row % 4 == 0 { natural } else { row * 8 + column % 4 * 2 + column / 4 }
}

/// Where in [`Block::words`] the coefficients are, in zigzag order.
pub(super) const PLACES: [u8; 64] = {
    let mut places = [0; 64];
    let mut index = 0;
    while index < 64 {
        places[index] = lies_at(ZIGZAG[index]);
        index += 1;
    }
    places
};

/// For 16 bytes in zigzag order, which of 16 bytes as they lie go there: by target and source.
const ORDER: [[[u8; 16]; 4]; 4] = {
    let mut order = [[[0x80; 16]; 4]; 4];
    let mut index = 0;
    while index < 64 {
        order[index / 16][PLACES[index] as usize / 16][index % 16] = PLACES[index] % 16;
        index += 1;
    }
    order
};

/// What rows are divided by as they lie, twice: see [`divisor`].
pub(super) struct Divisors {
    reciprocals: [[u16; 16]; 8],
    scales: [[u16; 16]; 8],
}

impl Divisors {
    /// For steps in natural order.
    pub(super) fn new(steps: &[u8; 64]) -> Self {
        let mut divisors = Self { reciprocals: [[0; 16]; 8], scales: [[0; 16]; 8] };
        for (natural, &step) in steps.iter().enumerate() {
            let (reciprocal, scale) = divisor(u32::from(step) * 8);
            let place = usize::from(lies_at(natural as u8));
            for column in [place % 8, place % 8 + 8] {
                divisors.reciprocals[place / 8][column] = reciprocal;
                divisors.scales[place / 8][column] = scale;
            }
        }
        divisors
    }
}

/// A reciprocal and a power of 2, by which numbers below 2¹⁵ are divided by `divisor` (8 to 2,040) and rounded: the upper half of
/// the product with the first, times the second, rounded to what is above the lower 15 bits.
///
/// For 2ᵏ < d ≤ 2ᵏ⁺¹ the first is 2¹⁶⁺ᵏ / d, rounded up, so that the first product is 2ᵏ × n / d and less than 2¹⁵ / 2¹⁶ more. The second
/// takes k bits off; it rounds up from a half, which is a whole number of 2⁻ᵏ.
fn divisor(divisor: u32) -> (u16, u16) {
    let bits = (divisor - 1).ilog2();
    ((1u32 << (16 + bits)).div_ceil(divisor) as u16, 1 << (15 - bits))
}

/// Two 16-bit weights side by side, as often as there is room.
#[inline]
#[target_feature(enable = "avx2")]
fn weights(low: i16, high: i16) -> __m256i {
    _mm256_set1_epi32(i32::from(high) << 16 | i32::from(low as u16))
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(samples: &[u8; 32], ahead: usize) -> __m256i {
    _mm_prefetch::<_MM_HINT_T0>(samples.as_ptr().wrapping_add(ahead).cast());
    // SAFETY: 32 bytes are there.
    unsafe { _mm256_loadu_si256(samples.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load_words(words: &[u16; 16]) -> __m256i {
    // SAFETY: 32 bytes are there.
    unsafe { _mm256_loadu_si256(words.as_ptr().cast()) }
}

/// The same 16 bytes in both halves.
#[inline]
#[target_feature(enable = "avx2")]
fn load_twice(bytes: &[u8; 16]) -> __m256i {
    // SAFETY: 16 bytes are there.
    let bytes: __m128i = unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) };
    _mm256_broadcastsi128_si256(bytes)
}

#[inline]
#[target_feature(enable = "avx2")]
fn store(bytes: &mut [u8; 32], value: __m256i) {
    // SAFETY: 32 bytes are there.
    unsafe { _mm256_storeu_si256(bytes.as_mut_ptr().cast(), value) };
}

/// Four blocks that lie side by side. What is so many bytes ahead of their samples is asked for.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn four(samples: [&[u8; 32]; 8], ahead: usize, divisors: &Divisors, blocks: &mut [Block; 4]) {
    // Samples that mirror each other, side by side.
    let mirrored = _mm256_setr_epi8(
        0, 7, 1, 6, 2, 5, 3, 4, 8, 15, 9, 14, 10, 13, 11, 12, 0, 7, 1, 6, 2, 5, 3, 4, 8, 15, 9, 14, 10, 13, 11, 12,
    );
    // In this order, that in which the first pass leaves rows is the natural one.
    let mut rows = [_mm256_setzero_si256(); 8];
    for (row, &index) in rows.iter_mut().zip(&[0, 2, 4, 6, 1, 3, 5, 7]) {
        *row = _mm256_shuffle_epi8(load(samples[index], ahead), mirrored);
    }
    let (mut low, mut high) = ([_mm256_setzero_si256(); 4], [_mm256_setzero_si256(); 4]);
    for ((low, high), [first, second]) in low.iter_mut().zip(&mut high).zip(rows.as_chunks().0) {
        (*low, *high) = (_mm256_unpacklo_epi16(*first, *second), _mm256_unpackhi_epi16(*first, *second));
    }
    let [a, b, c, d] = blocks;
    two(columns(low), divisors, [a, c]);
    two(columns(high), divisors, [b, d]);
}

/// Pairs of samples of two rows each, in four columns, to those of eight rows in one column each.
#[inline]
#[target_feature(enable = "avx2")]
fn columns(pairs: [__m256i; 4]) -> [__m256i; 4] {
    let [a, b, c, d] = pairs;
    let [first, second] = [_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b)];
    let [third, fourth] = [_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d)];
    [
        _mm256_unpacklo_epi64(first, third),
        _mm256_unpackhi_epi64(first, third),
        _mm256_unpacklo_epi64(second, fourth),
        _mm256_unpackhi_epi64(second, fourth),
    ]
}

/// The frequencies but 0 and 4 of sums and differences of mirrored samples, as two registers of 32 bits each: of the first
/// and of the last four of eight columns.
#[inline]
#[target_feature(enable = "avx2")]
fn frequencies<const ONE: i16>(outer: __m256i, inner: __m256i, odd: [__m256i; 4], half: __m256i) -> [[__m256i; 2]; 6] {
    let even = [_mm256_unpacklo_epi16(outer, inner), _mm256_unpackhi_epi16(outer, inner)];
    let first = [_mm256_unpacklo_epi16(odd[0], odd[1]), _mm256_unpackhi_epi16(odd[0], odd[1])];
    let last = [_mm256_unpacklo_epi16(odd[2], odd[3]), _mm256_unpackhi_epi16(odd[2], odd[3])];
    let of_even = |a: i16, b: i16| {
        let weights = weights(a * ONE, b * ONE);
        [0, 1].map(|index| _mm256_add_epi32(_mm256_madd_epi16(even[index], weights), half))
    };
    let of_odd = |a: i16, b: i16, c: i16, d: i16| {
        let (front, back) = (weights(a * ONE, b * ONE), weights(c * ONE, d * ONE));
        [0, 1].map(|index| {
            let sum = _mm256_add_epi32(_mm256_madd_epi16(first[index], front), half);
            _mm256_add_epi32(sum, _mm256_madd_epi16(last[index], back))
        })
    };
    [
        of_odd(11363, 9633, 6437, 2260),
        of_even(10703, 4433),
        of_odd(9633, -2259, -11362, -6436),
        of_odd(6437, -11362, 2261, 9633),
        of_even(4433, -10704),
        of_odd(2260, -6436, 9633, -11363),
    ]
}

/// Both passes for two blocks, one in each half, and their quantisation.
#[inline]
#[target_feature(enable = "avx2")]
fn two(pairs: [__m256i; 4], divisors: &Divisors, blocks: [&mut Block; 2]) {
    let sums = pairs.map(|pair| _mm256_maddubs_epi16(pair, _mm256_set1_epi8(1)));
    let differences = pairs.map(|pair| _mm256_maddubs_epi16(pair, _mm256_set1_epi16(-0xff)));
    let rows = turned(first_pass(sums, differences));
    let sums = [0, 1, 2, 3].map(|row| _mm256_add_epi16(rows[row], rows[7 - row]));
    let differences = [0, 1, 2, 3].map(|row| _mm256_sub_epi16(rows[row], rows[7 - row]));
    let rows = second_pass(sums, differences);
    finish(quantised(rows, divisors), blocks);
}

/// Horizontal frequencies of eight rows, which come in the order 0, 2, 4, 6, 1, 3, 5, 7 and leave in their own.
#[inline]
#[target_feature(enable = "avx2")]
fn first_pass(sums: [__m256i; 4], differences: [__m256i; 4]) -> [__m256i; 8] {
    let [outer, inner] = [_mm256_sub_epi16(sums[0], sums[3]), _mm256_sub_epi16(sums[1], sums[2])];
    let [a, b] = [_mm256_add_epi16(sums[0], sums[3]), _mm256_add_epi16(sums[1], sums[2])];
    let order = _mm256_setr_epi8(
        0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15, 0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15,
    );
    // 128 levels less for each of eight samples.
    let zero = _mm256_sub_epi16(_mm256_add_epi16(a, b), _mm256_set1_epi16(1024));
    let zero = _mm256_shuffle_epi8(_mm256_slli_epi16::<2>(zero), order);
    let four = _mm256_shuffle_epi8(_mm256_slli_epi16::<2>(_mm256_sub_epi16(a, b)), order);
    let [one, two, three, five, six, seven] = frequencies::<1>(outer, inner, differences, _mm256_set1_epi32(1 << 10))
        .map(|[low, high]| {
            // Eleven bits less, and the halves are laced.
            _mm256_blend_epi16::<0xaa>(_mm256_srli_epi32::<11>(low), _mm256_slli_epi32::<5>(high))
        });
    [zero, one, two, three, four, five, six, seven]
}

/// Vertical frequencies of eight columns, which lie as [`lies_at`] says afterwards.
#[inline]
#[target_feature(enable = "avx2")]
fn second_pass(sums: [__m256i; 4], differences: [__m256i; 4]) -> [__m256i; 8] {
    let [outer, inner] = [_mm256_sub_epi16(sums[0], sums[3]), _mm256_sub_epi16(sums[1], sums[2])];
    let [a, b] = [_mm256_add_epi16(sums[0], sums[3]), _mm256_add_epi16(sums[1], sums[2])];
    let half = _mm256_set1_epi16(2);
    let zero = _mm256_srai_epi16::<2>(_mm256_add_epi16(_mm256_add_epi16(a, b), half));
    let four = _mm256_srai_epi16::<2>(_mm256_add_epi16(_mm256_sub_epi16(a, b), half));
    let [one, two, three, five, six, seven] = frequencies::<2>(outer, inner, differences, _mm256_set1_epi32(1 << 15))
        .map(|[low, high]| {
            // Fifteen bits less, and one of the doubled weights.
            _mm256_blend_epi16::<0xaa>(_mm256_srli_epi32::<16>(low), high)
        });
    [zero, one, two, three, four, five, six, seven]
}

/// Rows for columns, in each half.
#[inline]
#[target_feature(enable = "avx2")]
fn turned(rows: [__m256i; 8]) -> [__m256i; 8] {
    let mut rows = rows;
    for _ in 0..3 {
        let old = rows;
        for pair in 0..4 {
            rows[2 * pair] = _mm256_unpacklo_epi16(old[pair], old[pair + 4]);
            rows[2 * pair + 1] = _mm256_unpackhi_epi16(old[pair], old[pair + 4]);
        }
    }
    rows
}

/// Quantised coefficients, and whether one but the first has more than seven bits.
#[inline]
#[target_feature(enable = "avx2")]
fn quantised(mut rows: [__m256i; 8], divisors: &Divisors) -> ([__m256i; 8], bool) {
    let mut any = _mm256_setzero_si256();
    for (index, row) in rows.iter_mut().enumerate() {
        let product = _mm256_mulhi_epu16(_mm256_abs_epi16(*row), load_words(&divisors.reciprocals[index]));
        let magnitude = _mm256_mulhrs_epi16(product, load_words(&divisors.scales[index]));
        *row = _mm256_sign_epi16(magnitude, *row);
        let others = if index == 0 { _mm256_bsrli_epi128::<2>(magnitude) } else { magnitude };
        any = _mm256_or_si256(any, others);
    }
    (rows, _mm256_testz_si256(any, _mm256_set1_epi16(-0x80)) == 0)
}

/// Quantised coefficients to blocks.
#[inline]
#[target_feature(enable = "avx2")]
fn finish((rows, is_large): ([__m256i; 8], bool), blocks: [&mut Block; 2]) {
    let bytes = [0, 2, 4, 6].map(|row| _mm256_packs_epi16(rows[row], rows[row + 1]));
    let zigzag = [0, 1, 2, 3].map(|target| {
        let part = |source: usize| _mm256_shuffle_epi8(bytes[source], load_twice(&ORDER[target][source]));
        match target {
            0 => _mm256_or_si256(_mm256_or_si256(part(0), part(1)), part(2)),
            3 => _mm256_or_si256(_mm256_or_si256(part(1), part(2)), part(3)),
            _ => _mm256_or_si256(_mm256_or_si256(part(0), part(1)), _mm256_or_si256(part(2), part(3))),
        }
    });
    let [a, b, c, d] = zigzag;
    let halves = [
        [_mm256_permute2x128_si256::<0x20>(a, b), _mm256_permute2x128_si256::<0x20>(c, d)],
        [_mm256_permute2x128_si256::<0x31>(a, b), _mm256_permute2x128_si256::<0x31>(c, d)],
    ];
    let firsts = [_mm256_extract_epi16::<0>(rows[0]) as i16, _mm256_extract_epi16::<8>(rows[0]) as i16];
    for ((index, block), (halves, first)) in blocks.into_iter().enumerate().zip(halves.into_iter().zip(firsts)) {
        let zero = _mm256_setzero_si256();
        let [low, high] = halves.map(|half| _mm256_movemask_epi8(_mm256_cmpeq_epi8(half, zero)) as u32);
        let [first_bytes, second_bytes, _] = block.levels.as_chunks_mut::<32>().0 else { return };
        store(first_bytes, halves[0]);
        store(second_bytes, halves[1]);
        block.present = !(u64::from(high) << 32 | u64::from(low)) & !1 | u64::from(is_large);
        block.first = first.into();
        if is_large {
            let rows = rows.map(|row| {
                let mut words = [0i16; 16];
                // SAFETY: 32 bytes are there.
                unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), row) };
                words
            });
            for (target, row) in block.words.as_chunks_mut::<8>().0.iter_mut().zip(&rows) {
                target.copy_from_slice(&row[8 * index..][..8]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::divisor;

    #[test]
    fn division_is_exact() {
        for step in 1..=255 {
            let (reciprocal, scale) = divisor(step * 8);
            for number in 0..1u32 << 15 {
                let product = (number * u32::from(reciprocal)) >> 16;
                let quotient = (product * u32::from(scale) + (1 << 14)) >> 15;
                assert_eq!(quotient, (number + step * 4) / (step * 8), "{number} by {step} × 8");
            }
        }
    }
}
