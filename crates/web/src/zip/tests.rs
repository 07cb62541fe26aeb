mod names;
mod programs;

use jiff::civil::date;
use proptest::{collection::vec, prelude::*};

use super::*;

/// An entry of this content.
fn entry(name: &str, content: &[u8]) -> Entry {
    Entry {
        name: name.to_owned(),
        bytes: content.len() as u64,
        crc32: crc32fast::hash(content),
        hash: ContentHash::of(content),
        modified: date(2026, 6, 20).at(14, 32, 7, 0),
    }
}

/// An archive and the contents of its entries.
fn archive(files: &[(String, Vec<u8>)]) -> Archive {
    Archive::new(files.iter().map(|(name, content)| entry(name, content)).collect()).unwrap()
}

/// The bytes of a range, as a client gets them.
fn read(archive: &Archive, files: &[(String, Vec<u8>)], range: Range<u64>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for segment in archive.segments(range) {
        match segment {
            Segment::Bytes(part) => bytes.extend_from_slice(&part),
            Segment::Content { entry, range } => {
                bytes.extend_from_slice(&files[entry].1[range.start as usize..range.end as usize]);
            }
        }
    }
    bytes
}

fn whole(archive: &Archive, files: &[(String, Vec<u8>)]) -> Vec<u8> {
    read(archive, files, 0..u64::MAX)
}

fn any_files() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    vec((any_name(), vec(any::<u8>(), 0..200)), 0..12)
}

/// Names that people give, that attackers give, and that meet each other.
fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-cA-Cäß./\\\\]{0,6}",
        "\\PC{0,20}(\\.jpg)?",
        any::<String>(),
        prop::sample::select(vec!["CON.jpg", "../../etc/passwd", "/", "a/b", "A", "a (2)", "nul", "...", "👰🤵.jpg"])
            .prop_map(str::to_owned),
    ]
}

proptest! {
    #[test]
    fn a_range_is_that_part_of_the_whole(
        files in any_files(),
        cuts in vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 8),
    ) {
        let archive = archive(&files);
        let whole = whole(&archive, &files);
        prop_assert_eq!(whole.len() as u64, archive.length());
        for (one, other) in cuts {
            let (one, other) = (one.index(whole.len() + 1), other.index(whole.len() + 1));
            let (start, end) = (one.min(other), one.max(other));
            prop_assert_eq!(&read(&archive, &files, start as u64..end as u64), &whole[start..end]);
        }
    }

    /// With lengths that no test could hold.
    #[test]
    fn the_segments_of_a_range_have_its_length(
        sizes in vec(prop_oneof![0..3_u64, WIDE - 2..WIDE + 2, 0..1_u64 << 40], 0..12),
        cut in (any::<u64>(), any::<u64>()),
    ) {
        let archive = Archive::new(sizes.iter().map(|&bytes| Entry { bytes, ..entry("a", b"") }).collect()).unwrap();
        let (one, other) = (cut.0 % (archive.length() + 1), cut.1 % (archive.length() + 1));
        let range = one.min(other)..one.max(other);
        let lengths = archive.segments(range.clone()).map(|segment| match segment {
            Segment::Bytes(bytes) => bytes.len() as u64,
            Segment::Content { entry, range } => {
                assert!(!range.is_empty() && range.end <= sizes[entry]);
                range.end - range.start
            }
        });
        prop_assert_eq!(lengths.sum::<u64>(), range.end - range.start);
        let contents = archive.segments(0..u64::MAX).filter(|segment| matches!(segment, Segment::Content { .. }));
        prop_assert_eq!(contents.count(), sizes.iter().filter(|&&bytes| bytes > 0).count());
    }
}

/// The first length that does not fit into four bytes.
const WIDE: u64 = 0xFFFF_FFFF;

#[test]
fn ranges_of_a_long_directory_are_parts_of_it() {
    let files: Vec<_> = (0..3_000).map(|number| (format!("{number}.jpg"), vec![7; number % 3])).collect();
    let archive = archive(&files);
    let whole = whole(&archive, &files);
    for start in (0..whole.len()).step_by(9_973) {
        for length in [1, 50, SEGMENT_BYTES - 1, SEGMENT_BYTES, SEGMENT_BYTES + 1, whole.len()] {
            let end = (start + length).min(whole.len());
            assert!(read(&archive, &files, start as u64..end as u64) == whole[start..end], "{start}..{end}");
        }
    }
    let sizes = archive.segments(0..u64::MAX).map(|segment| match segment {
        Segment::Bytes(bytes) => bytes.len(),
        Segment::Content { .. } => 0,
    });
    assert!(sizes.max().unwrap() < 2 * SEGMENT_BYTES);
    // One before each of the 2,000 contents; what stands after them is gathered.
    assert!(archive.segments(0..u64::MAX).count() < 2 * 2_000 + 10);
}

#[test]
fn a_range_outside_the_archive_is_empty() {
    let archive = archive(&[("a".to_owned(), vec![1])]);
    for range in [0..0, archive.length()..u64::MAX, u64::MAX..u64::MAX] {
        assert_eq!(archive.segments(range).count(), 0);
    }
}

#[test]
fn the_same_entries_are_the_same_bytes_and_any_other_are_another_tag() {
    let original = entry("a.jpg", b"one");
    let tag = |entry: &Entry| Archive::new(vec![entry.clone(), original.clone()]).unwrap().etag();
    assert_eq!(tag(&original), tag(&original));
    assert!(tag(&original).starts_with('"') && tag(&original).ends_with('"'));
    let later = original.modified.checked_add(jiff::Span::new().seconds(2)).unwrap();
    for other in [
        Entry { name: "b.jpg".to_owned(), ..original.clone() },
        Entry { bytes: 4, ..original.clone() },
        Entry { crc32: 1, ..original.clone() },
        Entry { hash: ContentHash::of(b"two"), ..original.clone() },
        Entry { modified: later, ..original.clone() },
    ] {
        assert_ne!(tag(&other), tag(&original), "{other:?}");
    }
}

#[test]
fn more_than_64_bits_of_content_are_no_archive() {
    let half = || Entry { bytes: u64::MAX / 2, ..entry("a", b"") };
    assert!(Archive::new(vec![half()]).is_some());
    assert!(Archive::new(vec![half(), half(), half()]).is_none());
    assert!(Archive::new(vec![Entry { bytes: u64::MAX - 40, ..half() }]).is_none());
}
