use bytes::Bytes;
use procession_domain::{
    analysis::Region,
    capture::Capture,
    photo::Format,
    recipe::{Encoding, Fit, MetadataPolicy, OutputColour, OutputFormat, Recipe, VariantSpec},
};

use super::*;
use crate::{
    ColourProfile, Orientation,
    libjpeg::coder::{Coding, Kind, code},
};

const ALL: Region = Region { x: 0.0, y: 0.0, width: 1.0, height: 1.0 };

/// A picture whose corners differ: red grows to the right, green downwards, blue at the left top.
pub(crate) fn picture(width: usize, height: usize) -> Vec<u8> {
    let mut rgb = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            let (u, v) = (x * 255 / width.max(2), y * 255 / height.max(2));
            rgb.extend([u as u8, v as u8, if u + v < 200 { 200 } else { 20 }]);
        }
    }
    rgb
}

pub(crate) fn source(bytes: Vec<u8>, width: usize, height: usize, orientation: u32) -> Source {
    let probe = Probe {
        format: Format::Jpeg,
        width: width as u32,
        height: height as u32,
        orientation: Orientation::from_exif(orientation),
        colour: ColourProfile::Srgb,
        capture: Capture::default(),
        single_scan: true,
        image: 0..bytes.len(),
    };
    Source { bytes: Bytes::from(bytes), probe }
}

pub(crate) fn recipe(fits: &[(Fit, OutputFormat)]) -> Recipe {
    let spec = |(index, (fit, format)): (usize, &(Fit, OutputFormat))| VariantSpec {
        name: format!("v{index}"),
        fit: *fit,
        formats: vec![Encoding { format: *format, quality: 90, full_chroma: false }],
        sharpen: 0.0,
    };
    let variants = fits.iter().enumerate().map(spec).collect();
    Recipe { colour: OutputColour::Srgb, metadata: MetadataPolicy::Strip, variants }
}

#[test]
fn it_is_a_device() {
    crate::conformance::check(&CpuDevice::new(2));
}

fn process(source: Source, recipe: &Recipe) -> Result<(Decoded, Vec<Rendered>), Error> {
    let device = CpuDevice::new(1);
    let extent = Plan::extent(recipe);
    let plan = Plan::new(recipe, &source.probe, &[])?;
    let decoded = device.decode(vec![(source.clone(), extent)]).remove(0)?;
    let rendered = device.render(vec![(decoded, plan)]).remove(0)?;
    Ok((device.decode(vec![(source, extent)]).remove(0)?, rendered))
}

fn look(bytes: &[u8], width: u32, height: u32) -> View {
    let source = source(bytes.to_vec(), width as usize, height as usize, 1);
    decode(source, Extent { long_edge: 2048, full: false }).unwrap().view
}

#[test]
fn every_kind_of_jpeg_shows_the_same_picture() {
    let (width, height) = (161, 119);
    let rgb = picture(width, height);
    let plain = look(&code(width, height, &rgb, Coding::PLAIN), width as u32, height as u32).rgb(ALL, 40, 30);
    let samplings = [(1, 1), (2, 1), (1, 2), (2, 2), (4, 1), (1, 4), (4, 2)];
    for sampling in samplings {
        for (progressive, restart) in [(false, 0), (true, 0), (false, 3)] {
            let how = Coding { sampling, progressive, restart, ..Coding::PLAIN };
            let seen = look(&code(width, height, &rgb, how), width as u32, height as u32).rgb(ALL, 40, 30);
            assert_near(&plain, &seen, 4.0, &format!("{how:?}"));
        }
    }
    let how = Coding { kind: Kind::Rgb, sampling: (1, 1), ..Coding::PLAIN };
    let seen = look(&code(width, height, &rgb, how), width as u32, height as u32).rgb(ALL, 40, 30);
    assert_near(&plain, &seen, 4.0, "RGB");
}

