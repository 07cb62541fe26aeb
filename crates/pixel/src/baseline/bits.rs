//! The scan's bytes without what is stuffed between them, and the bits that are looked at.
//!
//! A byte of 0xff is followed by one of 0 (T.81, F.1.2.3), and markers divide the scan. [`Feed`] copies what lies between
//! two markers to a small buffer, a piece at a time, so that [`Window`] takes eight bytes at once without a look at them.

/// Bytes that a piece has. A power of two, so that any number is made a place in it by a mask.
const PIECE: usize = 1 << 14;
/// More than an MCU can take: 10 blocks of 64 codes of 16 bits with 15 bits each.
const MOST_IN_MCU: usize = super::header::MOST_BLOCKS * 64 * 31 / 8 + 8;

/// A piece, and room for eight bytes from any place in it.
pub(super) type Piece = [u8; PIECE + 8];

/// The next bits, from the highest.
#[derive(Clone, Copy)]
pub(super) struct Window {
    /// The bits; below the valid ones are others that follow, or 0.
    pub(super) bits: u64,
    /// How many are valid.
    count: u32,
    /// Where in the piece the next byte is.
    at: usize,
}

impl Window {
    /// Fills up to 56 bits or more.
    #[inline(always)]
    pub(super) fn refill(&mut self, piece: &Piece) {
        let at = self.at & (PIECE - 1);
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&piece[at..at + 8]);
        self.bits |= u64::from_be_bytes(bytes) >> (self.count & 63);
        self.at += (63 - self.count as usize) >> 3;
        self.count |= 56;
    }

    /// Takes bits off, as many as the lowest six bits of `entry` say, without counting them. [`Window::counted`] does.
    #[inline(always)]
    pub(super) fn shift(&mut self, entry: u32) {
        self.bits <<= entry & 63;
    }

    /// Counts bits that were taken off: as many as the lowest six bits of the sum of the entries say.
    #[inline(always)]
    pub(super) fn counted(&mut self, sum: u32) {
        self.count = self.count.wrapping_sub(sum & 63) & 63;
    }

    /// Takes bits off.
    #[inline(always)]
    pub(super) fn take(&mut self, entry: u32) {
        self.shift(entry);
        self.counted(entry);
    }

    /// The next `width` bits, 1 to 32.
    #[inline(always)]
    pub(super) fn peek<const WIDTH: u32>(&self) -> usize {
        (self.bits >> (64 - WIDTH)) as usize
    }
}

/// What lies between two markers, a piece at a time.
pub(super) struct Feed<'a> {
    /// Coded bytes that were not copied yet.
    rest: &'a [u8],
    /// The piece.
    pub(super) piece: Box<Piece>,
    /// Bytes of it that were copied; behind them are zeros.
    filled: usize,
    /// Nothing is left before the next marker.
    ended: bool,
}

impl<'a> Feed<'a> {
    /// The bytes of a scan, from its first.
    pub(super) fn new(scan: &'a [u8]) -> (Self, Window) {
        let mut feed = Self { rest: scan, piece: Box::new([0; PIECE + 8]), filled: 0, ended: false };
        let window = feed.begin();
        (feed, window)
    }

    fn begin(&mut self) -> Window {
        (self.filled, self.ended) = (0, false);
        self.copy();
        Window { bits: 0, count: 0, at: 0 }
    }

    /// Sees to it that a whole MCU can be read, if there is one.
    #[inline(always)]
    pub(super) fn ensure(&mut self, window: &mut Window) {
        if window.at + MOST_IN_MCU > self.filled && !self.ended {
            *window = self.more(*window);
        }
    }

    #[cold]
    #[inline(never)]
    fn more(&mut self, mut window: Window) -> Window {
        let kept = self.filled.saturating_sub(window.at);
        self.piece.copy_within(self.filled - kept..self.filled, 0);
        self.filled = kept;
        window.at = 0;
        self.copy();
        window
    }

