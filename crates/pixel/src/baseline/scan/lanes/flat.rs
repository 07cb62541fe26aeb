//! The bytes of a scan, a batch's and more at a time.

/// Bytes that are copied at once, so that they stay in the second cache.
const ROOM: usize = 384 << 10;
/// Bits that the lanes read at most without being asked whether they may.
const LOOKED_AT: u64 = 4096;

/// The bytes of a scan up to its first marker, without what is stuffed between them.
pub(super) struct Flat<'a> {
    /// Coded bytes that were not copied yet.
    rest: &'a [u8],
    /// Zeros follow: eight bytes may be taken from any of the bytes, or right behind them.
    bytes: Box<[u8]>,
    len: usize,
    /// Nothing is left before the next marker.
    has_ended: bool,
}

impl<'a> Flat<'a> {
    pub(super) fn new(scan: &'a [u8]) -> Self {
        let mut flat = Self { rest: scan, bytes: vec![0; ROOM + 8].into(), len: 0, has_ended: false };
        flat.copy();
        flat
    }

    /// Bytes that are there.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The bytes, and eight more.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len + 8]
    }

    /// The bits that are there.
    pub(super) fn bits(&self) -> u64 {
        self.len as u64 * 8
    }

    /// Whether a lane at this bit may read on: other bytes come behind those that are there.
    pub(super) fn is_beyond(&self, bit: u64) -> bool {
        !self.has_ended && bit + LOOKED_AT > self.bits()
    }

    /// Sees to it that so many bytes are there from a bit on, if there are so many, and gives the bit's new place.
    pub(super) fn ensure(&mut self, bit: u64, bytes: usize) -> u64 {
        let first = (bit / 8) as usize;
        if self.has_ended || first > self.len || self.len - first >= bytes {
            return bit;
        }
        self.bytes.copy_within(first..self.len, 0);
        self.len -= first;
        self.copy();
        bit % 8
    }

    /// Copies as much as there is room for, or up to a marker, and writes zeros behind it.
    fn copy(&mut self) {
        while self.len < ROOM && !self.has_ended {
            let wanted = self.rest.len().min(ROOM - self.len);
            let plain = memchr::memchr(0xff, &self.rest[..wanted]).unwrap_or(wanted);
            let (bytes, rest) = self.rest.split_at(plain);
            self.bytes[self.len..self.len + plain].copy_from_slice(bytes);
            self.len += plain;
            self.rest = rest;
            if self.len < ROOM {
                match self.rest.strip_prefix(&[0xff, 0]) {
                    Some(rest) => {
                        self.rest = rest;
                        self.bytes[self.len] = 0xff;
                        self.len += 1;
                    }
                    None => self.has_ended = true,
                }
            }
        }
        self.bytes[self.len..self.len + 8].fill(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_bytes_come_by_and_by() {
        let plain: Vec<u8> = (0..2 * ROOM + 77).map(|i| if i % 251 == 0 { 0xff } else { (i % 253) as u8 }).collect();
        let mut scan: Vec<u8> = Vec::new();
        for &byte in &plain {
            scan.push(byte);
            scan.extend((byte == 0xff).then_some(0));
        }
        scan.extend([0xff, 0xd9, 1, 2, 3]);
        let mut flat = Flat::new(&scan);
        let (mut at, mut taken) = (0usize, 0);
        loop {
            at = flat.ensure(at as u64 * 8, 1000) as usize / 8;
            let count = (flat.len() - at).min(777);
            assert_eq!(flat.bytes()[at..at + count], plain[taken..taken + count]);
            (at, taken) = (at + count, taken + count);
            if count == 0 {
                break;
            }
            assert!(taken == plain.len() || !flat.is_beyond(0));
        }
        assert_eq!((taken, flat.bytes()[at..].to_vec()), (plain.len(), vec![0; 8]));
    }
}