/// The root of the mean squared difference is below `limit`.
fn assert_near(a: &crate::Rgb8, b: &crate::Rgb8, limit: f64, what: &str) {
    assert_eq!((a.width, a.height), (b.width, b.height));
    let squares: f64 = a.data.iter().zip(&b.data).map(|(x, y)| f64::from(x.abs_diff(*y)).powi(2)).sum();
    let difference = (squares / a.data.len() as f64).sqrt();
    assert!(difference < limit, "{what} differs by {difference:.1}");
}

#[test]
fn a_plain_photo_becomes_its_variants() {
    let (width, height) = (1601, 1067);
    let bytes = code(width, height, &picture(width, height), Coding::PLAIN);
    let recipe = recipe(&[(Fit::LongEdge(1024), OutputFormat::Jpeg), (Fit::LongEdge(512), OutputFormat::Jpeg)]);
    let (decoded, rendered) = process(source(bytes, width, height, 1), &recipe).unwrap();
    let sizes: Vec<_> = rendered.iter().map(|r| (r.name.as_str(), r.width, r.height)).collect();
    assert_eq!(sizes, [("v0", 1024, 682), ("v1", 512, 341)]);
    for variant in &rendered {
        let seen = look(&variant.bytes, variant.width, variant.height).rgb(ALL, 64, 43);
        assert_near(&decoded.view.rgb(ALL, 64, 43), &seen, 3.0, &variant.name);
    }
}

#[test]
fn ink_is_read_as_it_is_meant() {
    // Adobe's programs store 255 − ink: here cyan 200, no magenta, yellow 100, black 50.
    let stored = [55, 255, 155, 205].repeat(64 * 48);
    for kind in [Kind::Cmyk, Kind::Ycck] {
        let bytes = code(64, 48, &stored, Coding { kind, ..Coding::PLAIN });
        let seen = look(&bytes, 64, 48).rgb(ALL, 1, 1).data;
        let expected = [55 * 205 / 255, 205, 155 * 205 / 255];
        assert!(seen.iter().zip(expected).all(|(a, b)| i32::from(*a).abs_diff(b) < 4), "{kind:?} shows {seen:?}");
    }
}

#[test]
fn a_photo_is_upright_in_every_orientation() {
    let (width, height) = (96, 64);
    let upright = picture(width, height);
    let expected = look(&code(width, height, &upright, Coding::PLAIN), 96, 64).rgb(ALL, 24, 16);
    for orientation in 1..=8u32 {
        let turned = orientation >= 5;
        let (across, down) = if turned { (height, width) } else { (width, height) };
        // What a camera that was held so would have stored.
        let mut stored = vec![0; upright.len()];
        for y in 0..height {
            for x in 0..width {
                let (to_x, to_y) = crate::resize::tests::stored(orientation, (x, y), (across, down));
                let (from, to) = ((y * width + x) * 3, (to_y * across + to_x) * 3);
                stored[to..to + 3].copy_from_slice(&upright[from..from + 3]);
            }
        }
        let source = source(code(across, down, &stored, Coding::PLAIN), across, down, orientation);
        let view = decode(source, Extent { long_edge: 2048, full: false }).unwrap().view;
        assert_eq!(view.photo_size(), (96, 64));
        assert_near(&expected, &view.rgb(ALL, 24, 16), 3.0, &format!("orientation {orientation}"));
    }
}

