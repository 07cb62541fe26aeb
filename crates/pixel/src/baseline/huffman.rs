//! Huffman codes (T.81, annex C and F.1.2, F.2.2) as tables that are indexed by the next bits of the scan.
//!
//! A coefficient is a code, whose symbol says how many zeros come before it and how many bits it has, and those bits. Three
//! tables answer for both at once:
//! - [`Dc`]: the difference of a block's first coefficient, by the next [`DC_BITS`] bits.
//! - [`Ac::pairs`]: one or two coefficients, by [`PAIR_BITS`] bits.
//! - [`Ac::skips`]: as many as fit in [`SKIP_BITS`] bits, without their values.
//!
//! What is longer than that is looked up by [`Slow`].

use std::num::NonZeroU32;

use super::header::Code;

/// Bits that index [`Dc`].
pub(super) const DC_BITS: u32 = 10;
/// Bits that index [`Ac::pairs`].
pub(super) const PAIR_BITS: u32 = 13;
/// Bits that index [`Ac::skips`].
pub(super) const SKIP_BITS: u32 = 13;
/// Bits that index [`Slow`]'s table of short codes.
const SHORT_BITS: u32 = 10;
/// Added to the position in a block by the code for "no more coefficients".
pub(super) const END: u32 = 64;

/// An entry of [`Dc`]: 6 bits of how many bits it takes (0: ask [`Slow`]), 10 free, 16 of the difference.
#[derive(Clone, Copy, Default)]
pub(super) struct Difference(u32);

impl Difference {
    /// Bits that it takes, in the lowest six bits; 0 if the table does not know.
    #[inline(always)]
    pub(super) fn bits(self) -> u32 {
        self.0 & 63
    }

    /// The difference to the block before.
    #[inline(always)]
    pub(super) fn value(self) -> i32 {
        (self.0 as i32) >> 16
    }
}

/// An entry of [`Ac::pairs`], from the lowest bit: 6 bits of how many bits it takes, 6 and 6 of how far on the coefficients
/// are, 7 and 7 of their values. A single one stands there twice, the second time 0 further on.
///
/// The end of a block is 63 further on, which is the end from wherever one comes. What the table does not know takes 0
/// bits and is 126 further on: whoever looks for the end finds that too, with one comparison.
#[derive(Clone, Copy)]
pub(super) struct Pair(u32);

impl Pair {
    const UNKNOWN: Self = Self(63 << 6 | 63 << 12);

    fn new(bits: u32, first: (u32, i32), second: (u32, i32)) -> Self {
        let value = |value: i32| value as u32 & 127;
        Self(bits | first.0 << 6 | second.0 << 12 | value(first.1) << 18 | value(second.1) << 25)
    }

    /// The whole entry. The lowest six bits are how many bits it takes: sums of up to four entries keep that.
    #[inline(always)]
    pub(super) fn packed(self) -> u32 {
        self.0
    }

    /// It is not in the table.
    #[inline(always)]
    pub(super) fn is_unknown(self) -> bool {
        self.0 == Self::UNKNOWN.0
    }

    /// How far on the first coefficient is, and its value.
    #[inline(always)]
    pub(super) fn first(self) -> (u32, i16) {
        (self.0 >> 6 & 63, ((self.0 << 7) as i32 >> 25) as i16)
    }

    /// How far on from the first the second one is, and its value.
    #[inline(always)]
    pub(super) fn second(self) -> (u32, i16) {
        (self.0 >> 12 & 63, (self.0 as i32 >> 25) as i16)
    }
}

/// An entry of [`Ac::skips`]: 6 bits of how many bits it takes, then how far on that is: with [`END`] added if it ends
/// the block, or 127 for 0 bits if the table does not know.
#[derive(Clone, Copy)]
pub(super) struct Skip(u16);

impl Skip {
    const UNKNOWN: Self = Self(127 << 6);

    /// The lowest six bits are how many bits it takes: sums of up to four entries keep that.
    #[inline(always)]
    pub(super) fn packed(self) -> u32 {
        u32::from(self.0)
    }

    /// It is not in the table.
    #[inline(always)]
    pub(super) fn is_unknown(self) -> bool {
        self.0 == Self::UNKNOWN.0
    }

    /// How far on.
    #[inline(always)]
    pub(super) fn steps(self) -> u32 {
        u32::from(self.0 >> 6)
    }
}

