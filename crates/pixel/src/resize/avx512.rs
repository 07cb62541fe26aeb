//! The inner loop for x86-64 with AVX-512: 64 samples at a time. The rest is AVX2's.
#![allow(unsafe_code)]

use super::Kernels;

#[cfg(not(target_arch = "x86_64"))]
pub(super) fn kernels() -> Option<Kernels> {
    None
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86_64::kernels;

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use std::arch::x86_64::{
        __m512i, _mm512_dpwssd_epi32, _mm512_mask_storeu_epi8, _mm512_maskz_loadu_epi8, _mm512_packs_epi32,
        _mm512_packus_epi16, _mm512_set1_epi32, _mm512_setzero_si512, _mm512_srai_epi32, _mm512_unpackhi_epi8,
        _mm512_unpacklo_epi8,
    };

    use super::{
        super::{Filter, Source, avx2, filter::ONE},
        Kernels,
    };
    use crate::frame::Plane;

    /// The kernels, if this processor has AVX-512 with instructions that multiply and add at once.
    pub(crate) fn kernels() -> Option<Kernels> {
        let has_it = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vnni");
        has_it.then_some(Kernels { columns, transpose: avx2::transpose })
    }

    fn columns(source: Source<'_>, filter: &Filter, target: &mut Plane, flip: bool) {
        // SAFETY: the processor has it all, or `kernels` had not given this function away.
        unsafe { avx2::columns_by(weighted_sum, source, filter, target, flip) };
    }

    /// `target[x] = sum of weights[k] × rows[k][x]`, rounded and clamped.
    ///
    /// # Safety
    /// The processor has AVX-512 F, BW and VNNI. `rows` and `weights` have the same even length; each row is as long as
    /// `target`, whose length is a multiple of 32.
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    unsafe fn weighted_sum(rows: &[*const u8], weights: &[i16], target: &mut [u8]) {
        let zero = _mm512_setzero_si512();
        let half = _mm512_set1_epi32(ONE / 2);
        for (block, out) in target.chunks_mut(64).enumerate() {
            let x = block * 64;
            // The last block may have 32.
            let mask = if out.len() == 64 { u64::MAX } else { u64::from(u32::MAX) };
            let mut sums = [half; 4];
            for (pair, weight) in rows.chunks_exact(2).zip(weights.chunks_exact(2)) {
                let both = (i32::from(weight[1]) << 16) | i32::from(weight[0] as u16);
                let weight = _mm512_set1_epi32(both);
                // SAFETY: by the caller, both rows have as many bytes from `x` as the mask has ones.
                let (a, b): (__m512i, __m512i) = unsafe {
                    (
                        _mm512_maskz_loadu_epi8(mask, pair[0].add(x).cast()),
                        _mm512_maskz_loadu_epi8(mask, pair[1].add(x).cast()),
                    )
                };
                let (low, high) = (_mm512_unpacklo_epi8(a, b), _mm512_unpackhi_epi8(a, b));
                let words = [
                    _mm512_unpacklo_epi8(low, zero),
                    _mm512_unpackhi_epi8(low, zero),
                    _mm512_unpacklo_epi8(high, zero),
                    _mm512_unpackhi_epi8(high, zero),
                ];
                for (sum, words) in sums.iter_mut().zip(words) {
                    *sum = _mm512_dpwssd_epi32(*sum, words, weight);
                }
            }
            let [a, b, c, d] = sums.map(|sum| _mm512_srai_epi32::<14>(sum));
            let bytes = _mm512_packus_epi16(_mm512_packs_epi32(a, b), _mm512_packs_epi32(c, d));
            // SAFETY: `out` has as many bytes as the mask has ones.
            unsafe { _mm512_mask_storeu_epi8(out.as_mut_ptr().cast(), mask, bytes) };
        }
    }
}
