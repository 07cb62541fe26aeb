//! RAW containers, built after their published layouts with a real JPEG inside: the preview is found, and what the camera
//! wrote beside it. No real RAW file was small and free enough to stand in `data/`.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

#[path = "support/data.rs"]
#[allow(dead_code)]
mod data;
#[path = "support/tiff.rs"]
mod tiff;

use data::{header, look, read};
use procession_domain::photo::Format;
use procession_pixel::{Error, Limits, probe};
use tiff::{Builder, Value};

const TAKEN: &str = "2026:06:20 15:30:01";

/// The large preview: 1200 × 900, with an EXIF of its own.
fn preview() -> Vec<u8> {
    read("preview.jpg")
}

/// Offset and length of a JPEG, as two longs.
type Place = (u32, u32);

fn put(file: &mut Builder, jpeg: &[u8]) -> Place {
    (file.blob(jpeg), jpeg.len() as u32)
}

fn exif(file: &mut Builder) -> u32 {
    file.directory(&[(0x9003, Value::Text(TAKEN)), (0x9291, Value::Text("25"))], 0)
}

fn colour_filter(file: &mut Builder) -> u32 {
    file.directory(&[(0x0100, Value::Long(6000)), (0x0101, Value::Long(4000)), (0x0106, Value::Short(32_803))], 0)
}