/// Codes of any length.
pub(super) struct Slow {
    /// By the next [`SHORT_BITS`] bits: length and symbol (see [`Slow::entry`]) of a code that is no longer, or 0.
    short: [u16; 1 << SHORT_BITS],
    /// The first window of 16 bits beyond the codes of 1, 2, … 16 bits.
    beyond: [u32; 16],
    /// Added to a code of 1, 2, … 16 bits to find its symbol.
    offset: [i32; 16],
    symbols: [u8; 256],
}

impl Slow {
    fn new(code: Code<'_>) -> Option<Self> {
        let mut slow = Self { short: [0; 1 << SHORT_BITS], beyond: [0; 16], offset: [0; 16], symbols: [0; 256] };
        slow.symbols.get_mut(..code.symbols.len())?.copy_from_slice(code.symbols);
        let (mut next, mut index) = (0u32, 0i32);
        for (bits, &count) in (1..).zip(code.lengths) {
            slow.offset[bits - 1] = index - next as i32;
            let first = next;
            next += u32::from(count);
            // The code of ones alone is none (C.2).
            if count > 0 && next >= 1 << bits {
                return None;
            }
            if let Some(free) = SHORT_BITS.checked_sub(bits as u32) {
                for (code, &symbol) in (first..next).zip(code.symbols.get(index as usize..)?) {
                    let entry = bits as u16 | u16::from(symbol) << 8;
                    slow.short.get_mut((code << free) as usize..((code + 1) << free) as usize)?.fill(entry);
                }
            }
            index += i32::from(count);
            slow.beyond[bits - 1] = next << (16 - bits);
            next <<= 1;
        }
        Some(slow)
    }

    /// The code that a window of 16 bits begins with: its length in the lower byte, its symbol in the upper. 0 if there is none.
    fn entry(&self, window: u32) -> u16 {
        // The length is as good as random, so that it is better counted than searched for.
        let shorter: u32 = self.beyond.iter().map(|&beyond| u32::from(window >= beyond)).sum();
        let Some(offset) = self.offset.get(shorter as usize) else {
            return 0;
        };
        let code = (window >> (15 - shorter)) as i32;
        (shorter as u16 + 1) | u16::from(self.symbols[(code + offset) as usize & 255]) << 8
    }

    #[cold]
    #[inline(never)]
    fn long_entry(&self, window: u32) -> u16 {
        self.entry(window)
    }

    /// The code that 64 bits begin with, and its value. `None` if they begin with none.
    #[inline(always)]
    pub(super) fn read(&self, bits: u64) -> Option<Long> {
        let short = self.short[(bits >> (64 - SHORT_BITS)) as usize];
        let entry = if short > 0 { short } else { self.long_entry((bits >> 48) as u32) };
        let (length, symbol) = (u32::from(entry & 31), (entry >> 8) as u8);
        let count = u32::from(symbol & 15);
        let value = ((bits << length) >> 1 >> (63 - count)) as u32;
        if entry == 0 { None } else { Long::new(length + count, steps(symbol), extend(value, count)) }
    }
}

/// A code of any length with its value: from the lowest bit, 8 bits of how many bits it takes, 8 of how far on it leads, 16 of
/// the value. It fits a register, as does an `Option` of it, since it is never 0.
#[derive(Clone, Copy)]
pub(super) struct Long(NonZeroU32);

impl Long {
    fn new(bits: u32, steps: u32, value: i32) -> Option<Self> {
        NonZeroU32::new(bits | steps << 8 | (value as u32) << 16).map(Self)
    }

    /// Bits that it takes, in the lowest six bits.
    #[inline(always)]
    pub(super) fn bits(self) -> u32 {
        self.0.get() & 63
    }

    /// How far on it leads; [`END`] for the end of the block.
    #[inline(always)]
    pub(super) fn steps(self) -> u32 {
        self.0.get() >> 8 & 255
    }

    /// Its value.
    #[inline(always)]
    pub(super) fn value(self) -> i32 {
        self.0.get() as i32 >> 16
    }
}

/// A symbol's bits as the number that they mean (F.2.2.1).
#[inline(always)]
pub(super) fn extend(bits: u32, count: u32) -> i32 {
    let smallest = (1 << count) >> 1;
    if (bits as i32) < smallest { bits as i32 - (1 << count) + 1 } else { bits as i32 }
}

/// Tables of a DC code.
pub(super) struct Dc {
    /// By the next [`DC_BITS`] bits.
    pub(super) differences: Box<[Difference; 1 << DC_BITS]>,
    /// For the rest.
    pub(super) slow: Slow,
}

