use super::*;
use coder::{Coding, Kind, code};

/// A picture with detail everywhere, so that every MCU has bits.
fn picture(width: usize, height: usize, channels: usize) -> Vec<u8> {
    (0..width * height * channels).map(|i| ((i * i / 7) ^ (i * 31)) as u8).collect()
}

fn planes(bytes: &[u8], eighths: u32) -> Result<crate::frame::Frame, Error> {
    Reader::new(bytes)?.planes(eighths)
}

fn why(bytes: &[u8]) -> String {
    match planes(bytes, 4) {
        Err(Error::Damaged { why, .. }) => why,
        other => panic!("not damaged but {:?}", other.map(|frame| frame.dimensions())),
    }
}

#[test]
fn codes_are_those_of_the_library() {
    let callbacks = Callbacks::new();
    let text = |code: c_int| {
        // SAFETY: the library's table has a terminated string for each of these codes.
        let text = unsafe { std::ffi::CStr::from_ptr((*callbacks.error.jpeg_message_table.add(code as usize)).cast()) };
        text.to_str().unwrap().to_owned()
    };
    assert_eq!(text(WARNING_ADOBE_TRANSFORM), "Unknown Adobe color transform code %d");
    assert!(text(WARNING_BOGUS_PROGRESSION).starts_with("Inconsistent progression sequence"));
    assert!(text(WARNING_EXTRANEOUS_DATA).contains("extraneous bytes"));
    assert!(text(WARNING_JFIF_MAJOR).contains("unknown JFIF revision"));
    assert_eq!(text(WARNING_END_OF_FILE), "Premature end of JPEG file");
    assert_eq!(text(WARNING_NOT_SEQUENTIAL), "Invalid SOS parameters for sequential JPEG");
}

#[test]
fn a_file_that_is_cut_off_is_damaged_wherever_it_is_cut() {
    for (progressive, restart) in [(false, 0), (false, 2), (true, 0)] {
        let how = Coding { progressive, restart, ..Coding::PLAIN };
        let whole = code(96, 80, &picture(96, 80, 3), how);
        assert!(planes(&whole, 8).is_ok());
        for part in 1..40 {
            let cut = &whole[..whole.len() * part / 40];
            assert!(
                matches!(planes(cut, 4), Err(Error::Damaged { .. })),
                "{how:?} cut at {part}/40 is taken for whole"
            );
        }
    }
}

#[test]
fn what_is_wrong_is_named() {
    let whole = code(96, 80, &picture(96, 80, 3), Coding::PLAIN);
    let premature = why(&whole[..whole.len() / 2]);
    assert!(premature.to_lowercase().contains("premature end"), "{premature}");
    assert!(why(&[0xff, 0xd8, 0xff]).to_lowercase().contains("premature end"));
    // Without a second marker byte the scan ends in the middle of the entropy-coded bits.
    let mut zeroed = whole.clone();
    let middle = zeroed.len() / 2;
    zeroed[middle..middle + 60].fill(0xff);
    assert!(!why(&zeroed).is_empty());
}

#[test]
fn a_missing_end_marker_and_bytes_after_it_are_forgiven() {
    let whole = code(96, 80, &picture(96, 80, 3), Coding::PLAIN);
    let expected = planes(&whole, 8).unwrap();
    let mut without_end = whole.clone();
    without_end.truncate(whole.len() - 2);
    let mut with_more = whole.clone();
    with_more.extend_from_slice(&whole);
    for bytes in [without_end, with_more] {
        let frame = planes(&bytes, 8).unwrap();
        assert!((0..80).all(|y| frame.planes[0].row(y) == expected.planes[0].row(y)));
    }
}

#[test]
fn noise_never_does_worse_than_an_error() {
    let mut state = 1u32;
    for how in [Coding::PLAIN, Coding { progressive: true, ..Coding::PLAIN }] {
        let whole = code(64, 48, &picture(64, 48, 3), how);
        for _ in 0..400 {
            let mut broken = whole.clone();
            for _ in 0..4 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let at = (state >> 8) as usize % broken.len();
                broken[at] = state as u8;
            }
            // Sizes may be anything now: the decode step checks them before it gets here.
            let small = Reader::new(&broken).is_ok_and(|reader| {
                let (width, height) = reader.header().size;
                u64::from(width) * u64::from(height) < 1 << 22
            });
            if small {
                let reader = Reader::new(&broken).unwrap();
                let _ = if reader.header().coded == Coded::Planes {
                    reader.planes(3).map(|_| ())
                } else {
                    reader.pixels(3).map(|_| ())
                };
            }
        }
    }
}

#[test]
fn a_bomb_of_scans_is_refused() {
    let whole = code(64, 64, &picture(64, 64, 3), Coding { progressive: true, ..Coding::PLAIN });
    // The first scan, which may be given any number of times, after the header and again and again.
    let scans: Vec<usize> = (0..whole.len() - 1).filter(|&i| whole[i..i + 2] == [0xff, 0xda]).collect();
    let mut bomb = whole[..scans[1]].to_vec();
    (0..200).for_each(|_| bomb.extend_from_slice(&whole[scans[0]..scans[1]]));
    bomb.extend([0xff, 0xd9]);
    let refused = planes(&bomb, 8).map(|_| ());
    assert!(matches!(refused, Err(Error::TooLarge { limit: MAX_SCANS, .. })), "{refused:?}");
}

#[test]
fn scales_have_the_sizes_that_they_should() {
    let bytes = code(1001, 667, &picture(1001, 667, 3), Coding::PLAIN);
    for eighths in 1..=8 {
        let frame = planes(&bytes, eighths).unwrap();
        assert_eq!(frame.dimensions(), ((1001 * eighths as usize).div_ceil(8), (667 * eighths as usize).div_ceil(8)));
        assert!((frame.size.0 - 1001.0 * f64::from(eighths) / 8.0).abs() < 1e-9);
        for plane in &frame.planes[1..] {
            assert_eq!(plane.width, frame.extent(1).0.ceil() as usize);
            assert_eq!(plane.height, frame.extent(1).1.ceil() as usize);
        }
    }
}

#[test]
fn grey_has_one_plane_and_cmyk_four_channels() {
    let grey = code(40, 30, &[77; 1200], Coding { kind: Kind::Grey, sampling: (1, 1), ..Coding::PLAIN });
    let frame = planes(&grey, 8).unwrap();
    assert_eq!((frame.planes[0].row(7)[9], frame.planes[1].row(0)[0]), (77, 128));
    for kind in [Kind::Cmyk, Kind::Ycck] {
        let bytes = code(40, 30, &[10, 60, 110, 160].repeat(1200), Coding { kind, ..Coding::PLAIN });
        let reader = Reader::new(&bytes).unwrap();
        assert_eq!((reader.header().coded, reader.header().adobe), (Coded::Cmyk, true));
        let picture = reader.pixels(8).unwrap();
        let middle = &picture.data[(15 * 40 + 20) * 4..][..4];
        assert!(middle.iter().zip([10, 60, 110, 160]).all(|(a, b)| a.abs_diff(b) < 4), "{kind:?} became {middle:?}");
    }
}
