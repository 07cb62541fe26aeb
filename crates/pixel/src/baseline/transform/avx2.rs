//! The transform for x86-64 with AVX2: products of pairs of coefficients are summed by one instruction, and even and odd
//! frequencies apart, since sample N − 1 − i is that of i with the odd ones subtracted.
#![allow(unsafe_code)]

/// The weights in pairs, as 32 bits each: the lower half belongs to the lower of two frequencies.
pub(in super::super) struct Weights {
    /// Of frequencies (0, 2) in samples 0 and 1 four times each, then of (1, 3), for scales up to 4.
    four: [[i32; 8]; 2],
    /// Of frequencies (0, 2), (4, 6), (1, 3), (5, 7) in samples 0 to 3, for scales from 5.
    eight: [[i32; 4]; 4],
}

impl Weights {
    pub(super) fn new(weights: &[[i16; 8]; 8]) -> Self {
        let pair = |sample: usize, low: usize| {
            let [low, high] = [low, low + 2].map(|k| weights[sample][k]);
            i32::from(high) << 16 | i32::from(low as u16)
        };
        let mut four = [[0; 8]; 2];
        for (sample, half) in four.iter_mut().enumerate() {
            half[..4].fill(pair(sample, 0));
            // The middle of three samples is its own mirror image: it has no odd frequencies.
            half[4..].fill(pair(sample, 1));
        }
        let eight = std::array::from_fn(|sample| [0, 4, 1, 5].map(|k| pair(sample, k)));
        Self { four, eight }
    }
}

