//! Codes to bytes.

/// A block's codes are at most 27 bits, 63 times 26 and 16: 211 bytes.
const MOST: usize = 211;
/// Blocks whose codes are put without a look at how many bytes there are.
pub(super) const BLOCKS: usize = 24;
/// Room for as many, a power of 2.
const ROOM: usize = 8 << 10;
/// Behind the room, for what a store of eight bytes writes there.
const BEHIND: usize = 8;

/// Up to 26 bits, and how many they are in the lowest six bits.
#[derive(Clone, Copy, Default)]
pub(super) struct Code(u32);

impl Code {
    /// The lowest `length` bits of `bits`, of which no others are set.
    #[inline(always)]
    pub(super) fn new(bits: u32, length: u32) -> Self {
        Self(bits << 6 | length)
    }

    /// With more bits behind it.
    #[inline(always)]
    pub(super) fn with(self, bits: u32, length: u32) -> Self {
        Self::new(self.0 >> 6 << length | bits, (self.0 & 63) + length)
    }

    /// Whether it has no bits.
    #[cfg(test)]
    pub(super) fn is_none(self) -> bool {
        self.0 & 63 == 0
    }
}

/// The scan's bytes on their way out.
pub(super) struct Bits {
    /// Bytes without what is stuffed between them.
    room: Box<[u8; ROOM + BEHIND]>,
    rest: Rest,
}

/// Where there are bytes to, and bits that are no bytes yet.
#[derive(Clone, Copy, Default)]
struct Rest {
    at: usize,
    /// The lowest of these.
    bits: u64,
    /// How many, in the lowest six bits. The others are anything.
    count: u32,
}

/// Where codes are put.
pub(super) struct Window<'a> {
    room: &'a mut [u8; ROOM + BEHIND],
    rest: Rest,
}

impl Window<'_> {
    /// Appends a code. At most 56 bits may be put from one flush to the next.
    #[inline(always)]
    pub(super) fn put(&mut self, code: Code) {
        self.rest.bits = self.rest.bits.wrapping_shl(code.0) | u64::from(code.0 >> 6);
        self.rest.count = self.rest.count.wrapping_add(code.0);
    }

    /// Makes bytes of what was put, but for up to seven bits.
    #[inline(always)]
    pub(super) fn flush(&mut self) {
        // If there are none these are not their bits, and are written over.
        let first = self.rest.bits.wrapping_shl(self.rest.count.wrapping_neg());
        let at = self.rest.at % ROOM;
        self.room[at..at + 8].copy_from_slice(&first.to_be_bytes());
        self.rest.at = at + (self.rest.count as usize >> 3 & 7);
        self.rest.count &= 7;
    }
}

impl Bits {
    pub(super) fn new() -> Self {
        Self { room: Box::new([0; ROOM + BEHIND]), rest: Rest::default() }
    }

    /// Puts the codes of at most [`BLOCKS`] blocks. Bytes go on to `out` when there are many.
    #[inline(always)]
    pub(super) fn put(&mut self, out: &mut Vec<u8>, put: impl FnOnce(Window<'_>) -> Window<'_>) {
        const { assert!(BLOCKS * MOST <= ROOM) };
        if self.rest.at + BLOCKS * MOST > ROOM {
            self.hand_on(out);
        }
        self.rest = put(Window { room: &mut self.room, rest: self.rest }).rest;
    }

    /// Fills the last byte with ones (T.81, F.1.2.3) and hands all on.
    pub(super) fn finish(mut self, out: &mut Vec<u8>) {
        self.put(out, |mut window| {
            window.put(Code::new(0x7f, 7));
            window.flush();
            window
        });
        self.hand_on(out);
    }

    /// Appends the bytes with a 0 behind each 0xff (T.81, F.1.2.3).
    fn hand_on(&mut self, out: &mut Vec<u8>) {
        let bytes = &self.room[..self.rest.at];
        let mut from = 0;
        for place in memchr::memchr_iter(0xff, bytes) {
            out.extend_from_slice(&bytes[from..=place]);
            out.push(0);
            from = place + 1;
        }
        out.extend_from_slice(&bytes[from..]);
        self.rest.at = 0;
    }
}
