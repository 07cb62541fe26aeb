//! Markers (T.81, annex B) to what the scan needs.

/// What stands before the scan's first bit.
pub(super) struct Header<'a> {
    /// Pixels in a row.
    pub(super) width: usize,
    /// Rows.
    pub(super) height: usize,
    /// Luma alone, or luma and two components of chroma that are sampled alike, in the order of the scan.
    pub(super) components: Vec<Component<'a>>,
    /// MCUs from one restart marker to the next, or 0.
    pub(super) restart_interval: usize,
    /// Coded bytes, to the end of the file.
    pub(super) scan: &'a [u8],
}

/// A component and how it is coded.
pub(super) struct Component<'a> {
    /// Blocks in an MCU, across.
    pub(super) across: usize,
    /// Blocks in an MCU, down.
    pub(super) down: usize,
    /// The steps that its coefficients were quantised by, in zigzag order.
    pub(super) steps: [u8; 64],
    /// The code of its first coefficients.
    pub(super) dc: Code<'a>,
    /// The code of all others.
    pub(super) ac: Code<'a>,
}

/// A Huffman code as a file defines it (T.81, B.2.4.2).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Code<'a> {
    /// How many codes there are of 1 to 16 bits.
    pub(super) lengths: &'a [u8; 16],
    /// What they mean, in the order of the codes.
    pub(super) symbols: &'a [u8],
}

/// Blocks that an MCU may have (T.81, B.2.3).
pub(super) const MOST_BLOCKS: usize = 10;

impl<'a> Header<'a> {
    /// Reads up to the first scan. `None` for every file that is not one of those that [`super::decode`] reads, or that
    /// departs from what the standard says in any way.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(&[0xff, 0xd8])?;
        let mut draft = Draft::default();
        loop {
            let (marker, segment, after) = next_segment(rest)?;
            rest = after;
            match marker {
                0xc0 | 0xc1 => draft.frame(segment)?,
                0xc4 => draft.codes(segment)?,
                0xdb => draft.steps(segment)?,
                0xdd => draft.restart_interval = usize::from(u16::from_be_bytes(segment.try_into().ok()?)),
                0xda => return draft.scan(segment, rest),
                0xe0 => draft.jfif |= segment.len() >= 14 && segment.starts_with(b"JFIF\0"),
                0xee if segment.starts_with(b"Adobe") => draft.adobe(segment)?,
                0xe1..=0xef | 0xfe => {}
                _ => return None,
            }
        }
    }

    /// The most blocks that a component has in an MCU, across and down.
    pub(super) fn most(&self) -> (usize, usize) {
        let most = |of: fn(&Component<'_>) -> usize| self.components.iter().map(of).max().unwrap_or(1);
        (most(|part| part.across), most(|part| part.down))
    }

    /// MCUs in a row, and rows of them.
    pub(super) fn mcus(&self) -> (usize, usize) {
        let (across, down) = self.most();
        (self.width.div_ceil(8 * across), self.height.div_ceil(8 * down))
    }
}

/// The next marker, its segment, and what follows.
fn next_segment(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let mut rest = bytes.strip_prefix(&[0xff])?;
    // Any number of 0xff may stand before a marker (B.1.1.2).
    while let Some(after) = rest.strip_prefix(&[0xff]) {
        rest = after;
    }
    let (&[marker, high, low], rest) = rest.split_first_chunk()?;
    let length = usize::from(u16::from_be_bytes([high, low])).checked_sub(2)?;
    let (segment, after) = rest.split_at_checked(length)?;
    Some((marker, segment, after))
}