#[test]
fn a_window_shows_its_part_and_a_warp_agrees() {
    let (width, height) = (1200, 800);
    let view = look(&code(width, height, &picture(width, height), Coding::PLAIN), 1200, 800);
    let region = Region { x: 0.25, y: 0.5, width: 0.5, height: 0.25 };
    let window = view.rgb(region, 60, 20);
    let map = crate::Affine([0.5 / 60.0, 0.0, 0.25, 0.0, 0.25 / 20.0, 0.5]);
    assert_near(&window, &view.warp(map, 60, 20), 3.0, "the warp");
    let luma = view.luma(region, 60, 20);
    let grey = |p: &[u8]| 0.299 * f64::from(p[0]) + 0.587 * f64::from(p[1]) + 0.114 * f64::from(p[2]);
    assert!(luma.iter().zip(window.data.chunks(3)).all(|(y, rgb)| (f64::from(*y) - grey(rgb)).abs() < 3.0));
    let outside = view.warp(crate::Affine([0.1, 0.0, -1.0, 0.0, 0.1, -1.0]), 4, 4);
    assert!(outside.data.iter().all(|&value| value == 0));
}

#[test]
fn every_format_carries_its_profile_and_shows_the_photo() {
    let (width, height) = (640, 480);
    let bytes = code(width, height, &picture(width, height), Coding::PLAIN);
    let formats = [(Fit::LongEdge(512), OutputFormat::Jpeg), (Fit::LongEdge(512), OutputFormat::WebP)];
    let (decoded, rendered) = process(source(bytes, width, height, 1), &recipe(&formats)).unwrap();
    for variant in rendered {
        let probe = crate::probe(&variant.bytes, &crate::Limits::default()).unwrap();
        assert_eq!((probe.width, probe.height), (512, 384), "{:?}", variant.format);
        assert_eq!(probe.colour, ColourProfile::Srgb, "{:?}", variant.format);
        let shown = Source { bytes: variant.bytes.clone(), probe };
        let shown = decode(shown, Extent { long_edge: 512, full: false }).unwrap().view.rgb(ALL, 64, 48);
        assert_near(&decoded.view.rgb(ALL, 64, 48), &shown, 3.0, variant.format.extension());
        let profile = crate::encode::icc::profile(OutputColour::Srgb);
        assert!(variant.bytes.windows(profile.len()).any(|part| part == profile), "{:?}", variant.format);
    }
}

#[test]
fn full_size_and_large_crops_are_made_of_the_whole_photo() {
    let (width, height) = (4200, 900);
    let bytes = code(width, height, &picture(width, height), Coding::PLAIN);
    let fits = [
        (Fit::LongEdge(512), OutputFormat::Jpeg),
        (Fit::Crop { width: 1, height: 1, long_edge: 900 }, OutputFormat::Jpeg),
        (Fit::Full, OutputFormat::Jpeg),
    ];
    // A panorama's square needs more of it than the extent asks for: it is decoded again.
    for fits in [&fits[..2], &fits[..]] {
        let (decoded, rendered) = process(source(bytes.clone(), width, height, 1), &recipe(fits)).unwrap();
        assert_eq!((rendered[1].width, rendered[1].height), (900, 900));
        let part = Region { x: (1.0 - 900.0 / 4200.0) / 2.0, y: 0.0, width: 900.0 / 4200.0, height: 1.0 };
        let seen = look(&rendered[1].bytes, 900, 900).rgb(ALL, 50, 50);
        assert_near(&decoded.view.rgb(part, 50, 50), &seen, 3.0, "the square");
    }
    let (_, rendered) = process(source(bytes, width, height, 1), &recipe(&fits)).unwrap();
    assert_eq!((rendered[2].width, rendered[2].height), (4200, 900));
}

#[test]
fn a_panic_is_the_photos_own_error() {
    let bytes = code(64, 48, &picture(64, 48), Coding::PLAIN);
    let device = CpuDevice::new(1);
    let mut source = source(bytes, 64, 48, 1);
    let good = device.decode(vec![(source.clone(), Extent { long_edge: 64, full: false })]).remove(0).unwrap();
    let foreign = Decoded { view: good.view, thumbhash: good.thumbhash, held: Box::new(()) };
    let plan = Plan::new(&recipe(&[(Fit::Full, OutputFormat::Jpeg)]), &source.probe, &[]).unwrap();
    assert!(matches!(device.render(vec![(foreign, plan)]).remove(0), Err(Error::Bug(_))));
    assert!(matches!(contained::<()>(|| panic!("thrown {}", 1)), Err(Error::Bug(why)) if why.contains("thrown 1")));
    source.probe.image = 5..900_000;
    assert!(device.decode(vec![(source, Extent { long_edge: 64, full: false })]).remove(0).is_err());
}