impl Dc {
    /// `None` if the code is none.
    pub(super) fn new(code: Code<'_>) -> Option<Self> {
        let slow = Slow::new(code)?;
        if code.symbols.iter().any(|&symbol| symbol > 15) {
            return None;
        }
        let mut differences = boxed(Difference::default());
        for_each_whole(code, DC_BITS, |index, bits, symbol, value| {
            let _ = symbol;
            differences[index] = Difference(bits | (value as u32) << 16);
        });
        Some(Self { differences, slow })
    }
}

/// Tables of an AC code.
pub(super) struct Ac {
    /// By the next [`PAIR_BITS`] bits.
    pub(super) pairs: Box<[Pair; 1 << PAIR_BITS]>,
    /// By the next [`SKIP_BITS`] bits.
    pub(super) skips: Box<[Skip; 1 << SKIP_BITS]>,
    /// For the rest.
    pub(super) slow: Slow,
}

/// What a symbol and its bits mean.
#[derive(Clone, Copy, Default)]
struct Single {
    /// Bits that it takes; 0 if they are not all there.
    bits: u32,
    /// Zeros before it and itself; [`END`] for the end of the block.
    steps: u32,
    value: i32,
}

impl Ac {
    /// `None` if the code is none.
    pub(super) fn new(code: Code<'_>) -> Option<Self> {
        let slow = Slow::new(code)?;
        let mut singles = boxed::<Single, { 1 << SKIP_BITS }>(Single::default());
        for_each_whole(code, SKIP_BITS, |index, bits, symbol, value| {
            singles[index] = Single { bits, steps: steps(symbol), value };
        });
        let mut pairs = boxed(Pair::UNKNOWN);
        for (index, pair) in pairs.iter_mut().enumerate() {
            *pair = pair_of(&singles, index << (SKIP_BITS - PAIR_BITS));
        }
        let mut skips = boxed(Skip::UNKNOWN);
        for (index, skip) in skips.iter_mut().enumerate() {
            *skip = skip_of(&singles, index);
        }
        Some(Self { pairs, skips, slow })
    }
}

/// How far on a symbol leads (F.1.2.2.1): past zeros to a coefficient, past 16 zeros, or to the end.
pub(super) fn steps(symbol: u8) -> u32 {
    match (symbol >> 4, symbol & 15) {
        (15, 0) => 16,
        (_, 0) => END,
        (zeros, _) => u32::from(zeros) + 1,
    }
}

/// What follows after `used` of the bits of `index`, if all of it is within the first `of` bits.
fn next_single(singles: &[Single; 1 << SKIP_BITS], index: usize, used: u32, of: u32) -> Option<Single> {
    let single = singles[(index << used) & ((1 << SKIP_BITS) - 1)];
    (single.bits > 0 && used + single.bits <= of).then_some(single)
}

fn pair_of(singles: &[Single; 1 << SKIP_BITS], index: usize) -> Pair {
    let fits = |single: &Single| (-64..64).contains(&single.value);
    let place = |single: Single| (single.steps.min(63), single.value);
    let Some(first) = next_single(singles, index, 0, PAIR_BITS).filter(fits) else {
        return Pair::UNKNOWN;
    };
    if first.steps == END {
        return Pair::new(first.bits, (63, 0), (0, 0));
    }
    match next_single(singles, index, first.bits, PAIR_BITS).filter(fits) {
        Some(second) => Pair::new(first.bits + second.bits, place(first), place(second)),
        None => Pair::new(first.bits, place(first), (0, first.value)),
    }
}

fn skip_of(singles: &[Single; 1 << SKIP_BITS], index: usize) -> Skip {
    let (mut bits, mut steps) = (0, 0);
    while let Some(single) = next_single(singles, index, bits, SKIP_BITS) {
        // Beyond 62 whoever asks would be at a block's end on the way, and takes one code at a time.
        if single.steps != END && steps + single.steps > 62 {
            break;
        }
        (bits, steps) = (bits + single.bits, steps + single.steps);
        if single.steps == END {
            break;
        }
    }
    if bits == 0 { Skip::UNKNOWN } else { Skip((bits | steps << 6) as u16) }
}

