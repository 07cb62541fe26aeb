//! The coefficients of one block (T.81, F.2.2).

use super::{
    bits::{Piece, Window},
    huffman::{Ac, DC_BITS, Dc, END, PAIR_BITS, SKIP_BITS},
};

/// Where in [`Coefficients`] what the scale does not show is put.
const ELSEWHERE: u8 = 255;

/// Looks at the pairs' table from one refill to the next.
const LOOKS: u32 = 3;

/// A block's coefficients as the transform wants them; those that are behind its own are put anywhere behind them.
pub(super) type Coefficients = [i16; 256];

/// Where each coefficient goes, by its place in zigzag order. Beyond the last, which broken files and the ends of blocks
/// reach, it is [`ELSEWHERE`].
pub(super) struct Places {
    places: [u8; 256],
}

/// The position in zigzag order of the last coefficient that a scale shows, by eighths.
pub(super) const LAST: [u32; 9] = [0, 0, 4, 12, 24, 39, 51, 59, 63];

/// Row and column of each coefficient, as row × 8 + column, in zigzag order (T.81, figure A.6).
pub(crate) const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
    28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63,
];

impl Places {
    /// `place` says where the coefficient of a horizontal and a vertical frequency goes, for those below `eighths`.
    pub(super) fn new(eighths: usize, place: fn(usize, usize) -> usize) -> Self {
        let mut places = [ELSEWHERE; 256];
        for (target, &natural) in places.iter_mut().zip(&ZIGZAG) {
            let (across, down) = (usize::from(natural) % 8, usize::from(natural) / 8);
            if across < eighths && down < eighths {
                *target = place(across, down) as u8;
            }
        }
        Self { places }
    }

    /// Where a coefficient goes, by its place in zigzag order.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn of(&self, position: u8) -> u8 {
        self.places[usize::from(position)]
    }

    #[inline(always)]
    fn put(&self, target: &mut Coefficients, position: u32, value: i16) {
        target[usize::from(self.places[usize::from(position as u8)])] = value;
    }
}

/// Reads a block for a scale of `N` eighths: its first coefficient as the difference to the block before, the others to
/// `target`, which must be 0 where the scale shows something. `None` if there is no such code.
#[inline(always)]
pub(super) fn read<const N: usize>(
    mut window: Window,
    piece: &Piece,
    (dc, ac): (&Dc, &Ac),
    places: &Places,
    target: &mut Coefficients,
) -> Option<(Window, i32)> {
    let difference;
    (window, difference) = first(window, piece, dc)?;
    let mut position = 0;
    if N > 1 {
        (window, position) = shown::<N>(window, piece, ac, places, target)?;
        if position >= 63 {
            return Some((window, difference));
        }
    }
    window.refill(piece);
    Some((skip(window, piece, ac, position)?, difference))
}

/// The difference of the first coefficient. Leaves 46 bits or more.
#[inline(always)]
fn first(mut window: Window, piece: &Piece, dc: &Dc) -> Option<(Window, i32)> {
    window.refill(piece);
    let entry = dc.differences[window.peek::<DC_BITS>()];
    if entry.bits() > 0 {
        window.take(entry.bits());
        return Some((window, entry.value()));
    }
    let long = dc.slow.read(window.bits)?;
    window.take(long.bits());
    window.refill(piece);
    Some((window, long.value()))
}

/// The coefficients up to the last that the scale shows, one or two at a look. Gives the position of the last that was read:
/// 63 or more is the end of the block.
#[inline(always)]
fn shown<const N: usize>(
    mut window: Window,
    piece: &Piece,
    ac: &Ac,
    places: &Places,
    target: &mut Coefficients,
) -> Option<(Window, u32)> {
    const { assert!(DC_BITS + LOOKS * PAIR_BITS <= 56) };
    // From there on a pair's second might be behind the block's end, which its first may be.
    let last = LAST[N].min(47);
    let mut position = 0;
    while position < last {
        let mut sum = 0u32;
        for _ in 0..LOOKS {
            let pair = ac.pairs[window.peek::<PAIR_BITS>()];
            let (steps, value) = pair.first();
            let one = position + steps;
            places.put(target, one, value);
            let (steps, value) = pair.second();
            let two = one + steps;
            places.put(target, two, value);
            window.shift(pair.packed());
            sum = sum.wrapping_add(pair.packed());
            if two >= last {
                if !pair.is_unknown() {
                    window.counted(sum);
                    return rest::<N>(window, piece, ac, places, target, two);
                }
                // Nothing was taken and nothing was put where it counts.
                window.counted(sum);
                window.refill(piece);
                let long = ac.slow.read(window.bits)?;
                window.take(long.bits());
                position += long.steps();
                places.put(target, position, long.value() as i16);
                sum = 0;
                break;
            }
            position = two;
        }
        window.counted(sum);
        window.refill(piece);
    }
    rest::<N>(window, piece, ac, places, target, position)
}

/// The coefficients that pairs must not be used for.
#[inline(always)]
fn rest<const N: usize>(
    mut window: Window,
    piece: &Piece,
    ac: &Ac,
    places: &Places,
    target: &mut Coefficients,
    mut position: u32,
) -> Option<(Window, u32)> {
    while LAST[N] > 47 && position < LAST[N] {
        window.refill(piece);
        let long = ac.slow.read(window.bits)?;
        window.take(long.bits());
        position += long.steps();
        places.put(target, position, long.value() as i16);
    }
    Some((window, position))
}

/// Reads on to the end of the block from a position below 63, with 56 bits or more.
#[inline(always)]
fn skip(mut window: Window, piece: &Piece, ac: &Ac, mut position: u32) -> Option<Window> {
    const { assert!(4 * SKIP_BITS <= 56) };
    loop {
        let mut sum = 0u32;
        for _ in 0..4 {
            let entry = ac.skips[window.peek::<SKIP_BITS>()];
            let beyond = position + entry.steps();
            if beyond >= 63 {
                window.counted(sum);
                if entry.steps() >= END && beyond < END + 63 && !entry.is_unknown() {
                    window.take(entry.packed());
                    return Some(window);
                }
                window.refill(piece);
                let long = ac.slow.read(window.bits)?;
                window.take(long.bits());
                position += long.steps();
                if position >= 63 {
                    return Some(window);
                }
                sum = 0;
                break;
            }
            window.shift(entry.packed());
            sum = sum.wrapping_add(entry.packed());
            position = beyond;
        }
        window.counted(sum);
        window.refill(piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_coefficient_of_a_scale_is_where_it_should_be() {
        for (eighths, &last) in LAST.iter().enumerate().skip(1) {
            let shows = |natural: &u8| usize::from(natural % 8) < eighths && usize::from(natural / 8) < eighths;
            assert_eq!(ZIGZAG.iter().rposition(shows), Some(last as usize));
        }
    }
}
