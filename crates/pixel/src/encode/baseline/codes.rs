//! Codes of coefficients (T.81, F.1.2).

use std::sync::LazyLock;

use super::bits::{Code, Window};
use crate::encode::jpeg::tables::TABLES;

/// The codes of luma, and of chroma.
pub(super) static CODES: LazyLock<[Codes; 2]> = LazyLock::new(|| {
    let [luma_dc, luma_ac, chroma_dc, chroma_ac] = TABLES.map(assigned);
    [Codes::new(luma_dc, luma_ac), Codes::new(chroma_dc, chroma_ac)]
});

/// The most places from one coefficient to the next that one code spans.
const FAR: usize = 16;
/// The symbol of 16 zeros, and that of all zeros to the block's end (T.81, F.1.2.2.1).
const SIXTEEN_ZEROS: usize = 0xf0;
const END: usize = 0;

/// A component's codes.
pub(super) struct Codes {
    /// By the number of bits of a difference.
    dc: [Code; 256],
    /// With the difference's bits, from −128 to 127.
    small: [Code; 256],
    /// By the number of zeros before a coefficient × 16 and the number of its bits.
    ac: [Code; 256],
    /// With the coefficient's bits, by [`place`].
    near: [Code; FAR * 256],
}

/// Where the code of a coefficient is that is so many places behind the one before it: 1 to [`FAR`].
#[inline(always)]
fn place(distance: u32, level: u8) -> usize {
    (distance as usize % FAR) << 8 | usize::from(level)
}

/// The bits that say which number of so many bits it is (T.81, F.1.2.1).
#[inline(always)]
fn value_bits(value: i32) -> (u32, u32) {
    let length = 32 - value.unsigned_abs().leading_zeros();
    let bits = (value + (value >> 31)) as u32 & ((1 << length) - 1);
    (bits, length)
}

impl Codes {
    fn new(dc: [Code; 256], ac: [Code; 256]) -> Self {
        let mut near = [Code::default(); FAR * 256];
        for distance in 1..=FAR as u32 {
            for level in (-127..=127_i8).filter(|&level| level != 0) {
                let (bits, length) = value_bits(level.into());
                let code = ac[(distance as usize - 1) << 4 | length as usize];
                near[place(distance, level as u8)] = code.with(bits, length);
            }
        }
        let small = std::array::from_fn(|index| {
            let (bits, length) = value_bits(index as i32 - 128);
            dc[length as usize].with(bits, length)
        });
        Self { dc, small, ac, near }
    }

    /// Puts the difference of a first coefficient to the block before: at most 27 bits.
    #[inline(always)]
    pub(super) fn difference(&self, window: &mut Window<'_>, difference: i32) {
        if let Some(&code) = self.small.get((difference + 128) as usize) {
            window.put(code);
            return;
        }
        let (bits, length) = value_bits(difference);
        window.put(self.dc[length as usize]);
        window.put(Code::new(bits, length));
    }

    /// The code of a coefficient of at most seven bits that is so many places behind the one before it: 1 to [`FAR`]. No bits
    /// for a coefficient of 0.
    #[inline(always)]
    pub(super) fn near(&self, distance: u32, level: u8) -> Code {
        self.near[place(distance, level)]
    }

    /// Puts the code of any coefficient that is so many places behind the one before it.
    pub(super) fn far(&self, window: &mut Window<'_>, distance: u32, level: i16) {
        let zeros = distance as usize - 1;
        for _ in 0..zeros / 16 {
            window.put(self.ac[SIXTEEN_ZEROS]);
            window.flush();
        }
        let (bits, length) = value_bits(level.into());
        window.put(self.ac[(zeros % 16) << 4 | length as usize].with(bits, length));
        window.flush();
    }

    /// That there are no more coefficients in the block.
    #[inline(always)]
    pub(super) fn end(&self) -> Code {
        self.ac[END]
    }
}

/// The code of each symbol (T.81, C.2), of which a table has how many codes of 1 to 16 bits there are, and the symbols in their order.
fn assigned((lengths, symbols): (&[u8; 16], &[u8])) -> [Code; 256] {
    let mut codes = [Code::default(); 256];
    let mut symbols = symbols.iter();
    let mut next = 0;
    for (length, &count) in (1..).zip(lengths) {
        for &symbol in symbols.by_ref().take(count.into()) {
            codes[usize::from(symbol)] = Code::new(next, length);
            next += 1;
        }
        next <<= 1;
    }
    codes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_occurs_has_a_code() {
        for Codes { dc, ac, .. } in CODES.iter() {
            assert!(dc[..12].iter().all(|code| !code.is_none()));
            assert!(!ac[END].is_none() && !ac[SIXTEEN_ZEROS].is_none());
            for zeros in 0..16 {
                assert!(ac[zeros << 4 | 1..=zeros << 4 | 10].iter().all(|code| !code.is_none()));
            }
        }
    }
}
