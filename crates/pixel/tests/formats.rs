//! Real files of every format: what their headers say, and that their pixels are the picture.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

#[path = "support/data.rs"]
mod data;

use data::{difference, header, look, read, without_heif};
use procession_domain::photo::Format;
use procession_pixel::{ColourProfile, Error, Limits, probe};

/// Asserts that pictures show the same as a reference, within so many levels in the mean.
fn assert_same(reference: &str, names: &[&str], levels: f64) {
    let wanted = look(read(reference)).unwrap();
    for name in names {
        let found = look(read(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let difference = difference(&wanted, &found);
        assert!(difference <= levels, "{name} differs from {reference} by {difference:.2} levels");
    }
}

#[test]
fn the_comparison_tells_pictures_and_orientations_apart() {
    let upright = look(read("hopper.jpg")).unwrap();
    let mut turned = read("hopper_orientation_5.jpg");
    assert!(difference(&upright, &look(turned.clone()).unwrap()) < 4.0);
    // Its EXIF's orientation, taken for another.
    let at = turned.windows(4).position(|window| matches!(window, [0x01, 0x12, 0, 3] | [0x12, 0x01, 3, 0])).unwrap();
    turned[at + 8..at + 12].fill(0);
    assert!(difference(&upright, &look(turned).unwrap()) > 20.0);
}

#[test]
fn one_picture_is_the_same_in_every_format() {
    assert_same("hopper.png", &["hopper_lzw.tif", "hopper_bigtiff.tif"], 0.0);
    assert_same("hopper.png", &["hopper.jpg", "hopper_jpg.tif", "hopper.webp"], 4.0);
    // One by our own decoder, the other by libjpeg, which round differently.
    assert_same("hopper.jpg", &["hopper_arithmetic.jpg"], 0.2);
    assert_same("hopper_gray.jpg", &["hopper_gray_4bpp.tif"], 6.0);
}

#[test]
fn all_eight_orientations_are_upright() {
    let names = ["2", "3", "4", "5", "6", "7", "8"].map(|turn| format!("hopper_orientation_{turn}.jpg"));
    for (turn, name) in (2..).zip(&names) {
        assert_eq!(header(&read(name)).orientation.exif(), turn);
        assert_same("hopper.jpg", &[name], 4.0);
    }
    assert_same("hopper.webp", &["hopper_orientation_6.webp"], 2.5);
    assert_eq!(header(&read("g4_orientation_6.tif")).upright(), (590, 88));
}

#[test]
fn a_header_says_whether_a_jpeg_is_in_one_scan() {
    for (name, single_scan) in
        [("hopper.jpg", true), ("hopper_gray.jpg", true), ("hopper_arithmetic.jpg", true), ("hopper.png", false)]
    {
        assert_eq!(header(&read(name)).single_scan, single_scan, "{name}");
    }
    // A scan of the first channel alone: the others follow in their own.
    let mut channels_apart = read("hopper.jpg");
    let scan = channels_apart.windows(2).position(|marker| marker == [0xff, 0xda]).unwrap();
    channels_apart[scan + 4] = 1;
    assert!(!header(&channels_apart).single_scan);
    let frame = channels_apart.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
    (channels_apart[scan + 4], channels_apart[frame + 1]) = (3, 0xc2);
    assert!(!header(&channels_apart).single_scan, "progressive");
}

#[test]
fn sixteen_bits_tiles_planes_and_alpha_of_tiff_are_read() {
    assert_same("tiff_16bit_RGB_target.png", &["tiff_16bit_RGB.tiff", "tiff_tiled_planar_16bit_RGB.tiff"], 1.0);
    assert_same("tiff_16bit_RGBa_target.png", &["tiff_16bit_RGBa.tiff"], 2.0);
    assert_same("16bit.deflate.tif", &["16bit.MM.deflate.tif"], 0.0);
    assert_same("flower.webp", &["tiff_tiled_ycbcr_jpeg_2x2_sampling.tif"], 2.5);
    assert_same("pil_sample_cmyk.jpg", &["tiff_strip_cmyk_jpeg.tif"], 1.0);
}

#[test]
fn what_is_transparent_is_white() {
    assert_same("transparent.png", &["transparent.webp"], 2.5);
    for name in ["transparent.png", "transparent.webp"] {
        let corner = look(read(name)).unwrap().data[..3].to_vec();
        assert!(corner.iter().all(|&value| value > 240), "{name}: {corner:?}");
    }
}

#[test]
fn heif_and_avif_are_upright_and_the_same_picture() {
    if without_heif() {
        return;
    }
    assert_same("hopper.png", &["hopper.avif", "hopper.heif"], 3.0);
    assert_same("rot0mir0.avif", &["rot1mir1.avif", "rot3mir0.avif"], 4.0);
    assert_same("p_trns_single.png", &["transparency.avif"], 2.5);
    for name in ["L_8__29x100.heif", "RGB_8__29x100.heif", "RGBA_8__29x100.heif", "RGB_10__29x100.heif"] {
        assert_eq!((header(&read(name)).width, header(&read(name)).height), (29, 100), "{name}");
        look(read(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let rotated = header(&read("rot1mir1.avif"));
    assert_eq!(
        (rotated.format, rotated.width, rotated.height, rotated.orientation.exif()),
        (Format::Avif, 640, 427, 1)
    );
}

#[test]
fn cameras_and_editors_are_understood() {
    let nikon = header(&read("broken_exif_dpi.jpg")).capture;
    assert_eq!(nikon.camera_model.as_deref(), Some("NIKON D800"));
    assert_eq!(nikon.camera_make.as_deref(), Some("NIKON CORPORATION"));
    assert_eq!(nikon.taken.unwrap().local.to_string(), "2013-09-11T16:45:13.9");
    let phone = header(&read("ultrahdr.jpg"));
    assert_eq!((phone.format, phone.width, phone.height), (Format::Jpeg, 1512, 2688));
    assert_eq!(phone.capture.taken.unwrap().local.to_string(), "2024-05-07T09:33:04.046");
    let apple = header(&read("frame_size.mpo"));
    assert_eq!(apple.capture.camera_model.as_deref(), Some("iPhone 14 Pro Max"));
    assert!(apple.capture.taken.unwrap().offset_minutes.is_some());
    assert!(matches!(apple.colour, ColourProfile::Icc(profile) if profile.len() == 536));
    let place = header(&read("exif_gps.jpg")).capture.gps;
    assert!(place.is_none_or(|place| place.latitude.abs() <= 90.0), "{place:?}");
}

#[test]
fn the_first_picture_of_several_is_the_photo() {
    look(read("frame_size.mpo")).unwrap();
    // hopper.webp's only chunk as the first frame of an animation.
    let still = read("hopper.webp");
    let size = |edge: u32| (edge - 1).to_le_bytes()[..3].to_vec();
    let frame = [&[0; 6][..], &size(128), &size(128), &[0; 4], &still[12..]].concat();
    let chunk = |kind: &[u8], body: &[u8]| [kind, &(body.len() as u32).to_le_bytes(), body].concat();
    let canvas = [&[2, 0, 0, 0][..], &size(128), &size(128)].concat();
    let body = [b"WEBP".to_vec(), chunk(b"VP8X", &canvas), chunk(b"ANIM", &[0; 6]), chunk(b"ANMF", &frame)].concat();
    let animation = chunk(b"RIFF", &body);
    assert_eq!((header(&animation).width, header(&animation).height), (128, 128));
    assert_eq!(difference(&look(animation).unwrap(), &look(still).unwrap()), 0.0);
}

/// Ultra HDR as its specification lays it out: XMP that announces a gain map, and the gain map as a second JPEG behind the
/// photo's end. What is read is the photo.
#[test]
fn a_gain_map_behind_the_photo_changes_nothing() {
    let photo = read("hopper.jpg");
    let mut xmp = b"http://ns.adobe.com/xap/1.0/\0".to_vec();
    xmp.extend(
        br#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"/></rdf:RDF></x:xmpmeta>"#,
    );
    let length = u16::try_from(xmp.len() + 2).unwrap().to_be_bytes();
    let ultra = [&photo[..2], &[0xff, 0xe1], &length, &xmp, &photo[2..], &read("hopper_gray.jpg")].concat();
    assert_eq!(header(&ultra).upright(), header(&photo).upright());
    assert_eq!(difference(&look(photo).unwrap(), &look(ultra).unwrap()), 0.0);
}

#[test]
fn what_is_cut_off_is_damaged() {
    for name in ["truncated_jpeg.jpg", "ultrahdr.jpg", "broken_data_stream.png", "truncated.heic", "corrupted.heic"] {
        if name.ends_with("heic") && without_heif() {
            continue;
        }
        let outcome = look(read(name));
        assert!(matches!(outcome, Err(Error::Damaged { .. })), "{name}: {outcome:?}");
    }
}

#[test]
fn limits_come_before_pixels() {
    let limits = Limits { max_pixels: 10_000, ..Limits::default() };
    for name in ["hopper.jpg", "hopper.png", "hopper.webp", "hopper_lzw.tif", "hopper.heif", "hopper.avif"] {
        let outcome = probe(&read(name), &limits).map(|_| ());
        assert!(matches!(outcome, Err(Error::TooLarge { value: 16_384, limit: 10_000, .. })), "{name}: {outcome:?}");
    }
    let few_bytes = Limits { max_bytes: 100, ..Limits::default() };
    assert!(matches!(probe(&read("hopper.jpg"), &few_bytes), Err(Error::TooLarge { limit: 100, .. })));
}