    /// Whether no more bits were taken than there were.
    #[inline(always)]
    pub(super) fn holds(&self, window: Window) -> bool {
        window.at * 8 <= self.filled * 8 + window.count as usize
    }

    /// Goes on behind the restart marker of this number (0 to 7), if it follows at once on the bits that were taken and at
    /// most seven that fill their byte.
    pub(super) fn restart(&mut self, window: Window, number: u8) -> Option<Window> {
        let left = (self.filled * 8 + window.count as usize).checked_sub(window.at * 8)?;
        if !self.ended || left > 7 {
            return None;
        }
        let mut rest = self.rest;
        while rest.starts_with(&[0xff, 0xff]) {
            rest = &rest[1..];
        }
        self.rest = rest.strip_prefix(&[0xff, 0xd0 + number])?;
        Some(self.begin())
    }

    /// Copies to the end of the piece, or up to a marker, and writes zeros behind it.
    fn copy(&mut self) {
        while self.filled < PIECE && !self.ended {
            let wanted = self.rest.len().min(PIECE - self.filled);
            let plain = memchr::memchr(0xff, &self.rest[..wanted]).unwrap_or(wanted);
            let (bytes, rest) = self.rest.split_at(plain);
            self.piece[self.filled..self.filled + plain].copy_from_slice(bytes);
            self.filled += plain;
            self.rest = rest;
            if self.filled < PIECE {
                self.ended = !self.unstuff();
            }
        }
        // A window may look at eight bytes from here, and must find nothing that changes later.
        self.piece[self.filled..self.filled + 8].fill(0);
    }

    /// Takes a byte of 0xff with what follows it. `false` at a marker and at the end of the file.
    fn unstuff(&mut self) -> bool {
        let Some(rest) = self.rest.strip_prefix(&[0xff, 0]) else {
            return false;
        };
        self.rest = rest;
        self.piece[self.filled] = 0xff;
        self.filled += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes a byte at a time, as many as there are.
    fn bytes_of(scan: &[u8]) -> Vec<u8> {
        let (mut feed, mut window) = Feed::new(scan);
        let mut bytes = Vec::new();
        loop {
            feed.ensure(&mut window);
            window.refill(&feed.piece);
            let next = window.peek::<8>() as u8;
            window.take(8);
            if !feed.holds(window) {
                return bytes;
            }
            bytes.push(next);
        }
    }

    #[test]
    fn stuffing_is_left_out_across_pieces_and_ends_at_a_marker() {
        for length in [0, 1, 7, 8, 9, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 5] {
            for every in [1, 2, 255, 1021] {
                let plain: Vec<u8> = (0..length).map(|i| if i % every == 0 { 0xff } else { (i % 251) as u8 }).collect();
                let mut scan: Vec<u8> = Vec::new();
                for &byte in &plain {
                    scan.push(byte);
                    scan.extend((byte == 0xff).then_some(0));
                }
                scan.extend([0xff, 0xd9, 1, 2, 3]);
                assert!(bytes_of(&scan) == plain, "{length} bytes, every {every} stuffed");
            }
        }
    }

    #[test]
    fn a_restart_needs_its_own_marker_right_behind_the_bits() {
        for (scan, number, works) in [
            (&[0xa5, 0xff, 0xd3, 0x5a][..], 3, true),
            (&[0xa5, 0xff, 0xff, 0xd3, 0x5a][..], 3, true),
            (&[0xa5, 0xff, 0xd3, 0x5a][..], 4, false),
            (&[0xa5, 0xa5, 0xff, 0xd3, 0x5a][..], 3, false),
            (&[0xff, 0xd3, 0x5a][..], 3, false),
        ] {
            let (mut feed, mut window) = Feed::new(scan);
            window.refill(&feed.piece);
            // One bit of the byte is left.
            window.take(7);
            let restarted = feed.restart(window, number);
            assert_eq!(restarted.is_some(), works, "{scan:02x?}");
            if let Some(mut window) = restarted {
                window.refill(&feed.piece);
                assert_eq!(window.peek::<8>(), 0x5a);
            }
        }
    }
}