/// What the segments have said so far.
#[derive(Default)]
struct Draft<'a> {
    size: Option<(usize, usize)>,
    /// Identifier, blocks across and down, table of steps.
    parts: Vec<(u8, usize, usize, usize)>,
    steps: [Option<[u8; 64]>; 4],
    dc: [Option<Code<'a>>; 4],
    ac: [Option<Code<'a>>; 4],
    restart_interval: usize,
    jfif: bool,
    ycc: bool,
}

impl<'a> Draft<'a> {
    /// A frame header (B.2.2).
    fn frame(&mut self, segment: &[u8]) -> Option<()> {
        let (&[precision, y1, y0, x1, x0, count], parts) = segment.split_first_chunk()?;
        if self.size.is_some() || precision != 8 || parts.len() != 3 * usize::from(count) || !matches!(count, 1 | 3) {
            return None;
        }
        let (width, height) = (u16::from_be_bytes([x1, x0]), u16::from_be_bytes([y1, y0]));
        // A height of 0 is announced after the scan.
        if width == 0 || height == 0 {
            return None;
        }
        self.size = Some((usize::from(width), usize::from(height)));
        for part in parts.chunks_exact(3) {
            let (across, down) = (usize::from(part[1] >> 4), usize::from(part[1] & 15));
            if !(1..=4).contains(&across) || !(1..=4).contains(&down) || self.parts.iter().any(|p| p.0 == part[0]) {
                return None;
            }
            // A component alone has one block in an MCU, whatever it says (A.2.2).
            let (across, down) = if count == 1 { (1, 1) } else { (across, down) };
            self.parts.push((part[0], across, down, usize::from(part[2])));
        }
        Some(())
    }

    /// Tables of steps (B.2.4.1).
    fn steps(&mut self, mut segment: &[u8]) -> Option<()> {
        while let Some((&head, rest)) = segment.split_first() {
            // Steps of 16 bits are declined, although there are files that have such with small values.
            let table = self.steps.get_mut(usize::from(head))?;
            let (steps, rest) = rest.split_first_chunk::<64>()?;
            *table = Some(*steps);
            segment = rest;
        }
        Some(())
    }

    /// Huffman codes (B.2.4.2).
    fn codes(&mut self, mut segment: &'a [u8]) -> Option<()> {
        while let Some((&head, rest)) = segment.split_first() {
            let (lengths, rest) = rest.split_first_chunk::<16>()?;
            let count = lengths.iter().map(|&length| usize::from(length)).sum();
            let (symbols, rest) = rest.split_at_checked(count)?;
            let tables = match head >> 4 {
                0 => &mut self.dc,
                1 => &mut self.ac,
                _ => return None,
            };
            *tables.get_mut(usize::from(head & 15))? = Some(Code { lengths, symbols });
            segment = rest;
        }
        Some(())
    }

    /// Adobe's marker says whether three components are YCbCr: only then is it ours.
    fn adobe(&mut self, segment: &[u8]) -> Option<()> {
        self.ycc = true;
        (segment.len() >= 12 && segment[11] == 1).then_some(())
    }

    /// A scan header (B.2.3).
    fn scan(self, segment: &[u8], scan: &'a [u8]) -> Option<Header<'a>> {
        let (width, height) = self.size?;
        let (&count, rest) = segment.split_first()?;
        let (parts, rest) = rest.split_at_checked(2 * usize::from(count))?;
        // All components, all coefficients, all bits.
        if usize::from(count) != self.parts.len() || rest != [0, 63, 0] {
            return None;
        }
        let mut components = Vec::new();
        for (&(identifier, across, down, steps), part) in self.parts.iter().zip(parts.chunks_exact(2)) {
            if part[0] != identifier {
                return None;
            }
            components.push(Component {
                across,
                down,
                steps: (*self.steps.get(steps)?)?,
                dc: (*self.dc.get(usize::from(part[1] >> 4))?)?,
                ac: (*self.ac.get(usize::from(part[1] & 15))?)?,
            });
        }
        let header = Header { width, height, components, restart_interval: self.restart_interval, scan };
        (self.is_ycc() && header.is_sampled_as_photos_are()).then_some(header)
    }

    /// Whether three components are YCbCr. Without a marker that says so, those that are named R, G and B are not.
    fn is_ycc(&self) -> bool {
        self.jfif || self.ycc || !self.parts.iter().map(|part| part.0).eq(*b"RGB")
    }
}

impl Header<'_> {
    /// Whether both components of chroma are sampled alike, no finer than luma, and a whole number of luma's samples apart.
    fn is_sampled_as_photos_are(&self) -> bool {
        let blocks: usize = self.components.iter().map(|part| part.across * part.down).sum();
        let [luma, blue, red] = self.components.as_slice() else {
            return true;
        };
        (blue.across, blue.down) == (red.across, red.down)
            && luma.across % blue.across == 0
            && luma.down % blue.down == 0
            && blocks <= MOST_BLOCKS
    }
}
