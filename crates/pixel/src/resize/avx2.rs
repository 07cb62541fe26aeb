//! The inner loops for x86-64 with AVX2: 32 samples at a time.
#![allow(unsafe_code)]

use super::Kernels;

#[cfg(not(target_arch = "x86_64"))]
pub(super) fn kernels() -> Option<Kernels> {
    None
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86_64::{columns_by, kernels, transpose};

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use std::arch::x86_64::{
        __m128i, __m256i, _mm_loadu_si128, _mm_setzero_si128, _mm_storeu_si128, _mm_unpackhi_epi8, _mm_unpacklo_epi8,
        _mm256_add_epi32, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_packs_epi32, _mm256_packus_epi16,
        _mm256_set1_epi32, _mm256_setzero_si256, _mm256_srai_epi32, _mm256_storeu_si256, _mm256_unpackhi_epi8,
        _mm256_unpacklo_epi8,
    };

    use super::{
        super::{Filter, Source, filter::ONE},
        Kernels,
    };
    use crate::frame::{ALIGN, Plane};

    /// Bytes in a line of the cache.
    const LINE: usize = 64;

    /// The kernels, if this processor has AVX2.
    pub(crate) fn kernels() -> Option<Kernels> {
        is_x86_feature_detected!("avx2").then_some(Kernels { columns, transpose })
    }

    fn columns(source: Source<'_>, filter: &Filter, target: &mut Plane, flip: bool) {
        // SAFETY: AVX2 is there, or `kernels` had not given this function away.
        unsafe { columns_by(weighted_sum, source, filter, target, flip) };
    }

    /// `target[x] = sum of weights[k] × rows[k][x]`, rounded and clamped.
    type WeightedSum = unsafe fn(rows: &[*const u8], weights: &[i16], target: &mut [u8]);

    /// See [`Kernels::columns`].
    ///
    /// # Safety
    /// The processor has what `sum` needs. `rows` and `weights` will have the same even length, and each row will be as long as
    /// `target`, whose length is a multiple of 32: it must ask for no more.
    pub(crate) unsafe fn columns_by(
        sum: WeightedSum,
        source: Source<'_>,
        filter: &Filter,
        target: &mut Plane,
        flip: bool,
    ) {
        let width = source.width.next_multiple_of(ALIGN);
        let samples = filter.samples;
        assert!(source.from.is_multiple_of(ALIGN) && samples > 0 && samples <= source.plane.height);
        assert!(source.from + width <= source.plane.stride && source.plane.data.len() >= samples * source.plane.stride);
        assert!(width <= target.stride && target.data.len() >= filter.len() * target.stride);
        let mut rows = vec![std::ptr::null::<u8>(); filter.taps];
        for (output, weights) in filter.weights.chunks_exact(filter.taps).enumerate() {
            for (tap, row) in rows.iter_mut().enumerate() {
                // A tap beyond the last sample has weight 0: any row will do.
                let y = (filter.starts[output] + tap).min(samples - 1);
                *row = source.plane.data[y * source.plane.stride + source.from..].as_ptr();
            }
            let y = if flip { filter.len() - 1 - output } else { output };
            let row = &mut target.data[y * target.stride..][..width];
            // SAFETY: the processor has it, by the caller. Each pointer of `rows` is followed by `width` readable bytes:
            // `from + width <= stride`, and `y` is one of the plane's rows. `rows` and `weights` have as many entries, an
            // even number.
            unsafe { sum(&rows, weights, row) };
        }
    }

    /// `target[x] = sum of weights[k] × rows[k][x]`, rounded and clamped.
    ///
    /// # Safety
    /// The processor has AVX2. `rows` and `weights` have the same even length; each row is as long as `target`, whose length
    /// is a multiple of 32.
    #[target_feature(enable = "avx2")]
    unsafe fn weighted_sum(rows: &[*const u8], weights: &[i16], target: &mut [u8]) {
        let zero = _mm256_setzero_si256();
        let half = _mm256_set1_epi32(ONE / 2);
        for (block, out) in target.chunks_exact_mut(32).enumerate() {
            let x = block * 32;
            let mut sums = [half; 4];
            for (pair, weight) in rows.chunks_exact(2).zip(weights.chunks_exact(2)) {
                let both = (i32::from(weight[1]) << 16) | i32::from(weight[0] as u16);
                let weight = _mm256_set1_epi32(both);
                // SAFETY: by the caller, both rows have 32 bytes from `x`.
                let (a, b): (__m256i, __m256i) =
                    unsafe { (_mm256_loadu_si256(pair[0].add(x).cast()), _mm256_loadu_si256(pair[1].add(x).cast())) };
                let (low, high) = (_mm256_unpacklo_epi8(a, b), _mm256_unpackhi_epi8(a, b));
                let words = [
                    _mm256_unpacklo_epi8(low, zero),
                    _mm256_unpackhi_epi8(low, zero),
                    _mm256_unpacklo_epi8(high, zero),
                    _mm256_unpackhi_epi8(high, zero),
                ];
                for (sum, words) in sums.iter_mut().zip(words) {
                    *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(words, weight));
                }
            }
            let [a, b, c, d] = sums.map(|sum| _mm256_srai_epi32::<14>(sum));
            let bytes = _mm256_packus_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
            // SAFETY: `out` has 32 bytes.
            unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), bytes) };
        }
    }

    pub(crate) fn transpose(source: &Plane, target: &mut Plane) {
        let (width, height) = (source.width.next_multiple_of(16), source.height.next_multiple_of(16));
        assert!(source.stride >= width && source.data.len() >= height * source.stride);
        assert!(target.stride >= height && target.data.len() >= width * target.stride);
        // Four blocks down are a line of the target in the cache.
        for top in (0..height).step_by(LINE) {
            for x in (0..width).step_by(16) {
                for y in (top..height.min(top + LINE)).step_by(16) {
                    let from = &source.data[y * source.stride + x..];
                    let to = &mut target.data[x * target.stride + y..];
                    // SAFETY: the block lies inside both planes by the assertions: its last row ends before `data` does.
                    unsafe { transpose_block(from.as_ptr(), source.stride, to.as_mut_ptr(), target.stride) };
                }
            }
        }
    }

    /// Transposes 16 × 16 bytes.
    ///
    /// # Safety
    /// 16 rows of 16 bytes, a stride apart, are readable from `from` and writable to `to`.
    #[inline]
    unsafe fn transpose_block(from: *const u8, from_stride: usize, to: *mut u8, to_stride: usize) {
        // SAFETY: by the caller; SSE2 is part of x86-64.
        unsafe {
            let mut rows: [__m128i; 16] = [_mm_setzero_si128(); 16];
            for (y, row) in rows.iter_mut().enumerate() {
                *row = _mm_loadu_si128(from.add(y * from_stride).cast());
            }
            for _ in 0..4 {
                let old = rows;
                for pair in 0..8 {
                    rows[2 * pair] = _mm_unpacklo_epi8(old[pair], old[pair + 8]);
                    rows[2 * pair + 1] = _mm_unpackhi_epi8(old[pair], old[pair + 8]);
                }
            }
            for (y, row) in rows.iter().enumerate() {
                _mm_storeu_si128(to.add(y * to_stride).cast(), *row);
            }
        }
    }
}