/// Calls for each number of `width` bits that begins with a code and all of its symbol's bits: number, bits taken, symbol,
/// value.
fn for_each_whole(code: Code<'_>, width: u32, mut found: impl FnMut(usize, u32, u8, i32)) {
    let mut symbols = code.symbols.iter();
    let mut next = 0u32;
    for (length, &count) in (1..=width).zip(code.lengths) {
        for &symbol in symbols.by_ref().take(usize::from(count)) {
            let value_bits = u32::from(symbol & 15);
            let taken = length + value_bits;
            if taken <= width {
                let rest = width - taken;
                for value in 0..1u32 << value_bits {
                    let first = (next << value_bits | value) << rest;
                    for index in first..first + (1 << rest) {
                        found(index as usize, taken, symbol, extend(value, value_bits));
                    }
                }
            }
            next += 1;
        }
        next <<= 1;
    }
}

/// An array on the heap, made there.
fn boxed<T: Copy, const N: usize>(value: T) -> Box<[T; N]> {
    let slice = vec![value; N].into_boxed_slice();
    // As long as it was made.
    slice.try_into().unwrap_or_else(|_| Box::new([value; N]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        baseline::header::Header,
        libjpeg::coder::{Coding, code},
    };

    /// Both codes of a file, the usual ones (T.81, annex K).
    fn with_usual_codes(work: impl Fn(Code<'_>, Code<'_>)) {
        let file = code(16, 16, &[90; 768], Coding::PLAIN);
        let header = Header::read(&file).unwrap();
        header.components.iter().for_each(|part| work(part.dc, part.ac));
    }

    /// Windows of 64 bits of all kinds.
    fn windows() -> impl Iterator<Item = u64> {
        (0..200_000u64).map(|index| index.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(index as u32 % 64))
    }

    #[test]
    fn tables_say_what_codes_say_one_after_another() {
        with_usual_codes(|dc, ac| {
            let (dc, ac) = (Dc::new(dc).unwrap(), Ac::new(ac).unwrap());
            for bits in windows() {
                let entry = dc.differences[(bits >> (64 - DC_BITS)) as usize];
                if let Some(long) = dc.slow.read(bits)
                    && entry.bits() > 0
                {
                    assert_eq!((entry.bits(), entry.value()), (long.bits(), long.value()));
                }
                pair_is_right(&ac, bits);
                skip_is_right(&ac, bits);
            }
        });
    }

    fn pair_is_right(ac: &Ac, bits: u64) {
        let pair = ac.pairs[(bits >> (64 - PAIR_BITS)) as usize];
        if pair.is_unknown() {
            return;
        }
        let first = ac.slow.read(bits).unwrap();
        let place = |long: Long| (long.steps().min(63), long.value() as i16);
        assert_eq!(pair.first(), place(first));
        let taken = pair.packed() & 63;
        if taken > first.bits() {
            let second = ac.slow.read(bits << first.bits()).unwrap();
            assert_eq!((pair.second(), taken), (place(second), first.bits() + second.bits()));
        } else {
            assert_eq!((pair.second().0, taken), (0, first.bits()));
        }
    }

    fn skip_is_right(ac: &Ac, bits: u64) {
        let skip = ac.skips[(bits >> (64 - SKIP_BITS)) as usize];
        if skip.is_unknown() {
            return;
        }
        let (mut taken, mut steps) = (0, 0);
        while taken < skip.packed() & 63 {
            assert!(steps < END, "it goes on behind the end of a block");
            let long = ac.slow.read(bits << taken).unwrap();
            (taken, steps) = (taken + long.bits(), steps + long.steps());
        }
        assert_eq!((taken, steps), (skip.packed() & 63, skip.steps()));
    }

    #[test]
    fn short_codes_are_found_as_long_ones_are() {
        with_usual_codes(|dc, ac| {
            for slow in [Slow::new(dc).unwrap(), Slow::new(ac).unwrap()] {
                for (index, &short) in slow.short.iter().enumerate() {
                    let entry = slow.entry((index as u32) << (16 - SHORT_BITS));
                    assert_eq!(short, if u32::from(entry & 31) <= SHORT_BITS { entry } else { 0 });
                }
            }
        });
    }

    #[test]
    fn what_is_no_code_is_refused() {
        let mut lengths = [0; 16];
        // Two codes of one bit would be 0 and 1, of which 1 is all ones.
        lengths[0] = 2;
        assert!(Dc::new(Code { lengths: &lengths, symbols: &[1, 2] }).is_none());
        lengths[0] = 1;
        assert!(Dc::new(Code { lengths: &lengths, symbols: &[1] }).is_some());
        assert!(Dc::new(Code { lengths: &lengths, symbols: &[16] }).is_none());
        let one = Ac::new(Code { lengths: &lengths, symbols: &[0] }).unwrap();
        assert!(one.slow.read(0).is_some() && one.slow.read(u64::MAX).is_none());
    }
}
