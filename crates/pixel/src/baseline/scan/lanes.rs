//! A scan from thirty-two places at once, in the lanes of AVX-512's registers.
//!
//! One code has to be read before the next one can be, so that a processor that reads one after another mostly waits. Here it
//! reads thirty-two. Where codes begin is not known in the middle of a scan, but a Huffman code falls into step by itself: a lane
//! begins at any byte as if an MCU began there, and after some blocks it reads what is there. Where the lane before it
//! arrives with an MCU at a bit where this one began an MCU too, both go on in the same way, since nothing but the bit
//! position counts there: from that MCU on, what this lane has read is what was to be read. First coefficients are
//! differences, and are added up when the order is known.
//!
//! A batch of as many sections is read to coefficients that stay in the second cache, then brought to the planes. Whatever
//! is unusual ends with `None`: the scan is then read one code after another, and what that says stands.
//!
//! 1. [`flat`]: the scan's bytes without their stuffing.
//! 2. [`tables`]: the codes of an MCU as one table, of which each look at 13 bits needs one entry.
//! 3. [`kernel`]: the looks, without a branch that depends on the bits.
//! 4. [`log`]: what was found, to blocks of coefficients.

mod flat;
mod kernel;
mod log;
mod tables;

use super::{Course, Depth};
use crate::baseline::{
    block::Coefficients,
    transform::{Kernel as _, avx2::Avx2},
};
use flat::Flat;
use kernel::{LANES, MOST_BLOCKS_AT_ONCE, State};
use log::{Blocks, Log, SLOTS};
use tables::{Tables, spread};

/// Bytes from where one lane begins to where the next one does: at most so many that all sections' coefficients fit the
/// second cache, and where blocks are short fewer. Not a power of two: the lanes would compete for the same lines of the first.
const SECTIONS: std::ops::RangeInclusive<usize> = 256..=(8 << 10) + 5 * 64;
/// Bytes that a batch takes, but for lanes that fall into step late.
const MOST_BYTES: usize = (LANES + 2) * *SECTIONS.end();
/// Scans with fewer bytes are not worth the tables. Tests read short ones too.
const LEAST_BYTES: usize = if cfg!(test) { 256 } else { 256 << 10 };
/// Batches in a row in which fewer than half of the lanes fell into step, after which the scan is read one code after another.
const MOST_FAILURES: usize = 8;
/// Bits that a lane may read in a batch.
const MOST_BITS: u64 = 1 << 18;

/// Whether this processor has what it takes.
pub(super) fn is_available() -> bool {
    kernel::is_available()
}

/// Reads the whole scan, if the processor has what it takes, and the scan is long and without restart markers. `None` says
/// nothing about it.
pub(super) fn read(course: &mut Course<'_, '_>, eighths: usize) -> Option<()> {
    if !is_available() {
        return None;
    }
    // SAFETY: the processor has what they are compiled for.
    #[allow(unsafe_code)]
    unsafe {
        match eighths {
            1 => sections::<1>(course),
            2 => sections::<2>(course),
            3 => sections::<3>(course),
            4 => sections::<4>(course),
            5 => sections::<5>(course),
            _ => None,
        }
    }
}

/// See [`read`].
#[target_feature(enable = "avx2,bmi1,bmi2")]
fn sections<const N: usize>(course: &mut Course<'_, '_>) -> Option<()> {
    let header = course.header;
    let (columns, rows) = header.mcus();
    let pixels = header.width * header.height;
    let is_worth_it = header.scan.len() >= LEAST_BYTES && header.scan.len() / 4 <= pixels;
    if header.restart_interval > 0 || !is_worth_it {
        return None;
    }
    let tables = Tables::new(course, N)?;
    let mut flat = Flat::new(header.scan);
    let mut batch = Batch::new(course.blocks.len(), header.scan.len());
    let mut coefficients = [0; 256];
    let (mut at, mut next, mut failures) = (0, 0, 0);
    while next < columns * rows {
        at = flat.ensure(at, MOST_BYTES);
        batch.read(&tables, &flat, at)?;
        let lanes = batch.in_step();
        failures = if lanes * 2 < batch.count { failures + 1 } else { 0 };
        if failures > MOST_FAILURES {
            return None;
        }
        for lane in 0..lanes {
            for first in batch.mcus(lane, lane + 1 == lanes).take(columns * rows - next) {
                let place = (next % columns, next / columns);
                emit::<N>(course, &mut coefficients, &batch.blocks, first, place)?;
                next += 1;
                at = batch.position(lane, first % SLOTS + course.blocks.len());
            }
        }
    }
    (at <= flat.bits()).then_some(())
}

/// Brings an MCU, whose blocks begin at `first`, to the planes. `coefficients` are 0 but for what it leaves there itself.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2")]
fn emit<const N: usize>(
    course: &mut Course<'_, '_>,
    coefficients: &mut Coefficients,
    blocks: &Blocks,
    first: usize,
    (column, row): (usize, usize),
) -> Option<()> {
    for (index, place) in course.blocks.iter().enumerate() {
        let track = course.tracks.get_mut(place.track)?;
        let (block, difference) = blocks.get(first + index)?;
        track.predictor = track.predictor.wrapping_add(difference);
        if course.depth == Depth::Coefficients {
            std::hint::black_box((block, track.predictor));
            continue;
        }
        if N <= 4 {
            let others = block.first_chunk()?;
            let samples = Avx2::samples_of_four::<N>(track.predictor as i16, others, &track.transform);
            track.put::<N>(&samples, place, (column, row))?;
        } else {
            spread(block, coefficients);
            coefficients[0] = track.predictor as i16;
            track.put::<N>(&Avx2::samples::<N>(coefficients, &track.transform), place, (column, row))?;
        }
    }
    Some(())
}

