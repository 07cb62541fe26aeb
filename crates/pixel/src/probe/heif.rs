//! HEIF (ISO 23008-12) and AVIF: the item that is the photo, and what is said about it.

use std::collections::HashSet;

use procession_domain::photo::Format;

use super::{ColourProfile, Header, Orientation, bmff, colour, edge, name};
use crate::{Error, exif::read::Exif};

/// Items that are looked at: a photo of 99 MP has about 400 tiles.
const MAX_ITEMS: usize = 4096;

/// The `meta` box, taken apart.
struct Meta<'a> {
    file: &'a [u8],
    body: &'a [u8],
    primary: usize,
}

pub(super) fn probe(bytes: &[u8], format: Format) -> Result<Header, Error> {
    let damaged = |why: &str| Error::Damaged { format: name(format), why: why.to_owned() };
    // A FullBox: four bytes of version and flags before the boxes.
    let Some(body) = bmff::find(bytes, b"meta").and_then(|meta| meta.get(4..)) else {
        return Err(damaged("it has no item table: it is cut off, or a film without a still"));
    };
    let Some(meta) = Meta::read(bytes, body) else { return Err(damaged("it names no primary item")) };
    if !meta.is_finite() {
        return Err(damaged("its items are made of each other in a circle"));
    }
    let properties = meta.properties(meta.primary);
    let Some((width, height)) = size(&properties) else { return Err(damaged("its primary item has no size")) };
    if let Some(grid) = meta.grid(meta.primary)
        && stored_size(&properties) != Some(grid)
    {
        return Err(damaged("its grid's size is not the item's size"));
    }
    Ok(Header {
        format,
        width: edge(width),
        height: edge(height),
        // Rotation and mirroring are properties of the item, applied by the decoder. EXIF's orientation does not count.
        orientation: Orientation::UPRIGHT,
        colour: colours(&properties)?,
        capture: meta.exif().capture,
        single_scan: false,
        image: 0..bytes.len(),
    })
}

impl<'a> Meta<'a> {
    fn read(file: &'a [u8], body: &'a [u8]) -> Option<Self> {
        let pitm = bmff::find(body, b"pitm")?;
        let width = if *pitm.first()? == 0 { 2 } else { 4 };
        Some(Self { file, body, primary: bmff::uint(pitm, 4, width)? })
    }

    /// The properties of an item, in order.
    fn properties(&self, item: usize) -> Vec<bmff::Box<'a>> {
        let Some(iprp) = bmff::find(self.body, b"iprp") else { return Vec::new() };
        let all: Vec<_> = bmff::find(iprp, b"ipco").map(|ipco| bmff::boxes(ipco).collect()).unwrap_or_default();
        bmff::boxes(iprp)
            .filter(|found| &found.kind == b"ipma")
            .find_map(|ipma| associations(ipma.body, item))
            .unwrap_or_default()
            .into_iter()
            .filter_map(|index| all.get(index.checked_sub(1)?).copied())
            .collect()
    }

    /// Numbers and types of the items.
    fn items(&self) -> impl Iterator<Item = (usize, &'a [u8])> {
        let iinf = bmff::find(self.body, b"iinf").unwrap_or_default();
        let start = if iinf.first() == Some(&0) { 6 } else { 8 };
        bmff::boxes(iinf.get(start..).unwrap_or_default()).take(MAX_ITEMS).filter_map(|entry| {
            let width = match entry.body.first()? {
                2 => 2,
                3 => 4,
                _ => return None,
            };
            Some((bmff::uint(entry.body, 4, width)?, entry.body.get(6 + width..10 + width)?))
        })
    }

    /// The bytes of an item that is stored in one piece.
    fn data(&self, item: usize) -> Option<&'a [u8]> {
        let (method, offset, length) = location(bmff::find(self.body, b"iloc")?, item)?;
        let home = match method {
            0 => self.file,
            1 => bmff::find(self.body, b"idat")?,
            _ => return None,
        };
        home.get(offset..if length == 0 { home.len() } else { offset.checked_add(length)? })
    }

    /// Width and height that a grid of tiles says it has, if the item is one.
    fn grid(&self, item: usize) -> Option<(usize, usize)> {
        self.items().find(|&(number, kind)| number == item && kind == b"grid")?;
        let grid = self.data(item)?;
        let width = if grid.get(1)? & 1 == 0 { 2 } else { 4 };
        Some((bmff::uint(grid, 4, width)?, bmff::uint(grid, 4 + width, width)?))
    }

    /// Whether following what items are derived from (tiles, overlays) and their transparency ends after a few steps:
    /// libheif 1.15 follows a circle until its stack is full.
    fn is_finite(&self) -> bool {
        const MAX_DEPTH: usize = 8;
        let mut edges = self.edges();
        if edges.len() > MAX_ITEMS {
            return false;
        }
        for _ in 0..MAX_DEPTH {
            let inner: HashSet<usize> = edges.iter().map(|edge| edge.0).collect();
            edges.retain(|edge| inner.contains(&edge.1));
        }
        edges.is_empty()
    }

    /// Each item that needs another one, and which, at most one more than `MAX_ITEMS`.
    fn edges(&self) -> Vec<(usize, usize)> {
        let iref = bmff::find(self.body, b"iref").unwrap_or_default();
        let width = if iref.first() == Some(&0) { 2 } else { 4 };
        let mut edges = Vec::new();
        for reference in bmff::boxes(iref.get(4..).unwrap_or_default()) {
            let id = |index: usize| bmff::uint(reference.body, index, width);
            let (Some(from), Some(count)) = (id(0), bmff::uint(reference.body, width, 2)) else { continue };
            let targets = (0..count).map_while(|i| id(width + 2 + i * width));
            match &reference.kind {
                b"dimg" => edges.extend(targets.map(|to| (from, to)).take(MAX_ITEMS + 1 - edges.len())),
                b"auxl" => edges.extend(targets.map(|to| (to, from)).take(MAX_ITEMS + 1 - edges.len())),
                _ => {}
            }
        }
        edges
    }

    fn exif(&self) -> Exif {
        let block = self.items().find(|&(_, kind)| kind == b"Exif").and_then(|(item, _)| self.data(item));
        // Four bytes say how far behind them the TIFF header is.
        let skip = |block: &'a [u8]| block.get(4usize.checked_add(bmff::uint(block, 0, 4)?)?..);
        block.and_then(skip).map(Exif::read).unwrap_or_default()
    }
}