/// What the pixels of small photos were, bit for bit, when somebody last looked at them. A change here is a change of every
/// output: it needs a new engine version.
const GOLDEN: &[(&str, &str)] = &[
    ("4:2:0", "3e306d70a7db"),
    ("4:2:0 turned", "bfab8d1fc457"),
    ("4:2:0 mirrored", "9b04a1092d5b"),
    ("4:2:0 transposed", "46ec222e0dc4"),
    ("4:4:4", "88874bdf655f"),
    ("4:2:2", "192c66c54bed"),
    ("4:4:0", "40f42152fbc8"),
    ("4:1:1", "c9c93aec55b1"),
    ("progressive", "889d3862fcc6"),
    ("RGB", "850db2537c6b"),
    ("grey", "952a3b5bfd1e"),
    ("CMYK", "054340c628a7"),
];

#[test]
fn pixels_are_those_that_they_always_were() {
    let (width, height) = (1203, 799);
    let rgb = picture(width, height);
    let plain = Coding::PLAIN;
    let grey: Vec<u8> = rgb.chunks_exact(3).map(|pixel| pixel[0] / 2 + pixel[1] / 2).collect();
    let ink: Vec<u8> = rgb.chunks_exact(3).flat_map(|pixel| [pixel[0], pixel[1], pixel[2], 240]).collect();
    let photos = [
        ("4:2:0", code(width, height, &rgb, plain), 1),
        ("4:2:0 turned", code(width, height, &rgb, plain), 6),
        ("4:2:0 mirrored", code(width, height, &rgb, plain), 2),
        ("4:2:0 transposed", code(width, height, &rgb, plain), 7),
        ("4:4:4", code(width, height, &rgb, Coding { sampling: (1, 1), ..plain }), 1),
        ("4:2:2", code(width, height, &rgb, Coding { sampling: (2, 1), ..plain }), 8),
        ("4:4:0", code(width, height, &rgb, Coding { sampling: (1, 2), ..plain }), 1),
        ("4:1:1", code(width, height, &rgb, Coding { sampling: (4, 1), ..plain }), 3),
        ("progressive", code(width, height, &rgb, Coding { progressive: true, ..plain }), 1),
        ("RGB", code(width, height, &rgb, Coding { kind: Kind::Rgb, sampling: (1, 1), ..plain }), 1),
        ("grey", code(width, height, &grey, Coding { kind: Kind::Grey, sampling: (1, 1), ..plain }), 5),
        ("CMYK", code(width, height, &ink, Coding { kind: Kind::Ycck, ..plain }), 1),
    ];
    let hashes: Vec<(&str, String)> = photos
        .into_iter()
        .map(|(name, bytes, orientation)| {
            let source = source(bytes, width, height, orientation);
            let view = decode(source, Extent { long_edge: 512, full: false }).unwrap().view;
            let mut pixels = view.rgb(Region { x: 0.1, y: 0.2, width: 0.7, height: 0.5 }, 333, 222).data;
            for plane in view.cascade.levels.iter().flat_map(|level| &level.planes) {
                (0..plane.height).for_each(|y| pixels.extend(plane.row(y)));
            }
            (name, procession_domain::ContentHash::of(&pixels).short())
        })
        .collect();
    let golden: Vec<(&str, String)> = GOLDEN.iter().map(|(name, hash)| (*name, (*hash).to_owned())).collect();
    assert_eq!(hashes, golden, "{hashes:#?}");
}

