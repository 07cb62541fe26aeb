//! Boxes of ISO 14496-12: the structure of HEIF, AVIF and CR3. Read in place.

/// Boxes that are looked at in one container.
const MAX_BOXES: usize = 4096;

/// One box.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Box<'a> {
    /// Its four letters.
    pub(crate) kind: [u8; 4],
    /// What is in it.
    pub(crate) body: &'a [u8],
}

/// The boxes of a container, in order, up to the first that does not lie wholly in it (whose `body` is then what there is
/// of it).
pub(crate) fn boxes(bytes: &[u8]) -> impl Iterator<Item = Box<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let head = rest.get(..8)?;
        let kind = [head[4], head[5], head[6], head[7]];
        let (header, length) = match uint(rest, 0, 4)? {
            0 => (8, rest.len()),
            1 => (16, uint(rest, 8, 8)?),
            length => (8, length),
        };
        if length < header {
            return None;
        }
        let end = length.min(rest.len());
        let body = rest.get(header..end)?;
        rest = &rest[end..];
        Some(Box { kind, body })
    })
    .take(MAX_BOXES)
}

/// The first box of a kind.
pub(crate) fn find<'a>(bytes: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    boxes(bytes).find(|found| found.kind == *kind).map(|found| found.body)
}

/// The body of the box at the end of a path.
pub(crate) fn descend<'a>(bytes: &'a [u8], path: &[&[u8; 4]]) -> Option<&'a [u8]> {
    path.iter().try_fold(bytes, |bytes, kind| find(bytes, kind))
}

/// A big-endian number of `width` bytes.
pub(crate) fn uint(bytes: &[u8], at: usize, width: usize) -> Option<usize> {
    let field = bytes.get(at..at.checked_add(width)?)?;
    usize::try_from(field.iter().fold(0u64, |total, &byte| (total << 8) | u64::from(byte))).ok()
}
