use exif::{In, Tag};
use procession_domain::capture::{CaptureTime, Gps};

use super::*;
use crate::exif::read::Exif;

fn capture() -> Capture {
    Capture {
        taken: Some(CaptureTime { local: "2026-06-20T15:30:01.25".parse().unwrap(), offset_minutes: Some(-210) }),
        camera_make: Some("Canon".to_owned()),
        camera_model: Some("Canon EOS R5".to_owned()),
        camera_serial: Some("0123456".to_owned()),
        lens: Some("RF50mm F1.2 L USM".to_owned()),
        exposure_seconds: Some(1.0 / 250.0),
        aperture: Some(1.2),
        iso: Some(102_400),
        focal_length_mm: Some(50.0),
        focal_length_35mm: Some(50.0),
        flash: Some(false),
        software: Some("Firmware 1.8".to_owned()),
        artist: Some("Zoë Müller".to_owned()),
        copyright: Some("© 2026 Zoë Müller".to_owned()),
        gps: Some(Gps { latitude: 45.4, longitude: 12.3, altitude_m: None }),
    }
}

/// What another reader finds in a block.
fn fields(block: Vec<u8>) -> exif::Exif {
    exif::Reader::new().read_raw(block).unwrap()
}

#[test]
fn stripped_metadata_is_artist_and_copyright() {
    let block = metadata_block(&capture(), MetadataPolicy::Strip);
    let found = fields(block.clone());
    let tags: Vec<Tag> = found.fields().map(|field| field.tag).collect();
    assert_eq!(tags, [Tag::Artist, Tag::Copyright]);
    let ours = Exif::read(&block).capture;
    assert_eq!(ours, Capture { artist: capture().artist, copyright: capture().copyright, ..Capture::default() });
}

#[test]
fn kept_metadata_is_everything_but_the_place_and_the_owner() {
    let block = metadata_block(&capture(), MetadataPolicy::Keep);
    let found = fields(block.clone());
    let text = |tag| found.get_field(tag, In::PRIMARY).unwrap().display_value().to_string();
    assert_eq!(text(Tag::DateTimeOriginal), "2026-06-20 15:30:01");
    assert_eq!(text(Tag::SubSecTimeOriginal), "\"25\"");
    assert_eq!(text(Tag::OffsetTimeOriginal), "\"-03:30\"");
    assert_eq!(text(Tag::ExposureTime), "1/250");
    assert_eq!(text(Tag::FNumber), "1.2");
    assert!(found.fields().all(|field| field.tag.context() != exif::Context::Gps));
    assert!(found.get_field(Tag::Orientation, In::PRIMARY).is_none());
    assert!(found.get_field(Tag::BodySerialNumber, In::PRIMARY).is_none());

    let kept = Exif::read(&block).capture;
    let expected =
        Capture { camera_serial: None, focal_length_35mm: None, flash: None, software: None, gps: None, ..capture() };
    assert_eq!(kept, expected);
}

#[test]
fn nothing_to_say_is_no_block() {
    assert!(metadata_block(&Capture::default(), MetadataPolicy::Keep).is_empty());
    let place = Capture { gps: capture().gps, ..Capture::default() };
    assert!(metadata_block(&place, MetadataPolicy::Keep).is_empty());
}

#[test]
fn a_long_exposure_keeps_its_length() {
    for seconds in [30.0, 0.3, 1.0 / 3.0, 0.5, 1.0 / 8000.0, 2.5] {
        let one = Capture { exposure_seconds: Some(seconds), ..Capture::default() };
        let read = Exif::read(&metadata_block(&one, MetadataPolicy::Keep)).capture.exposure_seconds.unwrap();
        assert!((read - seconds).abs() < 1e-4 * seconds, "{seconds}: {read}");
    }
}

/// Another reader's view of real files: the same time, camera and orientation.
#[test]
fn real_files_are_read_as_another_reader_does() {
    for name in ["broken_exif_dpi.jpg", "ultrahdr.jpg", "frame_size.mpo", "hopper_orientation_6.jpg"] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
        let bytes = std::fs::read(path).unwrap();
        let theirs = exif::Reader::new().continue_on_error(true).read_from_container(&mut std::io::Cursor::new(&bytes));
        let theirs = theirs.or_else(|error| error.distill_partial_result(|_| {})).unwrap();
        let ours = crate::probe(&bytes, &crate::Limits::default()).unwrap();
        let orientation = theirs.get_field(Tag::Orientation, In::PRIMARY).and_then(|field| field.value.get_uint(0));
        assert_eq!(u32::from(ours.orientation.exif()), orientation.unwrap_or(1), "{name}");
        let model = theirs.get_field(Tag::Model, In::PRIMARY).map(|field| field.display_value().to_string());
        assert_eq!(ours.capture.camera_model.map(|model| format!("\"{model}\"")), model, "{name}");
        let taken = theirs.get_field(Tag::DateTimeOriginal, In::PRIMARY).map(|field| field.display_value().to_string());
        let local = ours.capture.taken.map(|taken| taken.local.strftime("%Y-%m-%d %H:%M:%S").to_string());
        assert_eq!(local, taken, "{name}");
    }
}