#[test]
fn outputs_are_near_what_floating_point_would_give() {
    // A photo without chroma at half the size: each stage rounds, and their sum must stay below what eyes see.
    let (width, height) = (2600, 1734);
    let grey: Vec<u8> = (0..width * height)
        .map(|i| {
            let (x, y) = ((i % width) as f64, (i / width) as f64);
            (128.0 + 60.0 * (x / 9.0).sin() + 50.0 * (y / 14.0 + x / 40.0).cos()) as u8
        })
        .collect();
    let how = Coding { kind: Kind::Grey, sampling: (1, 1), quality: 100, ..Coding::PLAIN };
    let view = look(&code(width, height, &grey, how), width as u32, height as u32);
    let luma = view.luma(ALL, 1300, 867);
    let squares: f64 = (8..859usize)
        .flat_map(|y| (8..1292usize).map(move |x| (x, y)))
        .map(|(x, y)| {
            let (u, v) = (2.0 * x as f64 + 0.5, 2.0 * y as f64 + 0.5);
            let exact = 127.5 + 60.0 * (u / 9.0).sin() + 50.0 * (v / 14.0 + u / 40.0).cos();
            (f64::from(luma[y * 1300 + x]) - exact).powi(2)
        })
        .sum();
    let psnr = 10.0 * (255.0f64.powi(2) * (851 * 1284) as f64 / squares).log10();
    assert!(psnr > 45.0, "{psnr:.1} dB");
}

#[test]
fn wide_photos_stay_wide_for_people_and_become_srgb_for_models() {
    // Display P3's full red lies outside sRGB; its (153, 102, 102) is sRGB's (161, 101, 102).
    let (width, height) = (200, 150);
    let bytes = code(width, height, &[153, 102, 102].repeat(width * height), Coding::PLAIN);
    let wide = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let mut photo = source(bytes, width, height, 1);
    photo.probe.colour = ColourProfile::Icc(Arc::new(wide));
    let mut recipe = recipe(&[(Fit::LongEdge(100), OutputFormat::Jpeg), (Fit::Full, OutputFormat::Jpeg)]);
    for (colour, expected) in [(OutputColour::Srgb, [161, 101, 102]), (OutputColour::DisplayP3, [153, 102, 102])] {
        recipe.colour = colour;
        let (decoded, rendered) = process(photo.clone(), &recipe).unwrap();
        let near = |seen: &[u8], expected: [u8; 3]| seen.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 3);
        assert!(near(&decoded.view.rgb(ALL, 1, 1).data, [161, 101, 102]), "the models' view is not sRGB");
        for variant in &rendered {
            // As stored, without what the profile says about it.
            let stored = look(&variant.bytes, variant.width, variant.height).rgb(ALL, 1, 1).data;
            assert!(near(&stored, expected), "{colour:?}: {stored:?}");
            let profile = crate::encode::icc::profile(colour);
            assert!(variant.bytes.windows(profile.len()).any(|part| part == profile), "{colour:?}");
        }
    }
}

#[test]
fn chroma_is_kept_whole_where_the_recipe_says_so() {
    let (width, height) = (203, 151);
    let bytes = code(width, height, &picture(width, height), Coding { sampling: (1, 1), ..Coding::PLAIN });
    let mut recipe = recipe(&[(Fit::LongEdge(150), OutputFormat::Jpeg), (Fit::Full, OutputFormat::Jpeg)]);
    for full_chroma in [false, true] {
        recipe.variants.iter_mut().for_each(|spec| spec.formats[0].full_chroma = full_chroma);
        for variant in process(source(bytes.clone(), width, height, 1), &recipe).unwrap().1 {
            let frame = crate::libjpeg::Reader::new(&variant.bytes).unwrap().planes(8).unwrap();
            let across = if full_chroma { variant.width } else { variant.width.div_ceil(2) };
            assert_eq!((frame.planes[0].width, frame.planes[1].width), (variant.width as usize, across as usize));
        }
    }
}