#[cfg(target_arch = "x86_64")]
pub(in super::super) use x86_64::Avx2;

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use std::arch::x86_64::{
        __m128i, __m256i, _mm_add_epi32, _mm_packs_epi32, _mm_packus_epi16, _mm_set1_epi32, _mm_srai_epi32,
        _mm_storeu_si128, _mm_sub_epi32, _mm256_add_epi32, _mm256_castsi256_si128, _mm256_extracti128_si256,
        _mm256_insert_epi16, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_mullo_epi16, _mm256_packs_epi32,
        _mm256_packus_epi16, _mm256_permute2x128_si256, _mm256_permute4x64_epi64, _mm256_permutevar8x32_epi32,
        _mm256_set_m128i, _mm256_set1_epi32, _mm256_setr_epi8, _mm256_setr_epi32, _mm256_shuffle_epi8,
        _mm256_srai_epi32, _mm256_storeu_si256, _mm256_sub_epi32, _mm256_unpackhi_epi64, _mm256_unpacklo_epi64,
    };

    use super::super::{Coefficients, FIRST_BIAS, FIRST_SHIFT, Kernel, SECOND_BIAS, SECOND_SHIFT, Samples, Transform};

    /// See [`Kernel`]. To be used in functions with the target feature only.
    pub(in super::super::super) struct Avx2;

    impl Kernel for Avx2 {
        #[inline(always)]
        fn samples<const N: usize>(coefficients: &Coefficients, transform: &Transform) -> Samples {
            // SAFETY: `scan` uses this kernel after it has found AVX2, and nobody else does.
            unsafe { if N <= 4 { four::<N>(coefficients, transform) } else { eight::<N>(coefficients, transform) } }
        }
    }

    impl Avx2 {
        /// [`Kernel::samples`] for scales up to 4, of a block's first coefficient and the others: rows of 4.
        #[inline]
        #[target_feature(enable = "avx2")]
        pub(in super::super::super) fn samples_of_four<const N: usize>(
            first: i16,
            others: &[i16; 16],
            transform: &Transform,
        ) -> [u8; 16] {
            let coefficients = _mm256_insert_epi16::<0>(load(others), first);
            let Some(steps) = transform.steps.first_chunk() else { return [0; 16] };
            let mut samples = [0; 16];
            // SAFETY: 16 bytes are there.
            unsafe { _mm_storeu_si128(samples.as_mut_ptr().cast(), points::<N>(coefficients, load(steps), transform)) };
            samples
        }
    }

    /// 16 of the numbers.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(numbers: &[i16; 16]) -> __m256i {
        // SAFETY: 32 bytes are there.
        unsafe { _mm256_loadu_si256(numbers.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load_pairs(pairs: &[i32; 8]) -> __m256i {
        // SAFETY: 32 bytes are there.
        unsafe { _mm256_loadu_si256(pairs.as_ptr().cast()) }
    }

    /// Four samples of each of four vectors, as they come from sums of the even and of the odd frequencies.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn four_points<const N: usize>(pairs: __m256i, weights: &[[i32; 8]; 2]) -> [__m128i; 4] {
        let outer = _mm256_madd_epi16(pairs, load_pairs(&weights[0]));
        let inner = _mm256_madd_epi16(pairs, load_pairs(&weights[1]));
        let (even, odd) = (_mm256_castsi256_si128(outer), _mm256_extracti128_si256::<1>(outer));
        let (first, last) = (_mm_add_epi32(even, odd), _mm_sub_epi32(even, odd));
        let (even, odd) = (_mm256_castsi256_si128(inner), _mm256_extracti128_si256::<1>(inner));
        let (second, third) = (_mm_add_epi32(even, odd), _mm_sub_epi32(even, odd));
        match N {
            4 => [first, second, third, last],
            3 => [first, second, last, last],
            _ => [first, last, last, last],
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn shifted<const BITS: i32>(sum: __m128i, bias: __m128i) -> __m128i {
        _mm_srai_epi32::<BITS>(_mm_add_epi32(sum, bias))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn four<const N: usize>(coefficients: &Coefficients, transform: &Transform) -> Samples {
        let (Some(coefficients), Some(steps)) = (coefficients.first_chunk(), transform.steps.first_chunk()) else {
            return [0; 64];
        };
        let mut samples = [0; 64];
        // SAFETY: 16 bytes are there.
        unsafe {
            _mm_storeu_si128(samples.as_mut_ptr().cast(), points::<N>(load(coefficients), load(steps), transform));
        };
        samples
    }

    /// The samples of a block of 4 × 4 or fewer coefficients.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn points<const N: usize>(coefficients: __m256i, steps: __m256i, transform: &Transform) -> __m128i {
        let scaled = _mm256_mullo_epi16(coefficients, steps);
        let weights = &transform.vectors.four;
        let half = _mm_set1_epi32(FIRST_BIAS);
        let [a, b, c, d] = four_points::<N>(scaled, weights);
        let [a, b] = [shifted::<{ FIRST_SHIFT as i32 }>(a, half), shifted::<{ FIRST_SHIFT as i32 }>(b, half)];
        let [c, d] = [shifted::<{ FIRST_SHIFT as i32 }>(c, half), shifted::<{ FIRST_SHIFT as i32 }>(d, half)];
        // A row for each sample across, vertical frequencies 0 to 3 in it: to pairs (0, 2), then (1, 3), of each sample.
        let rows = _mm256_set_m128i(_mm_packs_epi32(c, d), _mm_packs_epi32(a, b));
        let order = _mm256_setr_epi8(
            0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15, 0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15,
        );
        let pairs = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_shuffle_epi8(rows, order));
        let bias = _mm_set1_epi32(SECOND_BIAS);
        let [a, b, c, d] = four_points::<N>(pairs, weights);
        let [a, b] = [shifted::<{ SECOND_SHIFT as i32 }>(a, bias), shifted::<{ SECOND_SHIFT as i32 }>(b, bias)];
        let [c, d] = [shifted::<{ SECOND_SHIFT as i32 }>(c, bias), shifted::<{ SECOND_SHIFT as i32 }>(d, bias)];
        _mm_packus_epi16(_mm_packs_epi32(a, b), _mm_packs_epi32(c, d))
    }

    /// Eight samples of each of eight vectors: pairs (0, 2), (4, 6), (1, 3), (5, 7) to the sums of samples 0 to 7.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn eight_points<const N: usize>(pairs: [__m256i; 4], weights: &[[i32; 4]; 4]) -> [__m256i; 8] {
        let mut samples = [_mm256_set1_epi32(0); 8];
        for sample in 0..N.div_ceil(2) {
            let product = |index: usize| _mm256_madd_epi16(pairs[index], _mm256_set1_epi32(weights[sample][index]));
            let even = _mm256_add_epi32(product(0), product(1));
            let odd = _mm256_add_epi32(product(2), product(3));
            samples[sample] = _mm256_add_epi32(even, odd);
            samples[N - 1 - sample] = _mm256_sub_epi32(even, odd);
        }
        samples
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn eight<const N: usize>(coefficients: &Coefficients, transform: &Transform) -> Samples {
        let mut scaled = [_mm256_set1_epi32(0); 4];
        for ((scaled, numbers), steps) in
            scaled.iter_mut().zip(coefficients.as_chunks().0).zip(transform.steps.as_chunks().0)
        {
            *scaled = _mm256_mullo_epi16(load(numbers), load(steps));
        }
        let weights = &transform.vectors.eight;
        let half = _mm256_set1_epi32(FIRST_BIAS);
        let sums = eight_points::<N>(scaled, weights)
            .map(|sum| _mm256_srai_epi32::<{ FIRST_SHIFT as i32 }>(_mm256_add_epi32(sum, half)));
        let bias = _mm256_set1_epi32(SECOND_BIAS);
        let rows = eight_points::<N>(turned(sums), weights)
            .map(|sum| _mm256_srai_epi32::<{ SECOND_SHIFT as i32 }>(_mm256_add_epi32(sum, bias)));
        let mut samples = [0; 64];
        let order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
        for (bytes, rows) in samples.as_chunks_mut::<32>().0.iter_mut().zip(rows.as_chunks::<4>().0) {
            let words = (_mm256_packs_epi32(rows[0], rows[1]), _mm256_packs_epi32(rows[2], rows[3]));
            let packed = _mm256_permutevar8x32_epi32(_mm256_packus_epi16(words.0, words.1), order);
            // SAFETY: 32 bytes are there.
            unsafe { _mm256_storeu_si256(bytes.as_mut_ptr().cast(), packed) };
        }
        samples
    }

    /// A row for each sample across, vertical frequencies 0 to 7 in it, to pairs (0, 2), (4, 6), (1, 3), (5, 7) of each
    /// sample.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn turned(rows: [__m256i; 8]) -> [__m256i; 4] {
        let order = _mm256_setr_epi8(
            0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15, 0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15,
        );
        let pack = |index: usize| _mm256_shuffle_epi8(_mm256_packs_epi32(rows[index], rows[index + 1]), order);
        let [a, b, c, d] = [pack(0), pack(2), pack(4), pack(6)];
        let (even, odd) = (_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b));
        let (more_even, more_odd) = (_mm256_unpacklo_epi64(c, d), _mm256_unpackhi_epi64(c, d));
        [
            _mm256_permute2x128_si256::<0x20>(even, more_even),
            _mm256_permute2x128_si256::<0x31>(even, more_even),
            _mm256_permute2x128_si256::<0x20>(odd, more_odd),
            _mm256_permute2x128_si256::<0x31>(odd, more_odd),
        ]
    }
}