/// The property numbers (from 1) of an item.
fn associations(ipma: &[u8], wanted: usize) -> Option<Vec<usize>> {
    let id_width = if *ipma.first()? == 0 { 2 } else { 4 };
    let index_width = if ipma.get(3)? & 1 == 0 { 1 } else { 2 };
    let mut at = 8;
    for _ in 0..bmff::uint(ipma, 4, 4)?.min(MAX_ITEMS) {
        let item = bmff::uint(ipma, at, id_width)?;
        let count = bmff::uint(ipma, at + id_width, 1)?;
        at += id_width + 1;
        if item == wanted {
            let mask = if index_width == 1 { 0x7f } else { 0x7fff };
            let index = |i| bmff::uint(ipma, at + i * index_width, index_width).map(|index| index & mask);
            return (0..count).map(index).collect();
        }
        at += count * index_width;
    }
    None
}

/// Construction method, offset and length of an item with one extent. A length of 0 is all that follows.
fn location(iloc: &[u8], wanted: usize) -> Option<(usize, usize, usize)> {
    let version = *iloc.first()?;
    let sizes = bmff::uint(iloc, 4, 2)?;
    let (offset_size, length_size, base_size) = (sizes >> 12 & 15, sizes >> 8 & 15, sizes >> 4 & 15);
    let index_size = if version == 0 { 0 } else { sizes & 15 };
    let id_width = if version < 2 { 2 } else { 4 };
    let mut at = 6;
    let mut next = |width: usize| {
        let value = bmff::uint(iloc, at, width);
        at += width;
        value
    };
    for _ in 0..next(id_width)?.min(MAX_ITEMS) {
        let item = next(id_width)?;
        let method = if version == 0 { 0 } else { next(2)? & 15 };
        let _data_reference = next(2)?;
        let base = next(base_size)?;
        let extents = next(2)?;
        let mut first = (0, 0);
        for extent in 0..extents {
            let _index = next(index_size)?;
            let found = (next(offset_size)?, next(length_size)?);
            if extent == 0 {
                first = found;
            }
        }
        if item == wanted {
            return (extents == 1).then_some((method, base.checked_add(first.0)?, first.1));
        }
    }
    None
}

fn stored_size(properties: &[bmff::Box<'_>]) -> Option<(usize, usize)> {
    let ispe = properties.iter().find(|property| &property.kind == b"ispe")?.body;
    Some((bmff::uint(ispe, 4, 4)?, bmff::uint(ispe, 8, 4)?))
}

/// Width and height after the item's transformations, in their order.
fn size(properties: &[bmff::Box<'_>]) -> Option<(usize, usize)> {
    let (mut width, mut height) = stored_size(properties)?;
    for property in properties {
        match &property.kind {
            b"irot" if property.body.first().is_some_and(|turns| turns & 1 == 1) => {
                std::mem::swap(&mut width, &mut height);
            }
            b"clap" => {
                let fraction =
                    |at| bmff::uint(property.body, at, 4)?.checked_div(bmff::uint(property.body, at + 4, 4)?);
                (width, height) = (fraction(0)?.min(width), fraction(8)?.min(height));
            }
            _ => {}
        }
    }
    Some((width, height))
}

fn colours(properties: &[bmff::Box<'_>]) -> Result<ColourProfile, Error> {
    let mut profiles = properties.iter().filter(|property| &property.kind == b"colr").map(|property| property.body);
    let points = profiles.clone().find_map(|colr| {
        let colr = colr.strip_prefix(b"nclx")?;
        Some((bmff::uint(colr, 0, 2)? as u8, bmff::uint(colr, 2, 2)? as u8))
    });
    let icc = profiles.find_map(|colr| colr.strip_prefix(b"prof").or_else(|| colr.strip_prefix(b"rICC")));
    match (icc, points) {
        (None, Some((primaries, transfer))) => colour::of_code_points(primaries, transfer),
        (icc, _) => Ok(colour::of_rgb(icc, false)),
    }
}