/// Asserts that the large preview is found, with the container's own time and orientation.
fn assert_found(name: &str, bytes: &[u8]) {
    let found = probe(bytes, &Limits::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(found.format, Format::Raw, "{name}");
    assert_eq!((found.width, found.height), (1200, 900), "{name}");
    assert_eq!(found.orientation.exif(), 6, "{name}");
    assert_eq!(found.upright(), (900, 1200), "{name}");
    assert_eq!(found.capture.taken.unwrap().local.to_string(), "2026-06-20T15:30:01.25", "{name}");
    let jpeg = preview();
    assert!(bytes[found.image.clone()].starts_with(&jpeg), "{name}: {:?}", found.image);
}

#[test]
fn canon_cr2_has_its_preview_as_a_strip() {
    let mut file = Builder::new(false, 42);
    // "CR", version 2.0, where the RAW directory is.
    file.blob(b"CR\x02\0\0\0\0\0");
    let (large, small) = (put(&mut file, &preview()), put(&mut file, &read("hopper.jpg")));
    let exif = exif(&mut file);
    let thumbnail = file.directory(&[(0x0201, Value::Long(small.0)), (0x0202, Value::Long(small.1))], 0);
    let first = file.directory(
        &[
            (0x0103, Value::Short(6)),
            (0x0111, Value::Long(large.0)),
            (0x0112, Value::Short(6)),
            (0x0117, Value::Long(large.1)),
            (0x8769, Value::Long(exif)),
        ],
        thumbnail,
    );
    assert_found("CR2", &file.finish(first));
}

#[test]
fn nikon_sony_pentax_and_samsung_name_it_in_a_directory() {
    for (name, big_endian) in [("NEF, PEF", true), ("ARW, SRW", false)] {
        let mut file = Builder::new(big_endian, 42);
        let (large, small) = (put(&mut file, &preview()), put(&mut file, &read("hopper.jpg")));
        let exif = exif(&mut file);
        let preview = file.directory(&[(0x0201, Value::Long(large.0)), (0x0202, Value::Long(large.1))], 0);
        let sensor = colour_filter(&mut file);
        let children = [preview, sensor];
        let first = file.directory(
            &[
                (0x0112, Value::Short(6)),
                (0x014a, Value::Longs(&children)),
                (0x0201, Value::Long(small.0)),
                (0x0202, Value::Long(small.1)),
                (0x8769, Value::Long(exif)),
            ],
            0,
        );
        assert_found(name, &file.finish(first));
    }
}

#[test]
fn dng_has_it_as_a_strip_of_a_child() {
    let mut file = Builder::new(false, 42);
    let large = put(&mut file, &preview());
    let exif = exif(&mut file);
    let entries = [(0x0103, Value::Short(7)), (0x0111, Value::Long(large.0)), (0x0117, Value::Long(large.1))];
    let preview = file.directory(&entries, 0);
    let sensor = colour_filter(&mut file);
    let first = file.directory(
        &[
            (0x0112, Value::Short(6)),
            (0x014a, Value::Longs(&[sensor, preview])),
            (0x8769, Value::Long(exif)),
            (0xc612, Value::Bytes(&[1, 4, 0, 0])),
        ],
        0,
    );
    assert_found("DNG", &file.finish(first));
}

#[test]
fn panasonic_has_it_in_a_tag_and_olympus_where_only_a_search_finds_it() {
    let mut file = Builder::new(false, 0x55);
    let exif_at = exif(&mut file);
    let jpeg = preview();
    let entries = [(0x002e, Value::Bytes(&jpeg)), (0x0112, Value::Short(6)), (0x8769, Value::Long(exif_at))];
    let first = file.directory(&entries, 0);
    assert_found("RW2", &file.finish(first));

    let mut file = Builder::new(false, 0x4f52);
    put(&mut file, &read("hopper.jpg"));
    put(&mut file, &preview());
    let exif_at = exif(&mut file);
    let first = file.directory(&[(0x0112, Value::Short(6)), (0x8769, Value::Long(exif_at))], 0);
    assert_found("ORF", &file.finish(first));
}

#[test]
fn fujifilm_names_it_in_its_header_and_leaves_exif_to_it() {
    let mut file = b"FUJIFILMCCD-RAW 0201FF159502".to_vec();
    file.resize(160, 0);
    let jpeg = preview();
    file[84..88].copy_from_slice(&160u32.to_be_bytes());
    file[88..92].copy_from_slice(&(jpeg.len() as u32).to_be_bytes());
    file.extend(&jpeg);
    file.extend([7; 1000]);
    let found = header(&file);
    assert_eq!((found.format, found.image), (Format::Raw, 160..160 + jpeg.len()));
    assert_eq!(found.capture, header(&jpeg).capture);
}

fn bmff(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    [&(body.len() as u32 + 8).to_be_bytes()[..], kind, &body].concat()
}

#[test]
fn canon_cr3_has_it_as_a_track() {
    let jpeg = preview();
    let mut main = Builder::new(false, 42);
    let first = main.directory(&[(0x0112, Value::Short(6))], 0);
    let main = main.finish(first);
    let mut times = Builder::new(false, 42);
    let first = exif(&mut times);
    let times = times.finish(first);
    let uuid = b"\x85\xc0\xb6\x87\x82\x0f\x11\xe0\x81\x11\xf4\xce\x46\x2b\x6a\x48";
    let file = |at: u64| {
        let canon = bmff(b"uuid", &[uuid, &bmff(b"CMT1", &[&main]), &bmff(b"CMT2", &[&times])]);
        let sizes = bmff(b"stsz", &[&[0; 4], &(jpeg.len() as u32).to_be_bytes(), &[0, 0, 0, 1]]);
        let offsets = bmff(b"co64", &[&[0; 4], &[0, 0, 0, 1], &at.to_be_bytes()]);
        let table = bmff(b"stbl", &[&sizes, &offsets]);
        let track = bmff(b"trak", &[&bmff(b"mdia", &[&bmff(b"minf", &[&table])])]);
        let head = [bmff(b"ftyp", &[b"crx \0\0\0\x01crx isom"]), bmff(b"moov", &[&canon, &track])].concat();
        (head.len() as u64 + 8, [head, bmff(b"mdat", &[&jpeg])].concat())
    };
    let at = file(0).0;
    assert_found("CR3", &file(at).1);
}

#[test]
fn a_raw_with_a_thumbnail_alone_says_so() {
    let mut file = Builder::new(false, 42);
    let small = put(&mut file, &read("hopper.jpg"));
    let sensor = colour_filter(&mut file);
    let entries = [(0x014a, Value::Long(sensor)), (0x0201, Value::Long(small.0)), (0x0202, Value::Long(small.1))];
    let first = file.directory(&entries, 0);
    let error = probe(&file.finish(first), &Limits::default()).unwrap_err();
    assert!(matches!(error, Error::Unsupported(_)));
    assert!(error.to_string().contains("no embedded preview of at least 1000 pixels"), "{error}");
}

#[test]
fn the_preview_is_decoded() {
    let mut file = Builder::new(false, 0x4f52);
    put(&mut file, &preview());
    let first = file.directory(&[(0x0112, Value::Short(3))], 0);
    let raw = look(file.finish(first)).unwrap();
    assert_eq!(data::difference(&raw, &look(preview()).unwrap()), 0.0);
}
