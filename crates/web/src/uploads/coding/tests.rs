use std::io::Write as _;

use lepton_jpeg::{DEFAULT_THREAD_POOL, EnabledFeatures, encode_lepton_verify};

use super::*;

const PHOTO: &[u8] = include_bytes!("../../../../../tests/data/photos/obama.jpg");

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

fn lepton(jpeg: &[u8]) -> Vec<u8> {
    encode_lepton_verify(jpeg, &EnabledFeatures::compat_lepton_vector_write(), &DEFAULT_THREAD_POOL).unwrap().0
}

/// Width and height of the frame header.
fn size(jpeg: &[u8]) -> (u32, u32) {
    let number = |at: usize| u16::from_be_bytes([jpeg[at], jpeg[at + 1]]);
    let mut at = 2;
    while !matches!(jpeg[at + 1], 0xc0 | 0xc2) {
        at += 2 + usize::from(number(at + 2));
    }
    (number(at + 7).into(), number(at + 5).into())
}

#[test]
fn photos_come_out_as_they_were() {
    let length = PHOTO.len() as u64;
    assert_eq!(Coding::Zstd { length }.decode(&zstd(PHOTO)[..]).unwrap(), PHOTO);
    let (width, height) = size(PHOTO);
    let coded = lepton(PHOTO);
    assert!(coded.len() < PHOTO.len() * 9 / 10, "{} of {}", coded.len(), PHOTO.len());
    assert_eq!(Coding::Lepton { length, width, height }.decode(&coded[..]).unwrap(), PHOTO);
}

#[test]
fn what_is_other_than_announced_is_refused() {
    let length = PHOTO.len() as u64;
    let (width, height) = size(PHOTO);
    let (zstd, lepton) = (zstd(PHOTO), lepton(PHOTO));
    for wrong in [length - 1, length + 1, 0] {
        assert!(Coding::Zstd { length: wrong }.decode(&zstd[..]).is_err());
        assert!(Coding::Lepton { length: wrong, width, height }.decode(&lepton[..]).is_err());
    }
    assert!(
        Coding::Lepton { length, width: width - 1, height }.decode(&lepton[..]).unwrap_err().contains("dimensions")
    );
    assert!(Coding::Lepton { length, width, height }.decode(&zstd[..]).is_err());
    assert!(Coding::Zstd { length }.decode(&lepton[..]).is_err());
    assert!(Coding::Zstd { length }.decode(&b""[..]).is_err());
    for cut in (0..lepton.len()).step_by(9_973) {
        assert!(Coding::Lepton { length, width, height }.decode(&lepton[..cut]).is_err(), "{cut}");
    }
}

/// A gigabyte of zeros in a few kilobytes.
#[test]
fn a_bomb_stops_at_what_was_announced() {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    let zeros = vec![0; 1 << 20];
    (0..1_024).for_each(|_| encoder.write_all(&zeros).unwrap());
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 200_000);
    let refused = Coding::Zstd { length: 1_000 }.decode(&bomb[..]).unwrap_err();
    assert!(refused.contains("more than the 1000 bytes"), "{refused}");
}

/// The window is memory too: a frame that looks back 128 MiB is not decoded.
#[test]
fn a_wide_window_is_refused() {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(27).unwrap();
    encoder.write_all(&vec![7; 1 << 20]).unwrap();
    let wide = encoder.finish().unwrap();
    assert!(Coding::Zstd { length: 1 << 20 }.decode(&wide[..]).is_err());
}

/// Numbers in a Lepton header that the decoder would allocate for.
#[test]
fn lengths_in_a_lepton_header_are_not_believed() {
    let length = PHOTO.len() as u64;
    let (width, height) = size(PHOTO);
    let start = lepton(PHOTO);
    let pack = |header: &[u8]| {
        let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(header).unwrap();
        let packed = packer.finish().unwrap();
        let mut file = start[..24].to_vec();
        file.extend(u32::try_from(packed.len()).unwrap().to_le_bytes());
        file.extend(packed);
        file.extend(b"CMP");
        file
    };
    for header in [
        &b"HDR\xff\xff\xff\xff"[..],
        b"HDR\0\0\0\0GRB\xff\xff\xff\xff",
        b"HDR\0\0\0\0FRS\xff\xff\xff\x7f",
        b"HDR\0\0\0\0CRS\xff\xff\xff\xff",
        b"HDR\0\0\0\0HH\xff",
        b"HDR\0\0\0\0",
        &[b'x'; 100],
        &[0; 20 << 20],
    ] {
        let refused = Coding::Lepton { length, width, height }.decode(&pack(header)[..]).unwrap_err();
        assert!(refused.contains("header is damaged"), "{refused}");
    }
}

/// Any byte of a Lepton file may be wrong: it is refused or gives other bytes, and nothing worse.
#[test]
fn a_damaged_lepton_ends_in_peace() {
    let length = PHOTO.len() as u64;
    let (width, height) = size(PHOTO);
    let coded = lepton(PHOTO);
    for at in (0..100).chain((100..coded.len()).step_by(19_997)) {
        let mut damaged = coded.clone();
        damaged[at] ^= 0x5a;
        let _ = Coding::Lepton { length, width, height }.decode(&damaged[..]);
    }
}