/// A section for each lane.
struct Batch {
    /// Blocks in an MCU.
    mcu: usize,
    state: State,
    blocks: Blocks,
    log: Box<Log>,
    /// Bit at which each lane began.
    from: [u64; LANES],
    /// Lanes that began within the scan.
    count: usize,
    /// Bytes from where one lane begins to where the next one does.
    section: usize,
    /// Blocks of each lane that come before the one with which it takes over from the lane before it.
    skipped: [usize; LANES],
    /// Blocks of each lane up to the one with which the next lane takes over, if it does.
    until: [Option<usize>; LANES],
}

impl Batch {
    /// For a scan of so many bytes.
    fn new(mcu: usize, bytes: usize) -> Self {
        Self {
            mcu,
            section: (bytes / (2 * LANES)).clamp(*SECTIONS.start(), *SECTIONS.end()),
            state: State::new(),
            blocks: Blocks::new(),
            log: Log::new(),
            from: [0; LANES],
            count: 0,
            skipped: [0; LANES],
            until: [None; LANES],
        }
    }

    /// Reads from a bit at which an MCU begins. `None` if not even that can be read.
    fn read(&mut self, tables: &Tables, flat: &Flat<'_>, at: u64) -> Option<()> {
        self.begin(flat, at);
        let mut cursors = [(0, 0); LANES];
        let last = self.count - 1;
        let wanted = (self.from[last] + self.section as u64 * 8).min(flat.bits());
        loop {
            self.blocks.advance(&mut self.state, tables, flat, &mut self.log);
            self.begin_again(&mut cursors);
            for (lane, cursor) in cursors.iter_mut().enumerate().take(last) {
                if self.until[lane].is_none() && self.state.bit(lane) >= self.from[lane + 1] {
                    self.meet(lane, cursor);
                }
            }
            if self.until[..last].iter().all(Option::is_some) && self.state.bit(last) >= wanted {
                break;
            }
            if self.is_full(flat) {
                self.section = (self.section / 2).max(*SECTIONS.start());
                return (self.state.whole(0) >= self.mcu).then_some(());
            }
        }
        let most = (0..self.count).map(|lane| self.begun(lane)).max().unwrap_or(0);
        if most < SLOTS / 3 && self.count == LANES {
            self.section = (self.section * 2).min(*SECTIONS.end());
        }
        (self.state.whole(0) >= self.mcu).then_some(())
    }

    /// Whether the lanes must not read on.
    fn is_full(&self, flat: &Flat<'_>) -> bool {
        let is_full = |lane| {
            let bits = self.state.bit(lane) - self.from[lane];
            self.begun(lane) + MOST_BLOCKS_AT_ONCE > SLOTS || bits > MOST_BITS || flat.is_beyond(self.state.bit(lane))
        };
        self.state.has_stopped(0) || (0..self.count).any(is_full)
    }

    /// Lets lanes begin at another byte that have met what is no code, as happens as long as they are not in step.
    fn begin_again(&mut self, cursors: &mut [(usize, usize); LANES]) {
        for lane in 1..self.count {
            if self.state.has_stopped(lane) {
                self.blocks.forget(lane, self.begun(lane));
                self.from[lane] = self.state.begin_again(lane);
                (self.until[lane], cursors[lane]) = (None, (0, 0));
                (self.until[lane - 1], cursors[lane - 1].1) = (None, 0);
            }
        }
    }

    fn begin(&mut self, flat: &Flat<'_>, at: u64) {
        (0..self.count).for_each(|lane| self.blocks.forget(lane, self.begun(lane)));
        self.count = 1;
        self.from[0] = at;
        for lane in 1..LANES {
            self.from[lane] = (at / 8 + (lane * self.section) as u64) * 8;
            if self.from[lane] < flat.bits() {
                self.count = lane + 1;
            }
        }
        self.state.begin(&self.from, self.count);
        self.skipped = [0; LANES];
        self.until = [None; LANES];
    }

    /// Looks for an MCU that begins at the same bit in a lane and the next one, from a block of each on.
    fn meet(&mut self, lane: usize, cursors: &mut (usize, usize)) {
        let (ours, theirs) = cursors;
        while *ours < self.begun(lane) && *theirs < self.begun(lane + 1) {
            let (our, their) = (self.position(lane, *ours), self.position(lane + 1, *theirs));
            if our == their {
                self.until[lane] = Some(*ours);
                self.skipped[lane + 1] = *theirs;
                return;
            }
            let behind = if our < their { &mut *ours } else { &mut *theirs };
            *behind += self.mcu;
        }
    }

    /// The bit at which a block of a lane begins, or will begin.
    fn position(&self, lane: usize, block: usize) -> u64 {
        if block >= self.begun(lane) {
            return self.state.bit(lane);
        }
        self.blocks.start(lane * SLOTS + block)
    }

    /// How many blocks a lane has begun.
    fn begun(&self, lane: usize) -> usize {
        self.state.whole(lane) + usize::from(self.state.is_within_block(lane))
    }

    /// How many lanes, from the first, are in step with each other.
    fn in_step(&self) -> usize {
        let takes_over = |lane: &usize| self.until[*lane].is_some_and(|until| until >= self.skipped[*lane]);
        1 + (0..self.count - 1).take_while(takes_over).count()
    }

    /// Where the blocks of a lane's MCUs begin that are the photo's; of the last lane all that are whole.
    fn mcus(&self, lane: usize, is_last: bool) -> impl Iterator<Item = usize> + use<> {
        let whole = self.state.whole(lane);
        let until = if is_last { whole - whole % self.mcu } else { self.until[lane].unwrap_or(0) };
        (self.skipped[lane]..until).step_by(self.mcu).map(move |block| lane * SLOTS + block)
    }
}
